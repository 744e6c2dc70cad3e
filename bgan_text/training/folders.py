"""Folders that runs and studies are written to: free, of someone else, or locked against a second process."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from bgan_text import remedies
from bgan_text.errors import UserError
from bgan_text.files import remove_unfinished
from bgan_text.outputs import refuse_inside

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

OLDER = re.compile(r"\.(run\.json|metrics\.jsonl|checkpoint-\d{9}\.safetensors)\.\d+(-\d+)?\.tmp")
"""Unfinished files of version 0.5 and before, which were written under the lock of the folder alone."""


LOCK = ".lock"
PATIENCE = 0.2
"""Seconds that a training waits for the lock of its folder, since `is_locked` may hold it for a moment."""


def is_free(folder: Path) -> bool:
    """Whether a folder is absent, empty, or holds only what a run leaves that was killed while it started."""
    beginnings = {"tokenizer.json", "tokenizer.model", "palette.json"}
    if not folder.exists():
        return True
    return folder.is_dir() and all(
        path.name.startswith(".") or path.name in beginnings for path in folder.iterdir()
    )


def refuse_foreign(folder: Path, known: Iterable[str], what: str) -> None:
    """Refuse a folder that is neither free nor that of a `what`, recognised by one of the files `known`.

    Raises:
        UserError: the folder holds something else, is a file, or lies in a run or dataset directory.
    """
    refuse_inside("out", folder)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"`out` {folder} is a file: a folder was expected")
    if folder.exists() and not is_free(folder) and not any((folder / name).exists() for name in known):
        raise UserError(f"`out` {folder} holds something else than a {what}: name another folder")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a run folder against a second training. The lock ends with the process that holds it.

    Raises:
        UserError: another process holds the lock.
    """
    lock = filelock.FileLock(folder / LOCK, timeout=PATIENCE)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise UserError(
            f"{folder} is in use by another training: wait for it, or name another folder"
        ) from error
    try:
        remove_unfinished(folder)  # of a process that was killed while it wrote
        _remove_older(folder)
        yield
    finally:
        lock.release()


def is_locked(folder: Path) -> bool:
    """Whether a training holds the lock of a run folder. Nothing is changed, not even on a read-only disk."""
    try:
        with (folder / LOCK).open("rb") as file:
            if fcntl is None:
                file.read(1)  # Windows refuses that while another process holds the lock
                return False
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except OSError:
        return True


def untrained(folder: Path, save_every: str) -> str:
    """The line that refuses a run without a checkpoint: whether its first one is to come, or must be trained.

    Args:
        folder: of the run.
        save_every: its setting.
    """
    return remedies.untrained_yet(folder, save_every) if is_locked(folder) else remedies.untrained(folder)


def _remove_older(folder: Path) -> None:
    for path in list(folder.iterdir()):
        if OLDER.fullmatch(path.name) and path.is_file():
            path.unlink()


def checkpoints_in(folder: Path) -> dict[int, Path]:
    """The checkpoints in a run folder by step, ascending."""
    found = {}
    for path in sorted(folder.glob("checkpoint-*.safetensors")):
        digits = path.stem.removeprefix("checkpoint-")
        if digits.isdecimal():
            found[int(digits)] = path
    return found
