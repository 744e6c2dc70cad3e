"""Standard input, output and error that are closed or full, so that a program ends in order.

The library leaves the streams alone. A program that owns its process, such as `bgan-text`, calls these.
"""

import io
import os
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

NARROWEST, WIDEST = 20, 1000
"""The columns of a terminal for which tables are laid out."""


class Talk(io.TextIOWrapper):
    """A stream of messages. One that cannot be written is lost, and the work goes on."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


def open_streams() -> None:
    """Occupy the standard streams that are closed, and make standard error one that never fails.

    A file that is opened later would take the place of a closed stream, and messages of libraries written in
    C would end in it. To write to standard output that was closed is an error, when it is flushed.
    """
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):  # what is written to 1 fails
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # which takes the lowest number that is free
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    plain: Any = sys.stderr
    talk = Talk(plain.detach(), encoding=plain.encoding, errors=plain.errors, line_buffering=True)
    sys.stderr = vars(sys)["__stderr__"] = talk


def settle_output() -> OSError | None:
    """Write out what standard output still holds.

    Returns:
        Why that could not be done, and None if it was. What is left is then dropped, so that the interpreter
        does not complain of it as it ends.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return error
    return None


def settle_columns(environment: MutableMapping[str, str]) -> None:
    """Keep COLUMNS within what tables can be laid out for; what is no width is taken away.

    Example:
        >>> environment = {"COLUMNS": "100000"}
        >>> settle_columns(environment)
        >>> environment
        {'COLUMNS': '1000'}
    """
    digits = environment.get("COLUMNS", "").lstrip("0")
    if digits.isascii() and digits.isdecimal():
        width = WIDEST if len(digits) > len(str(WIDEST)) else int(digits)
        environment["COLUMNS"] = str(min(WIDEST, max(NARROWEST, width)))
    else:
        environment.pop("COLUMNS", None)
