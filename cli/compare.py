"""`bgan-text compare`: methods side by side, over seeds, with equal training time."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgan_text.cli.entry import exit_code
from bgan_text.cli.options import with_options
from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.studies.comparison_options import USUAL, ComparisonOptions
from bgan_text.training_options import METHOD, RUN

if TYPE_CHECKING:
    from bgan_text.studies.comparison import Comparison


def _usual() -> Iterator[str]:
    for images, methods in USUAL.items():
        yield methods if images is None else f"{images}: {methods}"


OF_METHODS = ("objective", "divergence", "credit", "discriminator", "seed", "patience")
"""Options of `train` that a comparison sets itself."""


@with_options(ComparisonOptions, Config, without=OF_METHODS)
def compare(
    objectives: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=METHOD,
            help="Objectives separated by commas, or all; rnn:importance names the generator too, "
            "rnn:importance:prefix the credit, which is else sequence. mle, prefix and token take rnn unless "
            f"--generator is given. (default: {'; '.join(_usual())})",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(rich_help_panel=RUN, help="Dataset directory. (default: the newest in data/)"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=RUN, help="Folder for the runs and compare.json. (default: comparisons/DATA)"
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
    *,
    given: dict[str, Any],
) -> None:
    """Train methods for the same time on the same data, over seeds, and score them side by side.

    All methods get seed 0, then seed 1, and so on. An option that a method does not read is for the others.

    The same command continues where it stopped and trains nothing twice. More seeds or methods add to the
    runs that are there; the table and compare.json show those of this command.

    A run whose loss is not finite has failed: the others go on, and the exit code is 1. Remove its folder to
    have it tried again.

    Example: bgan-text compare --objectives importance,reinforce,mle --minutes 5 --seeds 3
    """
    from bgan_text.cli.comparison_table import show
    from bgan_text.cli.console import say
    from bgan_text.cli.progress import RichReporter
    from bgan_text.cli.signals import say_interrupted
    from bgan_text.studies.comparison import RESULT, named_comparison

    if json and markdown:
        raise UserError("--json and --markdown: one format at a time")
    comparison = named_comparison(data, objectives, out, given, RichReporter())
    stopped = _go(comparison)
    if stopped is not None:
        say_interrupted()
    say(f"wrote {comparison.home / RESULT}")
    results = comparison.results()
    show(results, json=json, markdown=markdown)
    if stopped is not None:
        raise typer.Exit(stopped)
    if results.failures():
        raise typer.Exit(1)


def _go(comparison: "Comparison") -> int | None:
    """Train and score; the exit code of the signal that ended it early, if one did."""
    from bgan_text.cli.signals import StopOnSignal
    from bgan_text.cli.training_display import TrainingDisplay

    stop = StopOnSignal()
    try:
        comparison.go([TrainingDisplay(advises=False), stop])
    except KeyboardInterrupt as error:  # between two trainings
        return exit_code(error)
    return None if stop.signal is None else 128 + stop.signal
