"""What is wrong with a machine or an installation, and what to do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Something that is wrong.

    Attributes:
        what: it, in one line.
        remedy: the command to try next.
        broken: whether training cannot work; otherwise it works, but worse than it could.

    Example:
        >>> Problem("8 processors may be used, and OMP_NUM_THREADS is 1", "unset OMP_NUM_THREADS").line
        'could be better: 8 processors may be used, and OMP_NUM_THREADS is 1. Try: unset OMP_NUM_THREADS'
    """

    what: str
    remedy: str
    broken: bool = False

    @property
    def line(self) -> str:
        """All of it in one line."""
        return f"{'broken' if self.broken else 'could be better'}: {self.what}. Try: {self.remedy}"
