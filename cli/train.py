"""`bgan-text train`: a dataset directory becomes a run."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bgan_text.cli.options import with_options
from bgan_text.config import Config


@with_options(Config)
def train(
    data: Annotated[
        Path | None,
        typer.Option(
            help="DatasetDirectory folder. (default: the newest in data/; with --resume the run's own)"
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="Run folder. (default: a new one in runs/; with --resume the newest)"),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run from its last checkpoint.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
    *,
    given: dict[str, Any],
) -> None:
    """Train a boundary-seeking GAN on a dataset directory.

    It shows rate, time left and the numbers that matter, and at intervals three samples and JS-1..4.

    Example: bgan-text train --divergence js --minutes 10
    """
    from bgan_text.cli.console import print_json
    from bgan_text.opening import go_on, start

    made = (go_on if resume else start)(data, run, device, given)
    result = made.go()
    if json:
        print_json(result)
    if made.signal is not None:
        raise typer.Exit(128 + made.signal)
