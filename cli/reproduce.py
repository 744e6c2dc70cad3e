"""`bgan-text reproduce`: an experiment of the paper, from its data to its table or figure."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgan_text.cli.entry import exit_code
from bgan_text.cli.options import with_options
from bgan_text.errors import UserError
from bgan_text.studies.reproduction_options import ReproductionOptions

if TYPE_CHECKING:
    from bgan_text.studies.experiment_result import ExperimentResult


@with_options(ReproductionOptions)
def reproduce(
    name: Annotated[str | None, typer.Argument(help="Experiment; see --list.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for everything. (default: reproductions/NAME-SCALE)")
    ] = None,
    list_: Annotated[
        bool,
        typer.Option("--list", help="List what each experiment compares, how long it takes and its result."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    *,
    given: dict[str, Any],
) -> None:
    """Reproduce an experiment of the boundary-seeking GAN paper (Hjelm et al., ICLR 2018).

    It prepares the data, trains every method, measures, and writes result.md, result.json and figures.

    The same command continues where it stopped and makes nothing twice.

    Example: bgan-text reproduce mnist-distances --scale small --path mnist/
    """
    from bgan_text.cli.console import print_json, results, say
    from bgan_text.cli.experiment_table import listing, render
    from bgan_text.studies.experiment_result import PAGE, RESULT
    from bgan_text.studies.experiments import to_json

    if list_:
        if name is not None:
            raise UserError(f"--list shows all experiments: leave out {name}, or --list")
        print_json(to_json()) if json else results().print(listing())
        return
    if name is None:
        raise UserError("name an experiment: bgan-text reproduce --list shows them")
    options = ReproductionOptions(**given | {"paths": tuple(given.get("paths") or ())})
    home = out if out is not None else Path("reproductions") / f"{name}-{options.scale}"
    result = _reproduced(name, home, options)
    if json:
        print_json(result.to_json())
    else:
        for renderable in render(result):
            results().print(renderable)
    say(f"wrote {home / PAGE} and {home / RESULT}")


def _reproduced(name: str, home: Path, options: ReproductionOptions) -> "ExperimentResult":
    from bgan_text.cli.progress import RichReporter
    from bgan_text.cli.signals import StopOnSignal, say_interrupted
    from bgan_text.cli.training_display import TrainingDisplay
    from bgan_text.studies.reproduction import Stopped
    from bgan_text.studies.reproduction import reproduce as library

    stop = StopOnSignal()
    try:
        return library(
            name,
            out=home,
            callbacks=[TrainingDisplay(advises=False), stop],
            reporter=RichReporter(),
            **vars(options),
        )
    except (KeyboardInterrupt, Stopped) as error:  # between two trainings, or in one
        say_interrupted()
        raise typer.Exit(128 + stop.signal if stop.signal else exit_code(error)) from None
