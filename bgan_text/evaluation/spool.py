"""Numbered text, kept on disk if it is large, so that it is split into tokens only once."""

from collections import Counter
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile

import numpy as np

from bgan_text.evaluation.coded_units import Coder, batches, coded
from bgan_text.scores.sequences import Sequences

IN_MEMORY = 1 << 28
"""Bytes that stay in memory; a longer stream goes to a temporary file."""


class Spool:
    """A stream of texts, split and numbered once, to be read repeatedly in chunks.

    `lengths`: the number of texts of each length in tokens.
    """

    def __init__(self, texts: Iterable[str], coder: Coder) -> None:
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - it lives as long as self
        self._vocabulary = max(1, len(coder))
        self._chunks = 0
        self.lengths: Counter[int] = Counter()
        for batch in batches(texts):
            numbered = coded(coder, batch)
            np.save(self._file, numbered.tokens)
            np.save(self._file, numbered.lengths)
            lengths, times = np.unique(numbered.lengths, return_counts=True)
            self.lengths.update(dict(zip(lengths.tolist(), times.tolist(), strict=True)))
            self._chunks += 1

    def __len__(self) -> int:
        return self.lengths.total()

    def __iter__(self) -> Iterator[Sequences]:
        self._file.seek(0)
        for _ in range(self._chunks):
            tokens, lengths = np.load(self._file), np.load(self._file)
            yield Sequences(tokens, lengths, self._vocabulary)

    def alternate(self) -> Iterator[Sequences]:
        """Every second text, starting with the second."""
        seen = 0
        for chunk in self:
            yield chunk.take(slice(1 - seen % 2, None, 2))
            seen += len(chunk)
