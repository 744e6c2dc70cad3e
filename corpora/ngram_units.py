"""What an n-gram is made of: the ways `score` splits a text."""

from collections.abc import Callable

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
    "13a": _thirteen_a,
}
"""`word` is nltk's NLTKWordTokenizer without sentence splitting, as in Texygen and TextGAN; `13a` is
sacrebleu's default."""


def splitter(name: str, *, lowercase: bool = False) -> Splitter:
    """The function that splits a text into the units called `name`, after lower-casing it if asked."""
    split = choose("unit of n-grams", name, UNITS)()
    if lowercase:
        return lambda text: split(text.lower())
    return split
