"""What JSON files hold, as types that msgspec checks: types, ranges, finite numbers, and no unknown names.

A file may be damaged, or come from a stranger. The readers in `bgan_text.files` use `converted`, so that
every field is checked here and nowhere else.
"""

import json
import re
import sys
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from bgan_text.errors import UserError
from bgan_text.setting import LARGEST, TYPES

Kind = TypeVar("Kind")

LEVELS = 6
"""Lists and objects within each other, where a file may hold any JSON."""
SHOWN = 200
"""Characters of what msgspec says, which may quote the file."""
Text = Annotated[str, Meta(pattern=r"\A[^\ud800-\udfff]*\Z")]
"""A text without half a surrogate pair, which is no character. Paths are `str`: they may have any bytes."""
Count = Annotated[int, Meta(ge=0, le=LARGEST)]
Number = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
"""A finite number."""
Seconds = Annotated[float, Meta(ge=0.0, le=sys.float_info.max)]
Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
"""SHA-256."""


def _any_json(levels: int) -> Any:
    scalar: Any = None | bool | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | Number | Text
    kind: Any = scalar
    for _ in range(levels):
        kind = Union[scalar, list[kind], dict[Text, kind]]  # noqa: UP007
    return kind


Json: Any = _any_json(LEVELS)
"""Any JSON value of finite numbers that is not nested deeply."""


class Format(Struct):
    """The fields that a file of any format has, so that a later one is told before it is read."""

    format: Annotated[int, Meta(ge=1, le=LARGEST)]
    version: Text


class Record(Struct, forbid_unknown_fields=True):
    """An object of a file. A field without a default is needed, and there are no others."""


def converted(value: Any, kind: type[Kind], where: object, field: str = "") -> Kind:
    """A value as JSON gives it, as a declared type. Nothing is converted: 2.0 and "2" are no integers.

    Args:
        value: what a parser returned.
        kind: the type, such as a `Record`.
        where: the file, for the message.
        field: that of the file which holds the value; empty for all of it.

    Raises:
        UserError: it is something else. The message names the file, the field and what is accepted.

    Example:
        >>> converted({"a": 1}, dict[str, Count], "a.json")
        {'a': 1}
        >>> converted({"a": -1}, dict[str, Count], "a.json")
        Traceback (most recent call last):
        bgan_text.errors.UserError: a.json is damaged: [...]: at least 0 is needed
    """
    try:
        found: Kind = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise UserError(f"{where} is damaged: {_fault(str(error), field)}") from error
    except UnicodeEncodeError:  # of half a surrogate pair where no text is accepted at all
        whole = json.dumps(value, ensure_ascii=False).encode(errors="replace")
        return converted(json.loads(whole), kind, where, field)
    return found


def values_of(record: Any) -> dict[str, Any]:
    """The fields of a record of `record_of` that the file has, by name."""
    return {name: value for name, value in msgspec.structs.asdict(record).items() if value is not UNSET}


@cache
def record_of(holder: type) -> Any:
    """The record of a dataclass: its fields, in the ranges that `setting` declares.

    A field with a default may be absent; `values_of` then leaves it out.
    """
    hints, made = get_type_hints(holder, include_extras=True), []
    for option in fields(holder):
        kind, needed = _kind(hints[option.name], option.metadata), option.default is MISSING
        made.append((option.name, kind) if needed else (option.name, Union[kind, UnsetType], UNSET))  # noqa: UP007
    return msgspec.defstruct(holder.__name__, made, bases=(Record,))


def _kind(hint: Any, metadata: Any) -> Any:
    members = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return Union[tuple(_limited(one, metadata) for one in members)]  # noqa: UP007


def _limited(hint: Any, metadata: Any) -> Any:
    least, below = metadata.get("minimum"), metadata.get("below")
    if hint is int:
        most = metadata.get("maximum", LARGEST) if below is None else min(int(below), 2**63) - 1
        return Annotated[int, Meta(ge=-LARGEST if least is None else int(least), le=most)]
    if hint is float:
        least = -sys.float_info.max if least is None else float(least)
        return Annotated[
            float, Meta(ge=least, le=sys.float_info.max) if below is None else Meta(ge=least, lt=below)
        ]
    if hint is str:
        names = metadata.get("choices")
        return Literal[names] if names and not metadata["custom"] else Text
    return record_of(hint) if isinstance(hint, type) and is_dataclass(hint) else hint


def _fault(message: str, within: str) -> str:
    """What msgspec says in the words of the project: the field, and what is accepted."""
    told, separator, place = message.rpartition(" - at ")
    if not separator:
        told, place = message, "$"
    place = place.strip("`").replace("key` in `", "a name in ")
    field = place.replace("$", within).removeprefix(".")
    if match := re.match(r"Object (?:missing required|contains unknown) field `(.*)`", told, re.DOTALL):
        name = ".".join(filter(None, [field, ascii(match[1])[1:-1]]))[:SHOWN]
        return f"{name} is missing" if "missing" in told else f"{name} is not known to this version"
    return f"{field}: {_accepted(told)}" if field else _accepted(told)


def _accepted(told: str) -> str:
    """What msgspec expected, as the messages of options say it."""
    if match := re.match(r"Expected `(?:int|float)` (>=|<=|<) (\S+)", told):
        sign, limit = match[1], float(match[2])
        if abs(limit) == sys.float_info.max:
            return "a finite number is needed"
        if sign == ">=":
            return f"at least {limit:g} is needed"
        most = f"{int(match[2]):,}" if match[2].isdigit() else f"{limit:g}"
        return f"at most {most} is possible" if sign == "<=" else f"it must be below {limit:g}"
    if told.startswith("Expected `str` matching"):
        return next(text for part, text in PATTERNS.items() if part in told)
    if match := re.match(r"Expected `([a-z |]+)`(.*)", told):
        named = {kind.__name__: text for kind, text in TYPES.items()} | NAMES
        kinds = " or ".join(named.get(kind, kind) for kind in match[1].split(" | "))
        return f"{kinds}{match[2].partition(',')[0]} is needed"
    if told.startswith("Number out of range"):
        return "a finite number is needed"
    if told.startswith("Invalid enum value"):
        return f"{ascii(told.removeprefix('Invalid enum value '))[1:-1][:SHOWN]} is no name that is accepted"
    return ascii(told)[1:-1][:SHOWN]


PATTERNS = {"a-f": "a digest is needed", "[0-9]": "a number is needed", "": "whole characters are needed"}
"""What is accepted, by a part of the pattern."""
NAMES = {"null": "None", "array": "a list", "object": "an object"}
"""Types of JSON as messages name them."""
