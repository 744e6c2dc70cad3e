"""Where results may be written: never over what a command reads, nor among the files of a run or dataset."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bgan_text.errors import UserError

OWNED = ("run.json", "card.json")
"""The files that tell whose folder it is."""
LIBRARY, MODEL_CONFIG = "bgan-text", "config.json"
"""An exported model has the second, which names the first. Other libraries have files of the same name."""
MARK = re.compile(rb'"library_name":\s*"bgan-text"')
MARK_WITHIN = 1 << 16


def refuse_output(name: str, out: Path, inputs: Iterable[Any] = (), usual: Path | None = None) -> None:
    """Refuse a file or folder that is an input, lies within one, or within a run or dataset directory.

    Links and `..` are followed, and hard links are known by the file that they share.

    Args:
        name: the option, for the message.
        out: what is to be written.
        inputs: paths that the same command reads; what is no path is passed over.
        usual: where the command writes by itself, which is always allowed.

    Raises:
        UserError: it is one of these. The message names it.
    """
    real = _real(out)
    if usual is not None and real == _real(usual):
        return
    for path in (Path(os.fspath(one)) for one in inputs if isinstance(one, str | os.PathLike)):
        if _same(out, path):
            raise UserError(f"`{name}` {out} is {path}, which is read: name another file")
        if path.is_dir() and real.is_relative_to(_real(path)):
            raise UserError(f"`{name}` {out} lies in {path}, which is read: name another place")
    refuse_inside(name, out)


def refuse_inside(name: str, out: Path) -> None:
    """Refuse a place within a run folder or a dataset directory, whose own files it might replace."""
    for folder in {*_real(out).parents, *(_real(out.parent) / out.name).parents}:
        if any((folder / mark).exists() for mark in OWNED):
            raise UserError(
                f"`{name}` {out} lies in the run or dataset directory {folder}: name another place"
            )
        if is_exported(folder):
            raise UserError(f"`{name}` {out} lies in the exported model {folder}: name another place")


def is_exported(folder: Path) -> bool:
    """Whether a folder is an exported model, or was one before it was damaged."""
    config = folder / MODEL_CONFIG
    try:
        if not config.is_file() or (folder / "run.json").exists():
            return False
        with config.open("rb") as file:
            return MARK.search(file.read(MARK_WITHIN)) is not None
    except OSError:
        return False


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _same(one: Path, other: Path) -> bool:
    try:
        return _real(one) == _real(other) or one.samefile(other)
    except OSError:  # one of them does not exist
        return False
