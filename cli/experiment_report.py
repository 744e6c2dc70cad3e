"""The result of an experiment as files: result.json, result.md with its pictures, and a table to print."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bgan_text import __version__
from bgan_text.files import write_atomically, write_json

from .console import finite
from .experiment import Conclusion, Experiment, Scale

RESULT, PAGE = "result.json", "result.md"
VERDICTS = {True: "holds", False: "does not hold"}


def write(home: Path, experiment: Experiment, name: str, scale: Scale, found: Conclusion) -> dict[str, Any]:
    """Write pictures, page and JSON, in this order; returns the JSON."""
    for file, content in found.pictures.items():
        write_atomically(home / file, content)
    write_atomically(home / PAGE, page(experiment, name, scale, found).encode())
    result = {
        "experiment": experiment.name,
        "scale": name,
        "version": __version__,
        "methods": experiment.methods_at(scale),
        "seeds": scale.seeds,
        "table": {"headings": found.headings, "rows": found.rows},
        "claims": [{"claim": claim.text, "holds": claim.holds} for claim in found.claims],
        "pictures": list(found.pictures),
        "samples": found.samples,
        "numbers": finite(found.numbers),
    }
    write_json(home / RESULT, result)
    return result


def page(experiment: Experiment, name: str, scale: Scale, found: Conclusion) -> str:
    """The result in Markdown."""
    parts = [f"# {experiment.name}, {name}", f"{experiment.compares}. The article: {experiment.article}."]
    parts.append(markdown_table(found.headings, found.rows))
    parts += [f"- {claim.text}: **{VERDICTS[claim.holds]}**" for claim in found.claims]
    if found.samples:
        parts.append("```text\n" + "\n".join(found.samples) + "\n```")
    parts += [f"![{Path(file).stem.replace('-', ' ')}]({file})" for file in found.pictures]
    settings = ", ".join(f"{key} {value}" for key, value in scale.options.items())
    seeds = f"{scale.seeds} seed{'s' * (scale.seeds > 1)}"
    parts.append(f"Settings of every method: {settings}; {seeds}; bgan-text {__version__}.")
    return "\n\n".join(parts) + "\n"


def markdown_table(headings: list[str], rows: list[list[str]]) -> str:
    """Rows of cells in GitHub's Markdown."""
    lines = [headings, ["---", *["--:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def render(found: Conclusion) -> Iterator[RenderableType]:
    """The table for a terminal, then what became of the article's claims, and samples."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for place, heading in enumerate(found.headings):
        table.add_column(Text(heading), justify="right" if place else "left", overflow="fold")
    for row in found.rows:
        table.add_row(*map(Text, row))
    yield table
    yield Text("")
    for claim in found.claims:
        yield Text(f"{claim.text}: {VERDICTS[claim.holds]}")
    yield from map(Text, found.samples)
