"""How an option is declared, and how a value of it is checked.

The module imports no torch, so that `bgan-text --help` answers at once.
"""

import math
from dataclasses import Field, field, fields
from typing import Any, get_args, get_origin, get_type_hints

from bgan_text.errors import UserError, choose, shown

TYPES = {int: "an integer", float: "a number", str: "a text", bool: "True or False", type(None): "None"}
"""Types as messages name them."""
LARGEST = 2**53
"""No count is larger: what is above cannot be told apart as a float."""
DEVICES = "auto, cpu, cuda or cuda:N"
"""The devices that an option `device` accepts."""
JOBS = "runs that are trained at a time, each in a process with its share of the threads"
"""What an option `jobs` is."""


def setting(
    default: Any,
    text: str,
    *,
    minimum: float | None = None,
    above: float | None = None,
    below: float | None = None,
    maximum: int = LARGEST,
    choices: tuple[str, ...] = (),
    custom: bool = False,
    flag: str | None = None,
    changeable: bool = False,
    metavar: str | None = None,
    group: str | None = None,
) -> Any:
    """Declare an option as a field of a frozen dataclass.

    Args:
        default: the value of an option that is not given.
        text: its help.
        minimum: the least value accepted.
        above: the first value too small.
        below: the first value too large.
        maximum: the largest integer accepted.
        choices: the names accepted.
        custom: whether a `module:name` of the user's is accepted as well.
        flag: its command-line spelling, if that is not the name of the field.
        changeable: whether a resumed run may be given another value.
        metavar: what stands for its value in the help.
        group: the heading under which the help shows it.
    """
    metadata = {
        "help": text,
        "minimum": minimum,
        "above": above,
        "below": below,
        "maximum": maximum,
        "choices": choices,
        "custom": custom,
        "flag": flag,
        "changeable": changeable,
        "metavar": metavar,
        "group": group,
    }
    return field(default=default, metadata=metadata)


def flag_of(option: Field[Any]) -> str:
    """The command-line spelling of a field, such as `--generator-lr`."""
    return option.metadata.get("flag") or "--" + option.name.replace("_", "-")


def is_custom(name: str) -> bool:
    """Whether a name stands for a part of the user's, `module:name`, and not for one of the package."""
    return ":" in name


def is_a(value: Any, hint: Any) -> bool:
    """Whether a value read from JSON has the type that a field declares."""
    if get_origin(hint) in (tuple, list):
        return isinstance(value, tuple | list) and all(isinstance(one, get_args(hint)[0]) for one in value)
    accepted = tuple(get_origin(kind) or kind for kind in get_args(hint)) or (hint,)
    if isinstance(value, bool):
        return bool in accepted
    return isinstance(value, accepted) or (float in accepted and isinstance(value, int))


def check_all(options: Any) -> None:
    """Check every field of a dataclass that `setting` declared. An integer for a float becomes one.

    Raises:
        UserError: a value has another type, is out of range or is not a known name.
    """
    hints = get_type_hints(type(options))
    for option in fields(options):
        if option.metadata:
            value, hint = getattr(options, option.name), hints[option.name]
            check_type(option.name, value, hint)
            check(option, value)
            kinds = get_args(hint) or (hint,)
            if type(value) is int and float in kinds and int not in kinds:
                object.__setattr__(options, option.name, float(value))  # it may be frozen


def check_type(name: str, value: Any, hint: Any) -> None:
    """Raise a `UserError` that names the field unless its value has the type that it declares.

    An integer of thousands of digits, which Python does not write, is refused too.
    """
    if not is_a(value, hint):
        several = get_origin(hint) in (tuple, list)
        if several and (kind := TYPES.get(get_args(hint)[0])) is not None:
            raise UserError(f"`{name}` {shown(value)}: a list is needed, each entry {kind}")
        accepted = get_args(hint) or (hint,)
        kinds = " or ".join(TYPES.get(kind, "a list") for kind in accepted if kind is not Ellipsis)
        raise UserError(f"`{name}` {shown(value)}: {kinds} is needed")
    if isinstance(value, int) and abs(value) > 2**64:
        raise UserError(f"`{name}` {shown(value)}: a number of so many digits cannot be used")


def check(option: Field[Any], value: Any) -> None:
    """Raise a `UserError` that names the field if its value is out of range or not a known name."""
    if value is None:
        return
    name, metadata = f"`{option.name}`", option.metadata
    if metadata["choices"] and not (metadata["custom"] and is_custom(value)):
        choose(option.name.replace("_", "-"), value, dict.fromkeys(metadata["choices"]))
    minimum, below = metadata["minimum"], metadata["below"]
    if minimum is not None and not value >= minimum:
        raise UserError(f"{name} {shown(value)}: at least {minimum:g} is needed")
    if (above := metadata["above"]) is not None and not value > above:
        raise UserError(f"{name} {shown(value)}: a number above {above:g} is needed")
    if below is not None and not value < below:
        raise UserError(f"{name} {shown(value)}: it must be below {below:g}")
    if below is None and isinstance(value, int) and value > metadata["maximum"]:
        raise UserError(f"{name} {shown(value)}: at most {metadata['maximum']:,} is possible")
    if isinstance(value, float) and math.isinf(value):
        raise UserError(f"{name} {shown(value)}: a finite number is needed")
