"""The options of `prepare`, declared once for text and once for images, and stored in card.json.

The module imports neither numpy nor torch, so that `bgan-text --help` answers at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from bgan_text.corpora.corpus import ImageCorpus, TextCorpus
from bgan_text.corpora.decoding import ENCODING_HELP, UTF8, check_encoding
from bgan_text.corpora.image_sources import IMAGE_CORPORA
from bgan_text.corpora.lengths import LONGEST_DEFAULT, USUAL
from bgan_text.corpora.limits import MOST_PIXELS
from bgan_text.corpora.sources import GRAMMAR_SENTENCES, ORACLE, TEXT_CORPORA, TOKEN_CORPORA
from bgan_text.corpora.tokenizer_base import IDENTITY, NORMALIZATIONS
from bgan_text.corpora.units import LINE, UNITS
from bgan_text.errors import UserError, unknown
from bgan_text.setting import check_all, setting
from bgan_text.space import LONGEST_SEQUENCE

OVERLONG = ("drop", "cut", "window")
BINARIZATIONS = ("threshold", "static", "stochastic")
QUANTIZERS = ("kmeans", "median-cut")
MOST_COLORS = 256
"""The most colours of a palette: Pillow's quantisers, and a byte, hold no more."""
SMALLEST_SIDE, LARGEST_SIDE = 4, 1024
CORRUPT = 10
LARGEST_TOKEN = 2**31 - 1
MOST_WEIGHTS, LARGEST_SIZE, LONGEST_ROW = 10**7, 4096, 10_000
"""Bounds of an oracle: its weights, whose file is read whole; the first size and length that are too much."""


def _default_of(name: str, corpora: Mapping[str, Any], none: str = "as they are") -> str:
    """How the help tells a default that depends on the corpus, such as "sentencepiece; grammar: word".

    Corpora with the most common value come first and unnamed. `none` is what None stands for.
    """
    named: dict[Any, list[str]] = {}
    for corpus in corpora.values():
        named.setdefault(getattr(corpus, name), []).append(corpus.name)
    common = max(named, key=lambda value: len(named[value]))
    del named[common]
    others = (f"{', '.join(names)}: {none if value is None else value}" for value, names in named.items())
    return "; ".join([none if common is None else str(common), *others])


TEXT, IMAGES, TOKENS = "Text", "Images", "Oracle"
"""Groups of options in the help."""
_LENGTH_OF_DATA = f"what {USUAL} % need, at most {LONGEST_DEFAULT}"


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """The options that text and images share."""

    corpus: str
    paths: tuple[str, ...] = ()
    limit: int | None = setting(
        None,
        "read at most this many samples; of a corpus that holds some out, this many training samples "
        f"(default: all; grammar: {GRAMMAR_SENTENCES}; oracle: {ORACLE.limit})",
        minimum=1,
    )
    keep_duplicates: bool = setting(False, "keep samples that occur more than once")
    seed: int = setting(
        0,
        "seed of the grammar's sentences, and of the oracle and its rows; images: of drawn bits and the "
        "palette",
        minimum=0,
    )

    def __post_init__(self) -> None:
        check_all(self)


@dataclass(frozen=True, kw_only=True)
class TextPreparation(Preparation):
    """How rows of tokens are made of text.

    Raises:
        UserError: a value is not accepted.

    Example:
        >>> TextPreparation.given("grammar").length
        24
    """

    column: str | None = setting(
        None, "column of CSV, TSV, JSON, JSON-lines or Parquet files that holds the text", group=TEXT
    )
    encoding: str = setting(UTF8, ENCODING_HELP, group=TEXT)
    unit: str = setting(
        LINE,
        "what one sample of a text is; its line ends become spaces; blank lines separate paragraphs",
        choices=UNITS,
        group=TEXT,
    )
    tokenizer: str = setting(
        "sentencepiece",
        "unit of tokens: sentencepiece (unigram), bpe, word, whitespace (what stands between spaces), char, "
        "smiles (atoms), or a SentencePiece FILE.model "
        f"(default: {_default_of('tokenizer', TEXT_CORPORA)})",
        group=TEXT,
    )
    vocabulary: int | None = setting(
        None,
        "number of tokens (default: sentencepiece and bpe: up to 8000; others: all; "
        f"oracle: {ORACLE.vocabulary})",
        group=TEXT,
    )
    normalization: str = setting(
        IDENTITY,
        "what sentencepiece and bpe do to text first; identity: nothing",
        choices=NORMALIZATIONS,
        group=TEXT,
    )
    length: int | None = setting(
        None,
        "tokens of a sample (default: "
        f"{_default_of('length', TEXT_CORPORA | TOKEN_CORPORA, _LENGTH_OF_DATA)})",
        minimum=1,
        below=LONGEST_SEQUENCE + 1,
        group=TEXT,
    )
    overlong: str = setting("drop", "what to do with longer sentences", choices=OVERLONG, group=TEXT)
    lowercase: bool = setting(False, "lower-case the text", group=TEXT)
    processes: int | None = setting(
        None,
        "processes that encode text; the data are the same whatever their number (default: one for each "
        "processor if there is much text)",
        minimum=1,
        below=1025,
        group=TEXT,
    )

    def __post_init__(self) -> None:
        from bgan_text.corpora.tokenizer import check_tokenizer

        super().__post_init__()
        check_encoding(self.encoding)
        check_tokenizer(self.tokenizer, self.vocabulary, self.normalization)

    @classmethod
    def given(cls, corpus: str | TextCorpus, **values: Any) -> "TextPreparation":
        """Complete the options that were given with the defaults of the corpus.

        Raises:
            UserError: there is no such corpus, or a value is not accepted.
        """
        source = text_corpus(corpus) if isinstance(corpus, str) else corpus
        chosen = {name: value for name, value in values.items() if value is not None}
        for name in ("tokenizer", "length", "overlong"):
            chosen.setdefault(name, getattr(source, name))
        return cls(corpus=source.name, **chosen)


@dataclass(frozen=True, kw_only=True)
class TokenPreparation(Preparation):
    """How a dataset directory is made of rows of tokens.

    Raises:
        UserError: a value is not accepted.
    """

    corpus: str = "tokens"
    vocabulary: int = setting(0, "number of different tokens", minimum=2, below=LARGEST_TOKEN)
    end: int | None = setting(None, "token that ends a row and fills the rest of it", minimum=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.end is not None and self.end >= self.vocabulary:
            raise UserError(f"`end` {self.end}: a token below `vocabulary` {self.vocabulary} was expected")


@dataclass(frozen=True, kw_only=True)
class ImagePreparation(Preparation):
    """How rows of tokens, or of pixels, are made of images.

    Raises:
        UserError: a value is not accepted.

    Example:
        >>> ImagePreparation.given("mnist").colors
        2
    """

    OPTION_TYPES: ClassVar[dict[str, type]] = {"colors": str}

    size: int | None = setting(
        None,
        "crop to the central square and scale to this many pixels a side "
        f"(default: {_default_of('size', IMAGE_CORPORA)})",
        group=IMAGES,
    )
    grey: bool | None = setting(
        None,
        "convert all to grey levels, or all to opaque red, green and blue (default: as they are; "
        "grey for two colours)",
        group=IMAGES,
    )
    colors: int | None = setting(
        None,
        f"colours that a pixel can have, 2 to {MOST_COLORS}, or none for continuous images "
        f"(default: {_default_of('colors', IMAGE_CORPORA)}; fewer where the images have fewer)",
        group=IMAGES,
    )
    binarize: str = setting(
        "threshold",
        "two colours: by a threshold at half, drawn once (static) or anew for each batch (stochastic), as "
        "likely as bright",
        choices=BINARIZATIONS,
        group=IMAGES,
    )
    quantizer: str | None = setting(
        None, "how a palette is chosen (default: kmeans)", choices=QUANTIZERS, group=IMAGES
    )
    max_image_pixels: int = setting(
        MOST_PIXELS, "largest image that is decoded; a larger one is refused", minimum=1, group=IMAGES
    )
    background: str = setting(
        "white", "colour behind transparent parts, a name such as white, or #rrggbb", group=IMAGES
    )
    corrupt: int = setting(CORRUPT, "unreadable images to skip before giving up", minimum=0, group=IMAGES)
    fewer_colors: bool = False
    """Whether images of fewer colours than `colors` are no mistake, since it is a default."""

    def __post_init__(self) -> None:
        from bgan_text.corpora.transparency import color_of

        super().__post_init__()
        if self.colors is not None and not 2 <= self.colors <= MOST_COLORS:
            raise UserError(f"`colors` {self.colors}: 2 to {MOST_COLORS}, or none, was expected")
        if self.size is not None and not SMALLEST_SIDE <= self.size <= LARGEST_SIDE:
            raise UserError(f"`size` {self.size}: {SMALLEST_SIDE} to {LARGEST_SIDE} pixels were expected")
        color_of(self.background)

    @classmethod
    def given(
        cls, corpus: str | ImageCorpus, *, colors: int | str | None = None, **values: Any
    ) -> "ImagePreparation":
        """Complete the options that were given with the defaults of the corpus.

        Args:
            corpus: a corpus, or the name of a built-in one.
            colors: the number of colours, or "none" for continuous images.
            values: other fields by name; None stands for the default.

        Raises:
            UserError: there is no such corpus, or a value is not accepted.
        """
        source = image_corpus(corpus) if isinstance(corpus, str) else corpus
        chosen = {name: value for name, value in values.items() if value is not None}
        chosen.setdefault("size", source.size)
        chosen["colors"] = source.colors if colors is None else _number_of(colors)
        chosen["fewer_colors"] = colors is None
        if chosen["colors"] != 2 and chosen.get("binarize") is not None:
            raise UserError(f"`binarize` {chosen['binarize']} makes two colours: it goes with `colors` 2")
        if chosen["colors"] is None and chosen.get("quantizer") is not None:
            raise UserError(f"`quantizer` {chosen['quantizer']} chooses colours: leave out `colors` none")
        if chosen["colors"] == 2 and chosen.get("grey") is False:
            raise UserError("`grey` False: two colours are made of grey levels, so leave it out")
        return cls(corpus=source.name, **chosen)


@dataclass(frozen=True, kw_only=True)
class OraclePreparation(Preparation):
    """How rows of tokens are drawn from SeqGAN's oracle.

    Raises:
        UserError: a value is not accepted, or the weights would have more than `MOST_WEIGHTS` numbers.

    Example:
        >>> OraclePreparation(length=40).vocabulary
        5000
    """

    corpus: str = ORACLE.name
    keep_duplicates: bool = True
    """No option: without repeats the rows would not have the distribution of the oracle."""
    vocabulary: int = setting(
        ORACLE.vocabulary, "number of different tokens", minimum=2, below=MOST_WEIGHTS, group=TOKENS
    )
    length: int = setting(ORACLE.length, "tokens of a row", minimum=1, below=LONGEST_ROW, group=TOKENS)
    embedding_size: int = setting(
        32,
        "size of the embedding of its LSTM",
        minimum=1,
        below=LARGEST_SIZE,
        group=TOKENS,
    )
    hidden_size: int = setting(32, "hidden units of its LSTM", minimum=1, below=LARGEST_SIZE, group=TOKENS)

    def __post_init__(self) -> None:
        super().__post_init__()
        weights = self.vocabulary * (self.embedding_size + self.hidden_size + 1)
        weights += 4 * self.hidden_size * (self.embedding_size + self.hidden_size + 1)
        if weights > MOST_WEIGHTS:
            raise UserError(
                f"`vocabulary` {self.vocabulary}, `embedding_size` {self.embedding_size}, `hidden_size` "
                f"{self.hidden_size}: an oracle of {weights:,} weights; at most {MOST_WEIGHTS:,} are possible"
            )


def _number_of(colors: int | str) -> int | None:
    if colors == "none":
        return None
    if isinstance(colors, int):
        return colors
    try:
        return int(str(colors))
    except ValueError as error:
        raise UserError(f"`colors` {colors}: 2 to {MOST_COLORS}, or none, was expected") from error


def text_corpus(name: str) -> TextCorpus:
    """The built-in corpus of text called `name`."""
    if name not in TEXT_CORPORA:
        raise UserError(unknown("corpus", name, [*TEXT_CORPORA, *TOKEN_CORPORA, *IMAGE_CORPORA]))
    return TEXT_CORPORA[name]


def image_corpus(name: str) -> ImageCorpus:
    """The built-in corpus of images called `name`."""
    if name not in IMAGE_CORPORA:
        raise UserError(unknown("corpus", name, [*TEXT_CORPORA, *TOKEN_CORPORA, *IMAGE_CORPORA]))
    return IMAGE_CORPORA[name]
