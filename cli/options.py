"""Command-line options made from the fields of dataclasses, so that each option is declared once."""

import inspect
from collections.abc import Callable
from dataclasses import Field, fields
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from bgan_text.config import Config, other_defaults
from bgan_text.objective_table import readers_of
from bgan_text.setting import DEVICES, flag_of
from bgan_text.training_options import RUN

Command = Callable[..., None]
Device = Annotated[str, typer.Option(help=f"{DEVICES}.")]
TrainingDevice = Annotated[str, typer.Option(rich_help_panel=RUN, help=f"{DEVICES}.")]
Generator = Annotated[
    str | None, typer.Option(help="Generator class of yours that the run was made with, as module:name.")
]
Json = Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")]


def with_options(*declared: type, without: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Give a command one option for each field of dataclasses declared with `setting`.

    The command gets the options that were given as one dictionary by field name, its parameter `given`.

    Args:
        declared: the dataclasses. A field that several of them have becomes one option. Their attribute
            `OPTION_TYPES` may give the type of an option that differs from that of its field.
        without: fields that the command has no option for.
    """

    def decorate(command: Command) -> Command:
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in inspect.signature(command).parameters.values()
            if parameter.name != "given"
        ]
        made = {
            option.name: _parameter(option, _hint(option, holder), holder)
            for holder in reversed(declared)
            for option in fields(holder)
            if option.metadata and option.name not in without
        }

        def wrapped(**values: Any) -> None:
            given = {name: value for name, value in values.items() if name in made and value is not None}
            others = {name: value for name, value in values.items() if name not in made}
            command(**others, given=given)

        order = {option.name: None for holder in declared for option in fields(holder)}
        parameters = own + [made[name] for name in order if name in made]
        wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
        wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return wrapped

    return decorate


def _hint(option: "Field[Any]", holder: type) -> Any:
    return getattr(holder, "OPTION_TYPES", {}).get(option.name) or get_type_hints(holder)[option.name]


def _parameter(option: "Field[Any]", hint: Any, holder: type) -> inspect.Parameter:
    """The parameter of an option; None stands for one that is not given."""
    text = _help(option, holder).replace("[", r"\[")  # square brackets would be taken for markup
    metadata = option.metadata
    made = typer.Option(
        *_spellings(option, hint, holder),
        help=text,
        metavar=metadata["metavar"],
        show_default=False,
        rich_help_panel=metadata["group"],
        autocompletion=_completion(metadata["choices"]),
    )
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[_optional(hint), made],
    )


def _completion(names: tuple[str, ...]) -> Callable[[str], list[str]] | None:
    """What completes the name that a shell has begun; None where any value may stand."""
    return (lambda incomplete: [name for name in names if name.startswith(incomplete)]) if names else None


def _help(option: "Field[Any]", holder: type) -> str:
    """The help text: what it is, the names it takes, who reads it, its defaults."""
    metadata = option.metadata
    text, stated, default = metadata["help"].partition(" (default: ")
    default = default.removesuffix(")")
    if metadata["choices"]:
        text += f": {', '.join(metadata['choices'])}"
        text += ", or module:name" if metadata["custom"] else ""
    if not stated and option.default is not None and option.default is not False:
        default = " ".join(map(str, option.default)) if isinstance(option.default, tuple) else option.default
    if holder is Config:
        text += readers_of(option.name)
        default = "; ".join(
            [str(default), *(f"{name}: {value}" for name, value in other_defaults(option.name).items())]
        )
        default = default.removeprefix("; ")
    return f"{text[0].upper()}{text[1:]}." + (f" (default: {default})" if default != "" else "")


def _spellings(option: "Field[Any]", hint: Any, holder: type) -> list[str]:
    """Its flag; also the short one if that is a letter, and the opposite of a switch that may be on.

    The switches of a `Config` may all be on: their defaults depend on the objective and the data.
    """
    name = flag_of(option)
    if bool in (hint, *get_args(hint)):
        may_be_on = holder is Config or option.default is not False
        return [f"{name}/--no-{name.removeprefix('--')}" if may_be_on else name]
    return [name, name[1:]] if len(name) == len("--n") else [name]


def _optional(hint: Any) -> Any:
    if get_origin(hint) is tuple:
        variadic = get_args(hint)[-1] is Ellipsis  # an option that may be given again
        return list[get_args(hint)[0]] | None if variadic else hint | None  # type: ignore[misc]
    inner = next((part for part in get_args(hint) if part is not type(None)), hint)
    return inner | None
