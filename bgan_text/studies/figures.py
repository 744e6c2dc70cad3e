"""Images that experiments end with: real beside generated grids, and curves."""

import io
from collections.abc import Mapping, Sequence

import torch
from PIL import Image, ImageDraw

from bgan_text.corpora.image_grid import grid
from bgan_text.corpora.images import Pixels
from bgan_text.sampling import sample_images
from bgan_text.sampling_options import SamplingOptions
from bgan_text.studies.runner import Runner
from bgan_text.training.run import RunFolder

ACROSS = 16
"""Images across all grids that stand side by side."""
MOST = (ACROSS // 2) ** 2
"""Images that a grid has at most."""
HEADING = 40
GAP = 12
GREY = 255
FEW = 10
"""Points of a curve below which each is marked: one alone makes no line."""


def side_by_side(grids: Mapping[str, Sequence[Pixels]]) -> bytes:
    """A PNG of several square grids with their names above: the more grids, the fewer images in each."""
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


def samples_of(run: RunFolder, device: torch.device, seed: int = 0) -> list[Pixels]:
    """As many samples as a grid has."""
    options = SamplingOptions(count=MOST, seed=seed)
    return [pixels for pixels, _ in sample_images(run, options, device)]


def real_of(bench: Runner) -> list[Pixels]:
    """As many real images as a grid has, of those that were held out."""
    palette = bench.prepared.palette()
    return [palette.decode(row) for row in bench.prepared.rows("test")[:MOST].numpy()]


def curves(panels: Mapping[str, Mapping[str, tuple[list[float], list[float]]]], xlabel: str) -> bytes:
    """A PNG of panels by their title, in each of them curves by name: x and y values."""
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
