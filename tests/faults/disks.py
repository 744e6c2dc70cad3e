"""A disk that is full or turns read-only at any write: one line, and what was there stays."""

import errno
import json
import os
import random
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faults.case import Ended
from faults.process import run
from faults.verdict import verdict
from faults.world import DATA, TINY, World, checkpoints, rng_of

WRITES = (
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.truncate",
    "os.link",
    "os.symlink",
    "os.chmod",
    "shutil.rmtree",
)
"""Events of Python's audit that change a disk, besides opening a file to write."""
NUMBERS = (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO)

FOR_GOOD = " and later"
ASIDE = ", the old model aside"
"""Where a disk that fails for good between two moves leaves it. The next command puts it back."""


class Disks:
    """Commands that write, with a fault at the n-th write, or at the n-th byte of any file."""

    def __init__(self, world: World) -> None:
        self.world = world

    def case(self, seed: int, number: int, folder: Path) -> Ended:
        rng = rng_of(seed, "disks", number)
        self.world.link_data(folder)
        what = rng.choice(
            (
                self._prepare,
                self._train,
                self._resume,
                self._sample,
                self._score,
                self._plot,
                self._report,
                self._export,
            )
        )
        fault, told = _fault(rng, folder)
        name, end, outcomes = what(folder, fault)
        if name.endswith(ASIDE) and not told.endswith(FOR_GOOD):
            end = "lost"
        return Ended(f"{name}, {told}", end, outcomes)

    def _prepare(self, folder: Path, fault: Callable[[], Any]) -> Any:
        shutil.copytree(self.world.folder / "words", folder / "made")
        shutil.copy(self.world.folder / "texts.txt", folder)
        words = ("prepare", "texts.txt", "--tokenizer", "char", "--out", "made", "--overwrite")
        outcome = run(words, folder, before=fault)
        opened = run(("train", "--data", "made", "--run", "run", *TINY, "--steps", 1), folder)
        return "prepare --overwrite", "lost" if opened.code else verdict(outcome), [opened, outcome]

    def _train(self, folder: Path, fault: Callable[[], Any]) -> Any:
        how = ("--data", "words", *TINY, "--save-every", 1, "--evaluate-every", 1, "--steps", 3)
        outcome = run(("train", "--run", "made", *how), folder, before=fault)
        end = verdict(outcome)
        if end == "accepted":  # then all of it is there
            end = "accepted" if run(("sample", "made", "--n", 1), folder).code == 0 else "lost"
        elif (folder / "made" / "run.json").exists():
            again = run(("train", "--run", "made", "--resume"), folder)
            end = end if again.code == 0 else "lost"
        return "train", end, [outcome]

    def _resume(self, folder: Path, fault: Callable[[], Any]) -> Any:
        shutil.copytree(self.world.folder / "conv", folder / "made")
        before = len(checkpoints(folder / "made"))
        words = ("train", "--run", "made", "--resume", "--steps", 6)
        outcome = run(words, folder, before=fault)
        again = run(words, folder)
        kept = again.code == 0 and len(checkpoints(folder / "made")) >= before
        return "train --resume", verdict(outcome) if kept else "lost", [again, outcome]

    def _sample(self, folder: Path, fault: Callable[[], Any]) -> Any:
        (folder / "s.txt").write_text("old\n")
        outcome = run(
            ("sample", self.world.folder / "rnn", "--n", 40, "--out", "s.txt"), folder, before=fault
        )
        lines = (folder / "s.txt").read_text("utf-8").splitlines()
        whole = len(lines) == 40 if outcome.code == 0 else lines == ["old"]
        left = [path.name for path in folder.iterdir() if path.name.endswith(".tmp")]
        end = verdict(outcome)
        return f"sample --out {left}", end if whole else "lost", [outcome]

    def _score(self, folder: Path, fault: Callable[[], Any]) -> Any:
        (folder / "s.txt").write_text("the cat sat\n" * 30)
        outcome = run(("score", "s.txt", "--data", "words", "--json"), folder, before=fault)
        return "score", verdict(outcome), [outcome]

    def _plot(self, folder: Path, fault: Callable[[], Any]) -> Any:
        (folder / "curves.png").write_bytes(b"old")
        outcome = run(("plot", self.world.folder / "conv", "--out", "curves.png"), folder, before=fault)
        content = (folder / "curves.png").read_bytes()
        whole = (
            content.startswith(b"\x89PNG") and content.endswith(b"IEND\xaeB`\x82")
            if outcome.code == 0
            else content == b"old"
        )
        return "plot --out", verdict(outcome) if whole else "lost", [outcome]

    def _report(self, folder: Path, fault: Callable[[], Any]) -> Any:
        (folder / "report.html").write_bytes(b"old")
        outcome = run(("report", self.world.folder / "conv", "--out", "report.html"), folder, before=fault)
        content = (folder / "report.html").read_bytes()
        whole = content.rstrip().endswith(b"</html>") if outcome.code == 0 else content == b"old"
        left = sorted(path.name for path in folder.iterdir() if path.name not in DATA)
        whole = whole and (outcome.code != 0 or left == ["report.html"])
        return f"report --out {left}", verdict(outcome) if whole else "lost", [outcome]

    def _export(self, folder: Path, fault: Callable[[], Any]) -> Any:
        shutil.copytree(self.world.folder / "rnn-model", folder / "made")
        words = ("export", self.world.folder / "conv", "made", "--overwrite")
        outcome = run(words, folder, before=fault)
        aside = None if (folder / "made").exists() else next(folder.glob(".made.*/old"), None)
        place = folder / "made" if aside is None else aside
        sound = run(("verify", place), folder)
        whole = sound.code == 0 and (outcome.code != 0 or _generator(place) == "conv")
        name = "export --overwrite" if aside is None else f"export --overwrite{ASIDE}"
        return name, verdict(outcome) if whole else "lost", [sound, outcome]


def _generator(model: Path) -> str:
    return str(json.loads((model / "config.json").read_bytes())["settings"]["generator"])


def _fault(rng: random.Random, folder: Path) -> tuple[Callable[[], Any], str]:
    """What makes writes of a process fail, and its name."""
    if rng.random() < 0.3:
        size = rng.choice((0, 1, 100, 1000, 5000, 20_000, 50_000))
        return lambda: _bounded(size), f"no file over {size} bytes"
    nth, number = rng.randrange(1, 25), rng.choice(NUMBERS)
    for_good = rng.random() < 0.5
    return lambda: _failing(folder, nth, number, for_good), (
        f"{errno.errorcode[number]} at write {nth}{FOR_GOOD if for_good else ''}"
    )


def _bounded(size: int) -> None:
    """No file grows past a size, whoever writes it."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _failing(folder: Path, nth: int, number: int, for_good: bool) -> None:
    """The nth change below a folder fails, and maybe all after it."""
    place, seen = folder.resolve(), 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if not _changes(event, arguments) or not _below(place, arguments[0]):
            return
        seen += 1
        if seen == nth or (for_good and seen > nth):
            raise OSError(number, os.strerror(number), os.fsdecode(arguments[0]))

    sys.addaudithook(hook)


def _changes(event: str, arguments: tuple[Any, ...]) -> bool:
    if event == "open":
        path, mode, flags = arguments
        writes = any(letter in mode for letter in "wax+") if mode else bool(flags & (os.O_WRONLY | os.O_RDWR))
        return writes and isinstance(path, str | bytes | os.PathLike)
    return event in WRITES and isinstance(arguments[0], str | bytes | os.PathLike)


def _below(place: Path, path: str | bytes) -> bool:
    return place in (Path.cwd() / os.fsdecode(path)).parents
