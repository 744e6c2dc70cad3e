"""Run a sweep and put its image and data where they belong."""

from pathlib import Path

from bgan_text.cli.console import finite, newest_run, print_json, results, say
from bgan_text.errors import UserError
from bgan_text.evaluation.inputs import Request
from bgan_text.evaluation.sweep import TEMPERATURES, sweep, temperatures_of
from bgan_text.evaluation.sweep_figure import draw, table
from bgan_text.files import write_json


def run_sweep(
    request: Request, temperatures: str | None, out: Path | None, *, likelihood: bool, json: bool
) -> None:
    """Sweep, write sweep.png and sweep.json, print the table or the data."""
    values = TEMPERATURES if temperatures is None else temperatures_of(temperatures)
    folder = out or _folder(request)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--out {folder} is a file: a folder was expected")
    made = sweep(request, values, likelihood=likelihood)
    write_json(folder / "sweep.json", finite(made.to_json()))
    draw(made, folder / "sweep.png")
    say(f"wrote {folder / 'sweep.png'} and {folder / 'sweep.json'}")
    if json:
        print_json(made.to_json())
    else:
        results().print(table(made))


def _folder(request: Request) -> Path:
    """The folder of the first run that is named, or where the command runs if only files are."""
    names = request.names() or (str(newest_run()),)
    return next((Path(name) for name in names if (Path(name) / "run.json").exists()), Path())
