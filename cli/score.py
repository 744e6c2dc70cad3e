"""`bgan-text score`: how good and how varied texts or images are, beside real ones."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bgan_text.errors import UserError

if TYPE_CHECKING:
    from bgan_text.evaluation.report import Report


def score(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN|FILE]...",
            help="Runs, text files with a sample a line, or folders, archives or .npz of images. "
            "(default: the newest run)",
        ),
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="Real text to compare with. (default: the test split of --data)")
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(help="Training text, for the share of copies. (default: the train split of --data)"),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="DatasetDirectory folder. (default: the run's own; for files the newest in data/)"),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option(
            "--n",
            "-n",
            help="Samples of each run; lines, or images, chosen at random of each file. (default: 1000; "
            "all lines, 1000 images)",
        ),
    ] = None,
    tokenize: Annotated[
        str | None,
        typer.Option(
            help="Unit of n-grams: whitespace, word (nltk), char, 13a (sacrebleu). "
            "(default: char where the data is, else whitespace)"
        ),
    ] = None,
    lowercase: Annotated[bool, typer.Option("--lowercase", help="Lower-case all text first.")] = False,
    window: Annotated[
        int | None,
        typer.Option(help="Units that JS sees, pads included. (default: what 99 % of the references fit in)"),
    ] = None,
    grammar: Annotated[
        bool,
        typer.Option(
            "--grammar", help="Judge by the built-in grammar. (default: where the data comes from it)"
        ),
    ] = False,
    likelihood: Annotated[
        bool | None,
        typer.Option(
            "--likelihood/--no-likelihood",
            help="Likelihood of the samples under a model of real text and the reverse, a minute each; exact "
            "for the grammar. (default: with --sweep)",
        ),
    ] = None,
    critic: Annotated[
        bool, typer.Option("--critic", help="Distances that fresh discriminators find, minutes a model.")
    ] = False,
    embed: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Scores of sentence embeddings by this sentence-transformers model, a name or a folder. "
            "Needs pip install 'bgan-text\\[embed]'.",
        ),
    ] = None,
    mauve: Annotated[
        bool,
        typer.Option("--mauve", help="MAUVE of the embeddings too. Needs pip install 'bgan-text\\[mauve]'."),
    ] = False,
    neighbours: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            help="Draw samples of the first model, each beside the training images nearest to it.",
        ),
    ] = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="A B", help="Two runs or files: say of each score whether they differ by more than noise."
        ),
    ] = None,
    resamples: Annotated[
        int, typer.Option(help="Bootstrap resamples behind the intervals; 0 leaves them out.")
    ] = 1000,
    sweep: Annotated[
        bool,
        typer.Option(
            "--sweep", help="Draw quality against diversity of runs over temperatures, mle beside them."
        ),
    ] = False,
    temperatures: Annotated[
        str | None, typer.Option(help="Temperatures of --sweep. (default: 0.5,0.7,0.85,1,1.15,1.3)")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the sweep's sweep.png and sweep.json. (default: the first run's)"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of samples, choices and intervals.")] = 0,
    temperature: Annotated[float, typer.Option(help="Temperature of the samples drawn from runs.")] = 1.0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a line per model and score.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="Print a LaTeX table (booktabs).")] = False,
) -> None:
    """Score samples: beside real ones, variety, copies, lengths, classes; on `grammar` exactly.

    It needs no run: a text file with a sample a line, or images, will do.

    The column `real` is an anchor: training text or images, or half of the reference, against real ones.

    Example: bgan-text score samples.txt --reference real.txt --tokenize char
    """
    from bgan_text.cli.console import results
    from bgan_text.cli.score_table import render
    from bgan_text.cli.sweeping import run_sweep
    from bgan_text.evaluation.images import of_images, score_images
    from bgan_text.evaluation.inputs import Request
    from bgan_text.evaluation.text import score_models

    show = _format(json=json, csv=csv, markdown=markdown, latex=latex)
    request = Request(
        models=tuple(models or ()),
        reference=reference,
        train=train,
        data=data,
        count=n,
        tokenize=tokenize,
        lowercase=lowercase,
        window=window,
        grammar=grammar,
        likelihood=bool(likelihood),
        critic=critic,
        embed=embed,
        mauve=mauve,
        compare=compare,
        resamples=resamples,
        seed=seed,
        temperature=temperature,
        device=device,
        neighbours=neighbours,
    )
    if sweep:
        _refuse_with_sweep(
            csv=csv,
            markdown=markdown,
            latex=latex,
            critic=critic,
            compare=compare,
            embed=embed,
            neighbours=neighbours,
        )
        if of_images(request):
            raise UserError("--sweep has no meaning for images: it belongs to scores of text")
        run_sweep(request, temperatures, out, likelihood=likelihood is not False, json=json)
        return
    if temperatures is not None or out is not None:
        raise UserError("--temperatures and --out belong to --sweep")
    report = score_images(request) if of_images(request) else score_models(request)
    if show is not None:
        sys.stdout.write(show(report))
        return
    for renderable in render(report):
        results().print(renderable)


def _refuse_with_sweep(**given: object) -> None:
    """A sweep has two pairs of scores and its own table."""
    for name, value in given.items():
        if value:
            raise UserError(f"--{name} has no meaning with --sweep, whose data come as an image and JSON")


def _format(**wanted: bool) -> "Callable[[Report], str] | None":
    """The function that writes the one format that was asked for; None is the table."""
    from bgan_text.cli.console import json_line
    from bgan_text.evaluation.formats import to_csv, to_latex, to_markdown

    chosen = [name for name, value in wanted.items() if value]
    if len(chosen) > 1:
        raise UserError(f"--{' and --'.join(chosen)}: one format at a time")
    writers: dict[str, Callable[[Report], str]] = {
        "json": lambda report: json_line(report.to_json()),
        "csv": to_csv,
        "markdown": to_markdown,
        "latex": to_latex,
    }
    return writers[chosen[0]] if chosen else None
