"""How a block of texts becomes a block of rows. Worker processes do this, so torch is not needed here."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bgan_text.corpora.lengths import Lengths
from bgan_text.corpora.preparation_summary import Changes
from bgan_text.corpora.row_digests import row_digests
from bgan_text.corpora.text_blocks import held_out_of, read_table, read_texts, token_type, write_table
from bgan_text.corpora.text_counts import Counts
from bgan_text.corpora.tokenizer import END, UNKNOWN, Counted, Tokenizer, counted, load_tokenizer
from bgan_text.files import parsed, read_bounded, write_json

AT_ONCE = 1 << 22
"""Tokens of the rows that are made at a time."""
NOTE = ".json"
"""What the name of a note beside a block of rows ends in."""


@dataclass(frozen=True)
class Encoding:
    """How texts become rows.

    Attributes:
        folder: holds the tokenizer.
        length: L, tokens of a row.
        overlong: what is done with longer texts, one of `preparation_options.OVERLONG`.
        compared: whether texts are compared with what their tokens decode to.
        kept: whether what became of a block is noted beside it, so that another process can go on.
        tokenizer: the tokenizer, so that the process which has it need not load it. It does not travel.
    """

    folder: Path
    length: int = 1
    overlong: str = "drop"
    compared: bool = False
    kept: bool = False
    tokenizer: Tokenizer | None = field(default=None, compare=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"tokenizer": None}

    def loaded(self) -> Tokenizer:
        """The tokenizer."""
        return _loaded(self.folder) if self.tokenizer is None else self.tokenizer


@dataclass
class Encoded:
    """What became of some texts.

    Attributes:
        counts: of what was read, and of tokens.
        lengths: the tokens of each text.
        changes: texts that their tokens do not decode to.
        rows: how many rows there are.
    """

    counts: Counts = field(default_factory=Counts)
    lengths: Lengths = field(default_factory=Lengths)
    changes: Changes = field(default_factory=Changes)
    rows: int = 0

    def add(self, other: "Encoded") -> None:
        """Take over what became of the texts after these."""
        self.counts.add(other.counts)
        self.lengths.update(other.lengths)
        self.changes.update(other.changes)
        self.rows += other.rows

    def write(self, path: Path) -> None:
        """Write it to a file."""
        found = {"counts": asdict(self.counts), "lengths": self.lengths.counts(), "rows": self.rows}
        write_json(path, found | {"changed": self.changes.texts, "example": self.changes.example})

    @classmethod
    def read(cls, path: Path) -> "Encoded":
        """Read what `write` wrote."""
        found = parsed(read_bounded(path), path)
        changes = Changes(found["changed"], tuple(found["example"]))
        return cls(Counts(**found["counts"]), Lengths.of_counts(found["lengths"]), changes, found["rows"])


@lru_cache(maxsize=1)
def _loaded(folder: Path) -> Tokenizer:
    return load_tokenizer(folder)


def count_block(name: str, texts: Path) -> Counted:
    """Count a block of texts for the tokenizer called `name`."""
    return counted(name, read_texts(texts))


def measure_block(encoding: Encoding, texts: Path, tokens: Path) -> Lengths:
    """Write the tokens of a block of texts unless they are there, and give how many each text has."""
    if tokens.exists():
        return Lengths(read_table(tokens).column("sizes").chunk(0).values.tolist())
    found, sizes = encoding.loaded().encode_many(read_texts(texts))
    kind = token_type(encoding.loaded().vocabulary)
    write_table(tokens, pa.table({"tokens": pa.array([found.astype(kind)]), "sizes": pa.array([sizes])}))
    return Lengths(sizes.tolist())


def encode_block(encoding: Encoding, texts: Path, tokens: Path | None, rows: Path) -> Encoded:
    """Write the rows of a block of texts unless they are there.

    Args:
        encoding: how they are made.
        texts: the file of the texts.
        tokens: the file that `measure_block` wrote; None if the texts are still to be encoded.
        rows: the file to write, with columns `tokens`, `text`, `digest` and `held_out`.
    """
    note = rows.with_suffix(NOTE)
    if encoding.kept and rows.exists():
        return Encoded.read(note)
    table, tokenizer = read_table(texts), encoding.loaded()
    lines = table.column("text").to_pylist() if tokens is None or encoding.compared else []
    if tokens is None:
        found, sizes = tokenizer.encode_many(lines)
    else:
        stored = read_table(tokens)
        found, sizes = (stored.column(name).chunk(0).values.to_numpy() for name in ("tokens", "sizes"))
    result = Encoded(lengths=Lengths(sizes.tolist()))
    if encoding.compared:
        _compare(result.changes, tokenizer, lines, found, sizes)
    parts = list(_rows(encoding, tokenizer, found, sizes, held_out_of(table), result))
    if encoding.kept:
        result.write(note)
    if parts:
        write_table(rows, pa.concat_tables(parts))
    else:
        write_table(rows, _table(tokenizer, np.zeros((0, encoding.length), np.int32), [], np.zeros(0, bool)))
    return result


def _compare(
    changes: Changes,
    tokenizer: Tokenizer,
    texts: list[str],
    tokens: NDArray[np.integer],
    sizes: NDArray[np.int64],
) -> None:
    start = 0
    for text, size in zip(texts, sizes.tolist(), strict=True):
        changes.add(text, tokenizer.join(tokens[start : start + size].tolist()))
        start += size


def _rows(
    encoding: Encoding,
    tokenizer: Tokenizer,
    tokens: NDArray[np.integer],
    sizes: NDArray[np.int64],
    held_out: NDArray[np.bool_],
    result: Encoded,
) -> Iterator[pa.Table]:
    """The rows of texts, some at a time; counts what became of the texts and of their tokens."""
    length, counts = encoding.length, result.counts
    starts, filled, owner = _pieces(sizes, length, encoding.overlong)
    tokens = np.concatenate([tokens, np.full(length, END, tokens.dtype)])
    windows, written = sliding_window_view(tokens, length), np.zeros(len(sizes), dtype=np.int64)
    step = max(1, AT_ONCE // length)
    for first in range(0, len(starts), step):
        part = slice(first, first + step)
        rows = windows[starts[part]]
        rows[np.arange(length) >= filled[part, None]] = END
        texts = tokenizer.decode_many(rows, filled[part])
        kept = np.fromiter((bool(text.strip()) for text in texts), bool, len(texts))  # not white space alone
        if not kept.all():
            rows, texts = rows[kept], [text for text, keep in zip(texts, kept, strict=True) if keep]
        of_text = owner[part][kept]
        np.add.at(written, of_text, 1)
        counts.tokens += int(filled[part][kept].sum())
        counts.unknown += int((rows == UNKNOWN).sum())
        result.rows += len(rows)
        if len(rows):
            yield _table(tokenizer, rows, texts, held_out[of_text])
    _count(counts, sizes, written, length, encoding.overlong)


def _table(
    tokenizer: Tokenizer, rows: NDArray[np.integer], texts: list[str], held_out: NDArray[np.bool_]
) -> pa.Table:
    narrow = rows.astype(token_type(tokenizer.vocabulary))
    return pa.table(
        {
            "tokens": pa.FixedSizeListArray.from_arrays(pa.array(narrow.ravel()), rows.shape[1]),
            "text": pa.array(texts, pa.string()),
            "digest": pa.array(row_digests(rows)),
            "held_out": pa.array(held_out),
        }
    )


def _pieces(
    sizes: NDArray[np.int64], length: int, overlong: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Where the rows of texts begin among the tokens, how many tokens each takes, and of which text it is."""
    starts, owner = np.cumsum(sizes) - sizes, np.arange(len(sizes))
    if overlong == "drop":
        owner = owner[sizes <= length]
    elif overlong == "window":
        owner = np.repeat(owner, np.maximum(1, -(-sizes // length)))
    within = np.zeros(len(owner), dtype=np.int64)  # the place of a row among those of its text
    if overlong == "window" and len(owner):
        firsts = np.flatnonzero(np.diff(owner, prepend=-1))
        within = np.arange(len(owner)) - np.repeat(firsts, np.diff(firsts, append=len(owner)))
    before = within * length
    return starts[owner] + before, np.minimum(sizes[owner] - before, length), owner


def _count(
    counts: Counts, sizes: NDArray[np.int64], written: NDArray[np.int64], length: int, overlong: str
) -> None:
    """Count texts that gave no row, and longer ones by what was done with them."""
    longer = sizes > length
    if overlong == "drop":
        counts.dropped += int(longer.sum())
        counts.blank += int((~longer & (written == 0)).sum())
        return
    counts.blank += int((written == 0).sum())
    changed = int((longer & (written > 0)).sum())
    if overlong == "cut":
        counts.cut += changed
    else:
        counts.windowed += changed
