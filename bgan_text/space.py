"""The set of sequences that a generator generates; text and images differ in nothing else."""

from dataclasses import dataclass

from bgan_text.errors import UserError


@dataclass(frozen=True)
class Space:
    """All rows of `positions` integers in `0 .. vocabulary - 1`.

    `end` is the token that ends a sequence shorter than `positions`; it also fills the rest of the
    row. `None` means that every sequence has full length (an image).
    """

    positions: int
    vocabulary: int
    end: int | None = None

    def __post_init__(self) -> None:
        if self.positions < 1:
            raise UserError(f"a sequence has {self.positions} positions: at least 1 is needed")
        if self.vocabulary < 2:
            raise UserError(f"the vocabulary has {self.vocabulary} tokens: at least 2 are needed")
        if self.end is not None and not 0 <= self.end < self.vocabulary:
            raise UserError(f"end token {self.end} is outside 0..{self.vocabulary - 1}")
