"""What a corpus is: a name, the defaults that suit it, and a function that reads it.

The module imports neither numpy nor torch, so that `bgan-text --help` answers at once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bgan_text.reporter import SILENT, Reporter

if TYPE_CHECKING:
    from bgan_text.corpora.images import Raw


@dataclass(frozen=True)
class Sentence:
    """One sample of text.

    Attributes:
        text: the sample.
        held_out: whether the corpus itself keeps the sample for testing.
    """

    text: str
    held_out: bool = False


@dataclass
class Notes:
    """What a corpus notes while it is read, for card.json.

    Attributes:
        files: how many files were read.
    """

    files: int = 0


@dataclass(frozen=True)
class Request:
    """What a corpus is asked to read.

    Attributes:
        paths: files or folders to read; empty if none was given.
        column: the column of a table that holds the text.
        limit: the largest number of samples. A corpus with a held-out part of its own gives up to a tenth as
            many held-out samples in addition.
        seed: seed of a corpus that is generated.
        encoding: of text and tables in files.
        unit: what one sample of a text is: line, sentence, paragraph or file.
        reporter: hears what is skipped, and warnings.
        notes: what the corpus notes while it is read.
    """

    paths: tuple[str, ...] = ()
    column: str | None = None
    limit: int | None = None
    seed: int = 0
    encoding: str = "utf-8"
    unit: str = "line"
    reporter: Reporter = SILENT
    notes: Notes = field(default_factory=Notes, compare=False)


@dataclass(frozen=True)
class TextCorpus:
    """A corpus of text.

    Attributes:
        name: recorded in card.json.
        read: yields the samples that a request asks for, as strings or as `Sentence`. It is called once.
        title: one line about the corpus.
        tokenizer: default of the option of that name.
        length: default of the option of that name; None for one that follows from the data.
        overlong: default of the option of that name.
        files: the files that it reads for a request, in their order. A large preparation that was ended goes
            on if they are the same. None, for all or for a request, where what is read is not read again.

    Example:
        >>> lines = ["an old silent pond", "a frog jumps in", "the sound of water"]
        >>> haiku = TextCorpus("haiku", read=lambda request: lines)
        >>> prepare(haiku, out="data/haiku", tokenizer="char").counts["train"]
        1
    """

    name: str
    read: "Callable[[Request], Iterable[Sentence | str]]"
    title: str = ""
    tokenizer: str = "sentencepiece"
    length: int | None = None
    overlong: str = "drop"
    files: "Callable[[Request], Iterable[str] | None] | None" = None


@dataclass(frozen=True)
class ImageCorpus:
    """A corpus of images.

    Attributes:
        name: recorded in card.json.
        read: yields the images that a request asks for, as `Raw`. It is called once.
        title: one line about the corpus.
        size: default of the option of that name; None leaves images as they are.
        colors: default of the option of that name.

    Example:
        >>> import numpy as np
        >>> from bgan_text.corpora.images import Raw
        >>> black = Raw("black", np.zeros((8, 8), np.uint8))
        >>> dark = ImageCorpus("dark", read=lambda request: iter([black]))
        >>> dark.colors
        16
    """

    name: str
    read: "Callable[[Request], Iterable[Raw]]"
    title: str = ""
    size: int | None = None
    colors: int = 16


@dataclass(frozen=True)
class TokenCorpus:
    """A built-in corpus of rows of tokens that never were text.

    Attributes:
        name: recorded in card.json.
        title: one line about the corpus.
        vocabulary: default of the option of that name.
        length: default of the option of that name.
        limit: default of the option of that name.
    """

    name: str
    title: str
    vocabulary: int
    length: int
    limit: int


Corpus = TextCorpus | ImageCorpus | TokenCorpus
