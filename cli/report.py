"""`bgan-text report`: runs as one HTML file."""

from pathlib import Path
from typing import Annotated

import typer

from bgan_text.cli.options import Json

Runs = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="RUN", help="Runs, whose curves are drawn over each other. (default: the newest in runs/)"
    ),
]
Out = Annotated[
    Path | None, typer.Option(help="File to write. (default: report.html in the first run's folder)")
]
Score = Annotated[
    bool,
    typer.Option(
        "--score",
        help="Score each run first, its best checkpoint if it has one, else the last, and keep the result as "
        "score.json in its folder. Without it the table shows the score.json that is there.",
    ),
]
Scores = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE", help="Further scores to show, which score --json has written. May be repeated."
    ),
]
Title = Annotated[str | None, typer.Option(help="Heading. (default: the names of the runs)")]


def report(
    runs: Runs = None,
    out: Out = None,
    score: Score = False,
    scores: Scores = None,
    title: Title = None,
    json: Json = False,
) -> None:
    """Write one HTML file about runs: settings, curves, samples by step, scores, and how to repeat them.

    The file needs no network. Several runs are compared. A sweep that score --sweep left in a
    run is drawn too.

    Example: bgan-text report runs/first runs/second --out report.html
    """
    from bgan_text.cli.console import print_json, write
    from bgan_text.cli.progress import RichReporter
    from bgan_text.html_report.report import report as written
    from bgan_text.newest import newest_run

    path = written(
        runs or [newest_run()], out, score=score, scores=scores or (), title=title, reporter=RichReporter()
    )
    if json:
        print_json({"report": str(path), "bytes": path.stat().st_size})
    else:
        write(f"{path}\n")
