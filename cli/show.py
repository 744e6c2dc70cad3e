"""`bgan-text show`: a run, an exported model or a dataset directory at a glance."""

from pathlib import Path
from typing import Annotated

import typer

from bgan_text.cli.options import Json


def show(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Run, exported model, hf:user/name of the hub, or dataset directory. "
            "(default: the newest run, else the newest data)"
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show a run, a model or a dataset directory: settings, counts, checkpoints, last scores, examples.

    Of a run it prints the settings that its objective reads; --json has all of them.

    Example: bgan-text show data/grammar
    """
    from bgan_text.cli.console import print_json, results, shown
    from bgan_text.cli.progress import RichReporter
    from bgan_text.overview import at_a_glance

    facts, lines = at_a_glance(folder, RichReporter())
    if json:
        print_json(facts)
    else:
        for line in lines:
            results().print(shown(line), soft_wrap=True)
