"""The root of the command line. Commands import what they need when they run, so help is instant."""

import os
import sys
from typing import Annotated, Any

import typer

from bgan_text import __version__
from bgan_text.cli.command import Command
from bgan_text.cli.compare import compare
from bgan_text.cli.field_names import with_flags
from bgan_text.cli.plot import plot
from bgan_text.cli.prepare import prepare
from bgan_text.cli.reproduce import reproduce
from bgan_text.cli.sample import sample
from bgan_text.cli.score import score
from bgan_text.cli.show import show
from bgan_text.cli.train import train
from bgan_text.cli.verify import verify
from bgan_text.encoding import degrade
from bgan_text.errors import UserError
from bgan_text.out_of_memory import is_out_of_memory

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


ALL = (prepare, train, sample, score, plot, compare, reproduce, show, verify)
COMMANDS = {command.__name__: command for command in ALL}
for command in COMMANDS.values():
    app.command(cls=Command)(command)


def main() -> None:
    """Run a command; a mistake of the user is one line on stderr and exit code 1, or 2 if no command."""
    degrade(sys.stdout, sys.stderr)
    try:
        words = None if sys.argv[1:] else ["--help"]
        sys.exit(app(words, prog_name="bgan-text", standalone_mode=False))
    except UserError as error:
        _refuse(with_flags(str(error), app))
    except UsageError as error:
        named = [word for word in sys.argv[1:2] if word in COMMANDS]
        _refuse(f"{error.format_message()} (See {' '.join(['bgan-text', *named])} --help.)", code=2)
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does; the interpreter must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        _refuse(f"cannot read or write{place}: {error.strerror or error}")
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        _refuse("out of memory")


def _refuse(message: str, code: int = 1) -> None:
    print(f"bgan-text: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)
