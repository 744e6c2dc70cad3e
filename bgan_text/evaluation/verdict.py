"""Which of two models is better at quality and which at variety, in one line."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bgan_text.evaluation.formats import formatted, short_names

if TYPE_CHECKING:
    from bgan_text.evaluation.report import Cell, Comparison, Report

ASPECTS = {
    "quality": ("grammatical", "nll-oracle", "bleu-4", "classifier-precision", "patch-js-2"),
    "variety": ("nll-test", "recall-3", "classifier-recall", "modes-covered", "unique"),
}
"""The scores that decide, those first that say most. Recall is not won by random words, as Self-BLEU is."""
NO_INTERVAL, FIRST_BETTER, SECOND_BETTER = "unknown", "first better", "second better"


@dataclass(frozen=True)
class Decision:
    """One aspect of two models.

    Attributes:
        aspect: "quality" or "variety".
        score: the name of the score that decides.
        direction: which of its values are better, "higher" or "lower".
        better: the better model; None if the difference is within noise, or has no interval.
        known: whether the difference has an interval.
        first, second: the cells of the two models.
        difference: first minus second.
    """

    aspect: str
    score: str
    direction: str
    better: str | None
    known: bool
    first: "Cell"
    second: "Cell"
    difference: "Cell"


def decisions(report: "Report", comparison: "Comparison") -> list[Decision]:
    """The better model by aspect; aspects without a score are left out."""
    cells = {column.name: column.cells for column in report.columns}
    found = []
    for aspect, scores in ASPECTS.items():
        name = _deciding(comparison, scores)
        if name is None:
            continue
        one = comparison.differences[name]
        first, second = cells[comparison.first][name], cells[comparison.second][name]
        better = {FIRST_BETTER: comparison.first, SECOND_BETTER: comparison.second}.get(one.verdict)
        known, direction = one.verdict != NO_INTERVAL, report.entries[name].better
        found.append(Decision(aspect, name, direction, better, known, first, second, one.cell))
    return found


def _deciding(comparison: "Comparison", scores: tuple[str, ...]) -> str | None:
    """The first score whose difference has an interval, else the first whose difference is defined."""
    differences = {name: comparison.differences[name] for name in scores if name in comparison.differences}
    defined = [name for name, one in differences.items() if not math.isnan(one.cell.value)]
    known = [name for name in defined if differences[name].verdict != NO_INTERVAL]
    return next(iter(known or defined), None)


def verdict(report: "Report", comparison: "Comparison") -> str:
    """The line that ends a comparison; empty if none of the scores that decide is there."""
    names = short_names([column.name for column in report.columns])
    return "; ".join(_told(one, names) for one in decisions(report, comparison))


def _told(one: Decision, names: Mapping[str, str]) -> str:
    values = [f"{side.value:.3f}" for side in (one.first, one.second)]
    if one.difference.value * (1 if one.direction == "higher" else -1) < 0:
        values.reverse()  # that of the better model first
    apart = formatted(one.difference).removeprefix("-")
    who = "not known, since there is no interval"
    if one.known:
        who = names[one.better] if one.better is not None else "neither by more than noise"
    return f"better at {one.aspect}: {who} ({one.score} {values[0]} against {values[1]}, by {apart})"
