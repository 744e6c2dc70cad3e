"""Make a dataset directory: read a corpus, train its tokenizer, write rows of tokens in three splits.

No row is in two splits. The folder is made under another name and renamed when it is whole.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import datasets
from datasets.arrow_writer import ArrowWriter

from bgan_text import __version__
from bgan_text.corpora.dataset_directory import FORMAT, DatasetDirectory
from bgan_text.corpora.image_sources import IMAGE_SOURCES
from bgan_text.corpora.sources import SOURCES, Request, Source
from bgan_text.corpora.splitting import Seen, split_rows, staged
from bgan_text.corpora.tokenizer import (
    END,
    UNKNOWN,
    Tokenizer,
    check_tokenizer,
    signature,
    train_tokenizer,
)
from bgan_text.errors import UserError, choose, unknown
from bgan_text.files import write_json

OVERLONG = ("drop", "cut", "window")

Progress = Callable[[str, int], None]


@dataclass(frozen=True, kw_only=True)
class TextPreparation:
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
    def given(cls, corpus: str, **values: Any) -> "TextPreparation":
        """A recipe from the options that were given; the corpus decides the defaults of others."""
        source = _known(corpus)
        chosen = {name: value for name, value in values.items() if value is not None}
        for name in ("tokenizer", "length", "overlong"):
            chosen.setdefault(name, getattr(source, name))
        return cls(corpus=corpus, **chosen)


def _known(corpus: str) -> Source:
    if corpus in SOURCES:
        return SOURCES[corpus]
    if Path(corpus).is_file():
        raise UserError(f"unknown corpus {corpus!r}: for a file of yours, prepare lines --path {corpus}")
    raise UserError(unknown("corpus", corpus, [*SOURCES, *IMAGE_SOURCES]))


@dataclass
class Counts:
    """What became of the sentences that were read. Rows are samples of the model's length."""

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


def prepare(
    recipe: TextPreparation, out: Path, progress: Progress, *, overwrite: bool = False
) -> "DatasetDirectory":
    """Read a corpus, train its tokenizer and write a dataset directory.

    Args:
        recipe: what to read, and how to make rows of it.
        out: the folder to write.
        progress: called with a stage's name and the number of sentences done in it.
        overwrite: replace a dataset directory that is already at `out`.

    Raises:
        UserError: something is wrong with the input; `out` is then as it was.
    """
    with staged(out, overwrite=overwrite) as stage:
        _write(recipe, stage, progress)
    return DatasetDirectory(out)


def _write(recipe: TextPreparation, stage: Path, progress: Progress) -> None:
    counts = Counts()
    sentences = _spool(recipe, stage / "sentences.arrow", counts, progress)
    tokenizer = train_tokenizer(
        recipe.tokenizer, _column(sentences, "text", "tokenizer", progress), recipe.vocabulary
    )
    if tokenizer.vocabulary < 3:
        raise UserError("the text gives no tokens: nothing is left to learn")
    rows, seen = _encode(recipe, sentences, tokenizer, stage / "rows.arrow", counts, progress)
    splits = split_rows(rows, seen, stage, keep_duplicates=recipe.keep_duplicates, length=recipe.length)
    counts.duplicates = splits.duplicates
    for name, size in splits.sizes.items():
        setattr(counts, name, size)
    del sentences, rows
    (stage / "sentences.arrow").unlink()
    (stage / "rows.arrow").unlink()
    (stage / tokenizer.file).write_bytes(tokenizer.content())
    write_json(stage / "card.json", _card(recipe, tokenizer, counts, splits.digest))


def _spool(recipe: TextPreparation, path: Path, counts: Counts, progress: Progress) -> datasets.Dataset:
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
    recipe: TextPreparation,
    sentences: datasets.Dataset,
    tokenizer: Tokenizer,
    path: Path,
    counts: Counts,
    progress: Progress,
) -> tuple[datasets.Dataset, Seen]:
    features = datasets.Features(
        tokens=datasets.Sequence(datasets.Value("int32"), length=recipe.length),
        text=datasets.Value("string"),
    )
    seen = Seen()
    with ArrowWriter(features=features, path=str(path)) as writer:
        for start in range(0, len(sentences), 1000):
            batch = sentences[start : start + 1000]
            for text, held_out in zip(batch["text"], batch["held_out"], strict=True):
                for piece in _pieces(tokenizer.encode(text), recipe, counts):
                    row = piece + [END] * (recipe.length - len(piece))
                    counts.tokens += len(piece)
                    counts.unknown += piece.count(UNKNOWN)
                    seen.add(row, held_out)
                    writer.write({"tokens": row, "text": tokenizer.decode(row)})
            progress("encoding", min(start + 1000, len(sentences)))
        if not seen.digests:
            raise UserError(
                f"no sample is left: all {counts.dropped} sentences are longer than --length "
                f"{recipe.length}; raise it, or use --overlong cut or window"
            )
        writer.finalize()
    return datasets.Dataset.from_file(str(path)), seen


def _pieces(tokens: list[int], recipe: TextPreparation, counts: Counts) -> Iterator[list[int]]:
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


def _card(recipe: TextPreparation, tokenizer: Tokenizer, counts: Counts, signed: str) -> dict[str, Any]:
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
