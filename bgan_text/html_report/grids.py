"""Grids of generated images by step beside real ones, as data that lies in the page itself."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bgan_text.corpora.image_grid import grid
from bgan_text.errors import UserError
from bgan_text.files import read_bounded
from bgan_text.html_report.opened import OpenRun
from bgan_text.html_report.shown_samples import evaluated, spread

MOST_BYTES = 1_500_000
"""Of all grids of a page."""
LARGEST_GRID = 2**24
"""Bytes of a grid that is read, and its pixels."""
REAL_IMAGES = 64
MOST_GRIDS, LEAST_GRIDS = 40, 6
"""Of a run; below the second they are compressed with loss rather than left out."""
QUALITY = 80
EDGE = 512
"""Pixels a side of a grid that is compressed with loss."""


def image_grids(run: OpenRun, share: float) -> dict[str, Any] | None:
    """The grids of the validations of a run, and one of real images; None of text.

    Args:
        run: of images.
        share: of `MOST_BYTES`.

    Returns:
        `evaluations`, each with `step`, `seconds`, `scores`, and `image`, the address of its data; `real`,
        the address of real images, or None.
    """
    rows = [row for row in run.evaluated if row.get("grid") and _path(run, row["step"]).is_file()]
    if not rows:
        return None
    chosen = spread(rows, run.best, MOST_GRIDS)
    images = {row["step"]: _read(_path(run, row["step"])) for row in chosen}
    real, budget = _real(run), int(MOST_BYTES * share)
    if sum(map(len, images.values())) + len(real) > budget:
        each = np.mean([len(image) for image in images.values()])
        fit = int((budget - len(real)) / max(float(each), 1.0))
        if fit < min(LEAST_GRIDS, len(chosen)):
            images = {step: _smaller(image) for step, image in images.items()}
            real = _smaller(real) if real else real
            largest = max(len(image) for image in images.values())
            fit = (budget - len(real)) // max(1, largest)
        chosen = spread(chosen, run.best, max(2, fit))
    evaluations = [evaluated(row, run) | {"image": _address(images[row["step"]])} for row in chosen]
    return {"evaluations": evaluations, "real": _address(real) if real else None}


def _path(run: OpenRun, step: int) -> Path:
    """Where a grid lies by its step, whatever name the metrics of a stranger give."""
    return run.run.grids() / f"{step:09d}.png"


def _read(path: Path) -> bytes:
    if path.is_symlink():
        raise UserError(f"{path} is a link to another file: put a file in its place")
    content = read_bounded(path, LARGEST_GRID)
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            if image.width * image.height > LARGEST_GRID:
                raise UserError(f"{path} is damaged: it has {image.width} x {image.height} pixels")
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{path} is damaged: it is no PNG image") from error
    return content


def _real(run: OpenRun) -> bytes:
    """A grid of images of the validation split; empty without data."""
    if run.data is None:
        return b""
    palette = run.data.palette()
    places = np.arange(min(REAL_IMAGES, run.data.counts["validation"]))
    rows = run.data.chosen("validation", places).numpy()
    file = io.BytesIO()
    grid([palette.decode(row) for row in rows]).save(file, "PNG", optimize=True)
    return file.getvalue()


def _smaller(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        small = image.convert("RGB")
        small.thumbnail((EDGE, EDGE), Image.Resampling.BOX)
        file = io.BytesIO()
        small.save(file, "WEBP", quality=QUALITY)
    return file.getvalue()


def _address(content: bytes) -> str:
    kind = "png" if content.startswith(b"\x89PNG") else "webp"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
