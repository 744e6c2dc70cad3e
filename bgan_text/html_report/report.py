"""The entry point: runs become one HTML file."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bgan_text.curves import RunLike
from bgan_text.errors import UserError
from bgan_text.files import write_atomically
from bgan_text.html_report.opened import opened
from bgan_text.html_report.page import page
from bgan_text.html_report.score_tables import saved_scores, score_runs
from bgan_text.outputs import refuse_output
from bgan_text.reporter import SILENT, Reporter
from bgan_text.training.run import RunFolder

USUAL = "report.html"
"""Where a report is written by default, in the folder of the first run."""


def report(
    runs: RunLike | Sequence[RunLike],
    out: str | os.PathLike[str] | None = None,
    *,
    score: bool = False,
    scores: Sequence[str | os.PathLike[str]] = (),
    title: str | None = None,
    reporter: Reporter = SILENT,
) -> Path:
    """Write one HTML file about runs: settings, curves, samples by step, scores, and how to repeat them.

    The file needs no network and no other file. Curves of several runs are drawn over each other. Scores are
    those in `score.json` in a run folder, as `bgan-text score RUN --json` prints them, and curves over
    temperatures those in its `sweep.json`, where `score --sweep` writes them.

    Args:
        runs: a run or its folder, or several.
        out: the file to write; by default report.html in the folder of the first run.
        score: whether each run is scored first: its best checkpoint, or the last if none is the best, and
            else as `evaluate` does by itself. The scores are kept as score.json in its folder.
        scores: further files that `score --json` has written.
        title: the heading; by default the names of the runs.
        reporter: hears the progress of scoring.

    Returns:
        The path of the file.

    Raises:
        UserError: something is no run folder, is damaged, or has no metrics yet, or `out` is among the files
            of a run.

    Example:
        >>> report("runs/poems", out="poems.html").read_text("utf-8")[:15]
        '<!DOCTYPE html>'
    """
    several = [runs] if isinstance(runs, str) or not isinstance(runs, Sequence) else list(runs)
    path = _checked(several, out, scores)
    chosen = opened(several)
    if score:
        score_runs(chosen, reporter)
    found = saved_scores(chosen, [Path(file) for file in scores])
    # Paths may have bytes that are no text.
    write_atomically(path, page(chosen, found, title).encode(errors="backslashreplace"))
    return path


def _checked(runs: Sequence[RunLike], out: str | os.PathLike[str] | None, scores: Sequence[Any]) -> Path:
    """Where the report goes, before a run is opened."""
    known = [one for one in runs if isinstance(one, RunFolder | str | os.PathLike)]
    folders = [one.folder if isinstance(one, RunFolder) else Path(one) for one in known]
    usual = folders[0] / USUAL if folders else Path(USUAL)
    path = usual if out is None else Path(out)
    refuse_output("out", path, [*folders, *scores], usual)
    if out is not None and not path.parent.is_dir():
        raise UserError(f"`out` {path}: there is no folder {path.parent}")
    if path.is_dir():
        raise UserError(f"`out` {path} is a folder: name a file")
    return path
