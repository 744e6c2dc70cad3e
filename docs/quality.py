"""Draw JS-4 on the validation split over seconds of training, for several recipes on each corpus.

python docs/quality.py                          draw docs/quality.png from docs/quality.json
python docs/quality.py CORPUS:RECIPE=RUN ...    first read the numbers from runs
"""

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator, ScalarFormatter

import bgan_text as bt
from bgan_text.training.run import RunFolder
from bgan_text.training.validation import VALIDATION_SAMPLES, TextValidator

DOCS = Path(__file__).parent
KEPT, DRAWN = DOCS / "quality.json", DOCS / "quality.png"
SCORE = "js-4"
STYLES = {
    "--preset bgan": "C0--",
    "--objective wgan-gp": "C4:",
    "token credit, the default": "C1-",
    "--objective mle": "C2-.",
    "real text": "k-",
}
SECONDS = (10, 20, 30, 60, 120)

REAL = "real text"
"""Samples of the test split in place of generated ones: what a perfect generator would have."""

Curve = dict[str, list[float]]


def anchor(run: Path) -> float:
    """JS-4 of as many rows of the test split as are drawn in an evaluation."""
    opened = RunFolder(run)
    data = bt.DatasetDirectory(opened.data_folder())
    validator = TextValidator(data, opened)
    return validator.validate(data.rows("test")[:VALIDATION_SAMPLES], 0).values[SCORE]


def curve(run: Path) -> Curve:
    """Seconds of training, without validation, and JS-4 of a run's evaluations."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_bytes().splitlines()]
    rows = [row for row in rows if SCORE in row and row["seconds"] > 0]
    return {
        "seconds": [round(row["seconds"], 1) for row in rows],
        SCORE: [round(row[SCORE], 4) for row in rows],
    }


def draw(corpora: dict[str, dict[str, Curve]]) -> None:
    """One panel for each corpus, one line for each recipe."""
    figure, panels = plt.subplots(1, len(corpora), figsize=(4.5 * len(corpora), 3.6), sharey=True)
    for panel, (corpus, curves) in zip(panels, corpora.items(), strict=True):
        for name, values in curves.items():
            panel.plot(values["seconds"], values[SCORE], STYLES[name], label=name)
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(FixedLocator(SECONDS))
        panel.xaxis.set_major_formatter(ScalarFormatter())
        panel.xaxis.set_minor_locator(NullLocator())
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.set_title(corpus, fontsize=10)
        panel.set_xlabel("seconds of training")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("JS-4, bits from real text")
    panels[0].set_ylim(0, 1)
    panels[-1].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(DRAWN, dpi=110)


def main() -> None:
    """Read the numbers of the runs that were named, and draw what is kept."""
    if len(sys.argv) > 1:
        taken: dict[str, dict[str, Curve]] = {}
        for argument in sys.argv[1:]:
            name, run = argument.rsplit("=", 1)
            corpus, recipe = name.split(":", 1)
            curves = taken.setdefault(corpus, {})
            curves[recipe] = curve(Path(run))
            curves[REAL] = {"seconds": [SECONDS[0], SECONDS[-1]], SCORE: [round(anchor(Path(run)), 4)] * 2}
        KEPT.write_text(json.dumps(taken, indent=1) + "\n", encoding="utf-8")
    draw(json.loads(KEPT.read_text("utf-8")))


if __name__ == "__main__":
    main()
