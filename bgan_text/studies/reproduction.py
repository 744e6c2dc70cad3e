"""Reproduce an experiment of the paper, from its data to its result."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bgan_text.device import choose_device
from bgan_text.errors import UserError, choose
from bgan_text.files import read_json, write_json
from bgan_text.records import Record, Text
from bgan_text.reporter import SILENT, Reporter
from bgan_text.studies.experiment import Experiment
from bgan_text.studies.experiment_result import ExperimentResult
from bgan_text.studies.experiment_runs import ExperimentRuns
from bgan_text.studies.experiments import EXPERIMENTS
from bgan_text.training.callbacks import Callback
from bgan_text.training.folders import locked, refuse_foreign

MARK = "experiment.json"
"""Tells which experiment a folder belongs to."""


class Mark(Record):
    """experiment.json."""

    experiment: Text
    scale: Text


class Stopped(Exception):  # noqa: N818 - not an error
    """A callback stopped a training before the experiment was complete. The same call continues."""


def reproduce(
    name: str,
    *,
    scale: str = "small",
    out: str | os.PathLike[str],
    paths: Sequence[str | os.PathLike[str]] = (),
    device: str = "auto",
    jobs: int = 1,
    callbacks: Sequence[Callback] = (),
    reporter: Reporter = SILENT,
) -> ExperimentResult:
    """Reproduce an experiment of the paper (Hjelm et al., ICLR 2018): prepare, train, measure, conclude.

    The same call continues where an earlier one ended: nothing is prepared, trained or measured twice.

    Args:
        name: a name of `bgan_text.studies.experiments.EXPERIMENTS`.
        scale: smoke takes seconds and shows that everything runs, small about an hour on 2 cores; paper is
            near the setting of the paper and needs a GPU.
        out: the folder of the data, the runs and the result (result.md, result.json and figures).
        paths: the corpus on this machine, as for `prepare`; by default it comes from the hub.
        device: auto, cpu, cuda or cuda:N.
        jobs: how many runs are trained at a time; above 1 each in a process of its own.
        callbacks: hooks into every training. With several jobs they are not called.
        reporter: receives messages and progress.

    Returns:
        The table, the claims of the paper with a verdict each, and figures.

    Raises:
        UserError: a name is unknown, a path is missing, or `out` holds something else.
        Stopped: a callback stopped a training.

    Example:
        >>> result = reproduce("mnist-distances", scale="smoke", out="digits")  # doctest: +SKIP
        >>> print(result.to_markdown())  # doctest: +SKIP
        >>> reproduce("mnist", out="digits")
        Traceback (most recent call last):
        bgan_text.errors.UserError: unknown experiment 'mnist': ...
    """
    experiment = choose("experiment", name, EXPERIMENTS)
    chosen = choose("scale", scale, experiment.scales)
    choose_device(device)
    places = [os.fspath(path) for path in paths]
    for place in places:
        if not Path(place).exists():
            raise UserError(f"there is no file or folder {place}")
    home = Path(out)
    refuse_foreign(home, [MARK], "reproduction")
    home.mkdir(parents=True, exist_ok=True)
    with locked(home):
        _claim(home, name, scale)
        reporter.message(f"{name}, {scale}: {experiment.compares}. It takes {chosen.lasts}.")
        how: dict[str, Any] = {"device": device, "jobs": jobs, "reporter": reporter}
        runs = ExperimentRuns(experiment, chosen, home, paths=places, **how)
        if not runs.runner.train(callbacks):
            raise Stopped(f"{home} is not complete")
        result = _concluded(experiment, scale, runs)
        result.write(home)
    return result


def _concluded(experiment: Experiment, scale: str, runs: ExperimentRuns) -> ExperimentResult:
    found = experiment.conclude(runs)
    if experiment.scales[scale].quick:  # so little training confirms nothing and refutes nothing
        found = replace(found, claims=[])
    return ExperimentResult.of(experiment, scale, found, runs.to_json())


def _claim(home: Path, name: str, scale: str) -> None:
    """Mark a folder as that of one experiment at one scale, or refuse that of another."""
    path, mine = home / MARK, {"experiment": name, "scale": scale}
    if not path.exists():
        write_json(path, mine)
    elif (made := read_json(path, Mark)) != Mark(**mine):
        theirs = f"{made.experiment} at scale {made.scale}"
        raise UserError(f"`out` {home} is the folder of {theirs}: choose another")
