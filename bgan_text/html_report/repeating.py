"""The commands that repeat a run."""

import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from bgan_text.config import Config, settings_of
from bgan_text.corpora.image_sources import IMAGE_CORPORA
from bgan_text.corpora.preparation_options import ImagePreparation, OraclePreparation, TextPreparation
from bgan_text.corpora.sources import TEXT_CORPORA, TOKEN_CORPORA
from bgan_text.errors import UserError
from bgan_text.html_report.opened import OpenRun
from bgan_text.sampling_options import BEST
from bgan_text.setting import flag_of
from bgan_text.space import LabelSpace

PROGRAM = "bgan-text"
FROM_FILES = ("lines", "images")
"""Corpora that are nothing without paths."""
AS_GIVEN = {"colors"}
"""Options whose None is a value."""


def commands(one: OpenRun) -> list[dict[str, str]]:
    """What repeats a run, from its data to its scores: each with `title`, `command` and `note`."""
    run = one.run
    prepared = preparation(one)
    folder, data = str(run.folder), str(run.data_folder())
    words = [PROGRAM, "train", "--data", data, "--run", folder]
    note = ""
    if run.started_from is not None:
        words += ["--from", os.path.normpath(run.folder.absolute() / run.started_from["folder"])]
        note = f"It started from step {run.started_from['step']:,} of that run. "
    words += _flags(Config, settings_of(run.folder))
    made = one.last["step"]
    if run.config.minutes is not None:
        note += (
            f"The run made {made:,} steps in {run.config.budget}; another machine makes more or fewer. "
            f"To repeat it step for step, replace --minutes by --steps {made}, on the same kind of device."
        )
    shown = [
        {
            "title": "Prepare the data",
            "command": prepared or "",
            "note": "" if prepared else _unprepared(one),
        },
        {"title": "Train", "command": shlex.join(words), "note": note},
    ]
    if isinstance(run.space, LabelSpace):
        return shown
    step = ["--step", BEST] if one.best_before_last else []
    out = ["--out", "samples.png"] if run.images else ["--n", "1000", "--seed", "0", "--out", "samples.txt"]
    return [
        *shown,
        {"title": "Sample", "command": shlex.join([PROGRAM, "sample", folder, *step, *out]), "note": ""},
        {"title": "Score", "command": shlex.join([PROGRAM, "score", folder, *step]), "note": ""},
    ]


def preparation(one: OpenRun) -> str | None:
    """The command that made the data of a run; None if none does."""
    if one.data is None:
        return None
    settings = one.data.settings
    corpus, paths = settings["corpus"], settings.get("paths") or []
    kinds = {
        **dict.fromkeys(TEXT_CORPORA, TextPreparation),
        **dict.fromkeys(TOKEN_CORPORA, OraclePreparation),
        **dict.fromkeys(IMAGE_CORPORA, ImagePreparation),
    }
    if corpus not in kinds or (corpus in FROM_FILES and not paths):
        return None
    kind: Any = kinds[corpus]
    try:
        usual = kind(corpus=corpus) if kind is OraclePreparation else kind.given(corpus)
    except UserError:
        return None
    given = {
        option.name: settings[option.name]
        for option in fields(kind)
        if option.metadata
        and option.name in settings
        and settings[option.name] != getattr(usual, option.name)
    }
    words = [PROGRAM, "prepare", corpus, *paths, *_flags(kind, given), "--out", str(one.data.folder)]
    return shlex.join(words)


def _unprepared(one: OpenRun) -> str:
    if one.data is None:
        return one.missing
    return f"{one.data.folder} was prepared in Python, from objects in memory or from a corpus of your own."


def _flags(declared: Any, given: Mapping[str, Any]) -> list[str]:
    """Settings as options of the command line, in the order of their declarations."""
    return [word for option in fields(declared) if option.name in given for word in _flag(option, given)]


def _flag(option: Any, given: Mapping[str, Any]) -> Iterator[str]:
    name, value = flag_of(option), given[option.name]
    if isinstance(value, bool):
        yield name if value else f"--no-{name.removeprefix('--')}"
    elif value is not None or option.name in AS_GIVEN:
        yield name
        yield "none" if value is None else _spelled(value)


def _spelled(value: Any) -> str:
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return short if not isinstance(value, float) or float(short) == value else repr(value)
