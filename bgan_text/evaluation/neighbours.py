"""Samples beside the training images nearest to them, as an image."""

from pathlib import Path
from typing import Any

import torch

from bgan_text.corpora.image_grid import grid, write_png
from bgan_text.errors import UserError
from bgan_text.evaluation.image_inputs import gather_images, shown
from bgan_text.evaluation.images import pool
from bgan_text.evaluation.inputs import Inputs
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.outputs import refuse_output
from bgan_text.reporter import SILENT, Reporter
from bgan_text.scores.neighbours import nearest

SHOWN_SAMPLES, SHOWN_NEIGHBOURS = 8, 5


def draw_neighbours(
    model: Any,
    path: Path,
    *,
    data: Any = None,
    options: EvaluationOptions | None = None,
    reporter: Reporter = SILENT,
) -> None:
    """Write a PNG with a row for each of the first samples: the sample, then its nearest training images.

    A model that copies shows the same image twice.

    Args:
        model: a run, a folder, archive or .npz of images, or an array of images, as in `evaluate`.
        path: ends in .png.
        data: the dataset directory of the training images; by default that of the run.
        options: `count`, `seed`, `temperature` and `device` choose the samples.
        reporter: hears of images that cannot be read.

    Raises:
        UserError: the path is no .png in an existing folder, or the model makes text.

    Example:
        >>> draw_neighbours("photographs.npz", Path("neighbours.png"), data="data/photographs")
    """
    if path.suffix != ".png" or path.is_dir() or not path.absolute().parent.is_dir():
        raise UserError(f"`neighbours` {path}: a file NAME.png in an existing folder is expected")
    refuse_output("neighbours", path, [*(model.values() if isinstance(model, dict) else [model]), data])
    inputs = Inputs.of(model, data)
    if not inputs.images():
        raise UserError(f"`neighbours` {path} has no meaning for text: it draws images")
    (group, *_), real = gather_images(inputs, options or EvaluationOptions(), reporter)
    samples, among = group.images[:SHOWN_SAMPLES], pool(real)
    count = min(SHOWN_NEIGHBOURS, len(among))
    found = nearest(shown(samples, real.palette), shown(among, real.palette), count)
    rows = torch.cat([samples.unsqueeze(1), among[found.places]], dim=1)
    images = [real.palette.decode(image) for image in rows.flatten(0, 1).numpy()]
    write_png(path, grid(images, columns=1 + count))
