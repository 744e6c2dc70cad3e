"""Digests of rows of tokens, by which equal rows are known and splits are chosen."""

import hashlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

DIGEST_BYTES = 8


def row_digest(row: ArrayLike) -> int:
    """A 64-bit digest of a row: among 30 million rows, two collide with probability 2e-5."""
    content = np.asarray(row, dtype="<i4").tobytes()
    return int.from_bytes(hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest(), "little")


def row_digests(rows: NDArray[np.integer]) -> NDArray[np.uint64]:
    """The digests of rows, (n, L) -> (n,)."""
    content = memoryview(np.ascontiguousarray(rows, dtype="<i4").tobytes())
    size, blake2b = rows.shape[1] * 4, hashlib.blake2b
    digests = [
        blake2b(content[start : start + size], digest_size=DIGEST_BYTES).digest()
        for start in range(0, len(content), size)
    ]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)
