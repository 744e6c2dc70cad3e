"""How the samples of each run are drawn, and what a report says of those that a discriminator chose."""

from collections.abc import Mapping
from typing import Any

from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.report_record import STEPS
from bgan_text.sampling_options import BEST, PREFIXES, SamplingOptions
from bgan_text.training.drawing import PLAIN, Drawing
from bgan_text.training.run import RunFolder

EFFECTIVE = "effective candidates"
PLAINLY = "drawn plainly"


def drawing_of(run: RunFolder, options: EvaluationOptions) -> tuple[Drawing, str | None]:
    """How the samples of a run are drawn: as the options say, or plainly if its discriminator cannot do so.

    Returns:
        The drawing, and why the run is drawn plainly though something else was asked for; None if it is not.
    """
    asked = Drawing(options.candidates, options.correct)
    obstacle = asked.obstacle(run.config.to_json())
    return (asked if obstacle is None else PLAIN), obstacle


def refuse_if_none_can(runs: Mapping[str, RunFolder], options: EvaluationOptions) -> None:
    """Raise a `UserError` if there are runs, by name, and none of them has samples drawn as was asked for."""
    if all(drawing_of(run, options)[1] is not None for run in runs.values()):
        for name, run in runs.items():
            Drawing(options.candidates, options.correct).refuse(run.config, name)


def sampling_of(
    run: RunFolder, options: EvaluationOptions, count: int, temperature: float
) -> tuple[SamplingOptions, str | None]:
    """Which samples of a run are scored, and why they are drawn plainly, see `drawing_of`."""
    drawing, obstacle = drawing_of(run, options)
    sampling = SamplingOptions(
        count=options.count or count,
        seed=options.seed,
        temperature=temperature,
        candidates=drawing.candidates,
        correct=drawing.correct,
        step=options.step,
    )
    return sampling, obstacle


def candidate_settings(
    options: EvaluationOptions,
    steps: Mapping[str, int | None],
    effective: Mapping[str, float | None],
    obstacles: Mapping[str, str | None],
) -> dict[str, Any]:
    """Which checkpoints were sampled, and how samples were chosen.

    Args:
        options: what was asked for.
        steps: of the checkpoints of runs, by name.
        effective: how many candidates carried the weight, by name.
        obstacles: why samples were drawn plainly, by name.
    """
    known = {name: number for name, number in effective.items() if number is not None}
    plainly = {name: reason for name, reason in obstacles.items() if reason is not None}
    chosen = {"candidates": options.candidates, "correct": options.correct, EFFECTIVE: known}
    sampled = {name: step for name, step in steps.items() if step is not None}
    return {"step": options.step, STEPS: sampled, **chosen, PLAINLY: plainly}


def candidates_of(settings: Mapping[str, Any]) -> str:
    """The part of the line that tells of a checkpoint, if not the last, and of a discriminator that chose."""
    count, step = settings.get("candidates", 1), settings.get("step")
    line = "" if step is None else f", step {step}"
    if step == BEST and (steps := settings.get(STEPS)):
        told = [str(at) if len(steps) == 1 else f"{name}: {at}" for name, at in steps.items()]
        line += f" ({', '.join(told)})"
    if count > 1:
        line += f", candidates {count}"
    if effective := settings.get(EFFECTIVE):
        line += f", {EFFECTIVE} {', '.join(f'{number:.1f}' for number in effective.values())}"
    if settings.get("correct") == PREFIXES:
        line += f", correct {PREFIXES}"
    if plainly := settings.get(PLAINLY):
        line += f", {PLAINLY}: {', '.join(f'{name} ({reason})' for name, reason in plainly.items())}"
    return line
