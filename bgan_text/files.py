"""Files that are written in full or not at all."""

import hashlib
import json
import os
import re
import secrets
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from bgan_text.errors import UserError, reason_of
from bgan_text.records import converted

Kind = TypeVar("Kind")

try:
    import fcntl
except ImportError:  # on Windows, where no file that is open can be removed
    fcntl = None  # type: ignore[assignment]

MOST_BYTES = 2**26
"""Bytes of a file of settings, tokens or results that is read whole."""


UNFINISHED = re.compile(r"\.(.+)\.[0-9a-f]{8}\.bgan-text-unfinished", re.DOTALL)
"""The name of a file that is being written: that of its destination with a mark that nobody else makes."""
LONGEST_NAME = 200
"""Bytes of the name of a destination that are part of the name of its unfinished file."""


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of `path` when the block ends without an error.

    It is written in full or not at all, even if the machine stops meanwhile. What a process that is gone left
    for the same `path` is removed. A process holds a lock on the file that it writes, so that of a living one
    stays.

    Args:
        path: the destination. Its folder exists.
    """
    remove_unfinished(path.parent, path.name)
    temporary, file = _created(path)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if fcntl is not None:  # the lock ends with the block
                temporary.replace(path)
        if fcntl is None:
            temporary.replace(path)
    except BaseException:
        with suppress(OSError):  # the disk may have turned read-only; the first error is the one to tell
            temporary.unlink()
        raise


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path` in full or not at all; folders that are missing are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(content)


def remove_unfinished(folder: Path, name: str | None = None) -> None:
    """Remove the files that processes which are gone had begun to write in a folder.

    Args:
        folder: where; nothing below it is touched.
        name: of the destination whose files are removed; None for all.
    """
    with suppress(OSError):
        for entry in list(os.scandir(folder)):
            found = UNFINISHED.fullmatch(entry.name)
            if found and (name is None or found[1] == _short(name)) and entry.is_file(follow_symlinks=False):
                with suppress(OSError):  # its writer lives, or it belongs to someone else
                    _remove_unlocked(Path(entry.path))


def _remove_unlocked(path: Path) -> None:
    with path.open("rb") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    if fcntl is None:
        path.unlink()


def _created(path: Path) -> tuple[Path, BinaryIO]:
    """A new file beside `path`, locked."""
    while True:
        temporary = path.with_name(f".{_short(path.name)}.{secrets.token_hex(4)}.bgan-text-unfinished")
        file = temporary.open("xb")
        if fcntl is None:
            return temporary, file
        with suppress(OSError):  # a file system without locks, on which nothing is removed either
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file.fileno()).st_nlink:  # it was not removed before it was locked
            return temporary, file
        file.close()


def _short(name: str) -> str:
    """A name, or a digest of it where there would be no room for a mark behind it."""
    raw = os.fsencode(name)
    return name if len(raw) <= LONGEST_NAME else hashlib.sha256(raw).hexdigest()


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object to `path` in full or not at all."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"  # paths may have bytes that are no text
    write_atomically(path, text.encode(errors="backslashreplace"))


def digest_of(value: Mapping[str, Any]) -> str:
    """SHA-256 of a JSON object, without the entry `sha256` that holds it."""
    content = {name: item for name, item in value.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_sealed(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object with its digest as `sha256`, in full or not at all."""
    write_json(path, dict(value) | {"sha256": digest_of(value)})


def read_sealed(path: Path, kind: type[Kind]) -> Kind:
    """Read what `write_sealed` has written. That of an earlier version has no digest.

    Raises:
        FileNotFoundError: there is no such file.
        UserError: it is damaged. The message names it.
    """
    content = parsed(read_bounded(path), path)
    record = converted(content, kind, path)
    refuse_changed(content, path, "; remove it")
    return record


def refuse_changed(content: Mapping[str, Any], path: Path, advice: str = "") -> None:
    """Refuse a JSON object that is not as `write_sealed` has written it. Without a digest it passes."""
    if content.get("sha256", (digest := digest_of(content))) != digest:
        raise UserError(f"{path} is damaged: it is not as it was written{advice}")


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
        refuse_special(path)
        if (size := path.stat().st_size) > most:
            raise UserError(f"{path} is damaged: it has {size:,} bytes, more than {most:,}")
        with path.open("rb") as file:
            content = file.read(most + 1)
        if len(content) > most:  # it grows, or its file system does not know its size
            raise UserError(f"{path} is damaged: it has more than {most:,} bytes")
        return content
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error


def refuse_special(path: Path) -> None:
    """Refuse a pipe, a device or a folder before it is opened: to open a pipe may take for ever.

    Raises:
        FileNotFoundError: there is nothing.
        UserError: it is one of these.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise UserError(f"{path} is no file: a file was expected")


def read_json(path: Path, kind: type[Kind], most: int = MOST_BYTES) -> Kind:
    """Read a JSON file of a run or a dataset directory, which may come from a stranger.

    Args:
        path: the file.
        kind: what it holds, a type of `bgan_text.records`.
        most: the bytes that it may have.

    Raises:
        FileNotFoundError: there is no such file.
        UserError: it is no file, too large, no JSON, or holds something else. The message names it.
    """
    return decoded(read_bounded(path, most), kind, path)


def decoded(content: bytes, kind: type[Kind], where: object) -> Kind:
    """JSON as a declared type, see `bgan_text.records.converted`.

    Raises:
        UserError: it is no JSON, a name is repeated, a number is NaN, or a field is not accepted.
    """
    return converted(parsed(content, where), kind, where)


def parsed(content: bytes, where: object) -> Any:
    """JSON as values of Python, see `strict_json`, or a `UserError` that names the file."""
    try:
        return strict_json(content.decode())
    except RecursionError as error:
        raise UserError(f"{where} is damaged: it is nested too deeply") from error
    except ValueError as error:  # of text that is no UTF-8 as well
        raise UserError(f"{where} is damaged: it is not JSON ({reason_of(error)})") from error


def strict_json(text: str, *, nan: bool = False) -> Any:
    """JSON as values of Python: without NaN, and each name once. Of repeated ones Python would keep the last.

    Args:
        text: the JSON.
        nan: whether NaN and infinite numbers are accepted, and read as None.

    Raises:
        ValueError: it is something else.
        RecursionError: it is nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_distinct, parse_constant=_none if nan else _refuse_constant)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        repeated, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"{ascii(repeated[:40])[1:-1]} is there twice")
    return values


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _none(name: str) -> None:
    return None
