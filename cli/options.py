"""Command-line options made from the fields of `Config`, so that each is declared once."""

import inspect
from collections.abc import Callable
from dataclasses import Field, fields
from typing import Annotated, Any, get_args, get_type_hints

import typer

from bgan_text.config import Config


def with_config_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each field of `Config`, in place of its `**given` parameter.

    An option that is not given reaches the command as None.
    """
    hints = get_type_hints(Config)
    own = [
        parameter
        for parameter in inspect.signature(command).parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    made = [
        inspect.Parameter(
            option.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[_optional(hints[option.name]), _option(option)],
        )
        for option in fields(Config)
    ]

    def wrapped(**values: Any) -> None:
        command(**values)

    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own] + made
    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapped


def _optional(hint: Any) -> Any:
    inner = next((part for part in get_args(hint) if part is not type(None)), hint)
    return inner | None


def _option(option: "Field[Any]") -> Any:
    text = option.metadata["help"]
    if option.metadata["choices"]:
        text += f": {', '.join(option.metadata['choices'])}"
    if option.default is not None:
        default = str(option.default)
        if option.metadata["rnn"] is not None:
            default += f"; rnn: {option.metadata['rnn']}"
        text += f" (default: {default})"
    return typer.Option(help=text[0].upper() + text[1:], show_default=False)
