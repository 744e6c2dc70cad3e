"""`bgan-text train`: a dataset directory becomes a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgan_text.cli.options import Json, TrainingDevice, with_options
from bgan_text.config import Config, overridden, settings_of
from bgan_text.errors import UserError
from bgan_text.training_options import RUN

if TYPE_CHECKING:
    from bgan_text.training.loop import Training

Data = Annotated[
    Path | None,
    typer.Option(
        rich_help_panel=RUN,
        help="Dataset directory. (default: the newest in data/; with --resume or --from the run's own)",
    ),
]
Run = Annotated[
    Path | None,
    typer.Option(
        rich_help_panel=RUN, help="Run folder. (default: a new one in runs/; with --resume the newest)"
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", rich_help_panel=RUN, help="Continue a run from its last checkpoint.")
]
StartFrom = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="RUN",
        rich_help_panel=RUN,
        help="Start from the nets of another run, such as one of mle. Its sizes are the defaults.",
    ),
]
Settings = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        rich_help_panel=RUN,
        help="Settings by name in a JSON or TOML file, or those of a run. Options that are given win.",
    ),
]
Callbacks = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MODULE:NAME",
        rich_help_panel=RUN,
        help="Callback of your own, a class or an object; may be given several times. "
        "It is not recorded: give it again with --resume.",
    ),
]


@with_options(Config)
def train(
    data: Data = None,
    run: Run = None,
    resume: Resume = False,
    start_from: StartFrom = None,
    config: Settings = None,
    device: TrainingDevice = "auto",
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
    from bgan_text.cli.parts import custom_callbacks, custom_parts
    from bgan_text.cli.progress import RichReporter
    from bgan_text.cli.signals import Interruption, stopping_on_signals
    from bgan_text.cli.training_display import TrainingDisplay

    custom = custom_parts(given)  # a file never imports code
    if config is not None:
        given = overridden(settings_of(config), given)
    training = (_resumed if resume else _new)(
        data,
        run,
        given,
        start_from,
        device=device,
        callbacks=[TrainingDisplay(), *custom_callbacks(callback or [])],
        reporter=RichReporter(),
        parts=custom,
    )
    interruption = Interruption()
    with stopping_on_signals(training.stop, interruption):
        result = training.go()
    if json:
        print_json(result.to_json())
    if interruption.signal is not None:
        raise typer.Exit(128 + interruption.signal)


def _new(
    data: Path | None, run: Path | None, given: dict[str, Any], start_from: Path | None, **how: Any
) -> "Training":
    from bgan_text.newest import newest_data
    from bgan_text.start import new_training
    from bgan_text.training.warm_start import origin_of

    origin = origin_of(start_from, how["parts"]) if start_from is not None else None
    if data is None:
        data = newest_data() if origin is None else origin.data_folder()
    return new_training(data, given, out=run, start_from=origin, **how)


def _resumed(
    data: Path | None, run: Path | None, given: dict[str, Any], start_from: Path | None, **how: Any
) -> "Training":
    from bgan_text.newest import newest_run
    from bgan_text.start import resume_training

    if start_from is not None:
        raise UserError(
            f"`start_from` {start_from}: a resumed run goes on with its own nets, so leave it out"
        )
    run = run if run is not None else newest_run("run.json")
    return resume_training(run, given, data=data, **how)
