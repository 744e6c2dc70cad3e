"""Work of a step that is taken in portions which fit into memory."""

from collections.abc import Callable
from typing import TypeVar

from bgan_text.out_of_memory import is_out_of_memory
from bgan_text.reporter import SILENT, Reporter

Made = TypeVar("Made")


def nothing() -> None:
    """A portion that changes nothing needs no undoing."""


class Portions:
    """How many draws or sequences are taken at a time: all of them, until memory runs out.

    Their number is then halved, and only the work that failed is made again. Random numbers are drawn before,
    and weights change after it, so the update is the same to rounding, and never half made.

    Args:
        what: they are, for the message.
        most: that are taken at a time at first.
        reporter: hears once that the number was halved.

    Attributes:
        size: how many are taken at a time.
    """

    def __init__(self, what: str, most: int, reporter: Reporter = SILENT) -> None:
        self.what, self.size, self.reporter = what, most, reporter
        self._halved = self._told = False

    def made(
        self, count: int, make: Callable[[slice], Made], undo: Callable[[], object] = nothing
    ) -> list[Made]:
        """What `make` gives for each portion of `count`.

        Args:
            count: how many there are.
            make: called with each portion in turn.
            undo: takes back what `make` has changed so far, called where it ran out of memory.

        Raises:
            RuntimeError: there is no memory for one at a time.
        """
        while True:
            try:
                portions = [slice(first, first + self.size) for first in range(0, count, self.size)]
                found = [make(portion) for portion in portions]
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error) or min(self.size, count) == 1:
                    raise
            else:
                self._tell()
                return found
            undo()  # here, where the error no longer holds on to what was computed
            self.size = (min(self.size, count) + 1) // 2
            self._halved = True

    def _tell(self) -> None:
        if self._halved and not self._told:
            self._told = True
            self.reporter.message(
                f"not enough memory for all {self.what} of a step at once: {self.size} are taken at "
                "a time, which gives the same update"
            )
