"""`bgan-text show`: a run or a dataset directory at a glance."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bgan_text.space import LabelSpace, PixelSpace, Space

if TYPE_CHECKING:
    from bgan_text.corpora.dataset_directory import DatasetDirectory
    from bgan_text.training.run import RunFolder

EXAMPLES = 3


def show(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Run or dataset directory. (default: the newest run, else the newest data)"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show a run or a dataset directory: settings, counts, last scores, examples.

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
    from bgan_text.cli.console import newest_data, newest_run
    from bgan_text.corpora.dataset_directory import DatasetDirectory
    from bgan_text.errors import UserError
    from bgan_text.training.run import RunFolder

    if folder is None:
        try:
            folder = newest_run()
        except UserError:
            folder = newest_data()
    if (folder / "run.json").exists():
        return _run(RunFolder(folder))
    if (folder / "card.json").exists():
        return _dataset(DatasetDirectory(folder))
    what = "is neither a run nor a dataset directory" if folder.exists() else "does not exist"
    raise UserError(f"{folder} {what}: give one that bgan-text train or prepare has made")


def _run(run: "RunFolder") -> tuple[dict[str, Any], list[str]]:
    rows = run.metrics()
    evaluated = [row for row in rows if "samples" in row]
    numbers = [row for row in rows if "samples" not in row]
    facts = {
        "run": str(run.folder),
        "settings": run.config.to_json(),
        "data": run.data,
        "checkpoints": list(run.checkpoints()),
        "last": numbers[-1] if numbers else {},
        "evaluation": evaluated[-1] if evaluated else {},
    }
    lines = [
        f"run          {run.folder}",
        f"trained on   {run.data_folder()} ({run.data['corpus']}, signature {run.data['signature']})",
        f"samples      {_samples(run.space)}",
        f"checkpoints  {', '.join(f'{step:,}' for step in run.checkpoints()) or 'none yet'}",
        "settings     " + ", ".join(f"{name} {value}" for name, value in run.config.to_json().items()),
    ]
    if numbers:
        lines.append("last step    " + _numbers(numbers[-1]))
    if evaluated:
        lines.append("validation   " + _numbers(evaluated[-1]))
        lines += [f"  {text}" for text in evaluated[-1]["samples"][:EXAMPLES]]
    return facts, lines


def _samples(space: Space) -> str:
    if isinstance(space, LabelSpace):
        return f"labels, {space.classes} classes, of {_samples(space.image)}"
    if isinstance(space, PixelSpace):
        return f"{space.width} x {space.height} pixels of {space.channels} number{'s' * (space.channels > 1)}"
    if space.shape is not None:
        return f"{space.shape[1]} x {space.shape[0]} pixels of {space.vocabulary} colours"
    return f"{space.positions} positions of {space.vocabulary:,} tokens"


def _numbers(row: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in row.items() if isinstance(value, int | float))


def _dataset(dataset: "DatasetDirectory") -> tuple[dict[str, Any], list[str]]:
    from bgan_text.corpora.card_lines import card_lines

    examples = [] if dataset.images else dataset.texts("train", EXAMPLES)
    facts = {"data": str(dataset.folder), **dataset.card, "examples": examples}
    lines = [f"{dataset.folder}: {dataset.corpus}, signature {dataset.signature}"]
    lines += card_lines(dataset.card)
    return facts, lines + [f"  {text}" for text in examples]
