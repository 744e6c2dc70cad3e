"""Command-line options made from the fields of dataclasses, so that each is declared once."""

import inspect
from collections.abc import Callable
from dataclasses import Field, fields
from typing import Annotated, Any, get_args, get_type_hints

import typer

from bgan_text.config import Config, other_defaults
from bgan_text.objective_table import OBJECTIVES, objectives_reading
from bgan_text.setting import flag_of

Command = Callable[..., None]


def with_config_options(without: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Give a command one option for each field of `Config`; see `with_options`."""
    return with_options(Config, without=without)


def with_options(*declared: type, without: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Give a command one option for each field of some dataclasses, in place of its `**given` parameter.

    An option that is not given reaches the command as None. `without`: fields that it has no option for.
    """

    def decorate(command: Command) -> Command:
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in inspect.signature(command).parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        made = [
            _parameter(option, get_type_hints(holder)[option.name])
            for holder in declared
            for option in fields(holder)
            if option.name not in without
        ]

        def wrapped(**values: Any) -> None:
            command(**values)

        parameters = own + made
        wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
        wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return wrapped

    return decorate


def _parameter(option: "Field[Any]", hint: Any) -> inspect.Parameter:
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[_optional(hint), _option(option)],
    )


def _optional(hint: Any) -> Any:
    inner = next((part for part in get_args(hint) if part is not type(None)), hint)
    return inner | None


def _option(option: "Field[Any]") -> Any:
    text = option.metadata["help"]
    if option.metadata["choices"]:
        text += f": {', '.join(option.metadata['choices'])}"
    if option.metadata["custom"]:
        text += ", or module:name"
    if readers := objectives_reading(option.name):
        unread = [name for name in OBJECTIVES if name not in readers]
        text += (
            f"; for {', '.join(readers)}" if len(readers) < len(unread) else f"; not for {', '.join(unread)}"
        )
    if option.default is not None:
        others = "".join(f"; {name}: {value}" for name, value in _other_defaults(option).items())
        text += f" (default: {option.default}{others})"
    return typer.Option(*_spellings(option), help=text[0].upper() + text[1:], show_default=False)


def _other_defaults(option: "Field[Any]") -> dict[str, Any]:
    return other_defaults(option.name) if option.name in Config.__dataclass_fields__ else {}


def _spellings(option: "Field[Any]") -> list[str]:
    """What differs from the name of the field; a flag of one letter has a short form, too."""
    flag = option.metadata["flag"]
    if flag is None:
        return []
    return [flag_of(option), flag[1:]] if len(flag) == len("--n") else [flag_of(option)]
