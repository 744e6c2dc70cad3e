"""The samples of a corpus on disk, in blocks, so that a stream that can be read once can be read again."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

from bgan_text.corpora.corpus import Request, Sentence, TextCorpus
from bgan_text.corpora.preparation_options import TextPreparation
from bgan_text.corpora.text_blocks import Blocks, read_table, write_texts
from bgan_text.corpora.text_counts import Counts
from bgan_text.corpora.units import check_characters, one_line
from bgan_text.errors import UserError
from bgan_text.reporter import Reporter

BLOCK = 1 << 15
"""The most texts of a block."""
BLOCK_CHARACTERS = 1 << 22
"""A block ends when its texts have so many characters together."""
TOLD = 1000
"""Samples between two reports of progress."""


def spooled(
    recipe: TextPreparation, corpus: TextCorpus, blocks: Blocks, counts: Counts, reporter: Reporter
) -> Iterator[Path]:
    """Write the samples of a corpus in blocks; gives the file of each when it is written.

    Raises:
        UserError: the corpus is damaged, or has no text.
    """
    request = Request(
        recipe.paths, recipe.column, recipe.limit, recipe.seed, recipe.encoding, recipe.unit, reporter
    )
    texts: list[str] = []
    held_out: list[bool] = []
    characters, files, kept = 0, map(blocks.path, count()), 0
    for sentence in _sentences(corpus, request):
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
            write_texts(path := next(files), texts, held_out)
            kept += len(texts)
            texts, held_out, characters = [], [], 0
            yield path
    counts.files = request.notes.files
    kept += len(texts)
    if kept == 0:
        raise UserError(_nothing(recipe, counts.read))
    if texts:
        write_texts(path := next(files), texts, held_out)
        yield path


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
            if (index + 1) % TOLD == 0:
                progress(index + 1, None)


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
