"""`bgan-text plot`: the training curves of runs."""

from pathlib import Path
from typing import Annotated

import typer

Folders = Annotated[
    list[Path] | None,
    typer.Argument(metavar="RUN", help="Runs, drawn over each other. (default: the newest in runs/)"),
]
Out = Annotated[
    Path | None,
    typer.Option(help="File to write: .png, .pdf or .svg. (default: curves.png in the first run's folder)"),
]


def plot(runs: Folders = None, out: Out = None) -> None:
    """Draw training curves: bound, scores, weights, gradient norms and validation scores over steps.

    Example: bgan-text plot runs/first runs/second --out curves.png
    """
    from bgan_text.cli.console import write
    from bgan_text.curves import plot as drawn
    from bgan_text.evaluation.sweep_figure import write_figure
    from bgan_text.newest import newest_run
    from bgan_text.outputs import refuse_output

    folders = runs or [newest_run()]
    usual = folders[0] / "curves.png"
    path = out if out is not None else usual
    refuse_output("out", path, folders, usual)
    write_figure(drawn(folders), path)
    write(f"{path}\n")
