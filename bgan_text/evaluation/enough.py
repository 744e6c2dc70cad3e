"""What is said beside scores that rest on too little data."""

from collections.abc import Mapping
from dataclasses import replace

from bgan_text.evaluation.registry import ENTRIES
from bgan_text.scores.score import Score


def noted(scores: Mapping[str, Score], counts: Mapping[str, int]) -> dict[str, Score]:
    """The scores, with a note where there is less data than a score needs.

    Args:
        scores: of one model, by name.
        counts: how much there is of the kinds that `ScoreInfo.of` names, such as "samples".

    Example:
        >>> import numpy as np
        >>> noted({"bleu-2": Score(0.5, np.empty(0))}, {"samples": 500, "references": 11})["bleu-2"].note
        'too little data: 11 references, at least 100 are needed'
    """
    return {name: _noted(name, score, counts) for name, score in scores.items()}


def _noted(name: str, score: Score, counts: Mapping[str, int]) -> Score:
    entry = ENTRIES.get(name)
    if entry is None:
        return score
    few = [f"{counts[kind]:,} {kind}" for kind in entry.of if counts.get(kind, entry.least) < entry.least]
    if not few:
        return score
    note = f"too little data: {' and '.join(few)}, at least {entry.least:,} are needed"
    return replace(score, note="; ".join(filter(None, (score.note, note))))
