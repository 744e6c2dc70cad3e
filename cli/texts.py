"""The texts that `score` compares: samples of runs and files, and real text from data or files."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bgan_text.corpora.grammar import Grammar, newswire
from bgan_text.corpora.prepared import Prepared
from bgan_text.corpora.sources import decoded_lines, existing, text_lines
from bgan_text.errors import UserError
from bgan_text.run import Run

from .console import newest_data, newest_run, say
from .device import choose_device
from .sampling import sampled

SAMPLES_OF_A_RUN = 1000


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
    seed: int = 0
    temperature: float = 1.0
    device: str = "auto"

    def __post_init__(self) -> None:
        for name, value in (("n", self.count), ("window", self.window)):
            if value is not None and value < 1:
                raise UserError(f"--{name} {value}: at least 1 is needed")


@dataclass(frozen=True)
class Model:
    """Samples under a name; `run` where a run gave them."""

    name: str
    texts: list[str]
    run: Run | None


@dataclass(frozen=True)
class Training:
    """Training text, streamed anew at each call."""

    name: str
    texts: Callable[[], Iterable[str]]


@dataclass(frozen=True)
class Anchor:
    """Real text to be scored as if it were a model's, against references it is not among."""

    name: str
    texts: list[str]
    references: list[str]


@dataclass(frozen=True)
class Real:
    """Real text, and what is known beside it."""

    name: str
    references: list[str]
    anchor: Anchor
    training: Training | None
    grammar: Grammar | None
    data: Prepared | None


def gather(request: Request) -> tuple[list[Model], Real]:
    """The models' samples and the real text to hold them against."""
    names = request.models or (str(newest_run()),)
    runs = {name: Run(Path(name)) for name in names if (Path(name) / "run.json").exists()}
    data = _data(request, runs)
    models = [Model(name, _texts(name, runs.get(name), request), runs.get(name)) for name in names]
    return models, _real(request, data, models)


def _data(request: Request, runs: dict[str, Run]) -> Prepared | None:
    """The prepared folder that real text comes from, if any is needed or named."""
    if request.data is not None:
        data = Prepared(request.data)
        for name, run in runs.items():
            if run.data["signature"] != data.signature:
                say(f"Warning: {name} was trained on other data than {data.folder}.")
        return data
    if request.reference is not None:
        return None
    return _data_of(runs) if runs else Prepared(newest_data())


def _data_of(runs: dict[str, Run]) -> Prepared:
    """The one prepared folder that all the runs were trained on, as it was then."""
    (signature, *others) = {run.data["signature"] for run in runs.values()}
    if others:
        raise UserError("the runs were trained on different data: name one with --data, or a --reference")
    folders = sorted({run.data_folder() for run in runs.values()})
    there = [Prepared(folder) for folder in folders if (folder / "card.json").exists()]
    if not there:
        raise UserError(f"the prepared folder {folders[0]} is gone: name it with --data, or a --reference")
    for data in there:
        if data.signature == signature:
            return data
    raise UserError(
        f"{there[0].folder} has changed since {', '.join(runs)} was trained: name --data or --reference"
    )


def _texts(name: str, run: Run | None, request: Request) -> list[str]:
    """The samples of a run, or the lines of a file."""
    if run is not None:
        device = choose_device(request.device)
        count = request.count or SAMPLES_OF_A_RUN
        drawn = sampled(run, count, request.seed, device, temperature=request.temperature)
        return [text for text, _ in drawn]
    if Path(name).is_dir():
        raise UserError(f"{name} is neither a run folder (it has no run.json) nor a text file")
    return _lines(name)[: request.count]


def _lines(name: str) -> list[str]:
    if name == "-":
        lines = list(decoded_lines(sys.stdin.buffer, "standard input"))
    else:
        lines = list(text_lines(existing(name)))
    if not any(line.strip() for line in lines):
        shown = "standard input" if name == "-" else name
        raise UserError(f"{shown} is empty: a text file with one sample a line was expected")
    return lines


def _real(request: Request, data: Prepared | None, models: list[Model]) -> Real:
    if request.reference is not None:
        name, references = str(request.reference), _lines(str(request.reference))
    else:
        assert data is not None
        name, references = f"{data.folder}/test", data.texts("test")
    training = _training(request, data)
    return Real(
        name=name,
        references=references,
        anchor=_anchor(training, references, max(len(model.texts) for model in models)),
        training=training,
        grammar=_grammar(request, data, models),
        data=data,
    )


def _training(request: Request, data: Prepared | None) -> Training | None:
    if request.train is not None:
        path = existing(str(request.train))
        return Training(str(path), lambda: text_lines(path))
    if data is not None and request.reference is None:
        return Training(f"{data.folder}/train", lambda: data.stream("train"))
    return None


def _anchor(training: Training | None, references: list[str], count: int) -> Anchor:
    """Training text against the references, or their one half against the other."""
    if training is not None:
        texts = [text for text, _ in zip(training.texts(), range(count), strict=False)]
        return Anchor(f"{len(texts)} samples of {training.name} against all references", texts, references)
    texts, others = references[::2][:count], references[1::2]
    return Anchor(f"{len(texts)} references against {len(others)} others", texts, others)


def _grammar(request: Request, data: Prepared | None, models: list[Model]) -> Grammar | None:
    """The grammar, where it is asked for or the data or a run comes from it."""
    corpora = {model.run.data["corpus"] for model in models if model.run is not None}
    if data is not None:
        corpora = {data.corpus}
    if not request.grammar and "grammar" not in corpora:
        return None
    return newswire().lowercase() if data is not None and data.lowercase else newswire()
