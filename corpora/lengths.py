"""How long the samples of a corpus are, in tokens."""

from collections import Counter
from collections.abc import Iterable, Mapping

PERCENTS = (50, 95, 99, 100)
"""The shares of samples whose length is told, in percent."""
USUAL = 99
"""The default length is the one that this share of samples, in percent, does not exceed."""
LONGEST_DEFAULT = 64
"""The longest length that is chosen unasked: a step takes time in proportion to the length."""


class Lengths:
    """How many samples have how many tokens. Memory does not grow with the number of samples.

    Args:
        samples: the number of tokens of each.

    Example:
        >>> lengths = Lengths([3, 4, 4, 5, 90])
        >>> lengths.needed(50), lengths.needed(80), lengths.default()
        (4, 5, 64)
    """

    def __init__(self, samples: Iterable[int] = ()) -> None:
        self._counts: Counter[int] = Counter()
        for tokens in samples:
            self.add(tokens)

    def __bool__(self) -> bool:
        return bool(self._counts)

    def add(self, tokens: int) -> None:
        """Count a sample; one without tokens is none."""
        if tokens:
            self._counts[tokens] += 1

    @classmethod
    def of_counts(cls, counts: Mapping[str, int]) -> "Lengths":
        """Of the number of samples by their tokens."""
        found = cls()
        found._counts.update({int(tokens): samples for tokens, samples in counts.items()})
        return found

    def counts(self) -> dict[str, int]:
        """How many samples have how many tokens, for a file."""
        return {str(tokens): samples for tokens, samples in self._counts.items()}

    def update(self, other: "Lengths") -> None:
        """Take over the counts of other samples."""
        self._counts.update(other._counts)

    def needed(self, percent: int) -> int:
        """The shortest length that so many percent of the samples do not exceed; 0 if there are none."""
        covered, all_of_them = 0, self._counts.total()
        for length in sorted(self._counts):
            covered += self._counts[length]
            if covered * 100 >= percent * all_of_them:
                return length
        return 0

    def default(self) -> int:
        """The length for data whose length is not given: `USUAL` percent fit, up to `LONGEST_DEFAULT`."""
        return max(1, min(self.needed(USUAL), LONGEST_DEFAULT))

    def summary(self) -> dict[str, int]:
        """The lengths that 50, 95, 99 and 100 percent of the samples need, for card.json."""
        return {str(percent): self.needed(percent) for percent in PERCENTS}
