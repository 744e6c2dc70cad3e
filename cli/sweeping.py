"""`bgan-text score --sweep`: run a sweep, write its figure and its data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bgan_text.cli.console import print_json, results, say
from bgan_text.cli.score_table import sweep_table
from bgan_text.errors import UserError
from bgan_text.evaluation.options import NOT_IN_A_SWEEP
from bgan_text.evaluation.sweep import sweep
from bgan_text.files import write_json
from bgan_text.outputs import refuse_output
from bgan_text.reporter import Reporter
from bgan_text.sampling_options import temperatures_of

WITHOUT = ("csv", "markdown", "latex", "compare", "neighbours", *NOT_IN_A_SWEEP)
"""Options that have no meaning with a sweep."""


def refuse_with_sweep(given: Mapping[str, Any]) -> None:
    """A sweep has two pairs of scores and its own table."""
    for name in WITHOUT:
        if given.get(name):
            raise UserError(f"`{name}` has no meaning with `sweep`, whose results are a figure and JSON")


def run_sweep(
    models: Mapping[str, Any],
    temperatures: str | None,
    out: Path | None,
    *,
    json: bool,
    reporter: Reporter,
    **how: Any,
) -> None:
    """Sweep, write sweep.png and sweep.json, print the table or the data."""
    usual = _folder(list(models))
    folder = out or usual
    if folder.exists() and not folder.is_dir():
        raise UserError(f"`out` {folder} is a file: a folder was expected")
    for file in ("sweep.json", "sweep.png"):
        refuse_output("out", folder / file, [*models, how.get("reference"), how.get("train")], usual / file)
    made = sweep(models, temperatures_of(temperatures), reporter=reporter, **how)
    write_json(folder / "sweep.json", made.to_json())
    made.save_figure(folder / "sweep.png")
    say(f"wrote {folder / 'sweep.png'} and {folder / 'sweep.json'}")
    if json:
        print_json(made.to_json())
    else:
        results().print(sweep_table(made))


def _folder(names: list[str]) -> Path:
    """The folder of the first run that is named, or where the command runs if only files are."""
    return next((Path(name) for name in names if (Path(name) / "run.json").exists()), Path())
