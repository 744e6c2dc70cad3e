"""The curves of a sweep as an image and as a table."""

import io
from pathlib import Path

from rich.table import Table
from rich.text import Text

from bgan_text.cli.score_table import short_names
from bgan_text.evaluation.inputs import REAL
from bgan_text.evaluation.sweep import Point, Sweep
from bgan_text.files import write_atomically

AXES = {
    "bleu-5": "BLEU-5, quality",
    "self-bleu-5": "Self-BLEU-5, sameness",
    "forward-likelihood": "of samples under a model of real text, nats per token",
    "reverse-likelihood": "of real text under a model of samples, nats per token",
    "grammatical": "share of samples that the grammar can make",
    "reverse-log-probability": "of real text under the samples' grammar, exact, nats",
}
HEADINGS = {
    "forward-likelihood": "forward",
    "reverse-likelihood": "reverse",
    "reverse-log-probability": "reverse",
}
TITLES = ("n-grams: up and left is better", "up and right is better")


def draw(sweep: Sweep, path: Path) -> None:
    """Write a PNG: a panel per pair of scores, a curve per model, real text as a star."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.4 * len(sweep.pairs), 4.4), layout="constrained")
    panels = figure.subplots(1, len(sweep.pairs), squeeze=False)[0]
    names = short_names(list(sweep.curves()))
    for panel, (quality, diversity), title in zip(panels, sweep.pairs, TITLES, strict=False):
        for name, points in sweep.curves().items():
            known = [point for point in points if quality in point.scores and diversity in point.scores]
            x, y = ([point.scores[score] for point in known] for score in (diversity, quality))
            marker = "*" if name == REAL else "o"
            panel.plot(x, y, marker=marker, markersize=12 if name == REAL else 5, label=names[name])
            for point, across, up in zip(known, x, y, strict=True):
                if point.temperature is not None:
                    panel.annotate(f"{point.temperature:g}", (across, up), fontsize=7, xytext=(4, 3),
                                   textcoords="offset points")  # fmt: skip
        panel.set(xlabel=AXES[diversity], ylabel=AXES[quality])
        panel.set_title(title, fontsize=10)
        panel.grid(alpha=0.3)
    panels[0].legend(fontsize=8)
    image = io.BytesIO()
    figure.savefig(image, dpi=130, format="png")
    write_atomically(path, image.getvalue())


def table(sweep: Sweep) -> Table:
    """A row per model and temperature."""
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    scores = [score for pair in sweep.pairs for score in pair]
    for heading in ("model", "temperature", *(HEADINGS.get(score, score) for score in scores)):
        shown.add_column(heading, justify="left" if heading == "model" else "right", overflow="fold")
    names = short_names(list(sweep.curves()))
    for point in sweep.points:
        temperature = "-" if point.temperature is None else f"{point.temperature:g}"
        cells = (_cell(point, score) for score in scores)
        shown.add_row(Text(names[point.model]), temperature, *cells)
    return shown


def _cell(point: Point, score: str) -> str:
    value = point.scores.get(score, float("nan"))
    return "-" if value != value else f"{value:.3f}"
