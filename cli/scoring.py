"""Gather texts from runs and files, and score them against the same references."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bgan_text import __version__, scores
from bgan_text.corpora.grammar import Grammar, newswire
from bgan_text.corpora.ngram_units import Splitter, splitter
from bgan_text.corpora.prepared import Prepared
from bgan_text.corpora.sources import decoded_lines, existing, text_lines
from bgan_text.errors import UserError

from .console import newest_data, newest_run, say

if TYPE_CHECKING:
    from bgan_text.run import Run

SAMPLES_OF_A_RUN = 1000
REAL = "real"

DIRECTIONS: dict[str, str] = {
    **{f"js-{order}": "lower" for order in range(1, 5)},
    **{f"bleu-{order}": "higher" for order in range(2, 6)},
    **{f"self-bleu-{order}": "lower" for order in range(2, 6)},
    **{f"distinct-{order}": "higher" for order in range(1, 5)},
    "distinct": "higher",
    "copied": "lower",
    "grammatical": "higher",
    "log-probability": "higher",
}
"""Every score, in the order of the table, and which way is better."""


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


@dataclass(frozen=True)
class Real:
    """Real text: references, and what is known beside them."""

    name: str
    references: list[str]
    anchor: list[str]
    anchor_references: list[str]
    anchor_name: str
    training: Callable[[], Iterable[str]] | None
    training_name: str | None
    grammar: Grammar | None


@dataclass(frozen=True)
class Report:
    """Scores by model, in the order given, the real anchor last; and the settings behind them."""

    models: list[tuple[str, dict[str, float]]]
    settings: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {
            "models": [
                {
                    "name": name,
                    "scores": {
                        score: {"value": value, "better": DIRECTIONS[score]}
                        for score, value in values.items()
                    },
                }
                for name, values in self.models
            ],
            "settings": self.settings,
        }


def score_models(request: Request) -> Report:
    """Score every run and file that was named, and the real anchor."""
    if request.count is not None and request.count < 1:
        raise UserError(f"--n {request.count}: at least 1 is needed")
    if request.window is not None and request.window < 1:
        raise UserError(f"--window {request.window}: at least 1 is needed")
    names = request.models or (str(newest_run()),)
    data = _data(request, names)
    models = [(name, _texts(name, request)) for name in names]
    real = _real(request, data, max(len(texts) for _, texts in models))
    units = request.tokenize or ("char" if data is not None and _is_char(data) else "whitespace")
    split = splitter(units, lowercase=request.lowercase)
    references = [split(text) for text in real.references]
    window = request.window or max(map(len, references))
    scored = [(name, _score(texts, references, real, split, window)) for name, texts in models]
    anchor_references = [split(text) for text in real.anchor_references]
    scored.append((REAL, _score(real.anchor, anchor_references, real, split, window, anchor=True)))
    _warn(models)
    return Report(scored, _settings(request, data, models, real, units, window))


def _settings(
    request: Request,
    data: Prepared | None,
    models: list[tuple[str, list[str]]],
    real: Real,
    units: str,
    window: int,
) -> dict[str, Any]:
    return {
        "tokenize": units,
        "lowercase": request.lowercase,
        "window": window,
        "samples": {name: len(texts) for name, texts in models},
        "reference": real.name,
        "references": len(real.references),
        "training": real.training_name,
        "data": data.signature if data is not None else None,
        "anchor": real.anchor_name,
        "seed": request.seed,
        "temperature": request.temperature,
        "smoothing": "method1",
        "version": __version__,
    }


def _warn(models: list[tuple[str, list[str]]]) -> None:
    if len({len(texts) for _, texts in models}) > 1:
        say("Warning: the models have different numbers of samples, on which every n-gram score depends.")
    for name, texts in models:
        if empty := sum(not text.strip() for text in texts):
            say(f"Warning: {empty} of the {len(texts)} samples of {name} are empty; they score 0.")


def _is_run(name: str) -> bool:
    return (Path(name) / "run.json").exists()


def _data(request: Request, names: Sequence[str]) -> Prepared | None:
    """The prepared folder that real text comes from, if any is needed or named."""
    from bgan_text.run import Run

    runs = {name: Run(Path(name)) for name in names if _is_run(name)}
    if request.data is not None:
        data = Prepared(request.data)
        for name, run in runs.items():
            if run.data["signature"] != data.signature:
                say(f"Warning: {name} was trained on other data than {data.folder}.")
        return data
    if request.reference is not None:
        return None
    if not runs:
        return Prepared(newest_data())
    return _data_of_runs(runs)


def _data_of_runs(runs: "Mapping[str, Run]") -> Prepared:
    """The one prepared folder that all the runs were trained on, as it was then."""
    folders = {Path(run.data["folder"]) for run in runs.values()}
    if len({run.data["signature"] for run in runs.values()}) > 1:
        raise UserError("the runs were trained on different data: name one with --data, or a --reference")
    for folder in sorted(folders):
        if (folder / "card.json").exists():
            data = Prepared(folder)
            if all(run.data["signature"] == data.signature for run in runs.values()):
                return data
            raise UserError(
                f"{folder} has changed since {', '.join(runs)} was trained: name --data or --reference"
            )
    raise UserError(
        f"the prepared folder {sorted(folders)[0]} is gone: name it with --data, or give a --reference"
    )


def _texts(name: str, request: Request) -> list[str]:
    """The samples of a run, or the lines of a file."""
    if _is_run(name):
        from bgan_text.run import Run

        from .device import choose_device
        from .sampling import sampled

        count = request.count or SAMPLES_OF_A_RUN
        drawn = sampled(
            Run(Path(name)),
            count,
            request.seed,
            choose_device(request.device),
            temperature=request.temperature,
        )
        return [text for text, _ in drawn]
    if Path(name).is_dir():
        raise UserError(f"{name} is neither a run folder (it has no run.json) nor a text file")
    return _lines(name, request.count)


def _lines(name: str, limit: int | None) -> list[str]:
    if name == "-":
        import sys

        lines = list(decoded_lines(sys.stdin.buffer, "standard input"))
    else:
        lines = list(text_lines(existing(name)))
    if not any(line.strip() for line in lines):
        raise UserError(f"{name} is empty: a text file with one sample a line was expected")
    return lines[:limit]


def _real(request: Request, data: Prepared | None, count: int) -> Real:
    """References and the real anchor: training text against them, or their one half against the other."""
    training: Callable[[], Iterable[str]] | None = None
    training_name: str | None = None
    if request.train is not None:
        path = existing(str(request.train))
        training = lambda: text_lines(path)  # noqa: E731
        training_name = f"{request.train}"
    elif data is not None and request.reference is None:
        training = lambda: _split_texts(data, "train")  # noqa: E731
        training_name = f"{data.folder}/train"
    if request.reference is not None:
        references, name = _lines(str(request.reference), None), str(request.reference)
    else:
        assert data is not None
        references, name = data.texts("test"), f"{data.folder}/test"
    if training is not None:
        anchor = [text for text, _ in zip(training(), range(count), strict=False)]
        against, source = references, f"{len(anchor)} samples of {training_name} against all references"
    else:
        anchor, against = references[::2][:count], references[1::2]
        source = f"{len(anchor)} references against {len(against)} others"
    return Real(name, references, anchor, against, source, training, training_name, _grammar(request, data))


def _split_texts(data: Prepared, split: str) -> Iterable[str]:
    rows = data.split(split)
    for start in range(0, len(rows), 1000):
        yield from rows[start : start + 1000]["text"]


def _grammar(request: Request, data: Prepared | None) -> Grammar | None:
    if not request.grammar and (data is None or data.corpus != "grammar"):
        return None
    lowercase = data is not None and data.settings["lowercase"]
    return newswire().lowercase() if lowercase else newswire()


def _is_char(data: Prepared) -> bool:
    return data.tokenizer_signature.startswith("char")


def _score(
    texts: list[str],
    references: list[list[str]],
    real: Real,
    split: Splitter,
    window: int,
    *,
    anchor: bool = False,
) -> dict[str, float]:
    samples = [split(text) for text in texts]
    values: dict[str, float] = {}
    for order, divergence in scores.js(samples, references, window).items():
        values[f"js-{order}"] = divergence
    for name, each in (
        ("bleu", scores.bleu(samples, references)),
        ("self-bleu", scores.self_bleu(samples)),
    ):
        for order in range(2, 6):
            values[f"{name}-{order}"] = float(np.mean(each[order])) if len(samples) else math.nan
    for order, share in scores.distinct(samples).items():
        values[f"distinct-{order}"] = share
    values["distinct"] = scores.distinct_samples(texts)
    if real.training is not None and not anchor:
        values["copied"] = scores.copied(texts, real.training())
    if real.grammar is not None:
        values |= _exact(texts, real.grammar)
    return values


def _exact(texts: list[str], grammar: Grammar) -> dict[str, float]:
    """Share of samples that the grammar can make, and the mean log-probability of those, in nats."""
    exact = [grammar.log_prob(text.split(" ")) for text in texts]
    possible = [value for value in exact if value > -math.inf]
    return {
        "grammatical": len(possible) / len(exact) if exact else math.nan,
        "log-probability": sum(possible) / len(possible) if possible else math.nan,
    }
