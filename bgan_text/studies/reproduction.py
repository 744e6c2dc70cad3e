"""What `reproduce` does: one experiment from its data to its result, or a list of all."""

import shlex
import signal
import sys
from dataclasses import replace
from pathlib import Path

from rich.table import Table
from rich.text import Text

from bgan_text.cli.console import print_json, results, say
from bgan_text.device import choose_device
from bgan_text.errors import UserError, choose
from bgan_text.files import read_json, write_json
from bgan_text.studies.experiment import SCALES
from bgan_text.studies.experiment_report import PAGE, RESULT, render, write
from bgan_text.studies.experiments import EXPERIMENTS
from bgan_text.studies.runner import Runner
from bgan_text.training.run import locked, refuse_foreign

MARK = "experiment.json"
"""What a folder is of."""


def reproduced(
    name: str, scale: str, paths: tuple[str, ...], out: Path | None, device: str, *, json: bool
) -> int | None:
    """Make an experiment and print its result; returns the signal that interrupted it, if one did."""
    experiment = choose("experiment", name, EXPERIMENTS)
    chosen = choose("scale", scale, experiment.scales)
    choose_device(device)
    for path in paths:
        if not Path(path).exists():
            raise UserError(f"there is no file or folder {path}")
    home = out if out is not None else Path("reproductions") / f"{name}-{scale}"
    refuse_foreign(home, [MARK], "reproduction")
    home.mkdir(parents=True, exist_ok=True)
    with locked(home):
        _claim(home, name, scale)
        say(f"{name}, {scale}: {experiment.compares}. It takes {chosen.lasts}.")
        stopped = None
        try:
            bench = Runner(experiment, chosen, home, paths, device)
            stopped = bench.train()
            if stopped is None:
                found = experiment.conclude(bench)
                if chosen.quick:  # so little training bears nothing out and refutes nothing
                    found = replace(found, claims=[])
                result = write(home, experiment, scale, chosen, found, bench.made())
        except KeyboardInterrupt:  # outside of trainings, each of which ends in its own way
            stopped = signal.SIGINT
    if stopped is not None:
        say(f"Interrupted. Go on with: {shlex.join(['bgan-text', *sys.argv[1:]])}")
        return stopped
    if json:
        print_json(result)
    else:
        for renderable in render(result):
            results().print(renderable)
    say(f"wrote {home / PAGE} and {home / RESULT}")
    return None


def _claim(home: Path, name: str, scale: str) -> None:
    """Mark a folder as that of one experiment at one scale, or refuse that of another."""
    path, mine = home / MARK, {"experiment": name, "scale": scale}
    if not path.exists():
        write_json(path, mine)
    elif (made := read_json(path)) != mine:
        theirs = f"{made.get('experiment')} at scale {made.get('scale')}"
        raise UserError(f"--out {home} is the folder of {theirs}: name another")


def listed(*, json: bool) -> None:
    """Print what experiments there are."""
    if json:
        print_json(
            {
                one.name: {
                    "compares": one.compares,
                    "paper": one.paper,
                    "lasts": {scale: one.scales[scale].lasts for scale in SCALES},
                    "found": one.found,
                }
                for one in EXPERIMENTS.values()
            }
        )
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
    table.add_column("experiment", no_wrap=True)
    for heading in ("compares", "small takes", "found at small scale"):
        table.add_column(heading, overflow="fold")
    for one in EXPERIMENTS.values():
        table.add_row(*map(Text, (one.name, one.compares, one.scales["small"].lasts, one.found)))
    results().print(table)
