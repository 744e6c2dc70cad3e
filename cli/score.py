"""`bgan-text score`: how good and how varied texts are, beside real text."""

from pathlib import Path
from typing import Annotated

import typer


def score(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN|FILE]...",
            help="Runs, or text files with a sample a line. (default: the newest run)",
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
        typer.Option(help="Prepared folder. (default: the run's own; for files the newest in data/)"),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option("--n", "-n", help="Samples of each run, first lines of each file. (default: 1000; all)"),
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
        typer.Option(help="Units that JS sees, pads included. (default: the longest reference)"),
    ] = None,
    grammar: Annotated[
        bool,
        typer.Option(
            "--grammar", help="Judge by the built-in grammar. (default: where the data comes from it)"
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the samples drawn from runs.")] = 0,
    temperature: Annotated[float, typer.Option(help="Temperature of the samples drawn from runs.")] = 1.0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Score samples: n-gram divergence, BLEU, Self-BLEU, variety, copies; on `grammar` exactly.

    The column `real` is an anchor: training text, or half of the reference, against real text.

    Example: bgan-text score samples.txt --reference real.txt --tokenize char
    """
    from .console import print_json, results
    from .scoring import score_models
    from .table import render
    from .texts import Request

    report = score_models(
        Request(
            models=tuple(models or ()),
            reference=reference,
            train=train,
            data=data,
            count=n,
            tokenize=tokenize,
            lowercase=lowercase,
            window=window,
            grammar=grammar,
            seed=seed,
            temperature=temperature,
            device=device,
        )
    )
    if json:
        print_json(report.to_json())
    else:
        for renderable in render(report):
            results().print(renderable)
