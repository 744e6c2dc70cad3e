"""Command-line options made from the fields of `Config`, so that each is declared once."""

import inspect
from collections.abc import Callable
from dataclasses import Field, fields
from typing import Annotated, Any, get_args, get_type_hints

import typer

from bgan_text.config import Config, other_defaults
from bgan_text.objective_table import OBJECTIVES, objectives_reading

Command = Callable[..., None]


def with_config_options(without: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Give a command one option for each field of `Config`, in place of its `**given` parameter.

    An option that is not given reaches the command as None. `without`: fields that it has no option for.
    """

    def decorate(command: Command) -> Command:
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in inspect.signature(command).parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        made = [_parameter(option) for option in fields(Config) if option.name not in without]

        def wrapped(**values: Any) -> None:
            command(**values)

        parameters = own + made
        wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
        wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return wrapped

    return decorate


def _parameter(option: "Field[Any]") -> inspect.Parameter:
    hint = _optional(get_type_hints(Config)[option.name])
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[hint, _option(option)],
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
        others = "".join(f"; {name}: {value}" for name, value in other_defaults(option.name).items())
        text += f" (default: {option.default}{others})"
    return typer.Option(help=text[0].upper() + text[1:], show_default=False)
