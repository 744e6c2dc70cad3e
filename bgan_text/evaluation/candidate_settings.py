"""What a report says of samples that a discriminator chose or corrected."""

from collections.abc import Mapping
from typing import Any

from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.sampling_options import PREFIXES

EFFECTIVE = "effective candidates"


def candidate_settings(options: EvaluationOptions, effective: Mapping[str, float | None]) -> dict[str, Any]:
    """Which checkpoint was sampled, and how samples were chosen.

    `effective`: how many candidates carried the weight, by name.
    """
    known = {name: number for name, number in effective.items() if number is not None}
    chosen = {"candidates": options.candidates, "correct": options.correct, EFFECTIVE: known}
    return {"step": options.step, **chosen}


def candidates_of(settings: Mapping[str, Any]) -> str:
    """The part of the line that tells of a checkpoint, if not the last, and of a discriminator that chose."""
    count, step = settings.get("candidates", 1), settings.get("step")
    line = "" if step is None else f", step {step}"
    if count > 1:
        line += f", candidates {count}"
    if effective := settings.get(EFFECTIVE):
        line += f", {EFFECTIVE} {', '.join(f'{number:.1f}' for number in effective.values())}"
    return f"{line}, correct {PREFIXES}" if settings.get("correct") == PREFIXES else line
