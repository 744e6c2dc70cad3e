"""`bgan-text train`: a dataset directory becomes a run."""

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgan_text.cli.options import Device, Json, with_options
from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.objective_table import OBJECTIVES

if TYPE_CHECKING:
    from bgan_text.corpora.dataset_directory import DatasetDirectory
    from bgan_text.training.loop import Training

StartFrom = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="RUN",
        help="Start from the nets of another run, such as one of mle. Its sizes are the defaults.",
    ),
]
Callbacks = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MODULE:NAME",
        help="Callback of your own, a class or an object; may be given several times. "
        "It is not recorded: give it again with --resume.",
    ),
]


@with_options(Config)
def train(
    data: Annotated[
        Path | None,
        typer.Option(help="Dataset directory. (default: the newest in data/; with --resume the run's own)"),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="Run folder. (default: a new one in runs/; with --resume the newest)"),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a run from its last checkpoint.")
    ] = False,
    start_from: StartFrom = None,
    device: Device = "auto",
    callback: Callbacks = None,
    json: Json = False,
    *,
    given: dict[str, Any],
) -> None:
    """Train a boundary-seeking GAN on a dataset directory.

    It shows the rate, the time left and the main metrics, and at intervals three samples and JS-1..4.

    Example: bgan-text train --divergence js --minutes 10
    """
    from bgan_text.cli.console import print_json
    from bgan_text.cli.parts import custom_callbacks
    from bgan_text.cli.progress import RichReporter
    from bgan_text.cli.signals import Interruption, stopping_on_signals
    from bgan_text.cli.training_display import TrainingDisplay

    training = (_resumed if resume else _new)(
        data,
        run,
        given,
        start_from,
        device=device,
        callbacks=[TrainingDisplay(), *custom_callbacks(callback or [])],
        reporter=RichReporter(),
    )
    interruption = Interruption()
    with stopping_on_signals(training.stop, interruption):
        result = training.go()
    if json:
        print_json(
            {
                "run": str(result.folder),
                "steps": result.steps,
                "seconds": round(result.seconds, 3),
                "finished": result.finished,
                "metrics": result.metrics,
            }
        )
    if interruption.signal is not None:
        raise typer.Exit(128 + interruption.signal)


def _new(
    data: Path | None, run: Path | None, given: dict[str, Any], start_from: Path | None, **how: Any
) -> "Training":
    from bgan_text.cli.console import newest_data
    from bgan_text.cli.parts import custom_parts
    from bgan_text.corpora.dataset_directory import DatasetDirectory
    from bgan_text.device import choose_device
    from bgan_text.start import new_training, settled_config
    from bgan_text.training.run import RunFolder
    from bgan_text.training.state import CustomParts
    from bgan_text.training.warm_start import inherited

    dataset = DatasetDirectory(data if data is not None else newest_data())
    parts = custom_parts(given)
    origin = None
    if start_from is not None:
        origin = RunFolder(start_from, CustomParts(generator=parts.generator))
        given = inherited(origin, given)
    if run is None:
        device = choose_device(how["device"])
        run = _claim_folder(dataset, settled_config(dataset, given, device, parts))
    return new_training(dataset, given, out=run, parts=parts, start_from=origin, **how)


def _resumed(
    data: Path | None, run: Path | None, given: dict[str, Any], start_from: Path | None, **how: Any
) -> "Training":
    from bgan_text.cli.console import newest_run
    from bgan_text.cli.parts import custom_parts
    from bgan_text.start import resume_training

    if start_from is not None:
        raise UserError(
            f"`start_from` {start_from}: a resumed run goes on with its own nets, so leave it out"
        )
    run = run if run is not None else newest_run("run.json")
    return resume_training(run, given, data=data, parts=custom_parts(given), **how)


def _claim_folder(dataset: "DatasetDirectory", config: Config) -> Path:
    """Make runs/DATA-GENERATOR-OBJECTIVE-DIVERGENCE, numbered if that name is taken."""
    parts = [dataset.folder.name, config.generator, config.objective]
    if OBJECTIVES[config.objective].no_divergence is None:
        parts.append(config.divergence)
    name = "-".join(part.rpartition(":")[2] for part in parts)
    for number in count(1):
        folder = Path("runs") / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise AssertionError("unreachable: there is always a next number")
