"""Blocks of samples, each of which follows from the seed and its number alone, so that processes share them.

See `bgan_text.training.samples` for why the samples are the same whoever draws which block.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from bgan_text.sampling_options import PREFIXES, SamplingOptions
from bgan_text.scores.threads import one_thread
from bgan_text.space import TokenSpace
from bgan_text.training.candidates import EffectiveCandidates, Scorer, kept, scorer
from bgan_text.training.drawing import Drawing
from bgan_text.training.particles import Guide, groups_of, grown_rows, guide_of, refuse_unsteppable
from bgan_text.training.run import RunFolder
from bgan_text.training.samples import CHOICE, SAMPLING_BATCH, block_stream, drawn_rows, ended


@dataclass(frozen=True)
class Block:
    """The samples of a block, and how many of their candidates carry the weight."""

    rows: Tensor
    effective: EffectiveCandidates


class BlockSampler:
    """Draws one block of samples at a time.

    Args:
        run: the run folder.
        options: which samples.
        device: where the nets run.

    Raises:
        UserError: the run cannot draw such samples, or has no such checkpoint.
    """

    def __init__(self, run: RunFolder, options: SamplingOptions, device: torch.device) -> None:
        self.step = run.pinned(options.step)  # the run may be training on meanwhile
        self.generator: Any = run.generator(device, step=self.step, average=options.weights == "average")
        self.options, self.device, self.space = replace(options, step=self.step), device, run.space
        Drawing(options.candidates, options.correct).refuse(run.config, run.folder)
        self.score: Scorer | None = None
        self.guide: Callable[[], Guide] | None = None
        if options.correct == PREFIXES:
            refuse_unsteppable(self.generator, options.candidates, device)
            assert isinstance(run.space, TokenSpace)  # no other samples have prefixes
            self.guide = guide_of(run.config, run.discriminator(device, step=self.step), run.space)
        elif options.candidates > 1:
            self.score = scorer(run.discriminator(device, step=self.step), run.config.credit, run.space)

    @property
    def size(self) -> int:
        """Samples of a whole block."""
        return SAMPLING_BATCH if self.options.candidates == 1 else groups_of(self.options.candidates)

    def draw(self, block: int, count: int) -> Block:
        """The first `count` samples of a block, at most `size`.

        One thread computes where processes were asked for: with other numbers of threads, sums may be
        rounded in other ways.
        """
        with self._threads():
            return self._draw(block, count)

    def _threads(self) -> AbstractContextManager[None]:
        return nullcontext() if self.options.processes is None else one_thread()

    @torch.no_grad()
    def _draw(self, block: int, count: int) -> Block:
        options, effective = self.options, EffectiveCandidates()
        rng = block_stream(options.seed, block, self.device)
        if self.guide is not None:
            rows = grown_rows(
                self.generator,
                self.guide,
                count,
                rng,
                candidates=options.candidates,
                temperature=options.temperature,
                effective=effective,
            )
            return Block(rows, effective)
        drawn = drawn_rows(self.generator, count * options.candidates, rng, options.temperature)
        if self.score is not None:
            choice = block_stream(options.seed, block + CHOICE, torch.device("cpu"))
            drawn = kept(drawn, self.score, options.candidates, choice, self.device, effective)
        return Block(ended(torch.cat(list(drawn)), self.space), effective)


def blocks_of(count: int, size: int) -> Iterator[tuple[int, int]]:
    """The number and the count of samples of each block, of `count` samples in all.

    Example:
        >>> list(blocks_of(600, 256))
        [(0, 256), (1, 256), (2, 88)]
    """
    for block, start in enumerate(range(0, count, size)):
        yield block, min(size, count - start)
