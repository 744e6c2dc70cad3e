"""Samples of a run as text or as pictures."""

from collections.abc import Iterator

import torch
from torch import Tensor

from bgan_text.corpora.palette import load_palette
from bgan_text.corpora.pictures import Pixels
from bgan_text.corpora.tokenizer import load_tokenizer, signature
from bgan_text.errors import UserError
from bgan_text.run import Run, sample_rows
from bgan_text.space import Canvas


def sampled(
    run: Run,
    count: int,
    seed: int,
    device: torch.device,
    *,
    temperature: float = 1.0,
    average: bool = True,
    step: int | None = None,
) -> Iterator[tuple[str, list[int]]]:
    """`count` samples of a run: text and tokens.

    Everything that can be refused is refused before the first sample.
    """
    if run.pictures:
        raise UserError(f"{run.folder} makes pictures, not text")
    tokenizer = load_tokenizer(run.folder)
    _check_signature(run, signature(tokenizer))
    rows = _rows(run, count, seed, device, temperature, average, step)
    return ((tokenizer.decode(row), row) for batch in rows for row in batch.tolist())


def sampled_pictures(
    run: Run,
    count: int,
    seed: int,
    device: torch.device,
    *,
    temperature: float = 1.0,
    average: bool = True,
    step: int | None = None,
) -> Iterator[tuple[Pixels, list[int]]]:
    """`count` samples of a run: (height, width, channels) pixels, and tokens."""
    palette = load_palette(run.folder)
    _check_signature(run, signature(palette))
    if isinstance(run.space, Canvas) and temperature != 1.0:
        raise UserError(
            f"--temperature {temperature}: pixels that are real numbers follow from the noise alone"
        )
    rows = _rows(run, count, seed, device, temperature, average, step)
    return ((palette.decode(row), row.tolist()) for batch in rows for row in batch.numpy())


def _check_signature(run: Run, found: str) -> None:
    if found != run.data["tokenizer"]:
        raise UserError(
            f"the tokenizer or palette in {run.folder} is {found}, the run was trained with "
            f"{run.data['tokenizer']}: the folder was changed"
        )


def _rows(
    run: Run,
    count: int,
    seed: int,
    device: torch.device,
    temperature: float,
    average: bool,
    step: int | None,
) -> Iterator[Tensor]:
    if not 0.0 < temperature < float("inf"):
        raise UserError(f"--temperature {temperature}: a number above 0 is needed")
    if not 0 <= seed < 2**63:
        raise UserError(f"--seed {seed}: a number from 0 up to {2**63 - 1} is needed")
    generator = run.generator(device, step=step, average=average)
    return sample_rows(generator, count, seed, device, temperature)
