"""Samples of a run as text or as images."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from bgan_text.corpora.images import Pixels
from bgan_text.corpora.palette import load_palette
from bgan_text.corpora.tokenizer import load_tokenizer, signature
from bgan_text.errors import UserError
from bgan_text.space import PixelSpace
from bgan_text.training.run import RunFolder, sample_rows


@dataclass(frozen=True, kw_only=True)
class Draw:
    """Which samples of a run: how many, from which noise, of which weights."""

    count: int
    seed: int
    device: torch.device
    temperature: float = 1.0
    average: bool = True
    step: int | None = None


def sampled(run: RunFolder, draw: Draw) -> Iterator[tuple[str, list[int]]]:
    """Samples of a run: text and tokens.

    Everything that can be refused is refused before the first sample.
    """
    if run.images:
        raise UserError(f"{run.folder} makes images, not text")
    tokenizer = load_tokenizer(run.folder)
    _check_signature(run, signature(tokenizer))
    rows = _rows(run, draw)
    return ((tokenizer.decode(row), row) for batch in rows for row in batch.tolist())


def sampled_images(run: RunFolder, draw: Draw) -> Iterator[tuple[Pixels, list[int]]]:
    """The same of images: (height, width, channels) pixels, and tokens."""
    palette = load_palette(run.folder)
    rows = sampled_tensors(run, draw)
    return ((palette.decode(row), row.tolist()) for batch in rows for row in batch.numpy())


def sampled_tensors(run: RunFolder, draw: Draw) -> Iterator[Tensor]:
    """The same in batches of (count, L) int64 tokens or (count, channels, height, width) float32 pixels."""
    _check_signature(run, signature(load_palette(run.folder)))
    if isinstance(run.space, PixelSpace) and draw.temperature != 1.0:
        raise UserError(f"`temperature` {draw.temperature}: continuous images follow from the noise alone")
    return _rows(run, draw)


def _check_signature(run: RunFolder, found: str) -> None:
    if found != run.data["tokenizer"]:
        raise UserError(
            f"the tokenizer or palette in {run.folder} is {found}, the run was trained with "
            f"{run.data['tokenizer']}: the folder was changed"
        )


def _rows(run: RunFolder, draw: Draw) -> Iterator[Tensor]:
    if not 0.0 < draw.temperature < float("inf"):
        raise UserError(f"--temperature {draw.temperature}: a number above 0 is needed")
    if not 0 <= draw.seed < 2**63:
        raise UserError(f"--seed {draw.seed}: a number from 0 up to {2**63 - 1} is needed")
    generator = run.generator(draw.device, step=draw.step, average=draw.average)
    return sample_rows(generator, draw.count, draw.seed, draw.device, draw.temperature)
