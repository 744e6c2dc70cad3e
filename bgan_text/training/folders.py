"""Folders that runs and studies are written to: free, of someone else, or locked against a second process."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from bgan_text.errors import UserError


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
        UserError: the folder holds something else, or is a file.
    """
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
    lock = filelock.FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise UserError(
            f"{folder} is in use by another training: wait for it, or name another folder"
        ) from error
    try:
        for unfinished in folder.glob(".*.tmp"):  # of a process that was killed while it wrote
            unfinished.unlink()
        yield
    finally:
        lock.release()
