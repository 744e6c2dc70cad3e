"""Messages of the library name fields in backticks; here they become the flags of the command line."""

import re
import sys
from functools import cache
from typing import Any

import typer

NAMED = re.compile(r"`(\w+)`( True| False)?")


def with_flags(text: str, app: typer.Typer) -> str:
    """Replace every field in backticks by its flag.

    The flags of the running command come first, then those of the other commands. Other names in backticks
    stay. `x` True and `x` False become --x and --no-x where the option is a switch.
    """
    commands = _commands(app)
    running = [commands[word] for word in sys.argv[1:2] if word in commands]
    options: dict[str, Any] = {}
    for command in [*running, *commands.values()]:
        for option in command.params:
            if option.param_type_name == "option":
                options.setdefault(option.name, option)
    return flags_in(text, options)


@cache
def _commands(app: typer.Typer) -> dict[str, Any]:
    root: Any = typer.main.get_command(app)
    return getattr(root, "commands", {"": root})  # an app of one command has no group


def flags_in(text: str, options: dict[str, Any]) -> str:
    """Replace every field in backticks by the flag of its option, of options by name."""
    return NAMED.sub(lambda found: _flag(found, options), text)


def spelled(text: str) -> str:
    """A message of the library as the command line shows it."""
    from bgan_text.cli.main import app  # which imports the commands, which import this

    return with_flags(text, app)


def _flag(found: "re.Match[str]", options: dict[str, Any]) -> str:
    name, value = found.groups(default="")
    if name not in options:
        return found.group()
    option = options[name]
    if value and option.is_flag:
        off = [spelling for spelling in option.secondary_opts if spelling.startswith("--")]
        if value == " True":
            return str(_longest(option.opts))
        return str(_longest(off)) if off else str(_longest(option.opts)) + value
    return str(_longest(option.opts)) + value


def _longest(spellings: list[str]) -> str:
    return max(spellings, key=len)
