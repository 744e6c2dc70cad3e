"""What every dataset directory needs: a folder to write it in, and three splits that share no row."""

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
from bgan_text.errors import UserError

HELD_OUT_SHARE, HELD_OUT_MOST = 10, 10_000
"""Validation and test each get one in ten samples, at most ten thousand. Where a corpus has a held-out part
of its own, all of that is the test split."""


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


def row_digest(row: ArrayLike) -> int:
    """A 64-bit digest of a row: among 30 million rows, two collide with probability 2e-5."""
    content = np.asarray(row, dtype="<i4").tobytes()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def split_rows(
    data: datasets.Dataset, seen: Seen, stage: Path, *, keep_duplicates: bool, length: int
) -> Splits:
    """Write the splits into a folder. The split of a row depends only on its own digest.

    Raises:
        UserError: there are too few rows.
    """
    digests = np.frombuffer(seen.digests, dtype=np.uint64)
    held_out = np.frombuffer(seen.held_out, dtype=np.int8).astype(bool)
    distinct, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    if len(distinct) < len(SPLITS):
        raise UserError(
            f"the corpus has {len(distinct)} distinct sample{'s' * (len(distinct) > 1)} of length "
            f"{length}: at least {len(SPLITS)} are needed, one for each of {', '.join(SPLITS)}"
        )
    split_of_distinct = _assign(held_out[first])
    if keep_duplicates:
        chosen = [np.flatnonzero(split_of_distinct[inverse] == number) for number in range(len(SPLITS))]
    else:
        chosen = [np.sort(first[split_of_distinct == number]) for number in range(len(SPLITS))]
    splits = _saved(data, digests, chosen, len(digests) - len(distinct), stage)
    if splits.sizes["train"] == 0:
        raise UserError("no sample is left to train on: give a larger corpus or a larger `limit`")
    return splits


def split_as_told(data: datasets.Dataset, seen: Seen, stage: Path) -> Splits:
    """Write the splits into a folder, each row to the one whose place in `SPLITS` was noted with it.

    This is for independent draws of a known distribution, whose splits may share rows. Without the rows that
    they share, none of them would have that distribution.
    """
    digests = np.frombuffer(seen.digests, dtype=np.uint64)
    told = np.frombuffer(seen.held_out, dtype=np.int8)
    chosen = [np.flatnonzero(told == number) for number in range(len(SPLITS))]
    return _saved(data, digests, chosen, len(digests) - len(np.unique(digests)), stage)


def _saved(
    data: datasets.Dataset,
    digests: NDArray[np.uint64],
    chosen: list[NDArray[np.int64]],
    duplicates: int,
    stage: Path,
) -> Splits:
    """Write the chosen rows of each split."""
    signed, sizes = hashlib.sha256(), {}
    for name, rows in zip(SPLITS, chosen, strict=True):
        save(data.select(rows), stage / name)
        sizes[name] = len(rows)
        signed.update(name.encode() + digests[rows].tobytes())
    return Splits(sizes, duplicates, signed.hexdigest())


def _assign(held_out: NDArray[np.bool_]) -> NDArray[np.int64]:
    """0 train, 1 validation, 2 test, for rows in ascending order of digest: the lowest are kept apart."""
    free = np.flatnonzero(~held_out)
    share = min(max(1, len(free) // HELD_OUT_SHARE), HELD_OUT_MOST)
    split = np.zeros(len(held_out), dtype=np.int64)
    if held_out.any():
        split[held_out] = 2
        split[free[:share]] = 1
    else:
        split[free[:share]] = 2
        split[free[share : 2 * share]] = 1
    return split
