"""Samples of a run folder as text, images or tensors, one after the other."""

from collections.abc import Iterator

import torch
from torch import Tensor

from bgan_text.corpora.images import Pixels
from bgan_text.corpora.palette import load_palette
from bgan_text.corpora.tokenizer import load_tokenizer, signature
from bgan_text.errors import UserError
from bgan_text.sampling_blocks import Block, BlockSampler, blocks_of
from bgan_text.sampling_options import IMAGES, TEXTS, SamplingOptions
from bgan_text.sampling_processes import blocks_by_processes, refuse_unsendable
from bgan_text.space import LabelSpace, PixelSpace
from bgan_text.training.candidates import EffectiveCandidates, Samples
from bgan_text.training.run import RunFolder


def refuse_classifier(run: RunFolder) -> None:
    """Refuse a classifier where samples are needed.

    Raises:
        UserError: the run labels images.
    """
    if isinstance(run.space, LabelSpace):
        raise UserError(f"{run.folder} labels images and makes none: it cannot be sampled")


def sample_text(
    run: RunFolder, options: SamplingOptions, device: torch.device
) -> Samples[tuple[str, list[int]]]:
    """Draw samples of a run on text.

    Args:
        run: the run folder.
        options: which samples; `count` None stands for 10.
        device: where the generator runs.

    Returns:
        An iterator over texts and their L tokens. Bad input is refused before the first sample.

    Raises:
        UserError: the run makes no text, has no such checkpoint, or its tokenizer was changed.

    Example:
        >>> from pathlib import Path
        >>> run = RunFolder(Path("runs/poems"))
        >>> samples = sample_text(run, SamplingOptions(count=2), torch.device("cpu"))
        >>> [len(tokens) for text, tokens in samples]
        [32, 32]
    """
    refuse_classifier(run)
    if run.images:
        raise UserError(f"{run.folder} makes images, not text")
    tokenizer = load_tokenizer(run.folder)
    _check_signature(run, signature(tokenizer))
    rows = _rows(run, options, device)
    texts = ((tokenizer.decode(row), row) for batch in rows for row in batch.tolist())
    return Samples(texts, rows.effective, rows.step)


def sample_images(
    run: RunFolder, options: SamplingOptions, device: torch.device
) -> Samples[tuple[Pixels, list[int]]]:
    """Draw samples of a run on images.

    Args:
        run: the run folder.
        options: which samples; `count` None stands for 64.
        device: where the generator runs.

    Returns:
        An iterator over (height, width, channels) uint8 pixels and what the generator drew: H * W tokens, or
        nested lists of pixels in -1 .. 1.

    Raises:
        UserError: the run makes no images, has no such checkpoint, or its palette was changed.
    """
    palette = load_palette(run.folder)
    rows = sample_tensors(run, options, device)
    images = ((palette.decode(row), row.tolist()) for batch in rows for row in batch.numpy())
    return Samples(images, rows.effective, rows.step)


def sample_tensors(run: RunFolder, options: SamplingOptions, device: torch.device) -> Samples[Tensor]:
    """Draw samples of a run as the generator gives them.

    Args:
        run: the run folder.
        options: which samples.
        device: where the generator runs.

    Returns:
        An iterator over batches: (n, L) int64 tokens or (n, channels, height, width) float32 pixels in -1 ..
        1.

    Raises:
        UserError: the run has no such checkpoint, its palette or tokenizer was changed, or a temperature is
            given for continuous images.
    """
    refuse_classifier(run)
    codec = load_palette(run.folder) if run.images else load_tokenizer(run.folder)
    _check_signature(run, signature(codec))
    if isinstance(run.space, PixelSpace) and options.temperature != 1.0:
        raise UserError(f"`temperature` {options.temperature}: continuous images follow from the noise alone")
    return _rows(run, options, device)


def _check_signature(run: RunFolder, found: str) -> None:
    if found != run.data["tokenizer"]:
        raise UserError(
            f"the tokenizer or palette in {run.folder} is {found}, the run was trained with "
            f"{run.data['tokenizer']}: the folder was changed"
        )


def _rows(run: RunFolder, options: SamplingOptions, device: torch.device) -> Samples[Tensor]:
    sampler = BlockSampler(run, options, device)  # which refuses what cannot work
    usual = IMAGES if run.images else TEXTS
    count = usual if options.count is None else options.count
    effective = EffectiveCandidates()
    if (options.processes or 1) > 1 and count > sampler.size:
        refuse_unsendable(run)
        blocks = blocks_by_processes(run, sampler.options, device, count, sampler.size)
    else:
        blocks = (sampler.draw(*block) for block in blocks_of(count, sampler.size))
    return Samples(_noted(blocks, effective), effective, sampler.step)


def _noted(blocks: Iterator[Block], effective: EffectiveCandidates) -> Iterator[Tensor]:
    """The samples of blocks; the effective numbers of their candidates are added up."""
    for block in blocks:
        effective.total += block.effective.total
        effective.samples += block.effective.samples
        yield block.rows
