"""What is evaluated: models, and the real samples they are compared with."""

import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from torch import Tensor

from bgan_text.corpora.byte_streams import exists
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.images import Pixels
from bgan_text.errors import UserError
from bgan_text.evaluation.candidate_settings import refuse_if_none_can
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.reporter import Reporter
from bgan_text.sampling import refuse_classifier
from bgan_text.sharing.hub import is_hub, is_run
from bgan_text.sharing.opening import opened
from bgan_text.training.run import RunFolder

REAL = "real"
"""The name of the anchor, real samples that are scored like those of a model."""
MEMORY = "samples"
"""The name of samples that were given as a Python object and without a name."""

Item = TypeVar("Item")
Content = RunFolder | str | list[str] | Pixels
"""Where samples come from: a run, the path of a file or folder, texts, or (S, height, width, C) images."""
Text = str | list[str]
"""Real text: the path of a file, or the texts themselves."""


@dataclass(frozen=True)
class Source:
    """A model to score: a name, and where its samples come from."""

    name: str
    content: Content = field(repr=False)

    @property
    def run(self) -> RunFolder | None:
        """The run, if the samples come from one."""
        return self.content if isinstance(self.content, RunFolder) else None


@dataclass(frozen=True)
class Inputs:
    """The models to score, and the real samples they are compared with.

    `data`: a dataset directory; by default that of the runs. `reference` and `train`: real text in its place.
    """

    models: tuple[Source, ...]
    data: DatasetDirectory | None = None
    reference: Text | None = None
    train: Text | None = None

    @classmethod
    def of(cls, models: Any, data: Any = None, reference: Any = None, train: Any = None) -> "Inputs":
        """Accept everything that `evaluate` accepts."""
        sources = _sources(models)
        return cls(sources, _dataset(data), _text("reference", reference), _text("train", train))

    @property
    def runs(self) -> dict[str, RunFolder]:
        """The models that are runs, by name."""
        return {source.name: source.run for source in self.models if source.run is not None}

    def refuse_options_of_runs(self, options: EvaluationOptions) -> None:
        """Refuse options that only runs have a use for, such as a checkpoint, if no run can use them."""
        for name in ("step", "temperature", "candidates", "correct"):
            value = getattr(options, name)
            if value != getattr(EvaluationOptions, name) and not self.runs:
                names = ", ".join(source.name for source in self.models)
                raise UserError(f"`{name}` {value}: it is for runs, and {names} is none")
        refuse_if_none_can(self.runs, options)

    def dataset(self, reporter: Reporter) -> DatasetDirectory | None:
        """The dataset directory that was given, or that of the runs; None with a reference alone."""
        if self.data is not None:
            for name, run in self.runs.items():
                if run.data["signature"] != self.data.signature:
                    reporter.warning(f"{name} was trained on other data than {self.data.folder}.")
            return self.data
        if self.reference is not None:
            return self._data_of_runs(reporter)
        if not self.runs:
            texts = [one.content for one in self.models if isinstance(one.content, str)]
            if absent := [text for text in texts if not exists(text)]:
                raise UserError(f"there is no run and no file {absent[0]}; bgan-text train makes a run")
            names = ", ".join(source.name for source in self.models)
            raise UserError(
                f"there is nothing to compare {names} with: give `reference`, real text with a sample a "
                "line, or `data`, a dataset directory"
            )
        return _dataset_of(self.runs)

    def _data_of_runs(self, reporter: Reporter) -> DatasetDirectory | None:
        """What all runs were trained on, if that is one dataset directory and still as it was."""
        if not self.runs:
            return None
        try:
            return _dataset_of(self.runs)
        except UserError:
            if self.train is None:
                reporter.warning(
                    f"the data of {', '.join(self.runs)} are gone or changed, or not one dataset directory: "
                    "scores that compare with training text are left out."
                )
            return None

    def images(self) -> bool:
        """Whether the samples are images, not text.

        Raises:
            UserError: some are and some are not.
        """
        kinds = {source.name: kind for source in self.models if (kind := _kind(source)) is not None}
        if len(set(kinds.values())) > 1:
            text, image = (next(name for name in kinds if kinds[name] is kind) for kind in (False, True))
            raise UserError(f"{text} makes text and {image} makes images: score one kind at a time")
        made = next(iter(kinds.values()), None)
        if self.data is None:
            return bool(made)
        held = self.data.images
        if made is not None and made != held:
            words = ("text", "images")
            raise UserError(
                f"`data` {self.data.folder} holds {words[held]}, {next(iter(kinds))} makes {words[made]}"
            )
        return held


def _kind(source: Source) -> bool | None:
    """Whether a source makes images; None for a file, of which only the data tell."""
    if isinstance(source.content, RunFolder):
        return source.content.images
    return None if isinstance(source.content, str) else isinstance(source.content, np.ndarray)


def _sources(models: Any) -> tuple[Source, ...]:
    if isinstance(models, Mapping):
        named = [Source(str(name), _content(model)) for name, model in models.items()]
    else:
        given = [models] if _is_one(models) else list(models)
        _refuse_loose_texts(given)
        named = list(_named(given))
    if not named:
        raise UserError("`models` is empty: a run, a file or samples are expected")
    if any(source.name == REAL for source in named):
        raise UserError(f"a model called {REAL!r} would be taken for the anchor: rename it")
    return tuple(_distinct(named))


def _distinct(named: Iterable[Source]) -> list[Source]:
    """Each path once; samples in memory whose name is taken already get another one."""
    found: dict[str, Source] = {}
    for source in named:
        name, number = source.name, 2
        while name in found and isinstance(source.content, list | np.ndarray):
            name, number = f"{source.name}-{number}", number + 1
        found.setdefault(name, replace(source, name=name))
    return list(found.values())


def _is_one(models: Any) -> bool:
    single = isinstance(models, str | os.PathLike | np.ndarray | Tensor)
    return single or hasattr(models, "folder") or not isinstance(models, Iterable)


def _refuse_loose_texts(models: list[Any]) -> None:
    """A list of texts is easily taken for a list of files."""
    loose = len(models) > 1 and all(isinstance(one, str) for one in models)
    if loose and not any(one == "-" or exists(one) for one in models):
        raise UserError(
            f"none of the {len(models):,} strings in `models` is a file: texts are given as [texts] or "
            "{'name': texts}"
        )


def _named(models: Iterable[Any]) -> Iterator[Source]:
    """Names: those of folders and files, and "samples", "samples-2", ... for Python objects."""
    unnamed = 0
    for model in models:
        content = _content(model)
        if isinstance(content, RunFolder):
            yield Source(os.fspath(model) if is_hub(model) else str(content.folder), content)
        elif isinstance(content, str):
            yield Source(content, content)
        else:
            unnamed += 1
            yield Source(MEMORY if unnamed == 1 else f"{MEMORY}-{unnamed}", content)


def _content(model: Any) -> Content:
    if isinstance(model, RunFolder) or hasattr(model, "folder"):
        found: Content = opened(model)
    elif isinstance(model, str | os.PathLike):
        found = opened(model) if is_run(model) else os.fspath(model)
    elif isinstance(model, np.ndarray | Tensor):
        return _pixels(model)
    elif isinstance(model, Sequence):
        return _texts("models", model)
    else:
        raise UserError(
            f"`models` holds a {type(model).__name__}: a run, a path, a list of str or an array of images is "
            "expected"
        )
    if isinstance(found, RunFolder):
        refuse_classifier(found)
    return found


def _pixels(images: Any) -> Pixels:
    """Images as (S, height, width, channels)."""
    array = images.detach().cpu().numpy() if isinstance(images, Tensor) else images
    grey = array.ndim == 3
    if array.dtype != np.uint8 or not (grey or (array.ndim == 4 and array.shape[3] in (1, 3))):
        raise UserError(
            f"`models` holds an array of shape {array.shape} and type {array.dtype}: images are (S, height, "
            "width) or (S, height, width, channels) of uint8, with 1 or 3 channels"
        )
    if not array.size:
        raise UserError(f"`models` holds an array of shape {array.shape}: it has no images")
    return array[..., None] if grey else array


def _texts(option: str, texts: Sequence[Any]) -> list[str]:
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise UserError(
                f"`{option}` holds a list with a {type(text).__name__} at {place}: a list of str is expected"
            )
    return list(texts)


def _text(option: str, given: Any) -> Text | None:
    if given is None:
        return None
    if isinstance(given, str | os.PathLike):
        return os.fspath(given)
    if isinstance(given, Sequence):
        return _texts(option, given)
    raise UserError(f"`{option}` is a {type(given).__name__}: a path or a list of str is expected")


def _dataset(given: Any) -> DatasetDirectory | None:
    if given is None or isinstance(given, DatasetDirectory):
        return given
    return DatasetDirectory(Path(given))


def _dataset_of(runs: Mapping[str, RunFolder]) -> DatasetDirectory:
    """The one dataset directory that all runs were trained on, as it was then."""
    (signature, *others) = {run.data["signature"] for run in runs.values()}
    if others:
        raise UserError("the runs were trained on different data: give one as `data`, or a `reference`")
    folders = sorted({run.data_folder() for run in runs.values()})
    present = [DatasetDirectory(folder) for folder in folders if (folder / "card.json").exists()]
    if not present:
        raise UserError(f"the dataset directory {folders[0]} is gone: give it as `data`, or a `reference`")
    for data in present:
        if data.signature == signature:
            return data
    raise UserError(
        f"{present[0].folder} has changed since {', '.join(runs)} was trained: give `data` or `reference`"
    )


def drawn(items: Iterable[Item], count: int, seed: int) -> list[Item]:
    """A random choice of `count` items of a stream, in their order; all of them if there are no more.

    Algorithm R of Vitter (1985): one pass, with memory for the chosen items.
    """
    rng = random.Random(seed)
    kept: list[tuple[int, Item]] = []
    for place, item in enumerate(items):
        if place < count:
            kept.append((place, item))
        elif (slot := rng.randrange(place + 1)) < count:
            kept[slot] = (place, item)
    return [item for _, item in sorted(kept, key=itemgetter(0))]
