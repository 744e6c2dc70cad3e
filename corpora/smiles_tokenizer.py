"""The tokenizer `smiles`: molecules as atoms, bonds and rings."""

import re

from bgan_text.corpora.symbol_tokenizer import SymbolTokenizer
from bgan_text.corpora.tokenizer_base import UNKNOWN_CHARACTER

SYMBOL = re.compile(r"\[[^\[\]\s]+\]|Br|Cl|%\d\d|%\(\d+\)|@@|.", flags=re.DOTALL)


class SmilesTokenizer(SymbolTokenizer):
    """One token an atom, bond, branch or ring number of a SMILES string.

    A bracket atom such as [C@@H], the two letters of Cl and Br, and a ring number of several digits such as
    %10 are one token each, as in the pattern of Schwaller et al., "Molecular Transformer", 2019, which MolGPT
    uses. Any other character is a token of its own, so every text decodes to itself.

    Example:
        >>> SmilesTokenizer.split("C[C@@H](Cl)C%10")
        ['C', '[C@@H]', '(', 'Cl', ')', 'C', '%10']
    """

    kind = "smiles"
    unit = "symbol"
    unknown = UNKNOWN_CHARACTER

    @classmethod
    def split(cls, text: str) -> list[str]:
        return SYMBOL.findall(text)
