"""Command-line options made from the fields of dataclasses, so that each is declared once."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import Field, fields
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from bgan_text.cli.console import with_flags
from bgan_text.config import ADVERSARIAL, Config
from bgan_text.errors import UserError
from bgan_text.setting import flag

Command = Callable[..., None]


def with_options(*declared: type, without: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Give a command one option for each field of dataclasses declared with `setting`.

    The command gets those that were given as one dictionary by field name, its parameter `given`. Where an
    error names an option in backticks, its flag is shown.

    Args:
        declared: the dataclasses; their fields have different names.
        without: fields that the command has no option for.
    """

    def decorate(command: Command) -> Command:
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in inspect.signature(command).parameters.values()
            if parameter.name != "given"
        ]
        made = [
            _declared(option, get_type_hints(holder)[option.name])
            for holder in declared
            for option in fields(holder)
            if option.name not in without
        ]
        names = {parameter.name for parameter in made}

        def wrapped(**values: Any) -> None:
            given = {name: value for name, value in values.items() if name in names and value is not None}
            others = {name: value for name, value in values.items() if name not in names}
            with _flags_in_errors(wrapped):
                command(**others, given=given)

        parameters = own + made
        wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
        wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return wrapped

    return decorate


@contextmanager
def _flags_in_errors(command: Command) -> Iterator[None]:
    try:
        yield
    except UserError as error:
        raise UserError(with_flags(str(error), flags_of(command))) from error


def flags_of(command: Command) -> dict[str, str]:
    """The flag of each option of a command, by the name of its parameter."""
    flags = {}
    for parameter in inspect.signature(command).parameters.values():
        for option in getattr(parameter.annotation, "__metadata__", ()):
            if isinstance(option, typer.models.OptionInfo):
                # typer keeps the first spelling where a default would stand without `Annotated`.
                declared = (option.default, *(option.param_decls or ()))
                spellings = [name for name in map(str, declared) if name.startswith("--")]
                flags[parameter.name] = (spellings or [flag(parameter.name)])[0].split("/")[0]
    return flags


def _declared(option: "Field[Any]", hint: Any) -> inspect.Parameter:
    """The parameter of an option; None stands for one that is not given."""
    metadata = option.metadata
    help_text, _, default = metadata["help"].removesuffix(")").partition(" (default: ")
    if metadata["choices"]:
        help_text += f": {', '.join(metadata['choices'])}"
    if option.default is not None and option.default is not False:
        default = " ".join(map(str, option.default)) if isinstance(option.default, tuple) else option.default
    # Square brackets would be taken for markup.
    help_text = f"{help_text[0].upper()}{help_text[1:]}.".replace("[", r"\[")
    help_text += f" (default: {default})" if default != "" else ""
    made = typer.Option(
        *_spellings(option, hint), help=help_text, metavar=metadata["metavar"], show_default=False
    )
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[_optional(hint), made],
    )


def _spellings(option: "Field[Any]", hint: Any) -> list[str]:
    """Its flag; also the short one if that is a letter, and the opposite of a switch that may be on."""
    name = option.metadata["flag"] or flag(option.name)
    if bool in (hint, *get_args(hint)):
        return [name] if option.default is False else [f"{name}/--no-{name.removeprefix('--')}"]
    return [name, name[1:]] if len(name) == len("--n") else [name]


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
            with _flags_in_errors(wrapped):
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
    if get_origin(hint) is tuple:
        return hint | None
    inner = next((part for part in get_args(hint) if part is not type(None)), hint)
    return inner | None


def _option(option: "Field[Any]") -> Any:
    text = option.metadata["help"]
    if option.metadata["choices"]:
        text += f": {', '.join(option.metadata['choices'])}"
    if option.metadata["of"] == ADVERSARIAL:
        text += "; not for mle"
    elif option.metadata["of"]:
        text += f"; for {', '.join(option.metadata['of'])}"
    if option.default is not None:
        default = str(option.default)
        for name, value in option.metadata["where"].items():
            default += f"; {name}: {value}"
        text += f" (default: {default})"
    return typer.Option(help=text[0].upper() + text[1:], show_default=False)
