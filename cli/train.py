"""`bgan-text train`: a dataset directory becomes a run."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bgan_text.cli.options import Json, TrainingDevice, with_options
from bgan_text.config import Config, overridden, settings_of
from bgan_text.training_options import RUN, Processing

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
    str | None,
    typer.Option(
        "--from",
        metavar="RUN",
        rich_help_panel=RUN,
        help="Start from the nets of another run, such as one of mle, of an exported model or of "
        "hf:user/name of the hub. Its sizes are the defaults.",
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

OnTensorBoard = Annotated[
    bool,
    typer.Option(
        "--tensorboard",
        rich_help_panel=RUN,
        help="Write events for TensorBoard to tensorboard/ in the run folder; needs "
        "pip install -c constraints.txt '.\\[tensorboard]' in a clone. Give it again with --resume.",
    ),
]
OnWandb = Annotated[
    bool,
    typer.Option(
        "--wandb",
        rich_help_panel=RUN,
        help="Send the run to Weights & Biases; needs pip install -c constraints.txt '.\\[wandb]' in a "
        "clone. Give it again with --resume.",
    ),
]


@with_options(Config, Processing)
def train(
    data: Data = None,
    run: Run = None,
    resume: Resume = False,
    start_from: StartFrom = None,
    config: Settings = None,
    device: TrainingDevice = "auto",
    callback: Callbacks = None,
    tensorboard: OnTensorBoard = False,
    wandb: OnWandb = False,
    json: Json = False,
    *,
    given: dict[str, Any],
) -> None:
    """Train a boundary-seeking GAN on a dataset directory.

    It shows the rate, the time left and the main metrics, and at intervals three samples and JS-1..4.

    Example: bgan-text train --divergence js --minutes 10

    Example: bgan-text train --minutes 10 --tensorboard
    """
    from bgan_text.cli.console import print_json
    from bgan_text.cli.parts import custom_callbacks, custom_parts, trackers
    from bgan_text.cli.progress import RichReporter
    from bgan_text.cli.signals import Interruption, stopping_on_signals
    from bgan_text.cli.training_display import TrainingDisplay
    from bgan_text.processes import joined, launched
    from bgan_text.start import named_training, resumed_training
    from bgan_text.training.following import follow

    processes = Processing(processes=given.pop("processes", 1)).processes
    custom = custom_parts(given)  # a file never imports code
    if config is not None:
        given = overridden(settings_of(config), given)
    watching = [TrainingDisplay(), *custom_callbacks(callback or [])]
    watching += trackers(tensorboard=tensorboard, wandb=wandb)
    how = {"callbacks": watching, "parts": custom}
    if (code := launched(processes)) is not None:
        raise typer.Exit(code)
    interruption = Interruption()
    with joined(device) as (group, own_device):
        if group.rank:
            return follow(group, own_device, custom)
        how |= {"reporter": RichReporter(), "device": own_device, "group": group}
        training = (resumed_training if resume else named_training)(data, run, given, start_from, **how)
        with stopping_on_signals(training.stop, interruption):
            result = training.go()
    if json:
        print_json(result.to_json())
    if interruption.signal is not None:
        raise typer.Exit(128 + interruption.signal)
