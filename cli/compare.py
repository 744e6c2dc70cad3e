"""`bgan-text compare`: methods side by side, over seeds, at the same training time."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bgan_text.cli.options import with_options
from bgan_text.config import Config
from bgan_text.errors import UserError


@with_options(Config, without=("objective", "divergence", "seed"))
def compare(
    objectives: Annotated[
        str,
        typer.Option(
            help="Objectives with commas between, or all; rnn:importance names the generator too, "
            "rnn:importance:prefix the credit. mle and prefix take rnn unless --generator is given."
        ),
    ] = "importance,reinforce,mle",
    divergences: Annotated[
        str | None,
        typer.Option(help="Divergences for each objective that has one, or all. (default: js)"),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Runs of each method, with seeds 0, 1, ...")] = 3,
    data: Annotated[
        Path | None, typer.Option(help="Dataset directory. (default: the newest in data/)")
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(help="Real text to score against, a sample a line. (default: the folder's test split)"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the runs and compare.json. (default: comparisons/DATA)"),
    ] = None,
    n: Annotated[int, typer.Option("--n", "-n", help="Samples of each run that are scored.")] = 1000,
    scores: Annotated[
        str | None,
        typer.Option(
            help="Columns of the table, with commas between; compare.json has every score. "
            "(default: js-1, js-4, recall-1, and grammatical or self-bleu-3)"
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
    *,
    given: dict[str, Any],
) -> None:
    """Train methods for the same time on the same data, over seeds, and score them side by side.

    All methods get seed 0, then seed 1, ...; an option that some of them do not read is for the others.

    The same command again goes on where it stopped and trains nothing twice. More seeds or methods add
    to the runs that are there; the table and compare.json show those that were asked for.

    A run whose loss is not finite has failed: the others go on and the exit code is 1.
    Remove its folder to have it tried again.

    Example: bgan-text compare --objectives importance,reinforce,mle --minutes 5 --seeds 3
    """
    from bgan_text.cli.comparison_table import render, to_markdown
    from bgan_text.cli.console import print_json, results
    from bgan_text.studies.comparison import Wish, run_comparison

    if json and markdown:
        raise UserError("--json and --markdown: one format at a time")
    wish = Wish(objectives, divergences, seeds, data, reference, out, n, scores, device, given)
    made = run_comparison(wish)
    if json:
        print_json(made.standing.to_json())
    elif markdown:
        sys.stdout.write(to_markdown(made.standing))
    else:
        for renderable in render(made.standing):
            results().print(renderable)
    if made.signal is not None:
        raise typer.Exit(128 + made.signal)
    if made.standing.failures():
        raise typer.Exit(1)
