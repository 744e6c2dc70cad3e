"""Random command lines over all commands and options."""

import random
import shutil
from pathlib import Path
from typing import Any

from faults.case import Ended
from faults.process import run
from faults.verdict import verdict
from faults.world import TINY, World, rng_of

NASTY = (
    "",
    " ",
    "x",
    "-",
    "--",
    "-1",
    "0",
    "2.5",
    "nan",
    "inf",
    "-inf",
    "1e400",
    str(2**63),
    str(-(2**63)),
    "9" * 5000,
    "x" * 5000,
    "٣",
    "1_0",
    "0x10",
    "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape"),
    "\x1b[31mred",
    "a\nb",
    "../..",
    "/dev/null",
    "/dev/zero",
    "/nonexistent/a",
    ".",
    "words",
    "rnn",
    "texts.txt",
    "nothing:at_all",
    "json:loads",
    "%s%s%s",
    "{0}",
    "[red]",
)
USUAL: dict[str, tuple[object, ...]] = {
    "prepare": ("texts.txt", "--tokenizer", "word", "--out", "new"),
    "train": ("--data", "words", "--run", "new", *TINY, "--steps", 1),
    "sample": ("rnn", "--n", 2),
    "score": ("texts.txt", "--data", "words", "--resamples", 20),
    "plot": ("conv", "--out", "curves.png"),
    "report": ("conv", "--out", "report.html"),
    "compare": (
        "--data",
        "words",
        "--out",
        "new",
        "--objectives",
        "importance",
        "--seeds",
        1,
        *TINY,
        "--steps",
        1,
        "--n",
        20,
    ),
    "reproduce": ("--list",),
    "show": ("words",),
    "doctor": ("--seconds", 0),
    "explore": ("nowhere",),  # a page of a run would not end
}
"""What makes each command short."""
LENGTHS = (
    "steps",
    "minutes",
    "n",
    "resamples",
    "seeds",
    "judge_timeout",
    "vocabulary",
    "limit",
    "candidates",
    "seconds",
)
"""Options that ask for more work the larger they are: a large value is no fault."""
MODEST = ("1", "2", "3")
STORED = ("words", "conv", "rnn")
"""What lies in the folder, and is neither changed nor lost unless the command says so."""
CHANGE = {"--overwrite", "--resume", "--score"}
"""Options that say so. The last keeps scores in the run."""


class CommandLines:
    """Commands with random options and values, good and bad."""

    def __init__(self, world: World) -> None:
        import typer

        from bgan_text.cli.main import app

        self.world = world
        self.commands: dict[str, Any] = dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]

    def case(self, seed: int, number: int, folder: Path) -> Ended:
        rng = rng_of(seed, "commands", number)
        for stored in STORED:
            shutil.copytree(self.world.folder / stored, folder / stored)
        shutil.copy(self.world.folder / "texts.txt", folder)
        before = _state(folder)
        name = rng.choice(tuple(self.commands))
        words: list[object] = [name, *USUAL.get(name, ("words",))]
        params = self.commands[name].params
        chosen = rng.sample(params, min(len(params), rng.randrange(1, 4)))
        for param in chosen:
            words += self._option(param, rng)
        outcome = run(words, folder, may_start=True)
        end = verdict(outcome)
        if end == "hang" and any(param.name in LENGTHS for param in chosen):
            end = "accepted"
        if end in ("accepted", "refused") and not CHANGE & set(words):
            end = end if _state(folder) == before else "lost"
        return Ended(" ".join(repr(str(word)[:30]) for word in words), end, [outcome])

    def _option(self, param: Any, rng: random.Random) -> list[object]:
        """An option or an argument with a value."""
        if param.param_type_name == "argument":
            return [rng.choice(NASTY)]
        flag = rng.choice([*param.opts, *param.secondary_opts])
        if param.is_flag and rng.random() < 0.9:
            return [flag]
        return [flag, rng.choice(NASTY if rng.random() < 0.7 else MODEST)]


def _state(folder: Path) -> dict[str, tuple[int, int]]:
    """The size and the time of every file of what is stored."""
    files = (path for stored in STORED for path in (folder / stored).rglob("*"))
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.is_file()}
