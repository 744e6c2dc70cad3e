"""Text for streams whose encoding has no arrows, box characters or emoji, such as cp1252 or ASCII.

What an encoding lacks is written in a plainer way, so that output degrades where it would fail.
"""

import codecs
import io
import re
import unicodedata
from typing import IO, Any

DEGRADE = "bgan-text-degrade"
"""The name of the error handler."""
STRICT = ("strict", "surrogateescape", "backslashreplace")
"""What Python chooses for standard streams by itself. Another handler is the user's choice, and stays."""
PLAIN = {
    "↑": "^", "↓": "v", "→": "->", "←": "<-", "≈": "~", "±": "+-", "\u00d7": "x", "\u2212": "-", "≤": "<=",
    "≥": ">=", "…": "...", "\u2013": "-", "\u2014": "-", "\u2018": "'", "\u2019": "'", "“": '"', "”": '"',
    "•": "*", "·": ".", "\u00a0": " ",
}  # fmt: skip
"""Plain spellings of the characters that tables, messages and help use."""
HORIZONTAL, VERTICAL = set("─━┄┅┈┉╌╍═╴╶╸╺╼╾"), set("│┃┆┇┊┋╎╏║╵╷╹╻╽╿")

UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Characters that move the cursor of a terminal, colour it, or change the order of what is shown."""
UNSEEN_IN_LINE = re.compile(f"(?![\n\t]){UNSEEN.pattern}")


def visible(text: str, *, lines: bool = False) -> str:
    r"""The text with control characters as escapes, so that it can do nothing to a terminal.

    Args:
        text: may come from a file, a name or an option.
        lines: whether line feeds and tabs stay.

    Example:
        >>> visible("a\x1b[2Jb\n"), visible("a\x1b[2Jb\n", lines=True)
        ('a\\x1b[2Jb\\n', 'a\\x1b[2Jb\n')
    """
    unseen = UNSEEN_IN_LINE if lines else UNSEEN
    return unseen.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def plain(text: str) -> str:
    """The text in ASCII: symbols as similar letters, box characters as lines, all others as escapes.

    Example:
        >>> plain("bleu-4 ↑ 0.78 ±.01 │ é 水")
        'bleu-4 ^ 0.78 +-.01 | \\\\xe9 \\\\u6c34'
    """
    return "".join(map(_plain, text))


def _plain(letter: str) -> str:
    if letter.isascii():
        return letter
    if letter in PLAIN:
        return PLAIN[letter]
    if letter in HORIZONTAL:
        return "-"
    if letter in VERTICAL:
        return "|"
    name = unicodedata.name(letter, "")
    for kind, drawn in (("BOX DRAWINGS ", "+"), ("BRAILLE PATTERN ", "*")):  # corners; the spinner of rich
        if name.startswith(kind):
            return drawn
    if "\u2580" <= letter <= "\u259f":  # blocks
        return "#"
    return letter.encode("ascii", "backslashreplace").decode("ascii")


def _degraded(error: UnicodeError) -> tuple[str, int]:
    """Handle what a codec cannot encode; see `codecs.register_error`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return plain(error.object[error.start : error.end]), error.end


def degrade(*streams: Any) -> None:
    """Let text streams write what their encoding lacks in a plainer way.

    Streams that are not of this kind, such as a `StringIO`, and streams whose user chose a handler, stay.
    """
    codecs.register_error(DEGRADE, _degraded)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper) and stream.errors in STRICT:
            stream.reconfigure(errors=DEGRADE)


def holds_all(stream: IO[str]) -> bool:
    """Whether the encoding of a stream has every character, so that JSON need not be escaped."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("_", "-").startswith("utf-8")
