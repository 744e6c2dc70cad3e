"""How a command is run, and its help: each option on lines of its own, so that no name is cut."""

import inspect
import sys
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from bgan_text.cli.console import loading
from bgan_text.cli.entry import exit_code
from bgan_text.cli.field_names import flags_in
from bgan_text.errors import UserError

ARGUMENTS, OTHERS = "Arguments", "Options"
"""The groups of parameters that belong to none. Options without a group come last."""


class Command(TyperCommand):
    """A command that says what it waits for, and shows its options in the groups of their declarations."""

    def invoke(self, ctx: Any) -> Any:
        try:
            Path.cwd()  # without one, torch ends the process
        except FileNotFoundError:
            raise UserError("the working folder was removed: go to another one") from None
        try:
            with loading():
                return super().invoke(ctx)
        except KeyboardInterrupt as error:
            print("Interrupted.", file=sys.stderr)
            raise typer.Exit(exit_code(error)) from None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from rich.console import Console, Group
        from rich.padding import Padding
        from rich.panel import Panel

        console, params = Console(highlight=False), self.get_params(ctx)
        named = {param.name: param for param in params}
        paragraphs = inspect.cleandoc(self.help or "").split("\n\n")
        about = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
        console.print(Padding(self.get_usage(ctx), (1, 1)), markup=False)
        console.print(Padding(about, (0, 1, 1, 1)), markup=False)
        groups: dict[str, list[Any]] = {}
        for param in params:
            usual = ARGUMENTS if param.param_type_name == "argument" else OTHERS
            groups.setdefault(getattr(param, "rich_help_panel", None) or usual, []).append(param)
        for title in sorted(groups, key=lambda title: title == OTHERS):
            lines = [
                line
                for param in groups[title]
                for line in (_heading(param, ctx), Padding(_explained(param, named), (0, 0, 0, 4)))
            ]
            console.print(Panel(Group(*lines), title=title, title_align="left", border_style="dim"))


def _heading(param: Any, ctx: Any) -> Any:
    """The spellings of a parameter, and what stands for its value."""
    from rich.text import Text

    if param.param_type_name == "argument":
        return Text(param.metavar or param.name, style="bold cyan", overflow="fold")
    shown = param.metavar
    if shown is None and not param.is_flag and hasattr(param, "display_type_rich"):
        shown = param.display_type_rich(ctx)  # since typer 0.16
    longest_first = sorted(param.opts, key=len, reverse=True)  # those of --help come in no order
    names = " ".join([*longest_first, *param.secondary_opts])
    parts = [(names, "bold cyan")] + ([(f" {shown}", "yellow")] if shown and not param.is_flag else [])
    return Text.assemble(*parts, overflow="fold")


def _explained(param: Any, named: dict[str, Any]) -> Any:
    """Its help with its default, once, and with flags in place of the names of fields."""
    from rich.text import Text

    text = flags_in(param.help or "", named)
    default = None if param.default in (None, False, [], ()) or callable(param.default) else param.default
    if "(default: " not in text and default is not None:
        text += f" (default: {default})"
    return Text.from_markup(text)
