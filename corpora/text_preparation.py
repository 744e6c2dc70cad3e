"""Make a dataset directory of text: read a corpus, train its tokenizer, write rows of tokens in three splits.

No row is in two splits. The folder is made under another name and renamed when it is complete.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import datasets
from datasets.arrow_writer import ArrowWriter

from bgan_text import __version__
from bgan_text.corpora.arrow_files import arrow_writer
from bgan_text.corpora.corpus import Request, Sentence, TextCorpus
from bgan_text.corpora.dataset_directory import DatasetDirectory, write_card
from bgan_text.corpora.dataset_records import FORMAT
from bgan_text.corpora.lengths import Lengths
from bgan_text.corpora.preparation_options import TextPreparation, text_corpus
from bgan_text.corpora.preparation_summary import (
    Changes,
    content_warnings,
    data_summary,
    length_warnings,
    nothing_left,
    vocabulary_warnings,
)
from bgan_text.corpora.splitting import Seen, Splits, split_rows, without_bars
from bgan_text.corpora.staging import staged
from bgan_text.corpora.tokenizer import (
    END,
    UNKNOWN,
    Tokenizer,
    is_model,
    signature,
    train_tokenizer,
)
from bgan_text.corpora.units import check_characters, one_line
from bgan_text.errors import UserError
from bgan_text.reporter import SILENT, Reporter

BLOCK = 1000
BLOCK_CHARACTERS = 1 << 24
"""Texts that are in memory at a time have so many characters together, and are at most `BLOCK`."""


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

    def add_sample(self, rows: int, overlong: str | None) -> None:
        """Count a sample that gave so many rows. `overlong`: what is done with it if it is too long."""
        if overlong == "drop":
            self.dropped += 1
        elif rows == 0:
            self.blank += 1
        elif overlong == "cut":
            self.cut += 1
        elif overlong is not None:
            self.windowed += 1

    def add_splits(self, splits: Splits) -> None:
        """Take over the number of duplicates and the sizes of the splits."""
        self.duplicates = splits.duplicates
        for name, size in splits.sizes.items():
            setattr(self, name, size)


@dataclass
class RowMaker:
    """How the texts of a corpus become rows, and what is found on the way."""

    recipe: TextPreparation
    tokenizer: Tokenizer
    length: int
    counts: Counts
    lengths: Lengths
    changes: Changes = field(default_factory=Changes)
    measured: bool = field(init=False)  # whether the lengths are known before the texts are encoded

    def __post_init__(self) -> None:
        self.measured = bool(self.lengths)

    @property
    def given(self) -> bool:
        """Whether the length was chosen, not found in the data."""
        return self.recipe.length is not None

    def warnings(self) -> list[str]:
        """What makes the data questionable, once the splits are counted."""
        recipe, counts = self.recipe, asdict(self.counts)
        return [
            *self.changes.warnings(recipe.tokenizer, self.counts.read - self.counts.blank),
            *length_warnings(counts, self.lengths, self.length, given=self.given),
            *content_warnings(
                counts | {"removed": 0 if recipe.keep_duplicates else self.counts.duplicates},
                self.length,
                spaced_symbols=recipe.tokenizer == "smiles" and UNKNOWN not in self.tokenizer.encode(" "),
            ),
            *vocabulary_warnings(
                recipe.tokenizer, self.tokenizer.vocabulary, self.counts.train, lowercase=recipe.lowercase
            ),
        ]


def prepare_text(
    recipe: TextPreparation,
    out: Path,
    *,
    corpus: TextCorpus | None = None,
    reporter: Reporter = SILENT,
    overwrite: bool = False,
) -> DatasetDirectory:
    """Read a corpus of text, train its tokenizer and write a dataset directory.

    Args:
        recipe: how to make rows of the corpus.
        out: the folder to write.
        corpus: the corpus; None for the built-in one that the recipe names.
        reporter: receives the progress, and the warnings of `DatasetDirectory.summary`.
        overwrite: replace a dataset directory that is already at `out`.

    Raises:
        UserError: the input is damaged, empty or too small; `out` then stays as it was.

    Example:
        >>> prepare_text(TextPreparation.given("grammar", limit=500), Path("data/grammar")).counts["read"]
        500
    """
    source = text_corpus(recipe.corpus) if corpus is None else corpus
    with without_bars(), staged(out, overwrite=overwrite) as stage:
        _write(recipe, source, stage, reporter)
    made = DatasetDirectory(out)
    for warning in made.summary["warnings"]:
        reporter.warning(warning)
    return made


def _write(recipe: TextPreparation, corpus: TextCorpus, stage: Path, reporter: Reporter) -> None:
    counts, lengths = Counts(), Lengths()
    sentences = _spool(recipe, corpus, stage / "sentences.arrow", counts, reporter)
    tokenizer = train_tokenizer(
        recipe.tokenizer,
        Texts(sentences, "tokenizer", reporter),
        recipe.vocabulary,
        normalization=recipe.normalization,
        lengths=lengths,
    )
    if tokenizer.vocabulary < 3:
        raise UserError("the text gives no tokens: nothing is left to learn")
    length = recipe.length
    if length is None:
        if not lengths:
            for text in Texts(sentences, "lengths", reporter):
                lengths.add(len(tokenizer.encode(text)))
        length = lengths.default()
    maker = RowMaker(recipe, tokenizer, length, counts, lengths)
    rows, seen = _encode(maker, sentences, stage / "rows.arrow", reporter)
    splits = split_rows(rows, seen, stage, keep_duplicates=recipe.keep_duplicates, length=length)
    counts.add_splits(splits)
    del sentences, rows
    (stage / "sentences.arrow").unlink()
    (stage / "rows.arrow").unlink()
    (stage / tokenizer.file).write_bytes(tokenizer.content())
    space = {"positions": length, "vocabulary": tokenizer.vocabulary, "end": END}
    if counts.unknown == 0:
        space["absent"] = UNKNOWN
    settings = asdict(replace(recipe, length=length))
    summary = data_summary(asdict(counts), lengths, tokenizer.vocabulary, maker.warnings())
    write_card(stage, card(settings, space, tokenizer, counts, splits.digest, summary))


def _spool(
    recipe: TextPreparation, corpus: TextCorpus, path: Path, counts: Counts, reporter: Reporter
) -> datasets.Dataset:
    """Write the sentences to disk, so that a stream that can be read once can be read twice."""
    features = datasets.Features(text=datasets.Value("string"), held_out=datasets.Value("bool"))
    request = Request(
        recipe.paths, recipe.column, recipe.limit, recipe.seed, recipe.encoding, recipe.unit, reporter
    )
    kept = held = 0
    with arrow_writer(path, features) as writer:
        for sentence in _sentences(corpus, request):
            counts.read += 1
            text = one_line(sentence.text)
            if recipe.lowercase:
                text = text.lower()
            if not text.strip():
                counts.blank += 1
                continue
            kept += 1
            held += len(text)
            rows = 1 if held >= BLOCK_CHARACTERS else BLOCK
            writer.write({"text": text, "held_out": sentence.held_out}, writer_batch_size=rows)
            held = 0 if rows == 1 else held
        if kept == 0:
            raise UserError(_nothing(recipe, counts.read))
        writer.finalize()
    counts.files = request.notes.files
    return datasets.Dataset.from_file(str(path))


def _sentences(corpus: TextCorpus, request: Request) -> Iterator[Sentence]:
    """The samples of a corpus, in characters that can be stored."""
    with request.reporter.task("reading", "sentences") as progress:
        for index, sample in enumerate(corpus.read(request)):
            sentence = Sentence(sample) if isinstance(sample, str) else sample
            if not isinstance(sentence, Sentence):
                raise UserError(
                    f"sample {index} of the corpus {corpus.name} is of type {type(sample).__name__}: a "
                    "string was expected"
                )
            check_characters(sentence.text, f"sample {index} of the corpus {corpus.name}")
            yield sentence
            if (index + 1) % BLOCK == 0:
                progress(index + 1, None)


def _nothing(recipe: TextPreparation, read: int) -> str:
    source = ", ".join(recipe.paths) or "it"
    what = "lines" if recipe.column is None else "rows"
    if read:
        counted = f"{read} {what} were read from {source}, all of them blank"
        return f"the corpus {recipe.corpus} has no text: {counted}"
    return f"the corpus {recipe.corpus} is empty: {source} has no {what}"


class Texts:
    """The texts of the sentences, which can be iterated over more than once.

    Args:
        sentences: what `_spool` wrote.
        title: what is done with them, for the progress.
        reporter: receives the progress.
    """

    def __init__(self, sentences: datasets.Dataset, title: str, reporter: Reporter) -> None:
        self._sentences, self._title, self._reporter = sentences, title, reporter

    def __iter__(self) -> Iterator[str]:
        count = len(self._sentences)
        with self._reporter.task(self._title, "sentences") as progress:
            for start, stop in _blocks(self._sentences):
                yield from self._sentences[start:stop]["text"]
                progress(stop, count)


def _blocks(sentences: datasets.Dataset) -> Iterator[tuple[int, int]]:
    """Where the blocks begin and end in which the sentences were written."""
    ends = list(accumulate(map(len, sentences.data.column("text").chunks)))
    return zip([0, *ends], ends, strict=False)


def _encode(
    maker: RowMaker, sentences: datasets.Dataset, path: Path, reporter: Reporter
) -> tuple[datasets.Dataset, Seen]:
    seen = Seen()
    with (
        reporter.task("encoding", "sentences") as progress,
        arrow_writer(path, row_features(maker.length)) as writer,
    ):
        for start, stop in _blocks(sentences):
            _encode_block(maker, sentences[start:stop], writer, seen)
            progress(stop, len(sentences))
        if not seen.digests:
            dropped = maker.counts.dropped
            if not dropped:
                raise UserError("the text gives no tokens: nothing is left to learn")
            raise UserError(nothing_left(dropped, maker.lengths, maker.length, given=maker.given))
        writer.finalize()
    return datasets.Dataset.from_file(str(path)), seen


def _encode_block(maker: RowMaker, block: dict[str, Any], writer: ArrowWriter, seen: Seen) -> None:
    """Write the rows of some sentences."""
    tokenizer, counts, length = maker.tokenizer, maker.counts, maker.length
    overlong, measured = maker.recipe.overlong, maker.measured
    checked = is_model(maker.recipe.tokenizer)
    for text, held_out in zip(block["text"], block["held_out"], strict=True):
        tokens = tokenizer.encode(text)
        if not measured:
            maker.lengths.add(len(tokens))
        if checked:
            maker.changes.add(text, tokenizer.join(tokens))
        written = 0
        for piece in _pieces(tokens, length, overlong):
            row = piece + [END] * (length - len(piece))
            decoded = tokenizer.decode(row)
            if not decoded.strip():  # white space alone
                continue
            written += 1
            counts.tokens += len(piece)
            counts.unknown += piece.count(UNKNOWN)
            seen.add(row, held_out)
            writer.write({"tokens": row, "text": decoded})
        counts.add_sample(written, overlong if len(tokens) > length else None)


def row_features(length: int) -> datasets.Features:
    """The columns of a split of rows of tokens."""
    return datasets.Features(
        tokens=datasets.Sequence(datasets.Value("int32"), length=length), text=datasets.Value("string")
    )


def _pieces(tokens: list[int], length: int, overlong: str) -> list[list[int]]:
    """The rows of a sample, not yet padded."""
    if len(tokens) <= length or overlong == "cut":
        return [tokens[:length]]
    if overlong == "drop":
        return []
    return [tokens[start : start + length] for start in range(0, len(tokens), length)]


def card(
    settings: dict[str, Any],
    space: dict[str, Any],
    tokenizer: Tokenizer,
    counts: Counts,
    digest: str,
    summary: dict[str, Any],
) -> dict[str, Any]:
    """The content of card.json; `digest` is that of the splits."""
    named = f"{space['positions']} {signature(tokenizer)} {digest}"
    return {
        "format": FORMAT,
        "version": __version__,
        "settings": settings,
        "space": space,
        "tokenizer": signature(tokenizer),
        "counts": asdict(counts),
        "summary": summary,
        "signature": hashlib.sha256(named.encode()).hexdigest()[:16],
    }
