"""Files that are written in full or not at all."""

import json
import os
import stat
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bgan_text.errors import UserError, reason_of

MOST_BYTES = 2**26
"""Bytes of a file of settings, tokens or results that is read whole."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path` in full or not at all, even if the machine stops meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object to `path` in full or not at all."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"  # paths may have bytes that are no text
    write_atomically(path, text.encode(errors="backslashreplace"))


def finite(value: Any) -> Any:
    """The value with every infinite or undefined number replaced by None, as JSON has neither."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def read_bounded(path: Path, most: int = MOST_BYTES) -> bytes:
    """The content of a file that may come from a stranger.

    Raises:
        FileNotFoundError: there is none.
        UserError: it is a pipe, a device or a folder, which may have no end; it is too large, or unreadable.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise UserError(f"{path} is no file: a file was expected")
        if found.st_size > most:
            raise UserError(f"{path} is damaged: it has {found.st_size:,} bytes, more than {most:,}")
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error


def read_json(path: Path, most: int = MOST_BYTES) -> dict[str, Any]:
    """Read a JSON object of a run or a dataset directory, which may come from a stranger.

    Raises:
        FileNotFoundError: there is no such file.
        UserError: it is no file, too large or no JSON object. The message names it.
    """
    try:
        value = json.loads(read_bounded(path, most).decode("utf-8"))
    except RecursionError as error:
        raise UserError(f"{path} is damaged: it is nested too deeply") from error
    except ValueError as error:  # of text that is no UTF-8 as well
        raise UserError(f"{path} is damaged: it is not JSON ({reason_of(error)})") from error
    if not isinstance(value, dict):
        raise UserError(f"{path} is damaged: a JSON object is expected")
    return value
