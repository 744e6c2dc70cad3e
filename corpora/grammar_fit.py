"""Estimation of a grammar from samples, and exact divergences between grammars.

Samples are of high quality if the true grammar assigns them a high probability (`Grammar.log_prob`). They are
diverse if a model of the samples assigns real sentences a high probability (reverse perplexity, Zhao et al.
2018, "Adversarially regularized autoencoders"; reverse language model score, Semeniuta et al. 2018). On the
built-in corpus this model is the true grammar with re-estimated probabilities. It needs no gradient training
and no real sentences.

Alternatives of a rule with equal bodies are merged, as lower-casing may make bodies equal.
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
"""Pseudo-count of each symbol, divided equally among its alternatives."""

Body = tuple[str, ...]
Production = tuple[str, Body]
Rules = dict[str, dict[Body, float]]
Uses = dict[Production, float]
Derivation = tuple[int, float, tuple[Production, ...]]


@dataclass(frozen=True)
class Fit:
    """A grammar estimated from S samples, and the log-probability that it assigns to real sentences.

    Attributes:
        grammar: The rules of the true grammar with estimated probabilities.
        used: Number of samples with a derivation.
        skipped: Number of samples without a derivation. They do not enter the estimate.
        reverse: Exact expected log-probability of a true sentence under `grammar`, in nats per sentence:
            -(`entropy` of the true grammar + `divergence` from the true grammar to `grammar`). NaN if no
            sample was used.
        each: (S,) jackknife pseudo-values, S * `reverse` - (S - 1) * (`reverse` without the sample), exact.
            NaN if `reverse` is NaN. The variance of their mean is on average at least that of `reverse`
            (Efron and Stein 1981, "The jackknife estimate of variance"). Derivatives would give far less,
            since the logarithm of a probability is curved most at alternatives that few samples use.
    """

    grammar: Grammar
    used: int
    skipped: int
    reverse: float
    each: NDArray[np.float64] = field(repr=False)


def fit(grammar: Grammar, sentences: Iterable[Sequence[str]], smoothing: float = SMOOTHING) -> Fit:
    """Re-estimate the probabilities of a grammar from the alternatives that sentences use.

    An alternative used c times in C uses of a symbol with K alternatives gets the probability
    (c + smoothing / K) / (C + smoothing). This is the mean of a Dirichlet posterior that knows the rules of
    the true grammar but not their probabilities, so a small number of samples gives no advantage. No real
    sentence has probability 0, and the alternatives of an unused symbol are equally probable. If a sentence
    has several derivations, each is weighted by its posterior probability (one step of expectation
    maximisation, Lari and Young 1990).

    For S sentences of the true grammar, `reverse` is below -`entropy` by about (free probabilities) / (2 S).
    Compare only values with equal S.

    Args:
        grammar: The true grammar, or its `lowercase()` for lower-cased sentences.
        sentences: Sequences of words. Sentences that the grammar does not generate are skipped.
        smoothing: Pseudo-count of each symbol, above 0.

    Returns:
        The estimated grammar and its reverse log-probability.

    Raises:
        UserError: If `smoothing` is not a positive finite number.
    """
    if not 0.0 < smoothing < math.inf:
        raise UserError(f"`smoothing` {smoothing:g}: a finite number above 0 is needed")
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
    losses = np.array(list(_losses(grammar, total, smoothing, uses)))
    return Fit(fitted, used, len(uses) - used, reverse, reverse + (len(uses) - 1) * losses)


def entropy(grammar: Grammar) -> float:
    """Exact entropy of derivations, in nats per sentence.

    This is the entropy of sentences if no sentence is ambiguous. Each symbol contributes the entropy of its
    alternatives times its expected number of uses (Chi 1999, "Statistical properties of probabilistic
    context-free grammars").
    """
    return _expectation(grammar, lambda symbol, body, p: -math.log(p))


def divergence(p: Grammar, q: Grammar) -> float:
    """Exact KL(p || q) of derivations, in nats per sentence.

    Each symbol contributes the KL divergence of its alternatives times its expected number of uses under p.
    The result is the KL divergence of sentences if no sentence is ambiguous, and an upper bound otherwise. It
    is infinite if q lacks a derivation of p.
    """
    theirs = _merged(q)

    def log_ratio(symbol: str, body: Body, share: float) -> float:
        other = theirs.get(symbol, {}).get(body, 0.0)
        return math.log(share / other) if other else math.inf

    return _expectation(p, log_ratio)


def expected_uses(grammar: Grammar) -> dict[str, float]:
    """Expected number of uses of each symbol in the derivation of a sentence; unused symbols are omitted."""
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
    """Expected sum of value(symbol, body, probability) over the productions of a derivation."""
    rules = _merged(grammar)
    return sum(
        use * p * value(symbol, body, p)
        for symbol, use in expected_uses(grammar).items()
        for body, p in rules[symbol].items()
    )


def _merged(grammar: Grammar) -> Rules:
    """Probability of each distinct body of each symbol, without bodies of probability 0."""
    rules: Rules = {}
    for symbol, alternatives in grammar.rules.items():
        bodies = rules.setdefault(symbol, {})
        for probability, body in alternatives:
            if probability > 0.0:
                bodies[body] = bodies.get(body, 0.0) + probability
    return rules


def _losses(true: Grammar, total: Uses, smoothing: float, uses: Iterable[Uses]) -> Iterator[float]:
    """By how much leaving out each sentence lowers the expected log-probability of a true sentence."""
    ours, expected = _merged(true), expected_uses(true)
    wholes = {symbol: sum(total[symbol, body] for body in bodies) for symbol, bodies in ours.items()}
    for one in uses:
        loss = 0.0
        left_out: dict[str, float] = defaultdict(float)
        for (symbol, body), times in one.items():
            left_out[symbol] += times
            count = total[symbol, body] + smoothing / len(ours[symbol])
            loss -= expected.get(symbol, 0.0) * ours[symbol][body] * math.log1p(-times / count)
        for symbol, times in left_out.items():
            loss += expected.get(symbol, 0.0) * math.log1p(-times / (wholes[symbol] + smoothing))
        yield loss


def _uses_of(grammar: Grammar, sentences: Iterable[Sequence[str]]) -> Iterator[Uses]:
    """Yield each sentence's expected number of uses of each production; empty without a derivation."""
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
    """(end, probability, productions) of each derivation of a prefix of a sentence.

    Top-down with memoisation. The time grows with the number of derivations, which is 1 in the built-in
    grammar.
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
