"""`bgan-text verify`: whether runs, dataset directories and exported models are whole."""

from pathlib import Path
from typing import Annotated

import typer

from bgan_text.cli.options import Json

Folders = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATH...", help="Runs, dataset directories and exported models, also hf:user/name of the hub."
    ),
]


def verify(paths: Folders, json: Json = False) -> None:
    """Check all of runs, dataset directories and exported models: digests, rows, checkpoints, settings.

    It prints a line for each part. The exit code is 0 if all is sound, and 1 if anything is not.

    Example: bgan-text verify data/grammar runs/first
    """
    from bgan_text.cli.console import print_json, results, shown
    from bgan_text.cli.progress import RichReporter
    from bgan_text.verification import refuse_others, verify

    refuse_others(paths, typer.BadParameter)
    found = []
    for path in paths:
        found.append(verify(path, reporter=RichReporter()))
        for line in () if json else found[-1].lines():
            results().print(shown(line), soft_wrap=True)
    sound = all(one.sound for one in found)
    if json:
        print_json({"sound": sound, "paths": [one.to_json() for one in found]})
    raise typer.Exit(not sound)
