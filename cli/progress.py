"""Moving lines on a terminal, plain lines in a pipe."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.live import Live
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bgan_text.cli.console import say, talk
from bgan_text.cli.field_names import spelled
from bgan_text.reporter import Progress as Told
from bgan_text.reporter import Reporter, time_left

if TYPE_CHECKING:
    from bgan_text.training.progress_line import ProgressLine

QUIET_INTERVAL = 30.0
"""Seconds between two lines of progress where no terminal shows a moving one."""
BAR, LEAST_BAR = 16, 8
"""The width of the bar of a training, and what it shrinks to."""
REFRESH = 4.0
"""How often the moving line is drawn, in times a second."""


class RichReporter(Reporter):
    """Writes messages to stderr, and the progress of tasks: moving on a terminal, else as lines now and then.

    Args:
        interval: seconds between two lines of progress if stderr is not a terminal.
    """

    def __init__(self, interval: float = QUIET_INTERVAL) -> None:
        self._interval = interval
        self._display: Progress | None = None

    def message(self, text: str) -> None:
        say(spelled(text))

    def warning(self, text: str) -> None:
        self.message(f"Warning: {text}")

    @contextmanager
    def task(self, title: str, unit: str = "") -> Iterator[Told]:
        with self._shown() as display:
            task = display.add_task(title, total=None, text="")
            start = spoke = time.monotonic()

            def progress(done: int, total: int | None) -> None:
                nonlocal spoke
                now = time.monotonic()
                amount = f"{done:,}" + ("" if total is None else f" of {total:,}") + (unit and f" {unit}")
                rate = f"{done / max(1e-9, now - start):,.1f}/s"
                display.update(task, completed=done, total=total, text=f"{amount}, {rate}")
                if display.disable and now - spoke >= self._interval:
                    say(f"{title}: {amount}, {now - start:.0f} s{time_left(done, total, now - start)}")
                    spoke = now

            try:
                yield progress
            finally:
                display.remove_task(task)
            if display.disable and time.monotonic() - start >= self._interval:
                say(f"{title}: {time.monotonic() - start:.0f} s")

    @contextmanager
    def _shown(self) -> Iterator[Progress]:
        """The display of all open tasks, there from the first to the last."""
        if self._display is not None:
            yield self._display
            return
        self._display = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[text]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=talk(),
            transient=True,
            disable=not talk().is_terminal,
        )
        try:
            with self._display:
                yield self._display
        finally:
            self._display = None


class TrainingProgress:
    """The moving line of a training run on a terminal, a plain line now and then in a log."""

    def __init__(self, line: "ProgressLine") -> None:
        self._line, self._since = line, time.monotonic()
        self._spoke = self._since
        self._live = None
        if talk().is_terminal:
            self._live = Live(
                get_renderable=self._rendered, console=talk(), transient=True, refresh_per_second=REFRESH
            )
            self._live.start()

    def update(self, line: "ProgressLine") -> None:
        """Show how far the run is."""
        self._line, self._since = line, time.monotonic()
        if self._live is None and self._since - self._spoke >= QUIET_INTERVAL:
            say(line.line())
            self._spoke = self._since

    def stop(self) -> None:
        """Take the moving line away."""
        if self._live is not None:
            self._live.stop()

    def _rendered(self) -> Table:
        width = talk().width - 1
        bar = max(LEAST_BAR, min(BAR, width - 1 - self._line.needs()))
        row = Table.grid(padding=(0, 1, 0, 0))
        text = self._line.text(width - 1 - bar, time.monotonic() - self._since)
        row.add_row(ProgressBar(1.0, self._line.share, width=bar), Text(text, no_wrap=True, overflow="crop"))
        return row
