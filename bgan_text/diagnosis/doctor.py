"""Look at the installation and the machine, and train for a few seconds."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bgan_text.device import choose_device
from bgan_text.diagnosis.machine import Machine, machine, machine_problems, size
from bgan_text.diagnosis.packages import Extra, extras, install, package_problems, versions
from bgan_text.diagnosis.problem import Problem
from bgan_text.diagnosis.self_test import DEMO_STEPS, REFERENCE, REFERENCE_RATE, SECONDS, Speed, self_test
from bgan_text.errors import UserError, reason_of
from bgan_text.reporter import SILENT, Reporter

SLOW = 4.0
"""How many times slower than the reference a machine is told to be slow."""


@dataclass(frozen=True)
class Diagnosis:
    """What `doctor` has found.

    Attributes:
        versions: of the package, of Python and of what it needs; None for what is missing.
        extras: what can be installed beside it.
        machine: what there is to compute with.
        speed: how fast a short training was; None if it failed or was not asked for.
        problems: what is wrong, each with the command to try next.

    Example:
        >>> found = doctor(seconds=0.1)
        >>> found.sound, found.versions["bgan-text"] == __version__
        (True, True)
    """

    versions: dict[str, str | None]
    extras: list[Extra]
    machine: Machine
    speed: Speed | None
    problems: list[Problem]

    @property
    def sound(self) -> bool:
        """Whether nothing is broken. What is merely slow is no fault."""
        return not any(problem.broken for problem in self.problems)

    def lines(self) -> list[str]:
        """All of it as lines of text."""
        shown = [*_versions(self.versions), *_machine(self.machine), *_speed(self.speed)]
        for extra in self.extras:
            told = ", ".join(filter(None, ("missing" if extra.missing else "installed", extra.purpose)))
            shown.append((f"extra {extra.name}", f"{told}: {extra.installation}" if extra.missing else told))
        width = max(len(name) for name, _ in shown)
        lines = [f"{name.ljust(width)}  {value}" for name, value in shown]
        found = [problem.line for problem in self.problems] or ["nothing is wrong"]
        return [*lines, "", *found]

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        content = asdict(self)
        for extra, told in zip(self.extras, content["extras"], strict=True):
            told["install"] = extra.installation
        return {"sound": self.sound, **content}


def doctor(
    *, seconds: float = SECONDS, device: str = "auto", folder: str | Path = ".", reporter: Reporter = SILENT
) -> Diagnosis:
    """Look at the installation and the machine, and train for a few seconds in memory.

    Nothing is written, and nothing is asked of the network.

    Args:
        seconds: how long the training lasts; 0 for none.
        device: where: auto, cpu, cuda or cuda:N.
        folder: where data and runs would be written.
        reporter: receives progress.

    Raises:
        UserError: there is no such device or folder.

    Example:
        >>> doctor(seconds=0).speed is None
        True
    """
    place = Path(folder)
    if not place.is_dir():
        raise UserError(f"`folder` {folder}: there is no such folder")
    if not 0.0 <= seconds <= 600.0:
        raise UserError(f"`seconds` {seconds}: a number of 0 to 600 is needed")
    chosen, problems = choose_device(device), package_problems()
    found, speed = machine(place), None
    problems += machine_problems(found)
    if seconds:
        try:
            speed = self_test(chosen, seconds, reporter)
        except Exception as error:  # whatever it is, it is the finding
            what = f"a short training fails: {type(error).__name__}: {reason_of(error)}"
            problems.append(Problem(what, f"{install('.')} --force-reinstall", broken=True))
    if speed is not None and speed.rate * SLOW < REFERENCE_RATE and not found.busy:
        what = f"training is {REFERENCE_RATE / speed.rate:.0f} times slower than on {REFERENCE}"
        problems.append(Problem(what, f"bgan-text train --minutes {math.ceil(speed.demo_minutes)}"))
    return Diagnosis(versions(), extras(), found, speed, problems)


def _versions(found: dict[str, str | None]) -> list[tuple[str, str]]:
    return [(name, version or "missing") for name, version in found.items()]


def _machine(found: Machine) -> list[tuple[str, str]]:
    kind = "used" if found.bfloat16 else "not used"
    gpus = [
        ("GPU", f"{gpu.name}, {size(gpu.memory)}{', bfloat16' if gpu.bfloat16 else ''}") for gpu in found.gpus
    ]
    quota = "" if found.quota is None else f" for {found.quota:g} cores' time"
    instructions = f"{found.instructions}{', AMX' if found.amx else ''}"
    return [
        ("system", found.system),
        ("processor", f"{found.processor}, {instructions}"),
        (
            "cores",
            f"{found.cores} of {found.all_cores} may be used{quota}, torch uses {found.threads} threads",
        ),
        ("load", "unknown" if found.load is None else f"{found.load:.1f} in the last minute"),
        ("bfloat16", f"{kind} by default, {found.bfloat16_speed:.1f} times as fast as float32"),
        *(gpus or [("GPU", "none that torch can use")]),
        ("memory", f"{size(found.free_memory)} free of {size(found.memory)}"),
        ("disk", f"{size(found.disk)} free in {found.folder}"),
        ("encoding", f"standard output {found.encoding}, locale {found.locale}"),
    ]


def _speed(found: Speed | None) -> list[tuple[str, str]]:
    if found is None:
        return [("self-test", "none")]
    return [
        (
            "self-test",
            f"{found.rate:.1f} steps a second on {found.device} in {found.precision}, the demo's settings",
        ),
        ("reference", f"{REFERENCE_RATE:.0f} steps a second on {REFERENCE}"),
        (
            "demo",
            f"its {DEMO_STEPS:,} steps would take {found.demo_minutes:.1f} minutes here, without evaluation",
        ),
    ]
