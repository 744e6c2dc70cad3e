"""The root of the command line. Commands import what they need when they run, so help is instant."""

import logging
import os
import sys
from typing import Annotated, Any

import typer

from bgan_text import __version__
from bgan_text.cli.command import Command
from bgan_text.cli.compare import compare
from bgan_text.cli.doctor import doctor
from bgan_text.cli.explore import explore
from bgan_text.cli.export import export
from bgan_text.cli.field_names import with_flags
from bgan_text.cli.plot import plot
from bgan_text.cli.prepare import prepare
from bgan_text.cli.report import report
from bgan_text.cli.reproduce import reproduce
from bgan_text.cli.sample import sample
from bgan_text.cli.score import score
from bgan_text.cli.show import show
from bgan_text.cli.train import train
from bgan_text.cli.verify import verify
from bgan_text.cli.watch import watch
from bgan_text.encoding import degrade
from bgan_text.errors import UserError, one_line, shown
from bgan_text.out_of_memory import is_out_of_memory
from bgan_text.remedies import after, check_of
from bgan_text.standard_streams import settle_columns, settle_output

app = typer.Typer(
    name="bgan-text",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train GANs on discrete data, text first, and score what they generate.\n\n"
    "Example: bgan-text prepare && bgan-text train --divergence js && bgan-text sample --n 3",
)
UsageError: Any = typer.BadParameter.__mro__[1]
"""What typer raises for options that do not fit. It names but this one kind of them in public."""


def _version(wanted: bool) -> None:
    if wanted:
        print(f"bgan-text {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before the command."""


ALL = (
    prepare,
    train,
    watch,
    sample,
    explore,
    score,
    plot,
    report,
    compare,
    reproduce,
    show,
    verify,
    doctor,
    export,
)
COMMANDS = {command.__name__: command for command in ALL}
for command in COMMANDS.values():
    app.command(cls=Command)(command)


def main() -> None:
    """Run a command; a mistake of the user is one line on stderr and exit code 1, or 2 if no command."""
    degrade(sys.stdout, sys.stderr)
    settle_columns(os.environ)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells of a home that it cannot write to
    code, refusal = _outcome()
    lost = settle_output()
    if isinstance(lost, BrokenPipeError):  # the reader of our output has gone, as `head` does
        code, refusal = 1, ""
    elif lost is not None:
        code, refusal = 1, f"cannot write to standard output: {lost.strerror or lost}"
    if refusal:
        print(one_line(f"bgan-text: {refusal}"), file=sys.stderr)
    sys.exit(code)


def _reworded(error: Any) -> str:
    """The message of typer, but what is no number is told in words that say what was given."""
    wanted = {"float_parsing": "a number", "int_parsing": "an integer", "int_from_float": "an integer"}
    found: list[Any] = getattr(
        error.__cause__, "errors", list
    )()  # of pydantic, which newer versions of typer ask
    if found and found[0].get("type") in wanted:
        error.message = f"{shown(found[0]['input'])}: {wanted[found[0]['type']]} is needed"
    return str(error.format_message())


def _outcome() -> tuple[int, str]:
    """Run the command. The exit code, and what is to be said of a refusal."""
    try:
        words = None if sys.argv[1:] else ["--help"]
        return app(words, prog_name="bgan-text", standalone_mode=False) or 0, ""
    except UserError as error:
        return 1, with_flags(f"{error}{check_of(str(error))}", app)
    except UsageError as error:
        named = [word for word in sys.argv[1:2] if word in COMMANDS]
        return 2, f"{_reworded(error)} (See {' '.join(['bgan-text', *named])} --help.)"
    except BrokenPipeError:
        return 1, ""
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        return 1, f"cannot read or write{place}: {error.strerror or error}{after(error, *sys.argv[1:2])}"
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return 1, "out of memory: bgan-text doctor says how much there is"
