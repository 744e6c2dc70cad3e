"""What `prepare` did to the data, and what it warns of: the `summary` of card.json.

The warnings name options as `fields` in backticks, as errors do.
"""

from typing import Any

from bgan_text.corpora.lengths import LONGEST_DEFAULT, USUAL, Lengths
from bgan_text.corpora.tokenizer_base import is_model

MUCH = 0.05
"""The share of samples that may be dropped or cut without a warning."""
LARGE_VOCABULARY = 20_000
"""The number of tokens above which training is slow: each step computes one number for each of them."""
OF_WORDS = ("`tokenizer` sentencepiece", "a smaller `vocabulary`", "`lowercase`")
SMALLER = {"word": OF_WORDS, "whitespace": OF_WORDS}
"""What makes the vocabulary of a tokenizer smaller; of the others `SMALLER_OTHERS`."""
SMALLER_OTHERS = ("a smaller `vocabulary`",)
SMALLER_MODEL = ("a smaller model",)


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
        f"no sample is left: all {dropped} sentences are longer than {_limit(length, given=given)}; set "
        f"`length` {lengths.needed(USUAL)}, or `overlong` to cut or window"
    )


def _limit(length: int, *, given: bool) -> str:
    return f"`length` {length}" if given else f"{length} tokens, the longest `length` that is chosen unasked"


def _remedy(lengths: Lengths, what: str) -> str:
    needed = lengths.needed(USUAL)
    kept = f"`length` {needed} keeps {USUAL} % of them" + (" whole" if what == "cut" else "")
    return kept + (", `overlong` window all of them in pieces" if needed > LONGEST_DEFAULT else "")


def vocabulary_warnings(tokenizer: str, vocabulary: int, rows: int, *, lowercase: bool) -> list[str]:
    """A warning of a vocabulary that makes training slow, or that is too large for the data.

    Args:
        tokenizer: its name among the options.
        vocabulary: the number of tokens.
        rows: the number of training samples.
        lowercase: whether the text is in lower case already.
    """
    others = SMALLER_MODEL if is_model(tokenizer) else SMALLER_OTHERS
    remedies = [one for one in SMALLER.get(tokenizer, others) if not (lowercase and one == "`lowercase`")]
    smaller = f"{' or '.join(remedies)} makes it smaller"
    if vocabulary > LARGE_VOCABULARY:
        return [f"a vocabulary of {vocabulary:,} tokens makes training slow: {smaller}"]
    if vocabulary > rows:
        return [
            f"the vocabulary has {vocabulary:,} tokens, more than there are training samples ({rows:,}): "
            f"{smaller}, or read more text"
        ]
    return []
