"""Make a dataset directory of text: read a corpus, train its tokenizer, write rows of tokens in three splits.

No row is in two splits. The folder is made under another name and renamed when it is complete.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import datasets
from datasets.arrow_writer import ArrowWriter

from bgan_text import __version__
from bgan_text.corpora.corpus import Request, Sentence, TextCorpus
from bgan_text.corpora.dataset_directory import FORMAT, DatasetDirectory
from bgan_text.corpora.preparation_options import TextPreparation, text_corpus
from bgan_text.corpora.splitting import Seen, Splits, split_rows, staged
from bgan_text.corpora.tokenizer import END, UNKNOWN, Tokenizer, signature, train_tokenizer
from bgan_text.errors import UserError
from bgan_text.files import write_json
from bgan_text.reporter import SILENT, Reporter

BLOCK = 1000


@dataclass
class Counts:
    """How many sentences were read and what became of them; tokens, and rows by split."""

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

    def add_splits(self, splits: Splits) -> None:
        """Take over the number of duplicates and the sizes of the splits."""
        self.duplicates = splits.duplicates
        for name, size in splits.sizes.items():
            setattr(self, name, size)


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
        reporter: receives the progress.
        overwrite: replace a dataset directory that is already at `out`.

    Raises:
        UserError: the input is damaged, empty or too small; `out` then stays as it was.

    Example:
        >>> prepare_text(TextPreparation.given("grammar", limit=500), Path("data/grammar")).counts["read"]
        500
    """
    source = text_corpus(recipe.corpus) if corpus is None else corpus
    with staged(out, overwrite=overwrite) as stage:
        _write(recipe, source, stage, reporter)
    return DatasetDirectory(out)


def _write(recipe: TextPreparation, corpus: TextCorpus, stage: Path, reporter: Reporter) -> None:
    counts = Counts()
    sentences = _spool(recipe, corpus, stage / "sentences.arrow", counts, reporter)
    texts = _texts(sentences, reporter)
    tokenizer = train_tokenizer(recipe.tokenizer, texts, recipe.vocabulary)
    if tokenizer.vocabulary < 3:
        raise UserError("the text gives no tokens: nothing is left to learn")
    rows, seen = _encode(recipe, sentences, tokenizer, stage / "rows.arrow", counts, reporter)
    splits = split_rows(rows, seen, stage, keep_duplicates=recipe.keep_duplicates, length=recipe.length)
    counts.add_splits(splits)
    del sentences, rows
    (stage / "sentences.arrow").unlink()
    (stage / "rows.arrow").unlink()
    (stage / tokenizer.file).write_bytes(tokenizer.content())
    space = {"positions": recipe.length, "vocabulary": tokenizer.vocabulary, "end": END}
    write_json(stage / "card.json", card(asdict(recipe), space, tokenizer, counts, splits.digest))


def _spool(
    recipe: TextPreparation, corpus: TextCorpus, path: Path, counts: Counts, reporter: Reporter
) -> datasets.Dataset:
    """Write the sentences to disk, so that a stream that can be read once can be read twice."""
    features = datasets.Features(text=datasets.Value("string"), held_out=datasets.Value("bool"))
    kept = 0
    with ArrowWriter(features=features, path=str(path)) as writer:
        for sentence in _sentences(recipe, corpus, reporter):
            counts.read += 1
            text = sentence.text.lower() if recipe.lowercase else sentence.text
            if not text.strip():
                counts.blank += 1
                continue
            kept += 1
            writer.write({"text": text, "held_out": sentence.held_out})
        if kept == 0:
            raise UserError(_nothing(recipe, counts.read))
        writer.finalize()
    return datasets.Dataset.from_file(str(path))


def _sentences(recipe: TextPreparation, corpus: TextCorpus, reporter: Reporter) -> Iterator[Sentence]:
    request = Request(recipe.paths, recipe.column, recipe.limit, recipe.seed)
    with reporter.task("reading", "sentences") as progress:
        for index, sample in enumerate(corpus.read(request)):
            if isinstance(sample, str):
                yield Sentence(sample)
            elif isinstance(sample, Sentence):
                yield sample
            else:
                raise UserError(
                    f"sample {index} of the corpus {corpus.name} is of type {type(sample).__name__}: a "
                    "string was expected"
                )
            if (index + 1) % BLOCK == 0:
                progress(index + 1, None)


def _nothing(recipe: TextPreparation, read: int) -> str:
    source = ", ".join(recipe.paths) or "it"
    if read:
        return (
            f"the corpus {recipe.corpus} has no text: {read} lines were read from {source}, all of them blank"
        )
    return f"the corpus {recipe.corpus} is empty: {source} has no lines"


def _texts(sentences: datasets.Dataset, reporter: Reporter) -> Iterator[str]:
    with reporter.task("tokenizer", "sentences") as progress:
        for start in range(0, len(sentences), BLOCK):
            yield from sentences[start : start + BLOCK]["text"]
            progress(min(start + BLOCK, len(sentences)), len(sentences))


def _encode(
    recipe: TextPreparation,
    sentences: datasets.Dataset,
    tokenizer: Tokenizer,
    path: Path,
    counts: Counts,
    reporter: Reporter,
) -> tuple[datasets.Dataset, Seen]:
    seen = Seen()
    with (
        reporter.task("encoding", "sentences") as progress,
        ArrowWriter(features=row_features(recipe.length), path=str(path)) as writer,
    ):
        for start in range(0, len(sentences), BLOCK):
            batch = sentences[start : start + BLOCK]
            for text, held_out in zip(batch["text"], batch["held_out"], strict=True):
                for piece in _pieces(tokenizer.encode(text), recipe, counts):
                    row = piece + [END] * (recipe.length - len(piece))
                    counts.tokens += len(piece)
                    counts.unknown += piece.count(UNKNOWN)
                    seen.add(row, held_out)
                    writer.write({"tokens": row, "text": tokenizer.decode(row)})
            progress(min(start + BLOCK, len(sentences)), len(sentences))
        if not seen.digests:
            raise UserError(
                f"no sample is left: all {counts.dropped} sentences are longer than `length` "
                f"{recipe.length}; raise it, or set `overlong` to cut or window"
            )
        writer.finalize()
    return datasets.Dataset.from_file(str(path)), seen


def row_features(length: int) -> datasets.Features:
    """The columns of a split of rows of tokens."""
    return datasets.Features(
        tokens=datasets.Sequence(datasets.Value("int32"), length=length), text=datasets.Value("string")
    )


def _pieces(tokens: list[int], recipe: TextPreparation, counts: Counts) -> Iterator[list[int]]:
    """The rows of a sentence, not yet padded."""
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


def card(
    settings: dict[str, Any], space: dict[str, Any], tokenizer: Tokenizer, counts: Counts, digest: str
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
        "signature": hashlib.sha256(named.encode()).hexdigest()[:16],
    }
