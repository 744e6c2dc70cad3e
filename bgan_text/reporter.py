"""What long work says, and how far it is.

The library prints nothing. A function that takes long, or that has something to warn of, takes a `Reporter`;
this one ignores everything. The command line passes one that writes to standard error, a notebook may pass
its own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int, int | None], None]
"""Called with what is done and how much there is in all; None where the total is not known."""


class Reporter:
    """Hears messages and progress. Override what you want to hear.

    Example:
        >>> class Printing(Reporter):
        ...     def message(self, text: str) -> None:
        ...         print(text)
        >>> Printing().message("hello")
        hello
    """

    def message(self, text: str) -> None:
        """One line about what happens."""

    def warning(self, text: str) -> None:
        """One line about something that makes a result questionable."""

    @contextmanager
    def task(self, title: str, unit: str = "") -> Iterator[Progress]:
        """A part of the work, from the first to the last line of the `with` block.

        Args:
            title: what is done, such as "encoding".
            unit: what the progress counts, such as "sentences"; empty for steps of no particular kind.

        Yields:
            What to call with the progress.
        """
        yield lambda done, total: None


def time_left(done: int, total: int | None, seconds: float) -> str:
    """The rate of work and how long it will still take, as the end of a line.

    Example:
        >>> time_left(1000, 5000, 20.0)
        ', 50/s, 80 s left'
        >>> time_left(1000, None, 20.0), time_left(1, 2, 0.5)
        (', 50/s', '')
    """
    if not done or seconds < 1:
        return ""
    left = "" if total is None else f", {seconds * (total / done - 1):,.0f} s left"
    return f", {done / seconds:,.0f}/s{left}"


class Once(Reporter):
    """Passes each warning on once, for work that is done again and again."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._told: set[str] = set()

    def warning(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._reporter.warning(text)


SILENT = Reporter()
"""The reporter of every function that is not given one."""
