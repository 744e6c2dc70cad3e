"""Ask a run for samples, walks between noise vectors, and scores of texts."""

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.images import Pixels
from bgan_text.corpora.palette import load_palette
from bgan_text.corpora.tokenizer import load_tokenizer
from bgan_text.corpora.units import one_line
from bgan_text.errors import UserError
from bgan_text.exploration.kept_nets import KeptExport, kept_nets
from bgan_text.exploration.options import DrawOptions, ScoreOptions, WalkOptions
from bgan_text.exploration.text_scores import (
    TextScore,
    has_capitals,
    row_of,
    scores_of,
    without_scores,
)
from bgan_text.exploration.walking import shares, walk
from bgan_text.runs import Run, load_run
from bgan_text.sampling import refuse_classifier, sample_images, sample_tensors, sample_text
from bgan_text.sampling_options import WEIGHTS, SamplingOptions
from bgan_text.space import PixelSpace, TokenSpace
from bgan_text.training.candidates import scorer
from bgan_text.training.exported import name_on_hub

COMPARED = 200
"""Samples of the run whose scores those of texts are compared with."""


@dataclass(frozen=True)
class Drawn:
    """Samples of a run.

    Attributes:
        step: of the checkpoint that they come from.
        samples: texts, or (height, width, channels) uint8 pixels.
        effective: how many of the candidates of a sample carry the weight, a mean; None without candidates.
    """

    step: int
    samples: list[str] | list[Pixels]
    effective: float | None


@dataclass(frozen=True)
class Walked:
    """Samples on a walk.

    Attributes:
        step: of the checkpoint that they come from.
        shares: how far along the way each place is, from 0 to 1.
        places: the samples at each place.
    """

    step: int
    shares: list[float]
    places: list[list[str]] | list[list[Pixels]]


class Explorer:
    """A run, of which one asks this and that. Its nets stay in memory, and only one thread may ask at a time.

    Args:
        run: the run or exported model, its folder, or `hf:user/name` of the Hugging Face hub.

    An exported model has one kind of weights, see `weights`; others are refused.

    Raises:
        UserError: the folder holds no run, or one without a checkpoint, or a classifier.

    Example:
        >>> explorer = Explorer("runs/poems")
        >>> explorer.draw(count=2, seed=1).samples == load_run("runs/poems").sample(2, seed=1)
        True
        >>> len(explorer.walk(first=1, second=2, places=5, count=2).places)
        5
        >>> score = explorer.score("the moon")[0]
        >>> [token.text for token in score.tokens][:4]
        ['t', 'h', 'e', ' ']
    """

    def __init__(self, run: Run | str | os.PathLike[str]) -> None:
        self.run = run if isinstance(run, Run) else load_run(run)
        self._compared: tuple[int, Tensor] | None = None
        self._nets = kept_nets(Path(self.run.folder), self.run.parts)
        refuse_classifier(self._nets)
        # One sample, so that what is wrong is told now.
        next(sample_tensors(self._nets, self._sampling(1), self.run.device))

    @property
    def images(self) -> bool:
        """Whether the samples are images."""
        return self._nets.images

    @property
    def name(self) -> str:
        """How other commands name it: the path of its folder, or a model and commit of the hub."""
        return name_on_hub(self._nets.folder) or str(self._nets.folder)

    @property
    def weights(self) -> tuple[str, ...]:
        """The weights that it can sample from. An exported model has one kind."""
        return (self._nets.record.weights,) if isinstance(self._nets, KeptExport) else WEIGHTS

    @property
    def checkpoints(self) -> list[int]:
        """The steps of the checkpoints, ascending. A run that is being trained gets others."""
        return list(self._nets.checkpoints())

    @property
    def best(self) -> int | None:
        """The step of the best checkpoint; None if none was validated."""
        return self._nets.best()

    def draw(self, options: DrawOptions | None = None, **given: Any) -> Drawn:
        """Draw samples: those of `Run.sample`, and of `bgan-text sample`.

        Args:
            options: which; by default made from `given`.
            given: fields of `DrawOptions`.

        Raises:
            UserError: a value is out of range, or the run cannot draw such samples.
        """
        chosen = DrawOptions(**given) if options is None else options
        step = self._nets.pinned(chosen.step)
        draw = sample_images if self.images else sample_text
        samples: Any = draw(self._nets, chosen.sampling(step), self.run.device)
        found = [sample for sample, _ in samples]
        return Drawn(step, found, samples.effective.mean)

    def walk(self, options: WalkOptions | None = None, **given: Any) -> Walked:
        """Walk from the noise of one seed to that of another; see `bgan_text.exploration.walking`.

        Args:
            options: the walk; by default made from `given`.
            given: fields of `WalkOptions`.

        Raises:
            UserError: a value is out of range.
        """
        chosen = WalkOptions(**given) if options is None else options
        if isinstance(self._nets.space, PixelSpace) and chosen.temperature != 1.0:
            raise UserError(
                f"`temperature` {chosen.temperature}: continuous images follow from the noise alone"
            )
        step = self._nets.pinned(chosen.step)
        generator = self._nets.generator(self.run.device, step=step, average=chosen.weights == "average")
        places: Any = [self._decoded(rows) for rows in walk(generator, chosen, self.run.device)]
        return Walked(step, shares(chosen.places), places)

    def score(self, *texts: str, step: int | str | None = None) -> list[TextScore]:
        """The discriminator's scores of texts, each a sample, and of their tokens.

        Texts are read as `prepare` read the data: in lower case if `lowercase` says so. `above` says how many
        of 200 samples of the same checkpoint score higher.

        Args:
            texts: each a sample, as it would be in the data.
            step: the step of a checkpoint, or "best"; None for the last one.

        Raises:
            UserError: the run has no discriminator or makes images, or a text does not fit its samples.
        """
        chosen, nets = ScoreOptions(texts=texts, step=step), self._nets
        space = self._scored_space()
        step_of_it = nets.pinned(chosen.step)
        discriminator = nets.discriminator(self.run.device, step=step_of_it)
        tokenizer = load_tokenizer(nets.folder)
        read = [self._as_prepared(text) for text in chosen.texts]
        found = scores_of(read, discriminator, nets.config, tokenizer, space, self.run.device)
        samples = self._sample_scores(step_of_it)
        return [
            replace(one, text=text, above=float((samples > one.score).float().mean()))
            for text, one in zip(chosen.texts, found, strict=True)
        ]

    def misfit(self, text: str) -> str | None:
        """Why a text is no sample of the run, such as that it is too long; None if it can be scored.

        Raises:
            UserError: the run scores no text at all.
        """
        space, tokenizer = self._scored_space(), load_tokenizer(self._nets.folder)
        try:
            row_of(self._as_prepared(text), tokenizer, space)
        except UserError as error:
            return str(error)
        return None

    @cached_property
    def lowercase(self) -> bool:
        """Whether texts are scored in lower case, because the data were prepared with `lowercase`.

        The card of the dataset directory tells it. Where that is gone, as for an exported model, the
        vocabulary does: one without any capital letter reads lower case only.
        """
        if self.images:
            return False
        with suppress(UserError):  # it is gone, damaged, or another one
            data = DatasetDirectory(self._nets.data_folder())
            if data.signature == self._nets.data["signature"]:
                return data.lowercase
        return not has_capitals(load_tokenizer(self._nets.folder))

    def _as_prepared(self, text: str) -> str:
        return one_line(text).lower() if self.lowercase else one_line(text)

    def _scored_space(self) -> TokenSpace:
        if (reason := self.without_scores) is not None:
            raise UserError(f"{self.name} scores no text: {reason}")
        assert isinstance(self._nets.space, TokenSpace)
        return self._nets.space

    @torch.no_grad()
    def _sample_scores(self, step: int) -> Tensor:
        """The scores of some samples of a checkpoint by its discriminator, to compare those of texts with."""
        if self._compared is None or self._compared[0] != step:
            nets, device = self._nets, self.run.device
            score = scorer(nets.discriminator(device, step=step), nets.config.credit, nets.space)
            rows = sample_tensors(nets, self._sampling(COMPARED, step), device)
            self._compared = step, torch.cat([score(block.to(device)).cpu() for block in rows])
        return self._compared[1]

    @property
    def without_scores(self) -> str | None:
        """Why the run scores no text; None if it does."""
        return "its samples are images" if self.images else without_scores(self._nets.config)

    def pinned(self, step: int | str | None) -> int:
        """The step of a checkpoint that is there: the one asked for, the best for "best", or the last.

        Raises:
            UserError: there is none.
        """
        return self._nets.pinned(step)

    def _sampling(self, count: int, step: int | None = None) -> SamplingOptions:
        """Samples from the first of the weights."""
        return SamplingOptions(count=count, step=step, weights=self.weights[0])

    def _decoded(self, rows: Tensor) -> list[Any]:
        if self.images:
            palette = load_palette(self._nets.folder)
            return [palette.decode(row) for row in rows.numpy()]
        tokenizer = load_tokenizer(self._nets.folder)
        return [tokenizer.decode(row) for row in rows.tolist()]
