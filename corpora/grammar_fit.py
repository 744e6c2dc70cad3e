"""The grammar that samples imply, and exact distances between grammars.

Samples are good if the true grammar makes them probable (`Grammar.log_prob`), and diverse if a model of
them makes real sentences probable (the reverse perplexity of Zhao et al. 2018, "Adversarially
regularized autoencoders"; the reverse LM score of Semeniuta et al. 2018). On the built-in corpus that
model is the true grammar with its probabilities estimated again, so nothing is trained by gradient and
real sentences need not be sampled.

Alternatives of one rule with the same body count as one: lower-casing may make them equal.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from graphlib import TopologicalSorter
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from bgan_text.corpora.grammar import Grammar
from bgan_text.errors import UserError

SMOOTHING = 1.0
"""Pseudo-uses of each symbol, shared equally among its alternatives."""

Body = tuple[str, ...]
Production = tuple[str, Body]
Rules = dict[str, dict[Body, float]]
Uses = dict[Production, float]
Derivation = tuple[int, float, tuple[Production, ...]]


@dataclass(frozen=True)
class Fit:
    """The grammar of S samples, and how probable it makes real sentences.

    `grammar`: the true rules with probabilities from `used` samples; `skipped` had no derivation.
    `reverse`: the expected log-probability of a true sentence under `grammar`, nats per sentence, exact:
    -(`entropy` of the true grammar + `divergence` from it to `grammar`); NaN if no sample was used.
    `each`: (S,) the first-order change of `reverse` with the weight of each sample, of which only the
    differences count; 0 for a skipped sample, NaN with `reverse`.
    """

    grammar: Grammar
    used: int
    skipped: int
    reverse: float
    each: NDArray[np.float64] = field(repr=False)


def fit(grammar: Grammar, sentences: Iterable[Sequence[str]], smoothing: float = SMOOTHING) -> Fit:
    """Estimate the probabilities of the alternatives again, from how often sentences use them.

    An alternative used c times in C uses of its symbol, which has K of them, gets
    (c + smoothing / K) / (C + smoothing): the mean of a Dirichlet posterior that knows the rules of the
    true grammar but not their probabilities, so that few samples cannot come out well for being few.
    Nothing real is impossible, and the alternatives of a symbol that was never used are equally
    probable. Where a sentence has several derivations, each counts by its
    posterior probability (one step of expectation maximisation, Lari and Young 1990).

    S sentences of the true grammar itself stay below -`entropy` by about (free probabilities) / (2 S),
    so only equal numbers of samples compare.

    Args:
        grammar: the true grammar, or its `lowercase()` for lower-cased sentences.
        sentences: each a sequence of words. Those that the grammar cannot make are skipped.
        smoothing: pseudo-uses of each symbol, above 0.

    Raises:
        UserError: smoothing is not a positive number.
    """
    if not 0.0 < smoothing < math.inf:
        raise UserError(f"smoothing {smoothing:g}: a number above 0 is needed")
    uses = list(_uses_of(grammar, sentences))
    total: Uses = defaultdict(float)
    for production, times in chain.from_iterable(one.items() for one in uses):
        total[production] += times
    rules = {
        symbol: [(total[symbol, body] + smoothing / len(bodies), body) for body in bodies]
        for symbol, bodies in _merged(grammar).items()
    }
    fitted, used = Grammar(rules, grammar.start), sum(map(bool, uses))
    if not used:
        return Fit(fitted, 0, len(uses), math.nan, np.full(len(uses), math.nan))
    reverse = -entropy(grammar) - divergence(grammar, fitted)
    slopes = _gradient_norms(grammar, fitted, total, smoothing)
    each = [math.fsum(times * slopes[production] for production, times in one.items()) for one in uses]
    return Fit(fitted, used, len(uses) - used, reverse, len(uses) * np.array(each))


def entropy(grammar: Grammar) -> float:
    """Exact expected -log-probability of a derivation, nats per sentence; of a sentence if it has only one.

    Each symbol adds the entropy of its alternatives as often as it is used (Chi 1999, "Statistical
    properties of probabilistic context-free grammars").
    """
    return _expectation(grammar, lambda symbol, body, p: -math.log(p))


def divergence(p: Grammar, q: Grammar) -> float:
    """Exact KL(p || q) of derivations, nats per sentence; infinite where q lacks a derivation of p.

    Each symbol adds the KL of its alternatives as often as p uses it. It is the KL of sentences if each
    has only one derivation, and an upper bound of it otherwise.
    """
    theirs = _merged(q)

    def log_ratio(symbol: str, body: Body, share: float) -> float:
        other = theirs.get(symbol, {}).get(body, 0.0)
        return math.log(share / other) if other else math.inf

    return _expectation(p, log_ratio)


def expected_uses(grammar: Grammar) -> dict[str, float]:
    """How often the derivation of one sentence uses each symbol, on average; only those that are used."""
    rules = _merged(grammar)
    parts = {symbol: [part for body in bodies for part in body] for symbol, bodies in rules.items()}
    uses: dict[str, float] = defaultdict(float, {grammar.start: 1.0})
    for symbol in reversed([*TopologicalSorter(parts).static_order()]):
        if symbol in rules and symbol in uses:
            for body, probability in rules[symbol].items():
                for part in body:
                    uses[part] += uses[symbol] * probability
    return {symbol: use for symbol, use in uses.items() if symbol in rules}


def _expectation(grammar: Grammar, value: Callable[[str, Body, float], float]) -> float:
    """The mean over derivations of the summed values of the productions: value(symbol, body, probability)."""
    rules = _merged(grammar)
    return sum(
        use * p * value(symbol, body, p)
        for symbol, use in expected_uses(grammar).items()
        for body, p in rules[symbol].items()
    )


def _merged(grammar: Grammar) -> Rules:
    """The probability of each different body of each symbol, those of probability 0 left out."""
    rules: Rules = {}
    for symbol, alternatives in grammar.rules.items():
        bodies = rules.setdefault(symbol, {})
        for probability, body in alternatives:
            if probability > 0.0:
                bodies[body] = bodies.get(body, 0.0) + probability
    return rules


def _gradient_norms(true: Grammar, fitted: Grammar, total: Uses, smoothing: float) -> Uses:
    """How fast -`divergence(true, fitted)` grows with one more use of each production."""
    ours, theirs = _merged(true), _merged(fitted)
    slopes: Uses = {}
    for symbol, use in expected_uses(true).items():
        weight = smoothing + sum(total[symbol, body] for body in ours[symbol])
        for body, p in ours[symbol].items():
            slopes[symbol, body] = use * (p / theirs[symbol][body] - 1.0) / weight
    return slopes


def _uses_of(grammar: Grammar, sentences: Iterable[Sequence[str]]) -> Iterator[Uses]:
    """How often each sentence uses each production, expected over its derivations; {} if it has none."""
    rules = _merged(grammar)
    for words in sentences:
        found = [one for one in _derivations(rules, grammar.start, words) if one[0] == len(words)]
        whole = sum(probability for _, probability, _ in found)
        uses: Uses = defaultdict(float)
        for _, probability, productions in found:
            for production in productions:
                uses[production] += probability / whole
        yield uses


def _derivations(rules: Rules, start: str, words: Sequence[str]) -> list[Derivation]:
    """(end, probability, productions) of each derivation of the first words of a sentence.

    Top down, with memory. Time grows with the number of derivations, which is 1 in the built-in grammar.
    """

    @cache
    def derive(symbol: str, begin: int) -> list[Derivation]:
        if symbol not in rules:
            return [(begin + 1, 1.0, ())] if begin < len(words) and words[begin] == symbol else []
        found: list[Derivation] = []
        for body, p in rules[symbol].items():
            partial: list[Derivation] = [(begin, p, ((symbol, body),))]
            for part in body:
                partial = [
                    (end, probability * q, productions + more)
                    for middle, probability, productions in partial
                    for end, q, more in derive(part, middle)
                ]
            found += partial
        return found

    return derive(start, 0)
