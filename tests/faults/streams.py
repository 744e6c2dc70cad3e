"""Closed, full and foreign streams, absent folders, narrow terminals: one line, and a true exit code."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faults.case import Ended
from faults.process import run, streams_anew
from faults.verdict import verdict
from faults.world import TINY, World, rng_of

COMMANDS: tuple[tuple[object, ...], ...] = (
    ("--version",),
    ("--help",),
    ("train", "--help"),
    ("show", "words"),
    ("show", "rnn", "--json"),
    ("sample", "rnn", "--n", 3),
    ("sample", "rnn", "--n", 3, "--json"),
    ("score", "texts.txt", "--data", "words"),
    ("score", "texts.txt", "--data", "words", "--json"),
    ("score", "texts.txt", "--data", "words", "--csv"),
    ("prepare", "texts.txt", "--tokenizer", "word", "--out", "new", "--json"),
    ("train", "--data", "words", "--run", "new", *TINY, "--steps", 2, "--json"),
    ("plot", "conv", "--out", "curves.png"),
    ("reproduce", "--list"),
    ("sample", "nothing"),
)


def _closed(*numbers: int) -> Callable[[], Any]:
    def close() -> None:
        for number in numbers:
            os.close(number)
        streams_anew()

    return close


def _full(number: int) -> Callable[[], Any]:
    def fill() -> None:
        os.dup2(os.open("/dev/full", os.O_WRONLY), number)
        streams_anew()

    return fill


def _gone(number: int) -> Callable[[], Any]:
    """A pipe that nobody reads."""

    def leave() -> None:
        reading, writing = os.pipe()
        os.close(reading)
        os.dup2(writing, number)
        streams_anew()

    return leave


def _encoded(name: str) -> Callable[[], Any]:
    return lambda: streams_anew(name)


def _environment(**values: str) -> Callable[[], Any]:
    return lambda: os.environ.update(values)


def _removed() -> None:
    """The working folder is removed."""
    shutil.rmtree(Path.cwd())


FAULTS: dict[str, Callable[[], Any]] = {
    "stdin closed": _closed(0),
    "stdout closed": _closed(1),
    "stderr closed": _closed(2),
    "all closed": _closed(0, 1, 2),
    "stdout full": _full(1),
    "stderr full": _full(2),
    "stdout gone": _gone(1),
    "stderr gone": _gone(2),
    "ASCII": _encoded("ascii"),
    "cp1252": _encoded("cp1252"),
    "utf-16": _encoded("utf-16"),
    "COLUMNS 0": _environment(COLUMNS="0"),
    "COLUMNS 20": _environment(COLUMNS="20"),
    "COLUMNS -5": _environment(COLUMNS="-5"),
    "COLUMNS x": _environment(COLUMNS="x"),
    "TERM dumb": _environment(TERM="dumb"),
    "HOME absent": _environment(HOME="/nonexistent/home", HF_HOME="/nonexistent/home/hf"),
    "HOME a file": _environment(HOME="/dev/null", HF_HOME="/dev/null/hf"),
    "TMPDIR absent": _environment(TMPDIR="/nonexistent"),
    "folder removed": _removed,
}
UNREADABLE = ("stdout closed", "all closed", "stdout full", "stdout gone")
"""Where results cannot reach their place, so that exit code 0 would be untrue."""

SILENT = ("stderr closed", "all closed", "stderr full", "stderr gone", "stdout gone")
"""Where nothing can be said, or need not be: nobody reads any more."""


class Streams:
    """A command with a fault of its surroundings."""

    def __init__(self, world: World) -> None:
        self.world = world

    def case(self, seed: int, number: int, folder: Path) -> Ended:
        rng = rng_of(seed, "streams", number)
        words, fault = rng.choice(COMMANDS), rng.choice(tuple(FAULTS))
        place = folder / "work"
        place.mkdir()
        self.world.link_all(place)
        outcome = run(words, place, before=FAULTS[fault])
        end = verdict(outcome)
        silent = fault in SILENT
        if end == "unclear" and silent and outcome.code in (1, 2):
            end = "refused"
        prints = not {"--out", "nothing"} & set(words) or "--json" in words
        if end == "accepted" and fault in UNREADABLE and prints:
            end = "wrong"
        return Ended(f"{fault}: {' '.join(map(str, words))}", end, [outcome])
