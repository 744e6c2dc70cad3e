"""What there is to say of a training run, in lines of text that name options in backticks."""

from torch import nn

from bgan_text.config import Config
from bgan_text.interval import interval
from bgan_text.objective_table import has_discriminator
from bgan_text.setting import is_custom
from bgan_text.space import LabelSpace
from bgan_text.training.loop import Training
from bgan_text.training.state import parameter_count
from bgan_text.training.validation import Validation

WORTH_SAYING = 3.0
"""Seconds of evaluation and saving that are told apart at the end."""


def greeting(training: Training) -> str:
    """What is trained, from where, how far, and on what."""
    config, state = training.config, training.state
    nets: dict[str, nn.Module] = {"generator": state.generator}
    if has_discriminator(config.objective):
        nets["discriminator"] = state.discriminator
    sizes = ", ".join(f"{name} {parameter_count(net):,}" for name, net in nets.items())
    shared = f" by {training.group.size} processes" if training.group.size > 1 else ""
    return (
        f"{training.run.folder}: {config.generator}, {config.title}, {config.budget}, "
        f"from step {state.step:,}; "
        f"{sizes} parameters on {training.device}{shared} in {config.precision}"
    )


def evaluated(training: Training, evaluation: Validation) -> str:
    """The scores of a validation, and whether it is the best so far."""
    values = " ".join(f"{value:.3f}" for value in evaluation.values.values())
    step, best = training.state.step, training.evaluations.best()
    news = f", the best {training.evaluations.score} so far" if step == best else ""
    return f"step {step:,}: {evaluation.title} {values}{news}"


def few_evaluations(config: Config) -> str | None:
    """The line that warns of a patience which a run is too short for; None where it is long enough.

    Example:
        >>> config = Config.given({"steps": 100, "evaluate_every": "50", "patience": 5})
        >>> few_evaluations(config).partition(":")[0]
        '`patience` 5 cannot end this run early'
    """
    every = interval("evaluate_every", config.evaluate_every)
    if config.steps is not None and every.steps is not None:
        count = config.steps // every.steps
    elif config.minutes is not None and every.seconds is not None:
        count = int(60.0 * config.minutes / every.seconds)
    else:  # how long a step takes is not known
        return None
    if config.patience is None or count > config.patience:
        return None
    return (
        f"`patience` {config.patience} cannot end this run early: `evaluate_every` {config.evaluate_every} "
        f"makes {count} evaluation{'s' * (count != 1)} in {config.budget}"
    )


def was_idle(training: Training) -> bool:
    """Whether there was nothing left to train."""
    step = training.state.step
    return step > 0 and step == training.first_step and not training.stopped


def farewell(training: Training) -> list[str]:
    """How a training ended."""
    step, idle = training.state.step, was_idle(training)
    if idle and not training.stopped_early:
        return ["Nothing to do: `steps` and `minutes` count from the run's start, so give a larger one."]
    lines = []
    if not idle:
        spent, off_clock = _duration(training.state.elapsed), training.pace.off_clock
        if off_clock >= WORTH_SAYING:
            spent += f" of training, {_duration(off_clock)} of evaluation and saving"
        lines.append(f"Saved step {step:,} after {spent}: {training.run.folder}")
    evaluations, best = training.evaluations, _best(training)
    if not training.stopped_early and best not in (None, step):
        value = evaluations.values[best]
        lines.append(f"The best checkpoint is that of step {best:,}: {evaluations.score} {value:.3f}")
    if training.stopped_early:
        waited = evaluations.without_improvement()
        better = "" if best is None else f" (best: {evaluations.values[best]:.3f} at step {best:,})"
        began = "Nothing to do: stopped" if idle else "Stopped"
        lines.append(
            f"{began} early at step {step:,}: {evaluations.score} has not improved for {waited} "
            f"evaluation{'s' * (waited > 1)}{better}. A larger `patience` lets it go on."
        )
    return lines


def advice(training: Training) -> str | None:
    """Which command may come next; None where nothing was trained."""
    run, best = training.run, _best(training)
    if was_idle(training):
        return None
    if training.stopped:
        return f"Interrupted. Go on with: bgan-text train --resume --run {run.folder}"
    command = "show" if isinstance(run.space, LabelSpace) else "sample"
    few = " --n 3" if command == "sample" and not run.images else ""
    if command == "sample" and best not in (None, training.state.step):
        few += " --step best"
    own = f" --generator {run.config.generator}" if is_custom(run.config.generator) else ""
    return f"Next: bgan-text {command} {run.folder}{few}{own}"


def _best(training: Training) -> int | None:
    """The step of the best checkpoint, by what the training knows: its metrics may be long."""
    return training.evaluations.best(training.run.checkpoints())


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 60.0 else f"{seconds / 60:.1f} minutes"
