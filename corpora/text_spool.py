"""The samples of a corpus on disk, in blocks, so that a stream that can be read once can be read again."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from bgan_text.corpora.byte_streams import opened
from bgan_text.corpora.corpus import Request, Sentence, TextCorpus
from bgan_text.corpora.decoding import is_text
from bgan_text.corpora.preparation_options import TextPreparation
from bgan_text.corpora.text_blocks import Blocks, read_table, write_texts
from bgan_text.corpora.text_counts import Counts
from bgan_text.corpora.units import check_characters, one_line
from bgan_text.errors import UserError
from bgan_text.files import parsed, read_bounded, write_json
from bgan_text.reporter import Reporter

BLOCK = 1 << 15
"""The most texts of a block."""
BLOCK_CHARACTERS = 1 << 22
"""A block ends when its texts have so many characters together."""
TOLD = 1000
"""Samples between two reports of progress."""


@dataclass
class Reading:
    """How far a corpus was read, and where that is noted, so that another process can go on.

    Attributes:
        note: the file; None if it is not noted.
        blocks: how many blocks are written.
        read, blank, files: those of `Counts`.
        done: whether all was read.
    """

    note: Path | None = None
    blocks: int = 0
    read: int = 0
    blank: int = 0
    files: int = 0
    done: bool = False

    @classmethod
    def noted(cls, note: Path) -> "Reading":
        """What a process noted; a new one if there is none."""
        if not note.exists():
            return cls(note)
        return cls(note, **parsed(read_bounded(note), note))

    def keep(self, counts: Counts, blocks: int, *, done: bool) -> None:
        """Note how far it is."""
        self.blocks, self.read, self.blank, self.files, self.done = (
            blocks,
            counts.read,
            counts.blank,
            counts.files,
            done,
        )
        if self.note is not None:
            values = asdict(self)
            del values["note"]
            write_json(self.note, values)


def spooled(
    recipe: TextPreparation,
    corpus: TextCorpus,
    blocks: Blocks,
    counts: Counts,
    reporter: Reporter,
    reading: Reading,
) -> Iterator[Path]:
    """Write the samples of a corpus in blocks; gives the file of each when it is written.

    Blocks that a process before has written are given first, and its samples are passed over.

    Raises:
        UserError: the corpus is damaged, or has no text.
    """
    request = Request(
        recipe.paths, recipe.column, recipe.limit, recipe.seed, recipe.encoding, recipe.unit, reporter
    )
    counts.read, counts.blank, counts.files = reading.read, reading.blank, reading.files
    yield from map(blocks.path, range(reading.blocks))
    if reading.done:
        return
    texts: list[str] = []
    held_out: list[bool] = []
    characters, written = 0, reading.blocks
    for sentence in islice(_sentences(corpus, request), reading.read, None):
        counts.read += 1
        text = one_line(sentence.text)
        if recipe.lowercase:
            text = text.lower()
        if not text or text.isspace():
            counts.blank += 1
            continue
        texts.append(text)
        held_out.append(sentence.held_out)
        characters += len(text)
        if len(texts) >= BLOCK or characters >= BLOCK_CHARACTERS:
            write_texts(path := blocks.path(written), texts, held_out)
            written += 1
            reading.keep(counts, written, done=False)
            texts, held_out, characters = [], [], 0
            yield path
    counts.files = request.notes.files
    if written == 0 and not texts:
        raise UserError(_nothing(recipe, counts.read))
    if texts:
        write_texts(blocks.path(written), texts, held_out)
    reading.keep(counts, written + bool(texts), done=True)
    if texts:
        yield blocks.path(written)


def _sentences(corpus: TextCorpus, request: Request) -> Iterator[Sentence]:
    """The samples of a corpus, in characters that can be stored."""
    size, expected = 0, _plain_bytes(corpus, request)
    with request.reporter.task("reading", "sentences") as progress:
        for index, sample in enumerate(corpus.read(request)):
            sentence = Sentence(sample) if isinstance(sample, str) else sample
            if not isinstance(sentence, Sentence):
                raise UserError(
                    f"sample {index} of the corpus {corpus.name} is of type {type(sample).__name__}: a "
                    "string was expected"
                )
            check_characters(sentence.text, f"sample {index} of the corpus {corpus.name}")
            size += len(sentence.text) + 1
            yield sentence
            if (index + 1) % TOLD == 0:
                progress(
                    index + 1, _estimate(index + 1, expected / size, request.limit) if expected else None
                )


def _plain_bytes(corpus: TextCorpus, request: Request) -> int:
    """The bytes of the files of text that a corpus reads; 0 where they do not tell how much text there is."""
    if corpus.files is None or request.column is not None:
        return 0
    files = corpus.files(request) or ()
    return sum(Path(file).stat().st_size for file in files) if all(map(_is_plain, files)) else 0


def _is_plain(file: str) -> bool:
    if not Path(file).is_file():
        return False
    with opened(file) as stream:
        return stream.direct and is_text(stream.head)


def _estimate(done: int, times: float, limit: int | None) -> int:
    """About how many samples there are: `times` as many as are done, in three digits, at most `limit`."""
    total = round(done * times)
    total = max(done, round(total, 3 - len(str(total))))
    return total if limit is None else min(total, max(limit, done))


def _nothing(recipe: TextPreparation, read: int) -> str:
    source = ", ".join(recipe.paths) or "it"
    what = "lines" if recipe.column is None else "rows"
    if read:
        counted = f"{read} {what} were read from {source}, all of them blank"
        return f"the corpus {recipe.corpus} has no text: {counted}"
    return f"the corpus {recipe.corpus} is empty: {source} has no {what}"


class Texts:
    """The texts of all blocks, which can be iterated over more than once.

    Args:
        blocks: the blocks of texts.
        count: how many texts there are.
        title: what is done with them, for the progress.
        reporter: receives the progress.
    """

    def __init__(self, blocks: Blocks, count: int, title: str, reporter: Reporter) -> None:
        self._blocks, self._count, self._title, self._reporter = blocks, count, title, reporter

    def __iter__(self) -> Iterator[str]:
        done = 0
        with self._reporter.task(self._title, "sentences") as progress:
            for path in self._blocks:
                column = read_table(path).column("text")
                for start in range(0, len(column), TOLD):
                    yield from column.slice(start, TOLD).to_pylist()
                    progress(done + min(start + TOLD, len(column)), self._count)
                done += len(column)
