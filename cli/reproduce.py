"""`bgan-text reproduce`: an experiment of the paper, from its data to its table or figure."""

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bgan_text.errors import UserError

if TYPE_CHECKING:
    from bgan_text.studies.experiment_result import ExperimentResult


def reproduce(
    name: Annotated[str | None, typer.Argument(help="Experiment; see --list.")] = None,
    scale: Annotated[
        str,
        typer.Option(
            help="smoke: seconds, to see that everything runs; small: within an hour on 2 cores; paper: near "
            "the setting of the paper, for a GPU."
        ),
    ] = "small",
    path: Annotated[
        list[str] | None,
        typer.Option(help="Data on this machine, as for prepare. Repeatable. (default: from the hub)"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for everything. (default: reproductions/NAME-SCALE)")
    ] = None,
    list_: Annotated[
        bool,
        typer.Option("--list", help="List what each experiment compares, how long it takes and its result."),
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Reproduce an experiment of the boundary-seeking GAN paper (Hjelm et al., ICLR 2018).

    It prepares the data, trains every method, measures, and writes result.md, result.json and figures.

    The same command continues where it stopped and makes nothing twice.

    Example: bgan-text reproduce mnist-distances --scale small --path mnist/
    """
    from bgan_text.cli.console import print_json, results, say
    from bgan_text.cli.experiment_table import listing, render, to_json
    from bgan_text.studies.experiment_result import PAGE, RESULT

    if list_:
        if name is not None:
            raise UserError(f"--list shows all experiments: leave out {name}, or --list")
        print_json(to_json()) if json else results().print(listing())
        return
    if name is None:
        raise UserError("name an experiment: bgan-text reproduce --list shows them")
    home = out if out is not None else Path("reproductions") / f"{name}-{scale}"
    result = _reproduced(name, scale, home, path or [], device)
    if json:
        print_json(result.to_json())
    else:
        for renderable in render(result):
            results().print(renderable)
    say(f"wrote {home / PAGE} and {home / RESULT}")


def _reproduced(name: str, scale: str, home: Path, paths: list[str], device: str) -> "ExperimentResult":
    from bgan_text.cli.interruption import StopOnSignal, say_interrupted
    from bgan_text.cli.study_reporter import StudyReporter
    from bgan_text.studies.reproduction import Stopped
    from bgan_text.studies.reproduction import reproduce as library

    stop = StopOnSignal()
    try:
        return library(
            name,
            scale=scale,
            out=home,
            paths=paths,
            device=device,
            callbacks=[stop],
            reporter=StudyReporter(),
        )
    except (KeyboardInterrupt, Stopped):  # between two trainings, or in one
        say_interrupted()
        raise typer.Exit(128 + (stop.signal or signal.SIGINT)) from None
