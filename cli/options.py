"""Command-line options made from the fields of dataclasses, so that each option is declared once."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from bgan_text.config import ADVERSARIAL

Command = Callable[..., None]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Json = Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")]


def with_options(*declared: type, without: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Give a command one option for each field of some dataclasses, in place of its `**given` parameter.

    A field of several dataclasses makes one option. An option that is not given reaches the command as None.

    Args:
        declared: dataclasses; their fields made with `setting` become options. A class attribute
            `OPTION_TYPES` may give the type of an option that is not that of its field.
        without: names of fields that get no option.
    """

    def decorate(command: Command) -> Command:
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in inspect.signature(command).parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        made = {
            option.name: _parameter(option, _hint(one, option))
            for one in declared
            for option in fields(one)
            if option.metadata and option.name not in without
        }
        parameters = own + list(made.values())

        def wrapped(**values: Any) -> None:
            command(**values)

        wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
        wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return wrapped

    return decorate


def _hint(declared: type, option: "Field[Any]") -> Any:
    """The type of an option: of `X | None` X, of a tuple a list."""
    hint = getattr(declared, "OPTION_TYPES", {}).get(option.name) or get_type_hints(declared)[option.name]
    inner = next((part for part in get_args(hint) if part is not NoneType), hint)
    if get_origin(hint) in (tuple, list):
        return list[inner]  # type: ignore[valid-type]
    return inner


def _parameter(option: "Field[Any]", hint: Any) -> inspect.Parameter:
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[hint | None, _option(option, hint)],
    )


def _option(option: "Field[Any]", hint: Any) -> Any:
    metadata, text = option.metadata, option.metadata["help"]
    if metadata["choices"]:
        text += f": {', '.join(metadata['choices'])}"
    if metadata.get("of") == ADVERSARIAL:
        text += "; not for mle"
    elif metadata.get("of"):
        text += f"; for {', '.join(metadata['of'])}"
    told = "(default" in text or option.default in (None, MISSING, ()) or _is_switch(option, hint)
    if not told:
        default = str(option.default)
        for name, value in metadata.get("where", {}).items():
            default += f"; {name}: {value}"
        text += f" (default: {default})"
    return typer.Option(*_spellings(option, hint), help=text[0].upper() + text[1:], show_default=False)


def _is_switch(option: "Field[Any]", hint: Any) -> bool:
    """Whether an option can only be turned on."""
    return hint is bool and option.default is False and not option.metadata.get("where")


def _spellings(option: "Field[Any]", hint: Any) -> list[str]:
    flag = option.metadata["flag"] or "--" + option.name.replace("_", "-")
    if hint is bool and not _is_switch(option, hint):
        return [f"{flag}/--no-{flag.removeprefix('--')}"]
    return [flag, "-n"] if flag == "--n" else [flag]
