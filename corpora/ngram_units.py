"""Units of n-grams: the functions that split a text into tokens for scores."""

from collections.abc import Callable

from bgan_text.corpora.smiles_tokenizer import SmilesTokenizer
from bgan_text.errors import choose

Splitter = Callable[[str], list[str]]


def _thirteen_a() -> Splitter:
    from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

    tokenize = Tokenizer13a()
    return lambda text: str(tokenize(text)).split()


def _nltk_words() -> Splitter:
    from nltk.tokenize import NLTKWordTokenizer

    tokenizer = NLTKWordTokenizer()
    return lambda text: list(tokenizer.tokenize(text))


UNITS: dict[str, Callable[[], Splitter]] = {
    "whitespace": lambda: str.split,
    "word": _nltk_words,
    "char": lambda: list,
    "smiles": lambda: SmilesTokenizer.split,
    "13a": _thirteen_a,
}
"""Splitters by name.

`word` is nltk's NLTKWordTokenizer without sentence splitting, as in Texygen and TextGAN. `13a` is sacrebleu's
default. `whitespace`, `char` and `smiles` are the units of the tokenizers of these names.
"""
WITHOUT_SPACES = ("char", "smiles")
"""Units of data without words, which `score` takes for tokenizers of the same names."""


def splitter(name: str, *, lowercase: bool = False) -> Splitter:
    """Return a function that splits a text into units.

    Args:
        name: A name in `UNITS`.
        lowercase: Whether to lower-case the text first.

    Raises:
        UserError: If the name is unknown.
    """
    split = choose("unit of n-grams", name, UNITS)()
    if lowercase:
        return lambda text: split(text.lower())
    return split
