"""Make a dataset directory of text: read a corpus, train its tokenizer, write rows of tokens in three splits.

No row is in two splits. The folder is made under another name and renamed when it is complete. Texts and rows
are on disk in blocks, which several processes work on; nothing in memory grows with the corpus but its
vocabulary, and nine bytes for each row.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import datasets
import numpy as np

from bgan_text import __version__
from bgan_text.corpora.block_encoding import (
    Encoded,
    Encoding,
    count_block,
    encode_block,
    measure_block,
)
from bgan_text.corpora.corpus import TextCorpus
from bgan_text.corpora.dataset_directory import SPLITS, DatasetDirectory, write_card
from bgan_text.corpora.dataset_records import FORMAT
from bgan_text.corpora.lengths import Lengths
from bgan_text.corpora.preparation_options import TextPreparation, text_corpus
from bgan_text.corpora.preparation_summary import (
    content_warnings,
    data_summary,
    length_warnings,
    nothing_left,
    vocabulary_warnings,
)
from bgan_text.corpora.resumption import Resumption
from bgan_text.corpora.split_files import write_splits
from bgan_text.corpora.splitting import Assigned, assigned, without_bars
from bgan_text.corpora.staging import WORK, staged
from bgan_text.corpora.text_blocks import ROWS, TEXTS, TOKENS, Blocks, held_out_of, read_table, token_type
from bgan_text.corpora.text_counts import Counts
from bgan_text.corpora.text_spool import Reading, Texts, spooled
from bgan_text.corpora.tokenizer import (
    END,
    UNKNOWN,
    Counted,
    Tokenizer,
    is_model,
    load_tokenizer,
    signature,
    tokenizer_of,
)
from bgan_text.corpora.worker_pool import Workers
from bgan_text.errors import UserError
from bgan_text.files import parsed, read_bounded, write_json
from bgan_text.reporter import SILENT, Reporter

Found = TypeVar("Found")
READING, COUNTED = "reading.json", "counted.json"
"""What is noted of how far the corpus was read, and of the texts that the tokenizer was trained on."""
MANY_TOKENS = 1 << 26
"""So many tokens are stored in the narrowest type that holds them; fewer as 32-bit integers, which take no
more than 256 MiB."""


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
        UserError: the input is damaged, empty or too small, or a worker process ended; `out` then stays as
            it was.

    Example:
        >>> prepare_text(TextPreparation.given("grammar", limit=500), Path("data/grammar")).counts["read"]
        500
    """
    source = text_corpus(recipe.corpus) if corpus is None else corpus
    resumption = Resumption.of(recipe, source, reporter)
    with (
        without_bars(),
        staged(out, overwrite=overwrite, kept=resumption) as stage,
        Workers(recipe.processes) as workers,
    ):
        work = stage / WORK
        if not work.exists():
            work.mkdir()
            if resumption is not None:
                resumption.begin(work)
        _Preparation(recipe, source, work, workers, reporter, kept=resumption is not None).write(stage)
        shutil.rmtree(work)
    made = DatasetDirectory(out)
    for warning in made.summary["warnings"]:
        reporter.warning(warning)
    return made


@dataclass
class _Preparation:
    """The stages of a preparation.

    Attributes:
        recipe: how rows are made.
        corpus: what is read.
        work: a folder for blocks of texts and rows.
        workers: who works on the blocks.
        reporter: receives the progress.
        kept: whether another process can go on with what this one has done.
    """

    recipe: TextPreparation
    corpus: TextCorpus
    work: Path
    workers: Workers
    reporter: Reporter
    kept: bool

    def write(self, stage: Path) -> None:
        """Write the dataset directory into an empty folder."""
        recipe = self.recipe
        counts, counted = self._read()
        tokenizer = self._tokenizer(counted)
        (stage / tokenizer.file).write_bytes(tokenizer.content())
        compared = is_model(recipe.tokenizer)
        encoding = Encoding(self._codec, 1, recipe.overlong, compared, self.kept, tokenizer)
        lengths, measured = counted.lengths, False
        if recipe.length is None and not lengths:
            lengths, measured = self._measure(encoding, counted.texts), True
        length = lengths.default() if recipe.length is None else recipe.length
        encoded = self._encode(replace(encoding, length=length), counted.texts, measured=measured)
        encoded.counts.add(counts)
        lengths = lengths if lengths else encoded.lengths
        if encoded.rows == 0:
            raise UserError(self._no_rows(encoded.counts, lengths, length))
        chosen, digest = self._split(stage, encoded.rows, length, tokenizer)
        encoded.counts.add_splits(chosen.duplicates, chosen.sizes())
        warnings = self._warnings(encoded, lengths, length, tokenizer)
        self._card(stage, encoded.counts, tokenizer, digest, length, lengths, warnings)

    def _blocks(self, kind: str) -> Blocks:
        return Blocks(self.work, kind)

    def _read(self) -> tuple[Counts, Counted]:
        """Write the texts of the corpus in blocks, and count them unless there is a tokenizer."""
        counts, counted = Counts(), Counted()
        reading = Reading.noted(self.work / READING) if self.kept else Reading()
        paths = spooled(self.recipe, self.corpus, self._blocks(TEXTS), counts, self.reporter, reading)
        if (note := self._codec / COUNTED).exists():
            for _ in paths:
                pass
            told = parsed(read_bounded(note), note)
            return counts, Counted(texts=told["texts"], lengths=Lengths.of_counts(told["lengths"]))
        for found in self.workers.map(count_block, ((self.recipe.tokenizer, path) for path in paths)):
            counted.add(found)
        return counts, counted

    @property
    def _codec(self) -> Path:
        """The folder of the tokenizer."""
        return self.work / "tokenizer"

    def _tokenizer(self, counted: Counted) -> Tokenizer:
        """Train the tokenizer unless it is there."""
        if (self._codec / COUNTED).exists():
            return load_tokenizer(self._codec)
        recipe, texts = self.recipe, Texts(self._blocks(TEXTS), counted.texts, "tokenizer", self.reporter)
        tokenizer = tokenizer_of(recipe.tokenizer, counted, texts, recipe.vocabulary, recipe.normalization)
        if tokenizer.vocabulary < 3:
            raise UserError("the text gives no tokens: nothing is left to learn")
        self._codec.mkdir(exist_ok=True)
        (self._codec / tokenizer.file).write_bytes(tokenizer.content())
        told = {"texts": counted.texts, "lengths": counted.lengths.counts()}
        write_json(self._codec / COUNTED, told)
        return tokenizer

    def _measure(self, encoding: Encoding, count: int) -> Lengths:
        """Encode all texts, and count how many tokens each has."""
        lengths, tokens = Lengths(), self._blocks(TOKENS)
        tasks = ((encoding, path, tokens.path(number)) for number, path in enumerate(self._blocks(TEXTS)))
        for found in self._worked("lengths", measure_block, tasks, count):
            lengths.update(found)
        return lengths

    def _encode(self, encoding: Encoding, count: int, *, measured: bool) -> Encoded:
        """Write the rows of all texts in blocks."""
        tokens, rows, result = self._blocks(TOKENS), self._blocks(ROWS), Encoded()
        tasks = (
            (encoding, path, tokens.path(number) if measured else None, rows.path(number))
            for number, path in enumerate(self._blocks(TEXTS))
        )
        for found in self._worked("encoding", encode_block, tasks, count):
            result.add(found)
        return result

    def _worked(
        self, title: str, function: Callable[..., Found], tasks: Iterable[tuple[Any, ...]], count: int
    ) -> Iterator[Found]:
        """What a function finds in each block of texts, with the progress among `count` texts."""
        with self.reporter.task(title, "sentences") as progress:
            done = 0
            for path, found in zip(self._blocks(TEXTS), self.workers.map(function, tasks), strict=True):
                yield found
                done += len(read_table(path))
                progress(done, count)

    def _no_rows(self, counts: Counts, lengths: Lengths, length: int) -> str:
        if not counts.dropped:
            return "the text gives no tokens: nothing is left to learn"
        return nothing_left(counts.dropped, lengths, length, given=self.recipe.length is not None)

    def _split(self, stage: Path, count: int, length: int, tokenizer: Tokenizer) -> tuple[Assigned, str]:
        """Write the rows of each split; gives where each row is, and a digest of all splits."""
        digests, held_out = np.empty(count, dtype=np.uint64), np.empty(count, dtype=bool)
        start = 0
        for table in self._tables():
            part = slice(start, start + len(table))
            digests[part] = table.column("digest").to_numpy()
            held_out[part] = held_out_of(table)
            start += len(table)
        keep = self.recipe.keep_duplicates
        chosen = assigned(digests, held_out, keep_duplicates=keep, length=length)
        digest = chosen.digest(digests)
        narrow = count * length >= MANY_TOKENS
        features = row_features(length, str(token_type(tokenizer.vocabulary)) if narrow else "int32")
        with self.reporter.task("writing", "rows") as progress:
            for done in write_splits(stage, SPLITS, self._tables(), chosen.split, features, digest):
                progress(done, count)
        return chosen, digest

    def _tables(self) -> Iterable[Any]:
        return map(read_table, self._blocks(ROWS))

    def _warnings(self, encoded: Encoded, lengths: Lengths, length: int, tokenizer: Tokenizer) -> list[str]:
        """What makes the data questionable, once the splits are counted."""
        recipe, counts = self.recipe, asdict(encoded.counts)
        return [
            *encoded.changes.warnings(recipe.tokenizer, counts["read"] - counts["blank"]),
            *length_warnings(counts, lengths, length, given=recipe.length is not None),
            *content_warnings(
                counts | {"removed": 0 if recipe.keep_duplicates else counts["duplicates"]},
                length,
                spaced_symbols=recipe.tokenizer == "smiles" and UNKNOWN not in tokenizer.encode(" "),
            ),
            *vocabulary_warnings(
                recipe.tokenizer, tokenizer.vocabulary, counts["train"], lowercase=recipe.lowercase
            ),
        ]

    def _card(
        self,
        stage: Path,
        counts: Counts,
        tokenizer: Tokenizer,
        digest: str,
        length: int,
        lengths: Lengths,
        warnings: list[str],
    ) -> None:
        space = {"positions": length, "vocabulary": tokenizer.vocabulary, "end": END}
        if counts.unknown == 0:
            space["absent"] = UNKNOWN
        settings = asdict(replace(self.recipe, length=length))
        del settings["processes"]  # nothing depends on it
        summary = data_summary(asdict(counts), lengths, tokenizer.vocabulary, warnings)
        write_card(stage, card(settings, space, tokenizer, counts, digest, summary))


def row_features(length: int, kind: str = "int32") -> datasets.Features:
    """The columns of a split of rows of tokens, of which each is an integer of a kind."""
    return datasets.Features(
        tokens=datasets.Sequence(datasets.Value(kind), length=length), text=datasets.Value("string")
    )


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
