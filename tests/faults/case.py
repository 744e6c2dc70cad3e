"""How a case ended."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from faults.process import Outcome


@dataclass(frozen=True)
class Ended:
    """A case that has run.

    Attributes:
        name: what was done, in a few words.
        end: one of `verdict.GOOD` or `verdict.FAULTS`.
        outcomes: of its commands.
    """

    name: str
    end: str
    outcomes: list[Outcome]


class Attack(Protocol):
    """Makes and runs the cases of one kind."""

    def case(self, seed: int, number: int, folder: Path) -> Ended:
        """Run a case.

        Args:
            seed: of all cases.
            number: of this one.
            folder: an empty folder for it, which is removed afterwards.
        """
        ...
