"""The texts of an evaluation: samples of runs, files and lists, and real text from data, files or lists."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.decoding import UTF8
from bgan_text.corpora.grammar import Grammar, newswire
from bgan_text.corpora.oracle import Oracle
from bgan_text.corpora.sources import file_samples
from bgan_text.device import choose_device
from bgan_text.errors import UserError
from bgan_text.evaluation.candidate_settings import sampling_of
from bgan_text.evaluation.inputs import Inputs, Source, Text, drawn
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.reporter import SILENT, Once, Reporter
from bgan_text.sampling import sample_text
from bgan_text.training.run import RunFolder

SAMPLES_OF_A_RUN = 1000
HALF = "half as many as the models have"

Stream = Callable[[], Iterable[str]]
"""Texts from the first to the last, anew at each call."""


@dataclass(frozen=True)
class Model:
    """Samples under a name.

    `run`: the run they come from, if any. `effective`: how many candidates carried the weight, if several.
    `obstacle`: why they were drawn plainly though something else was asked for. `step`: of the checkpoint.
    """

    name: str
    texts: list[str]
    run: RunFolder | None
    effective: float | None = None
    obstacle: str | None = None
    step: int | None = None


@dataclass(frozen=True)
class Training:
    """Training text."""

    name: str
    texts: Stream


@dataclass(frozen=True)
class Anchor:
    """Real text that is scored like a model, against references that do not contain it.

    `alternate`: the references are every second one, since the texts come from among the others.
    """

    title: str
    texts: list[str]
    alternate: bool


@dataclass(frozen=True)
class Real:
    """Real text, and what is known about it.

    `grammar`, `oracle`: its distribution, if known. `lowercase`: whether it and samples are in lower case.
    """

    name: str
    references: Stream
    anchor: Anchor
    training: Training | None
    grammar: Grammar | None
    data: DatasetDirectory | None
    lowercase: bool
    oracle: Oracle | None = None


def gather(inputs: Inputs, options: EvaluationOptions, reporter: Reporter) -> tuple[list[Model], Real]:
    """The models' samples, and the real text they are compared with."""
    inputs.refuse_options_of_runs(options)
    data = inputs.dataset(reporter)
    if options.lowercase is None:
        options = replace(options, lowercase=data is not None and data.lowercase)
    models = [_model(source, options, reporter) for source in inputs.models]
    return models, _real(inputs, options, data, models, reporter)


def samples_of(name: str, run: RunFolder, options: EvaluationOptions, temperature: float) -> Model:
    """Samples of a run."""
    how, obstacle = sampling_of(run, options, SAMPLES_OF_A_RUN, temperature)
    samples = sample_text(run, how, choose_device(options.device))
    texts = list(_cased((text for text, _ in samples), options))
    return Model(name, texts, run, samples.effective.mean, obstacle, samples.step)


def _model(source: Source, options: EvaluationOptions, reporter: Reporter) -> Model:
    content = source.content
    if isinstance(content, RunFolder):
        return samples_of(source.name, content, options, options.temperature)
    if isinstance(content, str):
        if Path(content).is_dir():
            raise UserError(
                f"{content} is neither a run folder (it has no run.json) nor a text file; images need `data` "
                "of images"
            )
        given: Iterable[str] = _lines(content, options, reporter)
    else:
        assert isinstance(content, list)  # arrays are images
        given = content
    texts = list(_cased(given, options))
    _refuse_blank(content if isinstance(content, str) else source.name, texts)
    chosen = drawn(texts, options.count, options.seed) if options.count else texts
    return Model(source.name, chosen, None)


def _lines(path: str, options: EvaluationOptions, reporter: Reporter = SILENT) -> Iterator[str]:
    """The samples of a text file or, if the options name its column, of a table."""
    return file_samples(path, options.column, options.encoding, reporter=reporter, or_text=True)


def _stream(text: Text, options: EvaluationOptions, name: str, reporter: Reporter) -> Stream:
    """Real text without its blank lines, anew at each call. Lines of a pipe are kept in memory."""
    if isinstance(text, str) and text != "-" and Path(text).is_file():
        read: Stream = partial(_lines, text, options, Once(reporter))  # it is read more than once
    else:
        kept = text if isinstance(text, list) else list(_lines(text, options, reporter))
        read = partial(iter, kept)
    _refuse_blank(name, read())
    return _written(read, options)


def _written(stream: Stream, options: EvaluationOptions) -> Stream:
    return lambda: (text for text in _cased(stream(), options) if text.strip())


def _cased(texts: Iterable[str], options: EvaluationOptions) -> Iterable[str]:
    return map(str.lower, texts) if options.lowercase else texts


def refuse_unreadable(reference: Path, column: str | None = None, encoding: str = UTF8) -> None:
    """Check a file of real text before long work.

    Raises:
        UserError: it is no regular file, since a pipe can be read only once, or it is empty.
    """
    if not reference.is_file():
        raise UserError(f"`reference` {reference}: a text file with a sample a line was expected")
    _refuse_blank(str(reference), _lines(str(reference), EvaluationOptions(column=column, encoding=encoding)))


def _refuse_blank(name: str, lines: Iterable[str]) -> None:
    if not any(line.strip() for line in lines):
        shown = "standard input" if name == "-" else name
        raise UserError(f"{shown} is empty: texts, or a text file with one sample a line, are expected")


def name_of(option: str, text: Text) -> str:
    """How real text is called: by its path, or by the argument it was given as."""
    return text if isinstance(text, str) else f"the {option} given"


def _real(
    inputs: Inputs,
    options: EvaluationOptions,
    data: DatasetDirectory | None,
    models: list[Model],
    reporter: Reporter,
) -> Real:
    if inputs.reference is not None:
        name = name_of("reference", inputs.reference)
        references = _stream(inputs.reference, options, name, reporter)
    else:
        assert data is not None
        name, references = f"{data.folder}/test", _written(partial(data.stream, "test"), options)
    training = _training(inputs, options, data, reporter)
    count = max(len(model.texts) for model in models)
    return Real(
        name=name,
        references=references,
        anchor=_anchor(training, references, count, options.seed),
        training=training,
        grammar=_grammar(options, data, models),
        data=data,
        lowercase=bool(options.lowercase),
        oracle=data.oracle() if data is not None else None,
    )


def _training(
    inputs: Inputs, options: EvaluationOptions, data: DatasetDirectory | None, reporter: Reporter
) -> Training | None:
    if inputs.train is not None:
        name = name_of("train", inputs.train)
        return Training(name, _stream(inputs.train, options, name, reporter))
    if data is not None:
        return Training(f"{data.folder}/train", _written(partial(data.stream, "train"), options))
    return None


def _anchor(training: Training | None, references: Stream, count: int, seed: int) -> Anchor:
    """Training text against all references, or half of the references against the other half."""
    if training is not None:
        texts = drawn(training.texts(), count, seed)
        return Anchor(f"{len(texts):,} texts of {training.name} against all references", texts, False)
    texts = drawn(islice(references(), 0, None, 2), count, seed)
    title = f"{len(texts):,} references against every second one, which they are not among, {HALF}"
    return Anchor(title, texts, True)


def _grammar(
    options: EvaluationOptions, data: DatasetDirectory | None, models: list[Model]
) -> Grammar | None:
    """The grammar, if it is asked for or the data or a run comes from it."""
    corpora = {model.run.data["corpus"] for model in models if model.run is not None}
    if data is not None:
        corpora = {data.corpus}
    if not options.grammar and "grammar" not in corpora:
        return None
    lowercase = options.lowercase or (data is not None and data.lowercase)
    return newswire().lowercase() if lowercase else newswire()
