"""`bgan-text export`: a run becomes a model that others can use."""

import shlex
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from bgan_text.cli.options import Generator, Json, with_options
from bgan_text.errors import UserError
from bgan_text.sharing.export_options import CARD, ExportOptions

HUB = "Hugging Face hub"

Run = Annotated[
    str | None, typer.Argument(help="Run folder, or an exported model to push. (default: the newest run)")
]
Folder = Annotated[Path | None, typer.Argument(metavar="DIR", help="Folder to write.")]
Push = Annotated[
    str | None,
    typer.Option(metavar="user/name", rich_help_panel=HUB, help="Upload to this model of the hub."),
]
Private = Annotated[
    bool, typer.Option("--private", rich_help_panel=HUB, help="Nobody else may see the model on the hub.")
]
Scored = Annotated[
    bool,
    typer.Option(
        "--score", rich_help_panel=CARD, help="Score the checkpoint first, with intervals, for the card."
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(rich_help_panel=CARD, help="Dataset directory for --score. (default: the run's)"),
]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", rich_help_panel=CARD, help="Scores for the card: what `score --json` printed."),
]


@with_options(ExportOptions)
def export(
    run: Run = None,
    folder: Folder = None,
    push: Push = None,
    private: Private = False,
    score: Scored = False,
    data: Data = None,
    report: ReportFile = None,
    generator: Generator = None,
    json: Json = False,
    *,
    given: dict[str, Any],
) -> None:
    """Write one checkpoint of a run as a model of the Hugging Face hub, with a card, to pass it on.

    The folder is sampled, explored, scored and started from as a run is. It holds no code and no pickle.

    Example: bgan-text export runs/poems exported/poems --license mit --language en

    Example: bgan-text export runs/poems --push user/poems --private
    """
    from bgan_text.cli.console import print_json, say, write
    from bgan_text.cli.parts import own_nets
    from bgan_text.cli.progress import RichReporter
    from bgan_text.evaluation.evaluate import evaluate
    from bgan_text.newest import newest_run
    from bgan_text.runs import load_run
    from bgan_text.sharing.card_scores import read_report
    from bgan_text.sharing.exporting import export, push_to_hub
    from bgan_text.sharing.hub import refuse_repository
    from bgan_text.space import LabelSpace

    if folder is None and push is None:
        raise UserError("name a folder to write to, or a model of the hub with `push`")
    if private and push is None:
        raise UserError("`private` is for `push`: a folder is as private as its place")
    if push is not None:
        refuse_repository(push)
    if data is not None and not score:
        raise UserError(f"`data` {data}: it is for `score`")
    options, reporter = ExportOptions(**given), RichReporter()
    if score and report is not None:
        raise UserError("`score` and `report`: one of them gives the scores")
    opened = load_run(run if run is not None else newest_run(), reporter=reporter, **own_nets(generator))
    scores: Any = None if report is None else read_report(report)
    scores = partial(evaluate, opened, data=data, reporter=reporter) if score else scores
    if folder is not None:
        made: Path | str = export(opened, folder, options, report=scores, repository=push)
    if push is not None:
        more = {"options": options, "report": scores} if folder is None else {"overwrite": options.overwrite}
        pushed = opened if folder is None else folder
        made = push_to_hub(pushed, push, private=private, reporter=reporter, **more)
    if json:
        print_json({"run": str(opened.folder), "folder": str(folder) if folder else None, "made": str(made)})
    else:
        write(f"{made}\n")
    name = folder if push is None else f"hf:{push}"
    words = ["show", str(name)] if isinstance(opened.space, LabelSpace) else ["sample", str(name), "--n", "3"]
    say(f"Exported {opened.folder}. Next: {shlex.join(['bgan-text', *words])}")
