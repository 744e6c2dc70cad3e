"""Draw learning curves of runs: JS-1..4 on the validation split over training time.

python docs/figures.py docs/lm1b.json                  draw docs/lm1b.png from stored numbers
python docs/figures.py docs/lm1b.json NAME=RUN ...     first read the numbers from runs
"""

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt

ORDERS = (1, 2, 3, 4)


def curve(run: Path) -> dict[str, list[float]]:
    """Minutes and JS-1..4 of a run's evaluations."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_bytes().splitlines()]
    rows = [row for row in rows if "samples" in row]
    curves = {"minutes": [round(row["seconds"] / 60, 2) for row in rows]}
    return curves | {f"js-{order}": [round(row[f"js-{order}"], 4) for row in rows] for order in ORDERS}


def draw(curves: dict[str, dict[str, list[float]]], path: Path) -> None:
    """Draw one panel per model with a curve for each order."""
    figure, panels = plt.subplots(1, len(curves), figsize=(3.4 * len(curves), 3), sharey=True, squeeze=False)
    for panel, (name, values) in zip(panels[0], curves.items(), strict=True):
        for order in ORDERS:
            panel.plot(values["minutes"], values[f"js-{order}"], label=f"JS-{order}")
        panel.set_title(name, fontsize=10)
        panel.set_xlabel("minutes of training")
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel("bits from real text")
    panels[0][0].set_ylim(0, 1)
    panels[0][-1].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    kept = Path(sys.argv[1])
    if len(sys.argv) > 2:
        named = (argument.split("=", 1) for argument in sys.argv[2:])
        taken = {name: curve(Path(run)) for name, run in named}
        kept.write_text(json.dumps(taken, indent=1) + "\n", encoding="utf-8")
    draw(json.loads(kept.read_text("utf-8")), kept.with_suffix(".png"))
