"""What a report tells of a run in words: what was trained on what, how long, and with which settings."""

from typing import Any

from bgan_text.config import Config, settings_of
from bgan_text.described import described, read_settings
from bgan_text.device import choose_device
from bgan_text.html_report.opened import OpenRun
from bgan_text.space import LabelSpace
from bgan_text.training.update import resolve_precision
from bgan_text.training_options import TrainingOptions

ABOUT = {
    name: option.metadata["help"].partition(" (default: ")[0]
    for name, option in TrainingOptions.__dataclass_fields__.items()
}
"""What each setting is."""


def facts(one: OpenRun) -> dict[str, Any]:
    """What there is to tell of a run.

    Returns:
        `about`, pairs of a name and a value; `changed`, settings that are not defaults: name, value, help;
        `settings`, all others that the objective reads, by group; and what the table of runs shows.
    """
    run, config = one.run, one.run.config
    changed = set(settings_of(run.folder)) - _resolved(run.config)
    image_nets = run.images or isinstance(run.space, LabelSpace)
    groups = {
        group: [(name, value, ABOUT.get(name, "")) for name, value in named]
        for group, named in read_settings(config, image_nets=image_nets).items()
    }
    step, seconds = one.last["step"], float(one.last.get("seconds", 0.0))
    best = one.evaluations.values.get(one.best) if one.best is not None else None
    return {
        "name": one.name,
        "folder": str(run.folder),
        "objective": config.title,
        "generator": config.generator,
        "data": run.data_folder().absolute().name or run.data["corpus"],
        "step": step,
        "seconds": seconds,
        "time": duration(seconds),
        "score": one.evaluations.score,
        "best": best,
        "best_step": one.best,
        "last": one.evaluations.last(),
        "seed": config.seed,
        "about": _about(one, step, seconds),
        "changed": [row for rows in groups.values() for row in rows if row[0] in changed],
        "settings": {group: [row for row in rows if row[0] not in changed] for group, rows in groups.items()},
    }


def _resolved(config: Config) -> set[str]:
    """Settings that were `auto` as far as can be told: run.json has what they became on the device."""
    here = str(resolve_precision("auto", choose_device("auto"))).removeprefix("torch.")
    return {"precision"} if config.precision == here else set()


def _about(one: OpenRun, step: int, seconds: float) -> list[tuple[str, str]]:
    run, config = one.run, one.run.config
    told = [
        ("Run", str(run.folder)),
        *_data(one),
        ("Objective", config.title),
        ("Generator", config.generator),
    ]
    told.append(("Trained", f"{step:,} steps in {duration(seconds)}, of {config.budget}{_ending(one)}"))
    if run.started_from is not None:
        told.append(("Started from", f"step {run.started_from['step']:,} of {run.started_from['folder']}"))
    if one.best is not None:
        value = one.evaluations.values[one.best]
        told.append(("Best checkpoint", f"step {one.best:,}, {one.evaluations.score} {value:.4f}"))
    return told


def _data(one: OpenRun) -> list[tuple[str, str]]:
    run, data = one.run, one.data
    told = [("Data", f"{run.data_folder()} (corpus {run.data['corpus']}, signature {run.data['signature']})")]
    if data is not None:
        splits = (f"{data.counts[name]:,} {name}" for name in ("train", "validation", "test"))
        told.append(("Samples in it", ", ".join(splits)))
    else:
        told.append(("Samples in it", f"not known: {one.missing}"))
    kind = "Palette" if run.images else "Tokenizer"
    shape = described(run.space)
    return [
        *told,
        (kind, run.data["tokenizer"].rpartition(":")[0] or run.data["tokenizer"]),
        ("A sample", shape),
    ]


def _ending(one: OpenRun) -> str:
    """How training ended, if it did not reach its budget."""
    if one.last.get("stopped_early"):
        waited = one.evaluations.without_improvement()
        return f"; it stopped early, after {waited} evaluation{'s' * (waited != 1)} no better"
    return "; it was interrupted" if one.last.get("interrupted") else ""


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    if seconds < 100.0:
        return f"{seconds:.3g} seconds"
    if seconds < 6000.0:
        return f"{seconds / 60:.3g} minutes"
    return f"{seconds / 3600:.3g} hours"
