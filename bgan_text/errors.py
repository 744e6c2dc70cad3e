"""The exception whose message is meant for the user."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

Value = TypeVar("Value")


class UserError(Exception):
    """Something that was given is wrong.

    The message is one line that says what was given and what is accepted. It names options as `fields` in
    backticks.

    Example:
        >>> from bgan_text import Config
        >>> Config.given({"draws": 0})
        Traceback (most recent call last):
        bgan_text.errors.UserError: `draws` 0: at least 1 is needed
    """


def reason_of(error: Exception) -> str:
    """The first line of what an error of a library says; its type if it says nothing.

    Example:
        >>> reason_of(ValueError("no header\\nin the file")), reason_of(EOFError())
        ('no header', 'EOFError')
    """
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def choose(kind: str, name: str, options: Mapping[str, Value]) -> Value:
    """Look `name` up in `options`, or raise a `UserError` that lists similar names and all names."""
    if name in options:
        return options[name]
    raise UserError(unknown(kind, name, options))


def unknown(kind: str, name: str, options: Iterable[str]) -> str:
    """The line that refuses an unknown name and lists the known ones, similar ones first."""
    options = list(options)
    near = difflib.get_close_matches(name.lower(), options, n=2, cutoff=0.55)
    hint = f"did you mean {' or '.join(repr(word) for word in near)}? " if near else ""
    return f"unknown {kind} {name!r}: {hint}choose from {', '.join(options)}"


MOST_SHOWN = 80
"""Characters of a name or a value that a message shows."""


def shortened(text: str, most: int = MOST_SHOWN) -> str:
    """A name or a value as a part of one line: no control characters, and the middle of a long one left out.

    Example:
        >>> shortened("a\\nb"), shortened("x" * 1000, 10)
        ('a\\\\nb', 'xxxxx...xxxxx')
    """
    if len(text) > most:
        text = text[: most // 2] + "..." + text[len(text) - most // 2 :]
    return (
        text
        if text.isprintable()
        else "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
    )
