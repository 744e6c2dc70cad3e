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

    It prints a line for each part. The exit code is 0 if all is sound, 1 if anything is not, and 2 if a path
    is none of these; the other paths are checked all the same.

    Example: bgan-text verify data/grammar runs/first
    """
    from bgan_text.cli.console import print_json, results, say, shown
    from bgan_text.cli.progress import RichReporter
    from bgan_text.verification import counted, refusals, verify

    refused = refusals(paths)
    found = []
    for path in (path for path in paths if path not in refused):
        found.append(verify(path, reporter=RichReporter()))
        for line in () if json else found[-1].lines():
            results().print(shown(line), soft_wrap=True)
    sound = all(one.sound for one in found)
    if json and found:
        print_json({"sound": sound and not refused, "paths": [one.to_json() for one in found]})
    if found and len(paths) > 1:
        say(counted(found, len(refused)))
    if refused:
        raise typer.BadParameter("; ".join(refused.values()))
    raise typer.Exit(not sound)
