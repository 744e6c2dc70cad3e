"""The curves of a sweep as a figure."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from bgan_text.errors import UserError
from bgan_text.evaluation.formats import short_names
from bgan_text.evaluation.inputs import REAL
from bgan_text.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bgan_text.evaluation.sweep import Sweep

AXES = {
    "bleu-5": "quality: BLEU-5",
    "self-bleu-5": "lack of diversity: Self-BLEU-5",
    "forward-likelihood": "quality: log-likelihood of samples, nats per token",
    "reverse-likelihood": "diversity: log-likelihood of real text, nats per token",
    "grammatical": "quality: share of grammatical samples",
    "reverse-log-probability": "diversity: log-probability of real text, nats per sentence",
}
FORMATS = (".png", ".pdf", ".svg")
TITLES = ("n-grams: up and left is better", "up and right is better")


def figure_of(sweep: "Sweep") -> "Figure":
    """A panel per pair of scores, a curve per model, real text as a star."""
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
    return figure


def write_figure(figure: "Figure", path: Path) -> None:
    """Write a figure as its suffix says, whole or not at all.

    Raises:
        UserError: the suffix is not one of `FORMATS`, or the folder does not exist.
    """
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"`out` {path}: a file that ends in {', '.join(FORMATS)} is needed")
    if not path.parent.is_dir():
        raise UserError(f"`out` {path}: there is no folder {path.parent}")
    image = io.BytesIO()
    figure.savefig(image, dpi=130, format=path.suffix.lower().removeprefix("."))
    write_atomically(path, image.getvalue())
