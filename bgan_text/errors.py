"""The one exception whose message is meant for the person at the keyboard."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

Value = TypeVar("Value")


class UserError(Exception):
    """A mistake in what was given. The message is one line: what was given, what is accepted."""


def choose(kind: str, name: str, options: Mapping[str, Value]) -> Value:
    """Look `name` up in `options`, or raise a `UserError` that lists the near names and all of them."""
    if name in options:
        return options[name]
    raise UserError(unknown(kind, name, options))


def unknown(kind: str, name: str, options: Iterable[str]) -> str:
    """The line that refuses an unknown name and says which names are known, near ones first."""
    options = list(options)
    near = difflib.get_close_matches(name.lower(), options, n=2, cutoff=0.55)
    hint = f"did you mean {' or '.join(repr(word) for word in near)}? " if near else ""
    return f"unknown {kind} {name!r}: {hint}choose from {', '.join(options)}"
