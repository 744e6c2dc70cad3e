"""`bgan-text score`: how good and how varied texts or images are, beside real ones."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgan_text.cli.options import Json, with_options
from bgan_text.errors import UserError
from bgan_text.evaluation.options import COMPARED, SCORES, EvaluationOptions
from bgan_text.sampling_options import TEMPERATURES

if TYPE_CHECKING:
    from bgan_text.evaluation.report import Report

compared = partial(typer.Option, rich_help_panel=COMPARED)
rating = partial(typer.Option, rich_help_panel=SCORES)
drawn = partial(typer.Option, rich_help_panel="Figures and sweeps")

Models = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="RUN|FILE",
        help="Runs, also hf:user/name of the hub, text files with a sample a line, or folders, archives or "
        ".npz of images. "
        "(default: the newest run)",
    ),
]
Reference = Annotated[
    Path | None, compared(help="Real text to compare with. (default: the test split of --data)")
]
Train = Annotated[
    Path | None,
    compared(help="Training text, for the share of copies. (default: the train split of --data)"),
]
Data = Annotated[
    Path | None,
    compared(help="Dataset directory. (default: that of the runs; for files the newest in data/)"),
]
Scores = Annotated[
    list[str] | None,
    rating("--score", metavar="MODULE:NAME", help="A score function of your own; may be repeated."),
]
Neighbours = Annotated[
    Path | None,
    drawn(
        metavar="FILE.png",
        help="Draw samples of the first model, each beside the training images nearest to it.",
    ),
]
Compare = Annotated[
    tuple[str, str] | None,
    compared(
        metavar="A B", help="Two runs or files: for each score, whether they differ by more than noise."
    ),
]
Sweep = Annotated[
    bool,
    drawn("--sweep", help="Plot quality against diversity of runs over temperatures, with an mle baseline."),
]
Temperatures = Annotated[
    str | None,
    drawn(help=f"Temperatures of --sweep. (default: {','.join(f'{one:g}' for one in TEMPERATURES)})"),
]
Out = Annotated[
    Path | None,
    drawn(help="Folder for the sweep's sweep.png and sweep.json. (default: the first run's)"),
]
Generator = Annotated[
    str | None, compared(help="Generator class of yours that the runs were made with, as module:name.")
]
Discriminator = Annotated[
    str | None, compared(help="Discriminator class of yours, likewise; for --candidates and --correct.")
]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV, a line per model and score.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")]
Latex = Annotated[bool, typer.Option("--latex", help="Print a LaTeX table (booktabs).")]


@with_options(EvaluationOptions)
def score(
    given: Mapping[str, Any],
    models: Models = None,
    reference: Reference = None,
    train: Train = None,
    data: Data = None,
    scores: Scores = None,
    generator: Generator = None,
    discriminator: Discriminator = None,
    neighbours: Neighbours = None,
    compare: Compare = None,
    sweep: Sweep = False,
    temperatures: Temperatures = None,
    out: Out = None,
    json: Json = False,
    csv: Csv = False,
    markdown: Markdown = False,
    latex: Latex = False,
) -> None:
    """Score samples beside real ones: similarity, variety, copies, lengths or classes; the grammar exactly.

    No run is needed: a text file with a sample a line, or images, will do.

    The column `real` is an anchor: training text or images, or half of the reference, scored like a model.

    Example: bgan-text score samples.txt --reference real.txt --tokenize char
    """
    from bgan_text.cli.parts import own_nets
    from bgan_text.cli.progress import RichReporter
    from bgan_text.cli.sweeping import refuse_with_sweep, run_sweep
    from bgan_text.evaluation.evaluate import evaluate
    from bgan_text.evaluation.named import found, opened
    from bgan_text.outputs import refuse_output

    wanted = _format(json=json, csv=csv, markdown=markdown, latex=latex)
    named, data = found([*(models or ()), *(compare or ())], data, reference, RichReporter())
    if own := own_nets(generator, discriminator):
        named = opened(named, own)
    options = EvaluationOptions(**given)
    real: dict[str, Any] = {"data": data, "reference": reference, "train": train}
    how: dict[str, Any] = {"options": options, "reporter": RichReporter()}
    if sweep:
        outputs = {"csv": csv, "markdown": markdown, "latex": latex, "compare": compare}
        refuse_with_sweep({**given, **outputs, "neighbours": neighbours})
        run_sweep(named, temperatures, out, json=json, scores=_functions(scores or ()), **real, **how)
        return
    if temperatures is not None or out is not None:
        raise UserError("`temperatures` and `out` belong to `sweep`")
    functions = _functions(scores or ())
    if neighbours is not None:
        refuse_output("neighbours", neighbours, [*named, *real.values()])
        _draw(named, neighbours, data, options)
    report = evaluate(named, scores=functions, **real, **how)
    _show(report if compare is None else report.with_comparison(*compare), wanted)


def _functions(specs: Sequence[str]) -> dict[str, Any]:
    """Score functions by their names, from modules that may lie in the working folder."""
    from bgan_text.cli.parts import imported

    return {spec.partition(":")[2]: imported(spec, "score function") for spec in specs}


def _draw(named: Mapping[str, Any], path: Path, data: Path | None, options: EvaluationOptions) -> None:
    from bgan_text.cli.console import say
    from bgan_text.evaluation.neighbours import draw_neighbours

    first = next(iter(named))
    draw_neighbours({first: named[first]}, path, data=data, options=options)
    say(f"wrote {path}: each row a sample of {first}, then the training images nearest to it")


def _format(**wanted: bool) -> str | None:
    """The one format that was asked for; None is the table."""
    chosen = [name for name, value in wanted.items() if value]
    if len(chosen) > 1:
        raise UserError(f"{' and '.join(f'`{name}`' for name in chosen)}: one format at a time")
    return chosen[0] if chosen else None


def _show(report: "Report", wanted: str | None) -> None:
    from bgan_text.cli.console import print_json, results, shown, write
    from bgan_text.cli.score_table import render

    if wanted is None:
        for renderable in render(report):
            results().print(renderable)
        if report.comparison is not None:
            results().print(shown(report.comparison.verdict), soft_wrap=True)
    elif wanted == "json":
        print_json(report.to_json())
    else:
        write(getattr(report, f"to_{wanted}")())
