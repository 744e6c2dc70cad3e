"""What every dataset directory needs: three splits that share no row."""

import hashlib
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import datasets
import numpy as np
from numpy.typing import ArrayLike, NDArray

from bgan_text.corpora.arrow_files import save
from bgan_text.corpora.dataset_directory import SPLITS
from bgan_text.corpora.row_digests import row_digest
from bgan_text.errors import UserError

TRAIN, VALIDATION, TEST = range(len(SPLITS))
NOWHERE = -1
"""Of a row that is in no split: it was seen before."""
HELD_OUT_SHARE, HELD_OUT_MOST = 10, 10_000
"""Validation and test each get one in ten samples, at most ten thousand. Where a corpus has a held-out part
of its own, all of that is the test split."""
PART = 1 << 20
"""Digests that are sorted at a time, about: memory on top of nine bytes for each row is bounded by it."""


@contextmanager
def without_bars() -> Iterator[None]:
    """The progress bars of `datasets` are off in the block: progress is reported to the caller."""
    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()


@dataclass
class Seen:
    """Digest and origin of each row written, in order: whether it is held out, or which split it is for."""

    digests: "array[int]" = field(default_factory=lambda: array("Q"))
    held_out: "array[int]" = field(default_factory=lambda: array("b"))

    def add(self, row: ArrayLike, held_out: int) -> None:
        """Note a row."""
        self.digests.append(row_digest(row))
        self.held_out.append(held_out)


@dataclass(frozen=True)
class Splits:
    """How many rows each split has, how many were duplicates, and a digest of them all."""

    sizes: dict[str, int]
    duplicates: int
    digest: str


@dataclass(frozen=True)
class Assigned:
    """The split of each row.

    Attributes:
        split: (n,) its place in `SPLITS`, or `NOWHERE`.
        duplicates: how many rows are equal to an earlier one.
    """

    split: NDArray[np.int8]
    duplicates: int

    def sizes(self) -> dict[str, int]:
        """How many rows each split has."""
        return {name: int((self.split == number).sum()) for number, name in enumerate(SPLITS)}

    def digest(self, digests: NDArray[np.uint64]) -> str:
        """One digest of all splits, by those of the rows."""
        signed = hashlib.sha256()
        for number, name in enumerate(SPLITS):
            signed.update(name.encode())
            for start in range(0, len(digests), PART):
                part = slice(start, start + PART)
                signed.update(digests[part][self.split[part] == number].tobytes())
        return signed.hexdigest()


def assigned(
    digests: NDArray[np.uint64], held_out: NDArray[np.bool_], *, keep_duplicates: bool, length: int
) -> Assigned:
    """Choose the split of each row by its digest alone. Of equal rows one is in a split, or all in one.

    Args:
        digests: (n,) of the rows.
        held_out: (n,) whether the corpus holds a row out. Of equal rows the first one counts.
        keep_duplicates: whether rows that were seen before are in a split, too.
        length: of a row, for the message.

    Raises:
        UserError: there are too few rows.
    """
    found = _distinct(digests, held_out, keep_duplicates=keep_duplicates)
    if found.count < len(SPLITS):
        raise UserError(
            f"the corpus has {found.count} distinct sample{'s' * (found.count > 1)} of length "
            f"{length}: at least {len(SPLITS)} are needed, one for each of {', '.join(SPLITS)}"
        )
    share = min(max(1, found.free // HELD_OUT_SHARE), HELD_OUT_MOST)
    parts = [(VALIDATION, share)] if found.held else [(TEST, share), (VALIDATION, 2 * share)]
    split = np.full(len(digests), TRAIN, dtype=np.int8)
    for number, until in reversed(parts):  # the lowest digests are kept apart
        if len(found.lowest):
            split[digests <= found.lowest[:until][-1]] = number
    split[found.held_out] = TEST
    split[~found.kept] = NOWHERE
    if not (split == TRAIN).any():
        raise UserError("no sample is left to train on: give a larger corpus or a larger `limit`")
    return Assigned(split, len(digests) - found.count)


@dataclass
class _Distinct:
    """What there is among rows.

    Attributes:
        count: how many differ.
        free: how many of these the corpus does not hold out.
        held: how many it does.
        lowest: the lowest digests of free ones, in ascending order.
        held_out: (n,) whether the first row that is equal to a row is held out.
        kept: (n,) which rows are in a split.
    """

    count: int
    free: int
    held: int
    lowest: NDArray[np.uint64]
    held_out: NDArray[np.bool_]
    kept: NDArray[np.bool_]


def _distinct(
    digests: NDArray[np.uint64], held_out: NDArray[np.bool_], *, keep_duplicates: bool
) -> _Distinct:
    kept = np.full(len(digests), keep_duplicates)
    held_out = held_out.copy()
    lowest, lowest_count, count, held = [], 0, 0, 0
    for rows in _parts(digests):
        order = np.argsort(digests[rows], kind="stable")
        rows, inside = rows[order], digests[rows][order]
        new = np.flatnonzero(np.diff(inside, prepend=~inside[:1]) != 0)
        kept[rows[new]] = True
        of_first = held_out[rows[new]]
        held_out[rows] = np.repeat(of_first, np.diff(new, append=len(rows)))
        count += len(new)
        held += int(of_first.sum())
        if lowest_count < 2 * HELD_OUT_MOST:
            lowest.append(inside[new[~of_first]][: 2 * HELD_OUT_MOST - lowest_count])
            lowest_count += len(lowest[-1])
    return _Distinct(
        count, count - held, held, np.concatenate([np.zeros(0, np.uint64), *lowest]), held_out, kept
    )


def _parts(digests: NDArray[np.uint64]) -> Iterator[NDArray[np.int64]]:
    """The rows in parts, by ascending digests from part to part; equal ones are in the same part."""
    bits = max(0, (len(digests) // PART).bit_length())
    if bits == 0:
        yield np.arange(len(digests))
        return
    highest = np.asarray(digests, dtype="<u8").view("<u2")[3::4]
    part_of = (highest >> np.uint16(16 - bits)).astype(np.uint8 if bits <= 8 else np.uint16)
    for part in range(1 << bits):
        if len(rows := np.flatnonzero(part_of == part)):
            yield rows


def split_rows(
    data: datasets.Dataset, seen: Seen, stage: Path, *, keep_duplicates: bool, length: int
) -> Splits:
    """Write the splits of rows into a folder, as `assigned` chooses them.

    Raises:
        UserError: there are too few rows.
    """
    digests = np.frombuffer(seen.digests, dtype=np.uint64)
    held_out = np.frombuffer(seen.held_out, dtype=np.int8).astype(bool)
    chosen = assigned(digests, held_out, keep_duplicates=keep_duplicates, length=length)
    return _saved(data, digests, chosen, stage)


def split_as_told(data: datasets.Dataset, seen: Seen, stage: Path) -> Splits:
    """Write the splits into a folder, each row to the one whose place in `SPLITS` was noted with it.

    This is for independent draws of a known distribution, whose splits may share rows. Without the rows that
    they share, none of them would have that distribution.
    """
    digests = np.frombuffer(seen.digests, dtype=np.uint64)
    told = np.frombuffer(seen.held_out, dtype=np.int8)
    return _saved(data, digests, Assigned(told, len(digests) - len(np.unique(digests))), stage)


def _saved(data: datasets.Dataset, digests: NDArray[np.uint64], chosen: Assigned, stage: Path) -> Splits:
    """Write the chosen rows of each split."""
    for number, name in enumerate(SPLITS):
        save(data.select(np.flatnonzero(chosen.split == number)), stage / name)
    return Splits(chosen.sizes(), chosen.duplicates, chosen.digest(digests))
