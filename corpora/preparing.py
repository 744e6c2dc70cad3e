"""Make a prepared folder: read a corpus, train its tokenizer, write rows of tokens in three splits.

No row is in two splits. The folder is made under another name and renamed when it is whole.
"""

import hashlib
import tempfile
from array import array
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from datasets.arrow_writer import ArrowWriter
from numpy.typing import NDArray

from bgan_text import __version__
from bgan_text.errors import UserError, choose
from bgan_text.files import write_json

from .prepared import FORMAT, SPLITS, Counts, Prepared
from .sources import SOURCES, Request, Source
from .tokenizer import (
    END,
    UNKNOWN,
    Tokenizer,
    check_tokenizer,
    signature,
    train_tokenizer,
)

HELD_OUT_SHARE, HELD_OUT_MOST = 10, 10_000
"""Validation and test each take one in ten samples, at most ten thousand; a corpus with a held-out part
of its own is tested on all of that."""
OVERLONG = ("drop", "cut", "window")

Progress = Callable[[str, int], None]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What `prepare` was asked to do; stored in the card."""

    corpus: str = "grammar"
    paths: tuple[str, ...] = ()
    column: str | None = None
    tokenizer: str
    vocabulary: int | None = None
    length: int
    overlong: str
    lowercase: bool = False
    limit: int | None = None
    keep_duplicates: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        _known(self.corpus)
        choose("way with overlong sentences", self.overlong, dict.fromkeys(OVERLONG))
        check_tokenizer(self.tokenizer, self.vocabulary)
        for name in ("length", "limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(f"--{name} {value}: at least 1 is needed")
        if self.seed < 0:
            raise UserError(f"--seed {self.seed}: at least 0 is needed")

    @classmethod
    def given(cls, corpus: str, **values: Any) -> "Recipe":
        """A recipe from the options that were given; the corpus decides the defaults of others."""
        source = _known(corpus)
        chosen = {name: value for name, value in values.items() if value is not None}
        for name in ("tokenizer", "length", "overlong"):
            chosen.setdefault(name, getattr(source, name))
        return cls(corpus=corpus, **chosen)


def _known(corpus: str) -> Source:
    if corpus not in SOURCES and Path(corpus).is_file():
        raise UserError(f"unknown corpus {corpus!r}: for a file of yours, prepare lines --path {corpus}")
    return choose("corpus", corpus, SOURCES)


@dataclass
class _Rows:
    """Digest and origin of each row written, in order."""

    digests: "array[int]" = field(default_factory=lambda: array("Q"))
    held_out: "array[int]" = field(default_factory=lambda: array("b"))


def prepare(recipe: Recipe, out: Path, progress: Progress, *, overwrite: bool = False) -> "Prepared":
    """Read a corpus, train its tokenizer and write a prepared folder.

    Args:
        recipe: what to read, and how to make rows of it.
        out: the folder to write.
        progress: called with a stage's name and the number of sentences done in it.
        overwrite: replace a prepared folder that is already at `out`.

    Raises:
        UserError: something is wrong with the input; `out` is then as it was.
    """
    if out.exists() and not (overwrite and (out / "card.json").exists()):
        hint = "give --overwrite to replace it, or " if (out / "card.json").exists() else ""
        raise UserError(f"{out} exists already: {hint}name another folder with --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as place:
        stage = Path(place) / "new"
        stage.mkdir()
        _write(recipe, stage, progress)
        if out.exists():
            out.rename(Path(place) / "old")
        stage.rename(out)
    return Prepared(out)


def _write(recipe: Recipe, stage: Path, progress: Progress) -> None:
    datasets.disable_progress_bars()  # the caller shows progress of its own
    counts = Counts()
    sentences = _spool(recipe, stage / "sentences.arrow", counts, progress)
    tokenizer = train_tokenizer(
        recipe.tokenizer, _column(sentences, "text", "tokenizer", progress), recipe.vocabulary
    )
    if tokenizer.vocabulary < 3:
        raise UserError("the text gives no tokens: nothing is left to learn")
    rows, seen = _encode(recipe, sentences, tokenizer, stage / "rows.arrow", counts, progress)
    signed = _split(recipe, rows, seen, stage, counts)
    del sentences, rows
    (stage / "sentences.arrow").unlink()
    (stage / "rows.arrow").unlink()
    (stage / tokenizer.file).write_bytes(tokenizer.content())
    write_json(stage / "card.json", _card(recipe, tokenizer, counts, signed))


def _spool(recipe: Recipe, path: Path, counts: Counts, progress: Progress) -> datasets.Dataset:
    """Write the sentences to disk, so that a stream that can be read once can be read twice."""
    features = datasets.Features(text=datasets.Value("string"), held_out=datasets.Value("bool"))
    request = Request(recipe.paths, recipe.column, recipe.limit, recipe.seed)
    kept = 0
    with ArrowWriter(features=features, path=str(path)) as writer:
        for sentence in SOURCES[recipe.corpus].read(request):
            counts.read += 1
            if counts.read % 1000 == 0:
                progress("reading", counts.read)
            text = sentence.text.lower() if recipe.lowercase else sentence.text
            if not text.strip():
                counts.blank += 1
                continue
            kept += 1
            writer.write({"text": text, "held_out": sentence.held_out})
        if kept == 0:
            raise UserError(
                f"the corpus {recipe.corpus} has no text: "
                f"{counts.read} lines were read from {', '.join(recipe.paths) or 'it'}, all of them blank"
                if counts.read
                else f"the corpus {recipe.corpus} is empty: {', '.join(recipe.paths) or 'it'} has no lines"
            )
        writer.finalize()
    return datasets.Dataset.from_file(str(path))


def _column(data: datasets.Dataset, name: str, stage: str, progress: Progress) -> Iterator[str]:
    for start in range(0, len(data), 1000):
        yield from data[start : start + 1000][name]
        progress(stage, min(start + 1000, len(data)))


def _encode(
    recipe: Recipe,
    sentences: datasets.Dataset,
    tokenizer: Tokenizer,
    path: Path,
    counts: Counts,
    progress: Progress,
) -> tuple[datasets.Dataset, _Rows]:
    features = datasets.Features(
        tokens=datasets.Sequence(datasets.Value("int32"), length=recipe.length),
        text=datasets.Value("string"),
    )
    seen = _Rows()
    with ArrowWriter(features=features, path=str(path)) as writer:
        for start in range(0, len(sentences), 1000):
            batch = sentences[start : start + 1000]
            for text, held_out in zip(batch["text"], batch["held_out"], strict=True):
                for piece in _pieces(tokenizer.encode(text), recipe, counts):
                    row = piece + [END] * (recipe.length - len(piece))
                    counts.tokens += len(piece)
                    counts.unknown += piece.count(UNKNOWN)
                    seen.digests.append(row_digest(row))
                    seen.held_out.append(held_out)
                    writer.write({"tokens": row, "text": tokenizer.decode(row)})
            progress("encoding", min(start + 1000, len(sentences)))
        if not seen.digests:
            raise UserError(
                f"no sample is left: all {counts.dropped} sentences are longer than --length "
                f"{recipe.length}; raise it, or use --overlong cut or window"
            )
        writer.finalize()
    return datasets.Dataset.from_file(str(path)), seen


def _pieces(tokens: list[int], recipe: Recipe, counts: Counts) -> Iterator[list[int]]:
    """The rows, not yet filled up, that a sentence gives."""
    if not tokens:
        counts.blank += 1
        return
    if len(tokens) <= recipe.length:
        yield tokens
    elif recipe.overlong == "drop":
        counts.dropped += 1
    elif recipe.overlong == "cut":
        counts.cut += 1
        yield tokens[: recipe.length]
    else:
        counts.windowed += 1
        for start in range(0, len(tokens), recipe.length):
            yield tokens[start : start + recipe.length]


def row_digest(row: list[int]) -> int:
    """64 bits that stand for a row: 30 million rows collide with a chance of 2 in 100,000."""
    content = np.asarray(row, dtype="<i4").tobytes()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def _split(recipe: Recipe, rows: datasets.Dataset, seen: _Rows, stage: Path, counts: Counts) -> str:
    """Write the splits; returns a digest of them. Which split a row is in follows from its own digest."""
    digests = np.frombuffer(seen.digests, dtype=np.uint64)
    held_out = np.frombuffer(seen.held_out, dtype=np.int8).astype(bool)
    distinct, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    if len(distinct) < len(SPLITS):
        raise UserError(
            f"the corpus has {len(distinct)} distinct sample{'s' * (len(distinct) > 1)} of length "
            f"{recipe.length}: at least {len(SPLITS)} are needed, one for each of {', '.join(SPLITS)}"
        )
    counts.duplicates = len(digests) - len(distinct)
    split_of_distinct = _assign(distinct, held_out[first])
    signed = hashlib.sha256()
    for number, name in enumerate(SPLITS):
        if recipe.keep_duplicates:
            chosen = np.flatnonzero(split_of_distinct[inverse] == number)
        else:
            chosen = np.sort(first[split_of_distinct == number])
        rows.select(chosen).save_to_disk(stage / name)
        setattr(counts, name, len(chosen))
        signed.update(name.encode() + digests[chosen].tobytes())
    if counts.train == 0:
        raise UserError("no sample is left to train on: give a larger corpus or a larger --limit")
    return signed.hexdigest()


def _assign(distinct: NDArray[np.uint64], held_out: NDArray[np.bool_]) -> NDArray[np.int64]:
    """0 train, 1 validation, 2 test, for digests in ascending order: the lowest ones are kept apart."""
    free = np.flatnonzero(~held_out)
    share = min(max(1, len(free) // HELD_OUT_SHARE), HELD_OUT_MOST)
    split = np.zeros(len(distinct), dtype=np.int64)
    if held_out.any():
        split[held_out] = 2
        split[free[:share]] = 1
    else:
        split[free[:share]] = 2
        split[free[share : 2 * share]] = 1
    return split


def _card(recipe: Recipe, tokenizer: Tokenizer, counts: Counts, signed: str) -> dict[str, Any]:
    named = f"{recipe.length} {signature(tokenizer)} {signed}"
    return {
        "format": FORMAT,
        "version": __version__,
        "settings": asdict(recipe),
        "space": {"positions": recipe.length, "vocabulary": tokenizer.vocabulary, "end": END},
        "tokenizer": signature(tokenizer),
        "counts": asdict(counts),
        "signature": hashlib.sha256(named.encode()).hexdigest()[:16],
    }
