"""`bgan-text watch`: a run that another process trains, live."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bgan_text.cli.options import Json

if TYPE_CHECKING:
    from bgan_text.watching import Snapshot

REFRESH = 1.0
"""Seconds between two looks at the run."""

Run = Annotated[Path | None, typer.Argument(metavar="RUN", help="Run folder. (default: the newest in runs/)")]
Once = Annotated[
    bool, typer.Option("--once", help="Print what there is and end, as it does where stdout is no terminal.")
]
Wait = Annotated[float, typer.Option(help="Seconds to wait for a run that is not there yet.")]


def watch(run: Run = None, once: Once = False, wait: Wait = 10.0, json: Json = False) -> None:
    """Follow a run that another process trains: step, rate, time left, curves, last evaluation and samples.

    It ends with the run. Ctrl-C ends it earlier, which does not touch the training.

    Example: bgan-text watch runs/mine
    """
    from bgan_text.cli.console import print_json, results
    from bgan_text.cli.watch_display import frame
    from bgan_text.newest import newest_run
    from bgan_text.watching import ABSENT
    from bgan_text.watching import watch as watched

    looks = watched(run or newest_run("run.json"), every=REFRESH, wait=wait)
    if once or json or not sys.stdout.isatty():
        seen = next(seen for seen in looks if seen.state != ABSENT)
        if json:
            print_json(seen.to_json())
        else:
            results().print(frame(seen, results().width))
        return
    _follow(looks)


def _follow(looks: Iterator["Snapshot"]) -> None:
    from rich.live import Live

    from bgan_text.cli.console import results
    from bgan_text.cli.watch_display import frame

    with Live(console=results(), auto_refresh=False, vertical_overflow="crop") as live:
        for seen in looks:
            live.update(frame(seen, results().width), refresh=True)
