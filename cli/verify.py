"""`bgan-text verify`: whether runs and dataset directories are whole."""

from pathlib import Path
from typing import Annotated

import typer

Folders = Annotated[list[Path], typer.Argument(metavar="PATH...", help="Runs and dataset directories.")]


def verify(
    paths: Folders, json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False
) -> None:
    """Check all of runs and dataset directories: digests, rows, tokens, checkpoints, metrics, settings.

    It prints a line for each part. The exit code is 0 if all is sound, and 1 if anything is not.

    Example: bgan-text verify data/grammar runs/first
    """
    from bgan_text.cli.console import print_json, results
    from bgan_text.errors import UserError
    from bgan_text.verification import kind_of
    from bgan_text.verification import verify as checked

    try:
        for path in paths:  # before anything is checked, which may take minutes
            kind_of(path)
    except UserError as error:
        raise typer.BadParameter(str(error)) from error
    found = []
    for path in paths:
        found.append(checked(path))
        for line in [] if json else found[-1].lines():
            results().print(line, markup=False, emoji=False, soft_wrap=True)
    sound = all(one.sound for one in found)
    if json:
        print_json({"sound": sound, "paths": [one.to_json() for one in found]})
    raise typer.Exit(0 if sound else 1)
