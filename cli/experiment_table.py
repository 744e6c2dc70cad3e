"""The experiments of the paper and their results on a terminal."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table

from bgan_text.cli.console import shown
from bgan_text.cli.field_names import spelled
from bgan_text.studies.experiment_result import VERDICTS, ExperimentResult, failures
from bgan_text.studies.experiments import EXPERIMENTS


def render(result: ExperimentResult) -> Iterator[RenderableType]:
    """The table, then failed runs, the claims of the paper with their verdicts, and samples."""
    record = result.to_json()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for place, heading in enumerate(record["table"]["headings"]):
        table.add_column(shown(heading), justify="right" if place else "left", overflow="fold")
    for row in record["table"]["rows"]:
        table.add_row(*map(shown, row))
    yield table
    yield shown("")
    for failure in failures(record):
        yield shown(f"failed: {spelled(failure)}")
    for one in record["claims"]:
        yield shown(f"{one['claim']}: {VERDICTS[one['holds']]}")
    yield from map(shown, record["samples"])


def listing() -> Table:
    """A row for each experiment."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
    table.add_column("experiment", no_wrap=True)
    for heading in ("compares", "small takes", "found at small scale"):
        table.add_column(heading, overflow="fold")
    for one in EXPERIMENTS.values():
        table.add_row(*map(shown, (one.name, one.compares, one.scales["small"].lasts, one.found)))
    return table
