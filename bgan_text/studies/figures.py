"""Figures of experiments: grids of real and generated images, and curves."""

import io
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw

from bgan_text.corpora.image_grid import grid
from bgan_text.corpora.images import Pixels
from bgan_text.studies.experiment_runs import ExperimentRuns
from bgan_text.studies.steps import sample_pixels

ACROSS = 16
"""Images across all grids that stand side by side."""
MOST = (ACROSS // 2) ** 2
"""The most images of a grid."""
HEADING = 40
GAP = 12
GREY = 255
FEW = 10
"""A curve with fewer points shows each of them: a single one makes no line."""


def side_by_side(grids: Mapping[str, Sequence[Pixels]]) -> bytes:
    """A PNG of square grids with their names above. The more grids, the fewer images in each."""
    side = ACROSS // max(2, len(grids))
    images = {name: grid(images[: side**2], side).convert("RGB") for name, images in grids.items()}
    width = sum(image.width for image in images.values()) + GAP * (len(images) - 1)
    height = max(image.height for image in images.values()) + HEADING
    canvas = Image.new("RGB", (width, height), (GREY,) * 3)
    left = 0
    for name, image in images.items():
        ImageDraw.Draw(canvas).text((left + 2, 2), name, fill=(0, 0, 0), font_size=HEADING - 12)
        canvas.paste(image, (left, HEADING))
        left += image.width + GAP
    file = io.BytesIO()
    canvas.save(file, "PNG", optimize=True)
    return file.getvalue()


def samples_of(runs: ExperimentRuns, method: str) -> list[Pixels]:
    """As many samples of the run with seed 0 as a grid has."""
    return sample_pixels(runs.folder(method), MOST, 0, runs.device)


def real_of(runs: ExperimentRuns) -> list[Pixels]:
    """As many real images of the test split as a grid has."""
    palette = runs.dataset.palette()
    return [palette.decode(row) for row in runs.dataset.rows("test")[:MOST].numpy()]


def curves(panels: Mapping[str, Mapping[str, tuple[list[float], list[float]]]], xlabel: str) -> bytes:
    """A PNG of panels by title. Each has curves by name, given by their x and y values."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(panels), 3.4), layout="constrained")
    for panel, (title, lines) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        for name, (x, y) in lines.items():
            panel.plot(x, y, label=name, marker="." if len(x) < FEW else "")
        panel.set_title(title, fontsize=10)
        panel.set_xlabel(xlabel)
        panel.grid(alpha=0.3)
        panel.legend(fontsize=8)
    file = io.BytesIO()
    figure.savefig(file, dpi=110, format="png")
    return file.getvalue()
