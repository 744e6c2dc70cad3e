"""The exception whose message is meant for the user."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

Value = TypeVar("Value")
LONGEST_VALUE, LONGEST_WORD, LONGEST_LINE = 100, 300, 1000
"""Characters of a value that a message quotes, of a word in it, such as a path, and of all of it."""
LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")
LINE_ENDS = re.compile(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\s*")


def shortened(text: str, most: int = LONGEST_VALUE) -> str:
    """The text without its middle if it has more than `most` characters.

    Example:
        >>> shortened("0123456789", 5)
        '01…89'
    """
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[:half]}…{text[-half:]}"


def shown(value: Any) -> str:
    """A value as a message quotes it: short, whatever it is; text in quotation marks.

    Example:
        >>> shown("x" * 5000)[:5], len(shown("x" * 5000)), shown(10**5000)
        ("'xxxx", 99, 'an integer of 16610 bits')
    """
    try:
        return shortened(repr(value), LONGEST_VALUE)
    except ValueError:  # Python writes no integer of so many digits
        return f"an integer of {value.bit_length()} bits" if isinstance(value, int) else type(value).__name__


def _printed(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode()


def one_line(message: str) -> str:
    """A message in one line of bounded length, without what a terminal would obey.

    Example:
        >>> one_line("no\\nheader: \\x1b[2J"), len(one_line("x" * 5000))
        ('no header: \\\\x1b[2J', 299)
    """
    text = "".join(map(_printed, LINE_ENDS.sub(" ", message).strip()))
    text = LONG_WORD.sub(lambda found: shortened(found[0], LONGEST_WORD), text)
    return shortened(text, LONGEST_LINE)


class UserError(Exception):
    """Something that was given is wrong.

    The message is one line that says what was given and what is accepted. It names options as `fields` in
    backticks. Values that are very long have lost their middle.

    Example:
        >>> from bgan_text import Config
        >>> Config.given({"draws": 0})
        Traceback (most recent call last):
        bgan_text.errors.UserError: `draws` 0: at least 1 is needed
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


def reason_of(error: Exception) -> str:
    """The first line of what an error of a library says; its type if it says nothing.

    Example:
        >>> reason_of(ValueError("no header\\nin the file")), reason_of(EOFError())
        ('no header', 'EOFError')
    """
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__


def choose(kind: str, name: str, options: Mapping[str, Value]) -> Value:
    """Look `name` up in `options`, or raise a `UserError` that lists similar names and all names."""
    if name in options:
        return options[name]
    raise UserError(unknown(kind, name, options))


def unknown(kind: str, name: str, options: Iterable[str]) -> str:
    """The line that refuses an unknown name and lists the known ones, similar ones first."""
    options = list(options)
    near = difflib.get_close_matches(name.lower()[:LONGEST_VALUE], options, n=2, cutoff=0.55)
    hint = f"did you mean {' or '.join(repr(word) for word in near)}? " if near else ""
    return f"unknown {kind} {shown(name)}: {hint}choose from {', '.join(options)}"


def needs_extra(what: str, extra: str) -> str:
    """The line that refuses what an extra is missing for.

    Args:
        what: what needs it, with the verb.
        extra: as in `pip install '.[EXTRA]'`.

    Example:
        >>> needs_extra("MAUVE needs", "mauve")
        "MAUVE needs an extra: pip install -c constraints.txt '.[mauve]' in a clone of bgan-text"
    """
    return f"{what} an extra: pip install -c constraints.txt '.[{extra}]' in a clone of bgan-text"
