"""Moving lines on a terminal, plain lines in a pipe."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from bgan_text.cli.console import say, talk
from bgan_text.cli.field_names import spelled
from bgan_text.reporter import Progress as Told
from bgan_text.reporter import Reporter

QUIET_INTERVAL = 30.0
"""Seconds between two lines of progress where no terminal shows a moving one."""


class _Shown:
    """What shows a rich progress while it is entered."""

    _progress: Progress

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


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
                    say(f"{title}: {amount}, {now - start:.0f} s")
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


class TrainingProgress(_Shown):
    """The bar of a training run: rate, time left, the numbers that tell how it goes."""

    def __init__(self, done: float, steps: int) -> None:
        self._progress = Progress(
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[text]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            console=talk(),
            disable=not talk().is_terminal,
        )
        self._task = self._progress.add_task("train", total=1.0, text="")
        self._progress.update(self._task, completed=done)
        self._start, self._first_step, self._first_done = time.monotonic(), steps, done
        self._spoke = self._start

    def update(self, done: float, step: int, numbers: dict[str, float]) -> None:
        """Show how far the run is and its newest numbers."""
        now = time.monotonic()
        rate = (step - self._first_step) / max(1e-9, now - self._start)
        text = f"step {step:,}, {rate:.1f}/s, {brief(numbers)}"
        self._progress.update(self._task, completed=min(1.0, done), text=text)
        if self._progress.disable and now - self._spoke >= QUIET_INTERVAL:
            share = done - self._first_done
            left = (now - self._start) * (1.0 - done) / share if share > 0 else 0.0
            say(f"{done:4.0%} {text}, {left / 60:.1f} min left")
            self._spoke = now


def brief(numbers: dict[str, float]) -> str:
    """The numbers that matter, in a line."""
    if "bound" not in numbers:
        return f"loss {numbers.get('generator_loss', float('nan')):.3f}"
    line = (
        f"bound {numbers['bound']:.3f}, score real {numbers['real_score']:+.2f} "
        f"fake {numbers['fake_score']:+.2f}"
    )
    if "effective_sample_size" in numbers:
        line += f", effective sample size {numbers['effective_sample_size']:.1f}"
    return line + (
        f", gradient norm {numbers['penalty_gradient_norm']:.2f}"
        if "penalty_gradient_norm" in numbers
        else ""
    )
