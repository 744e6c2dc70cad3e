"""What the command line shows of a run that another process trains: one frame."""

import shlex
import sys

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bgan_text.encoding import holds_all, visible
from bgan_text.watching import (
    ABSENT,
    ASCII_BLOCKS,
    BLOCKS,
    CALLED,
    KILLED,
    STOPPED,
    TRAINING,
    Snapshot,
    sparkline,
)  # fmt: skip

WIDEST, NARROWEST, NUMBERS = 60, 8, 40
"""Of a curve, in characters; and what the numbers beside it take."""
SHOWN_SAMPLES = 3
STYLES = {TRAINING: "bold cyan", KILLED: "bold red", STOPPED: "bold yellow"}


def frame(seen: Snapshot, width: int) -> RenderableType:
    """A run at a moment, for a width in characters."""
    if seen.state == ABSENT:
        return _line(f"{seen.folder}: waiting for it")
    head = _line(f"{seen.folder}: ")
    head.append(seen.state, STYLES.get(seen.state, "bold green")).append_text(_line(f"  {seen.title}"))
    samples = seen.evaluation.get("samples", [])[:SHOWN_SAMPLES]
    lines = [_line(seen.evaluated(), "bold"), *(_line(f"  {text}") for text in samples)]
    if seen.state in (KILLED, STOPPED):
        place = shlex.quote(str(seen.folder))
        lines.append(_line(f"Go on with: bgan-text train --resume --run {place}", "bold"))
    for line in (head, *lines[1:]):  # the scores may take a second line
        line.truncate(max(20, width), overflow="ellipsis")
    return Group(head, _line(seen.progress()), Text(), _curves(seen, width), Text(), *lines)


def _line(text: str, style: str = "") -> Text:
    """A text in one line: names and samples may hold line feeds, which would pass for lines of ours."""
    return Text(visible(text), style)


def _curves(seen: Snapshot, width: int) -> Table:
    """A row for each metric: its name, its last value, its curve, and between what it lies."""
    blocks = BLOCKS if holds_all(sys.stdout) else ASCII_BLOCKS
    names = {name: CALLED.get(name, name.replace("_", " ")) for name in seen.curves}
    length = max(NARROWEST, min(WIDEST, width - NUMBERS - max(map(len, names.values()), default=0)))
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, values in seen.curves.items():
        line = sparkline(values, length, blocks)
        table.add_row(
            Text(names[name], "cyan" if name == seen.score else "", no_wrap=True),
            Text(f"{values[-1]:.4g}", justify="right"),
            Text(line, "cyan", no_wrap=True),
            Text(f"{min(values):.3g} to {max(values):.3g}", "dim", no_wrap=True),
        )
    return table
