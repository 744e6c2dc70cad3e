"""Text <-> rows of tokens. Token 0 ends a sequence and fills the rest of its row; token 1 is unknown.

A tokenizer is plain data: `content` is the bytes of the one file that it is stored as, and `load_tokenizer`
makes it again from them.
"""

import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import ClassVar, Protocol

import sentencepiece

from bgan_text.errors import UserError, choose

END, UNKNOWN = 0, 1
FIRST = 2
"""The first token that stands for text."""
UNKNOWN_WORD = "<unk>"
UNKNOWN_CHARACTER = "\ufffd"

# A word, number or run of one punctuation mark, with the space before it: the tokens joined are the text.
WORD = re.compile(r" ?(?:\d+(?:[.,]\d+)*|\w+(?:['\u2019-]\w+)*|([^\w\s])\1*)|\s")


class Tokenizer(Protocol):
    """What `prepare`, `sample` and `score` need of a tokenizer."""

    kind: ClassVar[str]
    file: ClassVar[str]
    vocabulary: int

    def encode(self, text: str) -> list[int]:
        """The tokens of a text, without an end."""

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens, up to the first end."""

    def content(self) -> bytes:
        """The bytes of the tokenizer's file."""


class Stored(Protocol):
    """A tokenizer, or whatever else gives tokens their meaning, as plain data."""

    kind: ClassVar[str]

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""

    def content(self) -> bytes:
        """The bytes of its file."""


def signature(tokenizer: Stored) -> str:
    """A short name of the tokenizer that changes with anything that changes its tokens."""
    digest = hashlib.sha256(tokenizer.content()).hexdigest()[:12]
    return f"{tokenizer.kind}:{tokenizer.vocabulary}:{digest}"


def _until_end(tokens: Iterable[int]) -> Iterator[int]:
    for token in tokens:
        if token == END:
            return
        yield token


class SymbolTokenizer:
    """A tokenizer with a list of symbols; the subclasses say how a text falls into symbols."""

    kind: ClassVar[str]
    unknown: ClassVar[str]
    file: ClassVar[str] = "tokenizer.json"

    def __init__(self, symbols: list[str]) -> None:
        self.symbols = symbols
        self.vocabulary = FIRST + len(symbols)
        self._index = {symbol: FIRST + index for index, symbol in enumerate(symbols)}

    @classmethod
    def split(cls, text: str) -> list[str]:
        """The symbols of a text; joined they give `normalised(text)` back."""
        raise NotImplementedError

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary: int | None) -> "SymbolTokenizer":
        """The tokenizer of the most frequent symbols, at most `vocabulary` tokens in all."""
        counts = Counter(symbol for text in texts for symbol in cls.split(text))
        ranked = sorted(counts, key=lambda symbol: (-counts[symbol], symbol))
        if vocabulary is not None and vocabulary > FIRST + len(ranked):
            raise UserError(
                f"`vocabulary` {vocabulary}: the text has only {len(ranked)} different {cls.kind}s, "
                f"so at most {FIRST + len(ranked)} tokens"
            )
        return cls(ranked if vocabulary is None else ranked[: vocabulary - FIRST])

    def encode(self, text: str) -> list[int]:
        return [self._index.get(symbol, UNKNOWN) for symbol in self.split(text)]

    def decode(self, tokens: Iterable[int]) -> str:
        return "".join(
            self.unknown if token == UNKNOWN else self.symbols[token - FIRST] for token in _until_end(tokens)
        )

    def content(self) -> bytes:
        value = {"kind": self.kind, "symbols": self.symbols}
        return (json.dumps(value, ensure_ascii=False, indent=0) + "\n").encode()


class CharacterTokenizer(SymbolTokenizer):
    """One token a character (a Unicode code point)."""

    kind = "char"
    unknown = UNKNOWN_CHARACTER

    @classmethod
    def split(cls, text: str) -> list[str]:
        return list(text)


class WordTokenizer(SymbolTokenizer):
    """One token a word, number or punctuation mark, each with the space before it.

    A sentence is read as if a space stood in front of it, so that a first word is no other token than
    the same word later on. White space of any other kind counts as one space.
    """

    kind = "word"
    unknown = f" {UNKNOWN_WORD}"

    @classmethod
    def split(cls, text: str) -> list[str]:
        return [match.group() for match in WORD.finditer(" " + " ".join(text.split()))]

    def decode(self, tokens: Iterable[int]) -> str:
        return super().decode(tokens).removeprefix(" ")


class IntegerTokenizer:
    """A token is written as its number, and tokens are separated by spaces: rows that were never text.

    Args:
        vocabulary: the number of different tokens.
        end: the token that ends a row; None if every row has full length.
    """

    kind: ClassVar[str] = "tokens"
    file: ClassVar[str] = "tokenizer.json"

    def __init__(self, vocabulary: int, end: int | None) -> None:
        self.vocabulary, self.end = vocabulary, end

    def encode(self, text: str) -> list[int]:
        try:
            return [int(word) for word in text.split()]
        except ValueError as error:
            raise UserError(
                f"{text[:40]!r} is not a row of tokens: numbers and spaces were expected"
            ) from error

    def decode(self, tokens: Iterable[int]) -> str:
        return " ".join(map(str, takewhile(lambda token: token != self.end, tokens)))

    def content(self) -> bytes:
        return (
            json.dumps({"kind": self.kind, "vocabulary": self.vocabulary, "end": self.end}) + "\n"
        ).encode()


class SentencePieceTokenizer:
    """Subword pieces by the SentencePiece library."""

    kind: ClassVar[str] = "sentencepiece"
    file: ClassVar[str] = "tokenizer.model"

    def __init__(self, model: bytes) -> None:
        self._model = model
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
            self._pieces = int(self._processor.get_piece_size())
        except RuntimeError as error:
            raise UserError(f"not a SentencePiece model: {error}") from error
        # The ids of the model are shifted so that 0 and 1 are the end and the unknown whatever the
        # model's own special pieces are.
        special = [
            piece
            for piece in range(self._pieces)
            if self._processor.is_control(piece) or self._processor.is_unknown(piece)
        ]
        self._kept = [piece for piece in range(self._pieces) if piece not in set(special)]
        self._token = {piece: FIRST + index for index, piece in enumerate(self._kept)}
        self.vocabulary = FIRST + len(self._kept)

    @classmethod
    def train(
        cls, texts: Iterable[str], vocabulary: int, model: str, *, exact: bool = True
    ) -> "SentencePieceTokenizer":
        """Train a unigram or BPE model of `vocabulary` tokens on a stream of texts.

        Unless `exact`, a small text may give fewer.
        """
        written = io.BytesIO()
        sentencepiece.set_random_generator_seed(0)  # which million sentences of a large corpus it reads
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(texts),
                model_writer=written,
                vocab_size=vocabulary - 1,  # an unknown piece of its own, no end piece: ours is added
                model_type=model,
                hard_vocab_limit=exact,
                bos_id=-1,
                eos_id=-1,
                pad_id=-1,
                unk_id=0,
                character_coverage=0.9999,
                input_sentence_size=1_000_000,
                shuffle_input_sentence=True,
                num_threads=1,
                minloglevel=2,
            )
        except (RuntimeError, ValueError, OverflowError) as error:
            raise UserError(_vocabulary_line(vocabulary, str(error))) from error
        return cls(written.getvalue())

    def encode(self, text: str) -> list[int]:
        return [self._token.get(piece, UNKNOWN) for piece in self._processor.encode(text)]

    def decode(self, tokens: Iterable[int]) -> str:
        unknown = self._processor.unk_id()
        pieces = [unknown if token == UNKNOWN else self._kept[token - FIRST] for token in _until_end(tokens)]
        return str(self._processor.decode(pieces))

    def content(self) -> bytes:
        return self._model


def _vocabulary_line(vocabulary: int, message: str) -> str:
    """SentencePiece's refusal of a vocabulary size, with the size it would accept."""
    if found := re.search(r"value <= (\d+)", message):
        return f"`vocabulary` {vocabulary}: the text gives at most {int(found.group(1)) + 1} pieces"
    if found := re.search(r"required_chars[^\d]*(\d+)|smaller than[^\d]*(\d+)", message):
        return f"`vocabulary` {vocabulary}: too small for the characters of the text ({message.strip()})"
    return f"`vocabulary` {vocabulary}: SentencePiece cannot train on this text ({message.strip()})"


SYMBOL_TOKENIZERS: dict[str, type[SymbolTokenizer]] = {
    "word": WordTokenizer,
    "char": CharacterTokenizer,
}
TOKENIZERS = ("sentencepiece", "bpe", "word", "char")
SENTENCEPIECE_MODELS = {"sentencepiece": "unigram", "bpe": "bpe"}
SENTENCEPIECE_VOCABULARY = 8000


def check_tokenizer(name: str, vocabulary: int | None) -> None:
    """Refuse, before any text is read, what `train_tokenizer` could not do with any text."""
    if name.endswith(".model"):
        if vocabulary is not None:
            raise UserError(f"`vocabulary` {vocabulary} has no meaning for a given model {name}")
        if not Path(name).is_file():
            raise UserError(f"there is no SentencePiece model {name}")
    elif vocabulary is not None and vocabulary <= FIRST:
        raise UserError(f"`vocabulary` {vocabulary}: at least {FIRST + 1} tokens are needed")
    else:
        choose("tokenizer", name, dict.fromkeys((*TOKENIZERS, "FILE.model")))


def train_tokenizer(name: str, texts: Iterable[str], vocabulary: int | None) -> Tokenizer:
    """Train the tokenizer called `name`, or load it if `name` is the path of a .model file.

    Args:
        name: one of `TOKENIZERS`, or a path that ends in .model.
        texts: the corpus, streamed once.
        vocabulary: how many tokens, the end and the unknown included; None for all words or characters,
            and for 8,000 pieces or as many as the text gives.
    """
    check_tokenizer(name, vocabulary)
    if name.endswith(".model"):
        return SentencePieceTokenizer(Path(name).read_bytes())
    if name in SENTENCEPIECE_MODELS:
        size = SENTENCEPIECE_VOCABULARY if vocabulary is None else vocabulary
        return SentencePieceTokenizer.train(
            texts, size, SENTENCEPIECE_MODELS[name], exact=vocabulary is not None
        )
    return SYMBOL_TOKENIZERS[name].train(texts, vocabulary)


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer stored in a dataset directory or a run."""
    model, symbols = folder / SentencePieceTokenizer.file, folder / SymbolTokenizer.file
    try:
        if model.exists():
            return SentencePieceTokenizer(model.read_bytes())
        value = json.loads(symbols.read_text(encoding="utf-8"))
        if value["kind"] == IntegerTokenizer.kind:
            end = None if value["end"] is None else int(value["end"])
            return IntegerTokenizer(int(value["vocabulary"]), end)
        return choose("tokenizer", value["kind"], SYMBOL_TOKENIZERS)(list(map(str, value["symbols"])))
    except FileNotFoundError as error:
        raise UserError(f"{folder} has no tokenizer file") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{symbols} is damaged: {error}") from error
