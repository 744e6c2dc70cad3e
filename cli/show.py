"""`bgan-text show`: a run or a dataset directory at a glance."""

from pathlib import Path
from typing import Annotated, Any

import typer

EXAMPLES = 3


def show(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Run or dataset directory. (default: the newest run, else the newest data)"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show a run or a dataset directory: settings, counts, checkpoints, last scores, examples.

    Of a run it prints the settings that its objective reads; --json has all of them.

    Example: bgan-text show data/grammar
    """
    from bgan_text.cli.console import print_json, results

    facts, lines = _facts(folder)
    if json:
        print_json(facts)
    else:
        for line in lines:
            results().print(line, markup=False, emoji=False, soft_wrap=True)


def _facts(folder: Path | None) -> tuple[dict[str, Any], list[str]]:
    from bgan_text.corpora.dataset_directory import DatasetDirectory
    from bgan_text.errors import UserError
    from bgan_text.newest import newest_data, newest_run
    from bgan_text.overview import dataset_overview, overview
    from bgan_text.training.run import RunFolder

    if folder is None:
        try:
            folder = newest_run()
        except UserError:
            folder = newest_data()
    if (folder / "run.json").exists():
        seen = overview(RunFolder(folder), EXAMPLES)
        return seen.facts, seen.lines()
    if (folder / "card.json").exists():
        return dataset_overview(DatasetDirectory(folder), EXAMPLES)
    what = "is neither a run nor a dataset directory" if folder.exists() else "does not exist"
    raise UserError(f"{folder} {what}: give one that bgan-text train or prepare has made")
