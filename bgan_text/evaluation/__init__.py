"""Scoring of runs, files and Python objects beside real samples.

`evaluate` gives a `Report`. `bgan_text.evaluation.sweep.sweep` compares curves over sampling temperatures.
Everything but `evaluate` and its options is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bgan_text.evaluation.evaluate import evaluate
from bgan_text.evaluation.options import EvaluationOptions

if TYPE_CHECKING:
    from bgan_text.evaluation.custom import CustomScore
    from bgan_text.evaluation.judges import Judges
    from bgan_text.evaluation.neighbours import draw_neighbours
    from bgan_text.evaluation.report import Report

__all__ = ["CustomScore", "EvaluationOptions", "Judges", "Report", "draw_neighbours", "evaluate"]

LAZY = {"CustomScore": "custom", "Judges": "judges", "Report": "report", "draw_neighbours": "neighbours"}
"""The module of each name."""


def __getattr__(name: str) -> Any:
    if name not in LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{LAZY[name]}"), name)
