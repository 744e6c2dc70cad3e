"""Scores that the user supplies as functions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from bgan_text.errors import UserError, choose
from bgan_text.evaluation.ngrams import Scores
from bgan_text.evaluation.registry import ENTRIES, REGISTRY, Registry, ScoreInfo
from bgan_text.reporter import SILENT, Reporter
from bgan_text.scores.score import SHARE, Floats, Score, mean
from bgan_text.scores.uncertainty import ratio

GROUP = "your scores"
BETTER = ("higher", "lower", "real")

Function = Callable[[Any], Any]
"""list[str] or (S, height, width, channels) uint8 images -> a `Score`, a number, or S numbers."""


@dataclass(frozen=True)
class CustomScore:
    """A score function, with what a report says of it.

    Attributes:
        function: takes the samples of a model: list[str], or a (S, height, width, channels) uint8 tensor of
            images. Returns a `Score`, a number, or one number per sample, of which the mean is taken. A
            sample whose number is NaN is not rated: it does not count, and the report says how many do not.
        better: "higher" or "lower", or "real" if the value of real samples is the best.
        about: a description.

    Raises:
        UserError: another `better`.

    Example:
        >>> CustomScore(lambda texts: [len(text.split()) for text in texts], better="real").better
        'real'
    """

    function: Function
    better: str = "real"
    about: str = ""

    def __post_init__(self) -> None:
        choose("direction", self.better, dict.fromkeys(BETTER))


class CustomScores:
    """The score functions of one evaluation.

    Raises:
        UserError: the name of a built-in score, or something that cannot be called.
    """

    def __init__(self, scores: Mapping[str, Function | CustomScore] | None) -> None:
        self._scores: dict[str, CustomScore] = {}
        for name, given in (scores or {}).items():
            if name in ENTRIES:
                raise UserError(f"`scores` {name!r}: a built-in score has this name, choose another one")
            score = given if isinstance(given, CustomScore) else CustomScore(given)
            if not callable(score.function):
                kind = type(score.function).__name__
                raise UserError(f"`scores` {name!r}: a function is expected, not a {kind}")
            self._scores[name] = score

    def registry(self) -> Registry:
        """The built-in scores, and these in a group of their own."""
        if not self._scores:
            return REGISTRY
        own = {name: ScoreInfo(score.better, score.about) for name, score in self._scores.items()}
        return {**REGISTRY, GROUP: own}

    def of(self, samples: list[str] | Tensor, model: str, reporter: Reporter = SILENT) -> Scores:
        """Every score of the samples of one model, whose name is for the progress."""
        found: Scores = {}
        for name, one in self._scores.items():
            with reporter.task(f"{name} of {model}"):
                found[name] = _score(name, _called(name, one, samples), len(samples))
        return found


def _called(name: str, score: CustomScore, samples: list[str] | Tensor) -> Any:
    try:
        return score.function(samples)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"`scores` {name!r} fails: {error!r}") from error


def _score(name: str, result: Any, samples: int) -> Score:
    if isinstance(result, Score):
        if len(result.shares) in (0, samples):
            return result
        got = f"a Score with {len(result.shares)} shares"
    elif (values := _numbers(result)) is None:
        got = f"a {type(result).__name__}"
    elif values.ndim == 0:
        return Score(float(values), np.empty(0))
    elif values.shape == (samples,):
        return _mean(values)
    else:
        got = f"numbers of shape {values.shape}"
    raise UserError(
        f"`scores` {name!r} returned {got} for {samples} samples: a Score, a number, or one number per "
        "sample is expected"
    )


def _mean(values: Floats) -> Score:
    """The mean of the samples that are rated, those whose number is not NaN; a share if all are 0 or 1."""
    rated = ~np.isnan(values)
    limits = SHARE if np.isin(values[rated], SHARE).all() else None
    if not len(values) or rated.all():
        return mean(values, limits)
    if limits is not None:
        found = mean(values[rated], limits)
    else:
        found = ratio(np.where(rated, values, 0.0), rated.astype(np.float64))
    return replace(found, note=f"{(~rated).sum():,} of {len(values):,} samples are not rated")


def _numbers(result: Any) -> Floats | None:
    """The result as an array; None if it is no numbers."""
    if result is None:  # numpy would take it for NaN
        return None
    try:
        return np.asarray(result.detach().cpu() if isinstance(result, Tensor) else result, dtype=np.float64)
    except (TypeError, ValueError):
        return None
