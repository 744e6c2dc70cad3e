"""Files that are written in full or not at all."""

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bgan_text.errors import UserError


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


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object, or raise a `UserError` that names the file."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is damaged: it is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise UserError(f"{path} is damaged: a JSON object is expected")
    return value
