"""A probabilistic grammar of newswire English: seeded sampling and exact probabilities of sentences.

The true distribution of the sentences is known, so a model trained on them can be scored exactly: by whether
a sample is grammatical, and by its probability.
"""

import math
import random
import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from itertools import accumulate

START = "sentence"
RULE = re.compile(r"<([\w#@]+)>\s*=\s*(.*)")
SYMBOL = re.compile(r"<(\w+)>")
WEIGHT = re.compile(r"\*(\d+)")
FEATURES = {"#": ("sg", "pl"), "@": ("c", "v")}

Alternative = tuple[float, tuple[str, ...]]


class Grammar:
    """A non-recursive probabilistic context-free grammar over words.

    Args:
        rules: Weighted alternatives of each symbol, which is written `<name>`. All other strings are words.
            The probability of an alternative is its weight divided by the sum of the weights.
        start: The start symbol.
    """

    def __init__(self, rules: dict[str, list[Alternative]], start: str = f"<{START}>") -> None:
        self.start = start
        self.rules: dict[str, list[Alternative]] = {}
        for symbol, alternatives in rules.items():
            total = sum(weight for weight, _ in alternatives)
            self.rules[symbol] = [(weight / total, body) for weight, body in alternatives]
        self._cumulative = {
            symbol: list(accumulate(probability for probability, _ in alternatives))
            for symbol, alternatives in self.rules.items()
        }
        self._words = {
            symbol: self._lexicon(alternatives)
            for symbol, alternatives in self.rules.items()
            if all(len(body) == 1 and body[0] not in self.rules for _, body in alternatives)
        }

    @staticmethod
    def _lexicon(alternatives: list[Alternative]) -> dict[str, float]:
        lexicon: dict[str, float] = {}
        for probability, (word,) in alternatives:
            lexicon[word] = lexicon.get(word, 0.0) + probability
        return lexicon

    def sample(self, rng: random.Random) -> list[str]:
        """Sample one sentence as a list of words."""
        words: list[str] = []
        self._expand(self.start, rng, words)
        return words

    def _expand(self, symbol: str, rng: random.Random, words: list[str]) -> None:
        choice = bisect(self._cumulative[symbol], rng.random())
        alternatives = self.rules[symbol]
        for part in alternatives[min(choice, len(alternatives) - 1)][1]:
            if part in self.rules:
                self._expand(part, rng, words)
            else:
                words.append(part)

    def log_prob(self, words: Sequence[str]) -> float:
        """Exact log-probability of a sentence, summed over its derivations with a top-down inside algorithm.

        Args:
            words: The words of the sentence.

        Returns:
            The log-probability in nats; `-inf` for a sentence that the grammar does not generate.
        """
        probability = self._inside(words).get(len(words), 0.0)
        return math.log(probability) if probability > 0.0 else -math.inf

    def _inside(self, words: Sequence[str]) -> dict[int, float]:
        memory: dict[tuple[str, int], dict[int, float]] = {}

        def spans(symbol: str, begin: int) -> dict[int, float]:
            """Map each end of a span that `symbol` can derive from `begin` to its probability."""
            if symbol in self._words:
                probability = self._words[symbol].get(words[begin], 0.0) if begin < len(words) else 0.0
                return {begin + 1: probability} if probability else {}
            if symbol not in self.rules:
                return {begin + 1: 1.0} if begin < len(words) and words[begin] == symbol else {}
            if (symbol, begin) not in memory:
                ends: dict[int, float] = {}
                for probability, body in self.rules[symbol]:
                    for end, inside in sequence(body, begin, probability).items():
                        ends[end] = ends.get(end, 0.0) + inside
                memory[symbol, begin] = ends
            return memory[symbol, begin]

        def sequence(body: tuple[str, ...], begin: int, probability: float) -> dict[int, float]:
            reached = {begin: probability}
            for part in body:
                following: dict[int, float] = {}
                for middle, so_far in reached.items():
                    for end, inside in spans(part, middle).items():
                        following[end] = following.get(end, 0.0) + so_far * inside
                reached = following
                if not reached:
                    break
            return reached

        return spans(self.start, 0)

    def lowercase(self) -> "Grammar":
        """Return the grammar of the lower-cased sentences.

        The probabilities of sentences that become equal add up.
        """
        return Grammar(
            {
                symbol: [
                    (weight, tuple(part if part in self.rules else part.lower() for part in body))
                    for weight, body in alternatives
                ]
                for symbol, alternatives in self.rules.items()
            },
            self.start,
        )

    def vocabulary(self) -> set[str]:
        """Return all words of the grammar."""
        bodies = (body for alternatives in self.rules.values() for _, body in alternatives)
        return {part for body in bodies for part in body if part not in self.rules}

    def longest(self) -> int:
        """Return the number of words of the longest sentence."""

        @cache
        def length(symbol: str) -> int:
            if symbol not in self.rules:
                return 1
            return max(sum(map(length, body)) for _, body in self.rules[symbol])

        return length(self.start)

    def derivations(self) -> int:
        """Return the number of derivations: the number of sentences if none is ambiguous."""

        @cache
        def count(symbol: str) -> int:
            if symbol not in self.rules:
                return 1
            return sum(math.prod(map(count, body)) for _, body in self.rules[symbol])

        return count(self.start)


def parse(text: str) -> Grammar:
    """Parse a grammar. The notation is described at the top of `newswire.bnf`.

    Raises:
        ValueError: If a line is not a rule or a symbol has no rule.
    """
    rules: dict[str, list[Alternative]] = {}
    for name, alternatives in _statements(text):
        for rule_name, rule_text in _expanded(name, alternatives):
            for alternative in rule_text.split("|"):
                weight = WEIGHT.search(alternative)
                body = tuple(WEIGHT.sub("", alternative).split())
                options = rules.setdefault(f"<{rule_name}>", [])
                options.append((float(weight.group(1)) if weight else 1.0, body))
    used = {part for options in rules.values() for _, body in options for part in body}
    missing = {part for part in used if SYMBOL.fullmatch(part)} - rules.keys()
    if missing:
        raise ValueError(f"symbols without a rule: {', '.join(sorted(missing))}")
    return Grammar(rules)


def _statements(text: str) -> Iterator[tuple[str, str]]:
    """Yield (name, alternatives) of each rule, with continuation lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("# ") and line != "#"]
    joined = re.sub(r"\n\s+\|", " |", "\n".join(lines))
    for line in joined.splitlines():
        match = RULE.fullmatch(line.strip())
        if match is None:
            raise ValueError(f"not a rule: {line!r}")
        yield match.group(1), match.group(2)


def _expanded(name: str, alternatives: str) -> list[tuple[str, str]]:
    """Expand a rule with features into rules without features.

    A feature in the name gives one rule per value. A feature that occurs only in an alternative gives one
    alternative per value.
    """
    for mark, values in FEATURES.items():
        if mark in name:
            return [
                rule
                for value in values
                for rule in _expanded(name.replace(mark, value), alternatives.replace(mark, value))
            ]
        alternatives = " | ".join(
            part.replace(mark, value).strip()
            for part in alternatives.split("|")
            for value in (values if mark in part else values[:1])
        )
    return [(name, alternatives)]


@cache
def newswire() -> Grammar:
    """Return the built-in grammar."""
    return parse(files("bgan_text.corpora").joinpath("newswire.bnf").read_text(encoding="utf-8"))


def sentences(seed: int, count: int) -> Iterator[str]:
    """Yield independent sentences of the built-in grammar.

    Args:
        seed: Seed of the sampling. The same seed gives the same sentences.
        count: Number of sentences.
    """
    rng, grammar = random.Random(seed), newswire()
    for _ in range(count):
        yield " ".join(grammar.sample(rng))
