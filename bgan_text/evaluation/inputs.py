"""The texts that `score` compares: samples of runs and files, and real text from data or files."""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

from bgan_text.cli.console import newest_data, newest_run, say
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.grammar import Grammar, newswire
from bgan_text.corpora.sources import plain_lines
from bgan_text.device import choose_device
from bgan_text.errors import UserError
from bgan_text.sampling import refuse_classifier, sample_text
from bgan_text.sampling_options import SamplingOptions
from bgan_text.scores.sequences import LONGEST_WINDOW
from bgan_text.scores.uncertainty import RESAMPLES
from bgan_text.training.run import RunFolder

SAMPLES_OF_A_RUN = 1000
LEAST_RESAMPLES = 20
REAL = "real"
"""The name of the anchor."""
HALF = "half as many as the models have"

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What `score` was asked."""

    models: tuple[str, ...] = ()
    reference: Path | None = None
    train: Path | None = None
    data: Path | None = None
    count: int | None = None
    tokenize: str | None = None
    lowercase: bool = False
    window: int | None = None
    grammar: bool = False
    likelihood: bool = False
    critic: bool = False
    embed: str | None = None
    mauve: bool = False
    compare: tuple[str, str] | None = None
    resamples: int = RESAMPLES
    seed: int = 0
    temperature: float = 1.0
    device: str = "auto"
    neighbours: Path | None = None

    def __post_init__(self) -> None:
        if REAL in self.names():
            raise UserError(f"a model called {REAL!r} would be taken for the anchor: rename it")
        if not 0.0 < self.temperature < float("inf"):
            raise UserError(f"--temperature {self.temperature}: a number above 0 is needed")
        if 0 < self.resamples < LEAST_RESAMPLES:
            raise UserError(f"--resamples {self.resamples}: 0 or at least {LEAST_RESAMPLES} are needed")
        if self.window is not None and self.window > LONGEST_WINDOW:
            raise UserError(f"--window {self.window}: at most {LONGEST_WINDOW:,} is possible")
        for name, value, least in (
            ("n", self.count, 1),
            ("window", self.window, 1),
            ("resamples", self.resamples, 0),
        ):
            if value is not None and value < least:
                raise UserError(f"--{name} {value}: at least {least} is needed")
        if not 0 <= self.seed < 2**63:
            raise UserError(f"--seed {self.seed}: a number from 0 up to {2**63 - 1} is needed")
        if self.mauve and self.embed is None:
            raise UserError("--mauve compares embeddings: name a model with --embed")

    def names(self) -> tuple[str, ...]:
        """The models to score, those to compare included."""
        return tuple(dict.fromkeys((*self.models, *(self.compare or ()))))

    def named(self) -> tuple[tuple[str, ...], dict[str, RunFolder]]:
        """The models to score, the newest run if none was named, and those of them that are runs."""
        names = self.names() or (str(newest_run()),)
        runs = {name: RunFolder(Path(name)) for name in names if (Path(name) / "run.json").exists()}
        for run in runs.values():
            refuse_classifier(run)
        return names, runs


Stream = Callable[[], Iterable[str]]
"""Texts from the first to the last, anew at each call."""


@dataclass(frozen=True)
class Model:
    """Samples under a name; `run` where a run gave them."""

    name: str
    texts: list[str]
    run: RunFolder | None


@dataclass(frozen=True)
class Training:
    """Training text."""

    name: str
    texts: Stream


@dataclass(frozen=True)
class Anchor:
    """Real text to be scored as if it were a model's, against references it is not among.

    `alternate`: against every second reference only, since the texts are from among the others.
    """

    title: str
    texts: list[str]
    alternate: bool


@dataclass(frozen=True)
class Real:
    """Real text, and what is known beside it."""

    name: str
    references: Stream
    anchor: Anchor
    training: Training | None
    grammar: Grammar | None
    data: DatasetDirectory | None


def gather(request: Request) -> tuple[list[Model], Real]:
    """The models' samples and the real text to hold them against."""
    names, runs = request.named()
    data = data_of(request, runs)
    models = [Model(name, _texts(name, runs.get(name), request), runs.get(name)) for name in names]
    return models, _real(request, data, models)


def data_of(request: Request, runs: dict[str, RunFolder]) -> DatasetDirectory | None:
    """The dataset directory that real text comes from, if any is needed or named."""
    if request.data is not None:
        data = DatasetDirectory(request.data)
        for name, run in runs.items():
            if run.data["signature"] != data.signature:
                say(f"Warning: {name} was trained on other data than {data.folder}.")
        return data
    if request.reference is not None:
        return None
    return _data_of(runs) if runs else DatasetDirectory(newest_data())


def _data_of(runs: dict[str, RunFolder]) -> DatasetDirectory:
    """The one dataset directory that all the runs were trained on, as it was then."""
    (signature, *others) = {run.data["signature"] for run in runs.values()}
    if others:
        raise UserError("the runs were trained on different data: name one with --data, or a --reference")
    folders = sorted({run.data_folder() for run in runs.values()})
    there = [DatasetDirectory(folder) for folder in folders if (folder / "card.json").exists()]
    if not there:
        raise UserError(f"the dataset directory {folders[0]} is gone: name it with --data, or a --reference")
    for data in there:
        if data.signature == signature:
            return data
    raise UserError(
        f"{there[0].folder} has changed since {', '.join(runs)} was trained: name --data or --reference"
    )


def _texts(name: str, run: RunFolder | None, request: Request) -> list[str]:
    """The samples of a run, or the lines of a file."""
    if run is not None:
        return samples_of(run, request)
    if Path(name).is_dir():
        raise UserError(f"{name} is neither a run folder (it has no run.json) nor a text file")
    lines = list(_cased(_lines(name), request))
    _refuse_blank(name, lines)
    return drawn(lines, request.count, request.seed) if request.count else lines


def samples_of(run: RunFolder, request: Request) -> list[str]:
    """Samples of a run, as many and as hot as was asked for."""
    device, count = choose_device(request.device), request.count or SAMPLES_OF_A_RUN
    options = SamplingOptions(count=count, seed=request.seed, temperature=request.temperature)
    samples = sample_text(run, options, device)
    return list(_cased((text for text, _ in samples), request))


def drawn(texts: Iterable[Item], count: int, seed: int) -> list[Item]:
    """A random choice of `count` texts, or images, of a stream in their order, or all if there are no more.

    Algorithm R of Vitter (1985): one pass, memory for the chosen ones.
    """
    rng = random.Random(seed)
    kept: list[tuple[int, Item]] = []
    for place, text in enumerate(texts):
        if place < count:
            kept.append((place, text))
        elif (slot := rng.randrange(place + 1)) < count:
            kept[slot] = (place, text)
    return [text for _, text in sorted(kept, key=itemgetter(0))]


def _lines(name: str) -> Iterator[str]:
    return plain_lines(name, "a text file with a sample a line was expected, one column of it")


def _again_and_again(name: str) -> Stream:
    """The lines of a file, at each call from the first on; those of a pipe are kept in memory."""
    if name != "-" and Path(name).is_file():
        return lambda: _lines(name)
    kept = list(_lines(name))
    return lambda: kept


def _written(stream: Stream, request: Request) -> Stream:
    """Real text without its blank lines."""
    return lambda: (text for text in _cased(stream(), request) if text.strip())


def _cased(texts: Iterable[str], request: Request) -> Iterable[str]:
    return map(str.lower, texts) if request.lowercase else texts


def refuse_unreadable(reference: Path) -> None:
    """Raise a `UserError` unless a file of real text is there and holds some; a pipe is read only once."""
    if not reference.is_file():
        raise UserError(f"--reference {reference}: a text file with a sample a line was expected")
    _refuse_blank(str(reference), _lines(str(reference)))


def _refuse_blank(name: str, lines: Iterable[str]) -> None:
    if not any(line.strip() for line in lines):
        shown = "standard input" if name == "-" else name
        raise UserError(f"{shown} is empty: a text file with one sample a line was expected")


def _real(request: Request, data: DatasetDirectory | None, models: list[Model]) -> Real:
    if request.reference is not None:
        name = str(request.reference)
        lines = _again_and_again(name)
        _refuse_blank(name, lines())
        references = _written(lines, request)
    else:
        assert data is not None
        name, references = f"{data.folder}/test", _written(partial(data.stream, "test"), request)
    training = _training(request, data)
    count = max(len(model.texts) for model in models)
    return Real(
        name=name,
        references=references,
        anchor=_anchor(training, references, count, request.seed),
        training=training,
        grammar=_grammar(request, data, models),
        data=data,
    )


def _training(request: Request, data: DatasetDirectory | None) -> Training | None:
    if request.train is not None:
        lines = _again_and_again(str(request.train))
        _refuse_blank(str(request.train), lines())
        return Training(str(request.train), _written(lines, request))
    if data is not None:
        return Training(f"{data.folder}/train", _written(partial(data.stream, "train"), request))
    return None


def _anchor(training: Training | None, references: Stream, count: int, seed: int) -> Anchor:
    """Training text against the references, or their one half against the other."""
    if training is not None:
        texts = drawn(training.texts(), count, seed)
        return Anchor(f"{len(texts):,} texts of {training.name} against all references", texts, False)
    texts = drawn(islice(references(), 0, None, 2), count, seed)
    title = f"{len(texts):,} references against every second one, which they are not among, {HALF}"
    return Anchor(title, texts, True)


def _grammar(request: Request, data: DatasetDirectory | None, models: list[Model]) -> Grammar | None:
    """The grammar, where it is asked for or the data or a run comes from it."""
    corpora = {model.run.data["corpus"] for model in models if model.run is not None}
    if data is not None:
        corpora = {data.corpus}
    if not request.grammar and "grammar" not in corpora:
        return None
    lowercase = request.lowercase or (data is not None and data.lowercase)
    return newswire().lowercase() if lowercase else newswire()
