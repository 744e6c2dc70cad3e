"""How an option of training is declared, and how a value of it is checked.

The module imports no torch, so that `bgan-text --help` answers at once.
"""

from collections.abc import Mapping
from dataclasses import Field, field
from types import MappingProxyType
from typing import Any, get_args

from bgan_text.errors import UserError, choose

NOWHERE: Mapping[str, Any] = MappingProxyType({})


def setting(
    default: Any,
    text: str,
    *,
    minimum: float | None = None,
    below: float | None = None,
    choices: tuple[str, ...] = (),
    where: Mapping[str, Any] = NOWHERE,
    of: tuple[str, ...] = (),
    flag: str | None = None,
    changeable: bool = False,
) -> Any:
    """Declare an option.

    Args:
        default: its value when it is not given.
        text: its help.
        minimum: the least value accepted.
        below: the first value too large.
        choices: the names accepted.
        where: other defaults, by the name of the divergence, objective, credit or generator that wants them.
        of: the objectives that read it, if not all do.
        flag: its command-line spelling, if that is not the name of the field.
        changeable: whether a resumed run may be given another value.
    """
    metadata = {
        "help": text,
        "minimum": minimum,
        "below": below,
        "choices": choices,
        "where": where,
        "of": of,
        "flag": flag,
        "changeable": changeable,
    }
    return field(default=default, metadata=metadata)


def flag(name: str) -> str:
    """The command-line spelling of a field."""
    return "--" + name.replace("_", "-")


def is_a(value: Any, hint: Any) -> bool:
    """Whether a value read from JSON has the type that a field declares."""
    accepted = get_args(hint) or (hint,)
    if isinstance(value, bool):
        return bool in accepted
    return isinstance(value, accepted) or (float in accepted and isinstance(value, int))


def check(option: Field[Any], value: Any) -> None:
    """Raise a `UserError` that names the field if its value is out of range or not a known name."""
    if value is None:
        return
    name, metadata = f"`{option.name}`", option.metadata
    if metadata["choices"]:
        choose(option.name.replace("_", "-"), value, dict.fromkeys(metadata["choices"]))
    minimum, below = metadata["minimum"], metadata["below"]
    if minimum is not None and not value >= minimum:
        raise UserError(f"{name} {value}: at least {minimum:g} is needed")
    if below is not None and not value < below:
        raise UserError(f"{name} {value}: it must be below {below:g}")
    if isinstance(value, float) and value == float("inf"):
        raise UserError(f"{name} {value}: a finite number is needed")
