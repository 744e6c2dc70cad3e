"""What became of the samples of a text: the `counts` of card.json."""

from dataclasses import dataclass, fields


@dataclass
class Counts:
    """How many files and sentences were read and what became of them; tokens, and rows by split."""

    files: int = 0
    read: int = 0
    blank: int = 0
    dropped: int = 0
    cut: int = 0
    windowed: int = 0
    duplicates: int = 0
    tokens: int = 0
    unknown: int = 0
    train: int = 0
    validation: int = 0
    test: int = 0

    def add(self, other: "Counts") -> None:
        """Add the counts of other samples."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    def add_splits(self, duplicates: int, sizes: dict[str, int]) -> None:
        """Take over the number of duplicates and the sizes of the splits."""
        self.duplicates = duplicates
        for name, size in sizes.items():
            setattr(self, name, size)
