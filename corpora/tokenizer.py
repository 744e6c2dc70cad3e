"""The tokenizers by name: trained on a corpus, and loaded from the file that they are stored as."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from bgan_text.corpora.character_tokenizer import CharacterTokenizer
from bgan_text.corpora.dataset_records import Integers, Named, Symbols
from bgan_text.corpora.integer_tokenizer import IntegerTokenizer
from bgan_text.corpora.lengths import Lengths
from bgan_text.corpora.sentencepiece_tokenizer import SentencePieceTokenizer
from bgan_text.corpora.sentencepiece_training import (
    SENTENCEPIECE_MODELS,
    SENTENCEPIECE_VOCABULARY,
    trained_model,
)
from bgan_text.corpora.smiles_tokenizer import SmilesTokenizer
from bgan_text.corpora.symbol_tokenizer import SymbolTokenizer
from bgan_text.corpora.tokenizer_base import (
    END,
    FIRST,
    IDENTITY,
    UNKNOWN,
    Tokenizer,
    is_model,
    signature,
)
from bgan_text.corpora.whitespace_tokenizer import WhitespaceTokenizer
from bgan_text.corpora.word_tokenizer import WordTokenizer
from bgan_text.errors import UserError, choose, unknown
from bgan_text.files import parsed, read_bounded
from bgan_text.records import converted

__all__ = [
    "END",
    "FIRST",
    "IDENTITY",
    "SENTENCEPIECE_VOCABULARY",
    "TOKENIZERS",
    "UNKNOWN",
    "CharacterTokenizer",
    "Counted",
    "IntegerTokenizer",
    "SentencePieceTokenizer",
    "SmilesTokenizer",
    "SymbolTokenizer",
    "Tokenizer",
    "WhitespaceTokenizer",
    "WordTokenizer",
    "check_tokenizer",
    "counted",
    "is_model",
    "load_tokenizer",
    "signature",
    "tokenizer_of",
    "train_tokenizer",
]

SYMBOL_TOKENIZERS: dict[str, type[SymbolTokenizer]] = {
    one.kind: one for one in (WordTokenizer, WhitespaceTokenizer, CharacterTokenizer, SmilesTokenizer)
}
BLOCK = 1000
"""Texts that are counted at a time."""
TOKENIZERS = (*SENTENCEPIECE_MODELS, *SYMBOL_TOKENIZERS)


def check_tokenizer(name: str, vocabulary: int | None, normalization: str = IDENTITY) -> None:
    """Refuse, before any text is read, what `train_tokenizer` could not do with any text."""
    if is_model(name):
        if vocabulary is not None:
            raise UserError(f"`vocabulary` {vocabulary} has no meaning for a given model {name}")
        if not Path(name).is_file():
            raise UserError(f"there is no SentencePiece model {name}")
    elif vocabulary is not None and vocabulary <= FIRST:
        raise UserError(f"`vocabulary` {vocabulary}: at least {FIRST + 1} tokens are needed")
    else:
        choose("tokenizer", name, dict.fromkeys((*TOKENIZERS, "FILE.model")))
    if normalization != IDENTITY and name not in SENTENCEPIECE_MODELS:
        raise UserError(
            f"`normalization` {normalization} has no meaning for `tokenizer` {name}: only "
            f"{' and '.join(SENTENCEPIECE_MODELS)} normalise"
        )


@dataclass
class Counted:
    """What a tokenizer is trained on, apart from the texts themselves.

    Attributes:
        symbols: how often each symbol occurs; for SentencePiece, each character.
        texts: how many texts there are.
        lengths: the number of symbols of each text; empty for SentencePiece.
    """

    symbols: Counter[str] = field(default_factory=Counter)
    texts: int = 0
    lengths: Lengths = field(default_factory=Lengths)

    def add(self, other: "Counted") -> None:
        """Take over what was counted in other texts."""
        self.symbols.update(other.symbols)
        self.texts += other.texts
        self.lengths.update(other.lengths)


def counted(name: str, texts: Sequence[str]) -> Counted:
    """Count some texts for the tokenizer called `name`; a model of the user's own needs nothing."""
    if is_model(name):
        return Counted(texts=len(texts))
    if name in SENTENCEPIECE_MODELS:
        return Counted(CharacterTokenizer.count(texts)[0], len(texts))
    symbols, lengths = SYMBOL_TOKENIZERS[name].count(texts)
    return Counted(symbols, len(texts), Lengths(lengths))


def tokenizer_of(
    name: str,
    counts: Counted,
    texts: Iterable[str],
    vocabulary: int | None,
    normalization: str = IDENTITY,
) -> Tokenizer:
    """Train the tokenizer called `name` on a corpus that was counted; see `train_tokenizer`.

    Args:
        name: as for `train_tokenizer`.
        counts: what `counted` found in all texts.
        texts: the texts, which only SentencePiece reads.
        vocabulary: as for `train_tokenizer`.
        normalization: as for `train_tokenizer`.
    """
    if is_model(name):
        return SentencePieceTokenizer(Path(name).read_bytes())
    if name in SENTENCEPIECE_MODELS:
        return SentencePieceTokenizer(
            trained_model(texts, counts.symbols, counts.texts, name, vocabulary, normalization)
        )
    return SYMBOL_TOKENIZERS[name].of_counts(counts.symbols, vocabulary)


def train_tokenizer(
    name: str,
    texts: Iterable[str],
    vocabulary: int | None,
    *,
    normalization: str = IDENTITY,
    lengths: Lengths | None = None,
) -> Tokenizer:
    """Train the tokenizer called `name`, or load it if `name` is the path of a .model file.

    Args:
        name: one of `TOKENIZERS`, or a path that ends in .model.
        texts: the corpus. SentencePiece iterates over it twice, others once.
        vocabulary: how many tokens, the end and the unknown included; None for all symbols, and for 8,000
            pieces or as many as the text gives.
        normalization: of the text by SentencePiece, one of `NORMALIZATIONS`.
        lengths: receives the number of tokens of each text where training finds them, that is, from all but
            SentencePiece.
    """
    check_tokenizer(name, vocabulary, normalization)
    if is_model(name):
        return SentencePieceTokenizer(Path(name).read_bytes())
    counts, left = Counted(), iter(texts)
    while block := list(islice(left, BLOCK)):
        counts.add(counted(name, block))
    if lengths is not None:
        lengths.update(counts.lengths)
    return tokenizer_of(name, counts, texts, vocabulary, normalization)


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer stored in a dataset directory or a run."""
    model, symbols = folder / SentencePieceTokenizer.file, folder / SymbolTokenizer.file
    try:
        if model.exists():
            return SentencePieceTokenizer(read_bounded(model))
        content = parsed(read_bounded(symbols), symbols)
    except FileNotFoundError as error:
        raise UserError(f"{folder} has no tokenizer file") from error
    kind = converted(content, Named, symbols).kind
    if kind == IntegerTokenizer.kind:
        told = converted(content, Integers, symbols)
        return IntegerTokenizer(told.vocabulary, told.end)
    if kind not in SYMBOL_TOKENIZERS:
        raise UserError(f"{symbols} is damaged: kind: {unknown('tokenizer', kind, SYMBOL_TOKENIZERS)}")
    return SYMBOL_TOKENIZERS[kind](converted(content, Symbols, symbols).symbols)
