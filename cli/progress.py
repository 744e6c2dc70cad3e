"""Moving lines on a terminal, plain lines in a pipe."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.progress import (
    BarColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress

from bgan_text.cli.console import say, talk
from bgan_text.reporter import Progress, Reporter

QUIET_INTERVAL = 30.0
"""Seconds between two lines of progress where no terminal shows a moving one."""


class _Shown:
    """What shows a rich progress while it is entered."""

    _progress: RichProgress

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


class RichReporter(Reporter):
    """Writes messages to standard error, and shows the progress of tasks where that is a terminal."""

    def __init__(self) -> None:
        self._progress = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TextColumn("{task.fields[text]}"),
            TimeElapsedColumn(),
            console=talk(),
            transient=True,
            disable=not talk().is_terminal,
        )
        self._running = 0

    def message(self, text: str) -> None:
        say(_with_flags(text))

    def warning(self, text: str) -> None:
        say(f"Warning: {_with_flags(text)}")

    @contextmanager
    def task(self, title: str, unit: str = "") -> Iterator[Progress]:
        start = time.monotonic()
        if self._running == 0:
            self._progress.start()
        self._running += 1
        task = self._progress.add_task(title, total=None, text="")

        def progress(done: int, total: int | None) -> None:
            of = "" if total is None else f" of {total:,}"
            rate = f"{done / max(1e-9, time.monotonic() - start):,.1f}/s"
            text = f"{done:,}{of}{' ' if unit else ''}{unit}, {rate}"
            self._progress.update(task, completed=done, total=total, text=text)

        try:
            yield progress
        finally:
            self._progress.remove_task(task)
            self._running -= 1
            if self._running == 0:
                self._progress.stop()
        if self._progress.disable and time.monotonic() - start >= QUIET_INTERVAL:
            say(f"{title}: {time.monotonic() - start:.0f} s")


def _with_flags(text: str) -> str:
    from bgan_text.cli.field_names import with_flags
    from bgan_text.cli.main import app

    return with_flags(text, app)


class Work(_Shown):
    """Progress of parts that are done one after the other, each with a total of its own."""

    def __init__(self) -> None:
        self._progress = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=talk(),
            transient=True,
            disable=not talk().is_terminal,
        )

    @contextmanager
    def part(self, title: str) -> Iterator[Callable[[int, int], None]]:
        """A part of the work; gives what is to be told the steps done and the most there will be."""
        start = time.monotonic()
        task = self._progress.add_task(title, total=None, rate="")

        def progress(done: int, total: int) -> None:
            rate = f"{done / max(1e-9, time.monotonic() - start):,.1f}/s"
            self._progress.update(task, completed=done, total=total, rate=rate)

        try:
            yield progress
        finally:
            self._progress.remove_task(task)
        if self._progress.disable and time.monotonic() - start >= QUIET_INTERVAL:
            say(f"{title}: {time.monotonic() - start:.0f} s")


class TrainingProgress(_Shown):
    """The bar of a training run: rate, time left, the numbers that tell how it goes."""

    def __init__(self, done: float, steps: int) -> None:
        self._progress = RichProgress(
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
