"""The result of an experiment as files: result.json, result.md with its images, and a table to print."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bgan_text import __version__
from bgan_text.cli.console import finite
from bgan_text.files import write_atomically, write_json
from bgan_text.studies.experiment import Conclusion, Experiment, Scale

RESULT, PAGE = "result.json", "result.md"
VERDICTS = {True: "holds", False: "does not hold", None: "cannot be told"}


def write(
    home: Path,
    experiment: Experiment,
    name: str,
    scale: Scale,
    found: Conclusion,
    made: Mapping[str, Any],
) -> dict[str, Any]:
    """Write images, page and JSON, in this order; returns the JSON. `made`: what a `Runner` made."""
    result: dict[str, Any] = {
        "experiment": experiment.name,
        "scale": name,
        "version": __version__,
        "methods": experiment.methods_at(scale),
        "seeds": scale.seeds,
        "table": {"headings": found.headings, "rows": found.rows},
        "claims": [{"claim": claim.text, "holds": claim.holds} for claim in found.claims],
        "images": list(found.images),
        "samples": found.samples,
        "numbers": finite(found.numbers),
        **made,
    }
    for file, content in found.images.items():
        write_atomically(home / file, content)
    write_atomically(home / PAGE, f"# {experiment.name}, {name}\n\n{page(experiment, result)}".encode())
    write_json(home / RESULT, result)
    return result


def page(experiment: Experiment, result: dict[str, Any], folder: str = "") -> str:
    """A result in Markdown; `folder`: where its images are, seen from the page."""
    parts = [f"{experiment.compares}. The paper: {experiment.paper}."]
    if experiment.scales[result["scale"]].quick:
        parts.append(f"At scale {result['scale']} nothing has learned anything: the numbers mean nothing.")
    parts.append(markdown_table(**result["table"]))
    parts.append("\n".join(f"- **Failed**: {failure}." for failure in failures(result)))
    parts.append("\n".join(f"- {one['claim']}: **{VERDICTS[one['holds']]}**" for one in result["claims"]))
    if result["samples"]:
        parts.append("```text\n" + "\n".join(result["samples"]) + "\n```")
    parts += [f"![{Path(file).stem.replace('-', ' ')}]({folder}{file})" for file in result["images"]]
    parts.append(f"{_settings(result)} {_steps(result)}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _settings(result: dict[str, Any]) -> str:
    """What all methods have in common."""
    data = result["data"]
    first, *others = result["methods"].values()
    shared = {key: value for key, value in first.items() if all(one.get(key) == value for one in others)}
    settings = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in shared.items())
    many = {name: f"{result[name]} {name[:-1]}{'s' * (result[name] > 1)}" for name in ("seeds", "threads")}
    return (
        f"Data: {data['counts']['train']:,} training samples from {data['from']}, signature "
        f"{data['signature']}. Settings: {settings}; {many['seeds']}; {many['threads']} on "
        f"{result['device']}; bgan-text {result['version']}."
    )


def _steps(result: dict[str, Any]) -> str:
    """How many steps each method made, seed by seed."""
    steps = {
        method: ", ".join(f"{run['steps']:,}" for run in result["runs"] if run["method"] == method)
        for method in result["methods"]
    }
    if len(set(steps.values())) == 1:
        return f"Generator steps: {next(iter(steps.values()))}."
    return f"Generator steps: {'; '.join(f'{method} {made}' for method, made in steps.items())}."


def failures(result: dict[str, Any]) -> list[str]:
    """The runs that failed, when and why."""
    return [
        f"{run['method']}, seed {run['seed']}, after {run['steps']:,} steps: {run['failed']}"
        for run in result["runs"]
        if run["failed"] is not None
    ]


def markdown_table(headings: list[str], rows: list[list[str]]) -> str:
    """Rows of cells in GitHub's Markdown."""
    lines = [headings, ["---", *["--:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def render(result: dict[str, Any]) -> Iterator[RenderableType]:
    """The table for a terminal, then what failed, what became of the paper's claims, and samples."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for place, heading in enumerate(result["table"]["headings"]):
        table.add_column(Text(heading), justify="right" if place else "left", overflow="fold")
    for row in result["table"]["rows"]:
        table.add_row(*map(Text, row))
    yield table
    yield Text("")
    for failure in failures(result):
        yield Text(f"failed: {failure}")
    for one in result["claims"]:
        yield Text(f"{one['claim']}: {VERDICTS[one['holds']]}")
    yield from map(Text, result["samples"])
