"""What `prepare` did to the data, and what it warns of: the `summary` of card.json.

The warnings name options as `fields` in backticks, as errors do.
"""

from dataclasses import dataclass
from typing import Any

from bgan_text.corpora.lengths import LONGEST_DEFAULT, USUAL, Lengths
from bgan_text.corpora.tokenizer_base import is_model

MUCH = 0.05
"""The share of samples that may be dropped or cut without a warning."""
LARGE_VOCABULARY = 20_000
"""The number of tokens above which training is slow: each step computes one number for each of them."""
OF_WORDS, OF_PIECES = ("`tokenizer` sentencepiece", "`lowercase`"), ("a smaller `vocabulary`",)
SMALLER = {"word": OF_WORDS, "whitespace": OF_WORDS, "sentencepiece": OF_PIECES, "bpe": OF_PIECES}
"""What makes the vocabulary of a tokenizer smaller and leaves no token unknown."""


@dataclass
class Changes:
    """How many texts a model of the user's own changes, and the first of them before and after."""

    texts: int = 0
    example: tuple[str, str] = ("", "")

    def add(self, before: str, after: str) -> None:
        """Compare a text with what its tokens decode to."""
        if before != after:
            self.example = self.example if self.texts else (before, after)
            self.texts += 1

    def update(self, other: "Changes") -> None:
        """Take over what was found in the texts after these."""
        self.example = self.example if self.texts else other.example
        self.texts += other.texts

    def warnings(self, tokenizer: str, read: int) -> list[str]:
        """A warning with the example, cut to what differs."""
        if not self.texts:
            return []
        before, after = self.example
        same = next((place for place, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), 0)
        part = slice(max(0, same - 10), same + 20)
        return [
            f"`tokenizer` {tokenizer} changes {self.texts:,} of {read:,} texts: {before[part]!r} becomes "
            f"{after[part]!r}"
        ]


def data_summary(
    counts: dict[str, int], lengths: Lengths, vocabulary: int, warnings: list[str]
) -> dict[str, Any]:
    """The `summary` of card.json.

    Args:
        counts: those of card.json.
        lengths: of the samples before any was dropped or cut.
        vocabulary: the number of tokens.
        warnings: in words.

    Returns:
        `dropped`, `cut`: shares of the samples that have tokens. `unknown`: share of the tokens. `lengths`:
        the tokens that 50, 95, 99 and 100 percent of the samples need, by percent. `vocabulary`: the number
        of tokens, and `rows` of training samples. `warnings`.
    """
    samples = max(1, counts["read"] - counts["blank"])
    return {
        "dropped": counts["dropped"] / samples,
        "cut": counts["cut"] / samples,
        "unknown": counts["unknown"] / max(1, counts["tokens"]),
        "lengths": lengths.summary(),
        "vocabulary": vocabulary,
        "rows": counts["train"],
        "warnings": warnings,
    }


def length_warnings(counts: dict[str, int], lengths: Lengths, length: int, *, given: bool) -> list[str]:
    """A warning if many samples were dropped or cut, with the length that mends it.

    Args:
        counts: those of card.json.
        lengths: of all samples.
        length: of a row.
        given: whether the user chose it.
    """
    samples = max(1, counts["read"] - counts["blank"])
    found = []
    for what in ("dropped", "cut"):
        if counts[what] > MUCH * samples:
            found.append(
                f"{counts[what] / samples:.1%} of the samples were {what}: they are longer than "
                f"{_limit(length, given=given)}. {_remedy(lengths, what)}"
            )
    return found


def nothing_left(dropped: int, lengths: Lengths, length: int, *, given: bool) -> str:
    """The line that refuses data of which every sample is too long."""
    return (
        f"no sample is left: all {dropped} samples are longer than {_limit(length, given=given)}; set "
        f"`length` {lengths.needed(USUAL)}, or `overlong` to cut or window"
    )


def _limit(length: int, *, given: bool) -> str:
    return f"`length` {length}" if given else f"{length} tokens, the largest default `length`"


def _remedy(lengths: Lengths, what: str) -> str:
    needed = lengths.needed(USUAL)
    kept = f"`length` {needed} keeps {USUAL} % of them" + (" whole" if what == "cut" else "")
    return kept + (", `overlong` window keeps all of them, in pieces" if needed > LONGEST_DEFAULT else "")


def content_warnings(counts: dict[str, int], length: int, *, spaced_symbols: bool) -> list[str]:
    """Warnings of many unknown tokens, of many repeats, and of samples that are one token or no molecules.

    Args:
        counts: those of card.json.
        length: of a row.
        spaced_symbols: whether text that should be of symbols, such as molecules, has spaces.
    """
    found = []
    if (unknown := counts["unknown"] / max(1, counts["tokens"])) > MUCH:
        found.append(
            f"{unknown:.1%} of the tokens are rare, and unknown to the vocabulary: raise `vocabulary`, or "
            "use `tokenizer` sentencepiece"
        )
    found += repeats_warnings(counts["removed"], counts["read"] - counts["blank"])
    if length == 1:
        found.append("every sample is one token: is something other than spaces between the tokens?")
    if spaced_symbols:
        found.append(
            "there are spaces in the text, but molecules have none: remove what follows, such as the names "
            "in .smi files"
        )
    return found


def repeats_warnings(removed: int, samples: int) -> list[str]:
    """A warning if many of the samples were repeats that were removed."""
    if removed <= MUCH * samples:
        return []
    return [
        f"{removed / samples:.1%} of the samples were repeats, of which one each was kept: "
        "`keep_duplicates` keeps all, as frequencies of codes need"
    ]


def vocabulary_warnings(tokenizer: str, vocabulary: int, rows: int, *, lowercase: bool) -> list[str]:
    """A warning of a vocabulary that makes training slow, or that is too large for the data.

    Args:
        tokenizer: its name among the options.
        vocabulary: the number of tokens.
        rows: the number of training samples.
        lowercase: whether the text is in lower case already.
    """
    remedies = ["a smaller model"] if is_model(tokenizer) else list(SMALLER.get(tokenizer, ()))
    if lowercase and "`lowercase`" in remedies:
        remedies.remove("`lowercase`")
    if vocabulary > LARGE_VOCABULARY:
        if not is_model(tokenizer):
            remedies = list(dict.fromkeys([*remedies, *OF_PIECES]))
        return [f"a vocabulary of {vocabulary:,} tokens makes training slow: use {' or '.join(remedies)}"]
    if vocabulary > rows:
        smaller = f"use {' or '.join(remedies)} for a smaller one, or " if remedies else ""
        return [
            f"the vocabulary has {vocabulary:,} tokens, more than there are training samples ({rows:,}): "
            f"{smaller}add data"
        ]
    return []
