"""What the studies report, on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager

from bgan_text.cli.console import say
from bgan_text.cli.progress import Stages
from bgan_text.reporter import Progress, Reporter


class StudyReporter(Reporter):
    """Writes messages with the options of the command line in them, and shows progress on a terminal."""

    def message(self, text: str) -> None:
        """Write a line."""
        from bgan_text.cli.main import spelled

        say(spelled(text))

    def warning(self, text: str) -> None:
        """Write a line that begins with a warning."""
        self.message(f"Warning: {text}")

    @contextmanager
    def task(self, title: str, unit: str = "") -> Iterator[Progress]:
        """Show what is counted."""
        with Stages(unit) as stages:
            yield lambda done, total: stages.update(title, done)
