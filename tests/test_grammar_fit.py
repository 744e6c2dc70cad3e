import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgan_text.corpora.grammar import Grammar, newswire, parse
from bgan_text.corpora.grammar_fit import divergence, entropy, expected_uses, fit
from bgan_text.scores import Score, interval

SMALL = """
<sentence> = <np_#> <vp_#> *3 | <np_#> who <vp_#> <vp_#>
<np_sg>    = <a_@> *2 | she
<np_pl>    = they | dogs *3
<a_c>      = a dog *4 | a cat
<a_v>      = an owl
<vp_sg>    = sings | sleeps *2
           | sees <np_#>
<vp_pl>    = sing | sleep
"""
Sentences = list[list[str]]


def everything(grammar: Grammar, symbol: str = "<sentence>") -> dict[str, float]:
    """Every string of a symbol with its probability: the literal definition."""
    if symbol not in grammar.rules:
        return {symbol: 1.0}
    total: dict[str, float] = {}
    for probability, body in grammar.rules[symbol]:
        for parts in itertools.product(*(everything(grammar, part).items() for part in body)):
            text = " ".join(words for words, _ in parts)
            total[text] = total.get(text, 0.0) + probability * math.prod(value for _, value in parts)
    return total


def reweighted(grammar: Grammar, seed: int) -> Grammar:
    rng = random.Random(seed)
    rules = {
        symbol: [(p * rng.uniform(0.1, 3), body) for p, body in alternatives]
        for symbol, alternatives in grammar.rules.items()
    }
    return Grammar(rules, grammar.start)


def draw(grammar: Grammar, seed: int, count: int) -> Sentences:
    rng = random.Random(seed)
    return [grammar.sample(rng) for _ in range(count)]


def probabilities(grammar: Grammar, symbol: str) -> dict[str, float]:
    return {" ".join(body): p for p, body in grammar.rules[symbol]}


@pytest.fixture(scope="module")
def real() -> Sentences:
    return draw(newswire(), 1, 4000)


@given(st.integers(0, 1000), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_entropy_and_divergence_equal_enumeration(first: int, second: int) -> None:
    p, q = reweighted(parse(SMALL), first), reweighted(parse(SMALL), second)
    ours, theirs = everything(p), everything(q)
    assert len(ours) == p.derivations()
    assert entropy(p) == pytest.approx(-sum(x * math.log(x) for x in ours.values()), rel=1e-12)
    literal = sum(x * math.log(x / theirs[text]) for text, x in ours.items())
    assert divergence(p, q) == pytest.approx(literal, rel=1e-9, abs=1e-12)
    assert divergence(p, p) == 0.0


def test_divergence_is_infinite_where_the_other_lacks_a_sentence() -> None:
    p = parse("<sentence> = a | b *3")
    for text in ("<sentence> = a", "<sentence> = a | b *0"):
        assert divergence(p, parse(text)) == math.inf
        assert divergence(parse(text), p) == pytest.approx(math.log(4))


def test_what_nothing_leads_to_costs_nothing() -> None:
    p, q = (parse(f"<sentence> = a | <x> *0\n<x> = b | {word}") for word in "cd")
    assert expected_uses(p) == {"<sentence>": 1.0}
    assert entropy(p) == divergence(p, q) == 0.0


def test_entropy_of_newswire_is_that_of_its_samples(real: Sentences) -> None:
    surprises = [-newswire().log_prob(words) for words in real]
    error = np.std(surprises) / len(surprises) ** 0.5
    assert abs(np.mean(surprises) - entropy(newswire())) < 4 * error


def test_expected_uses_are_the_mean_of_samples(real: Sentences) -> None:
    uses = expected_uses(newswire())
    assert uses["<sentence>"] == pytest.approx(1.0)
    assert uses["<city>"] == pytest.approx(0.4)
    for symbol in ("<percent>", "<scale>", "<month>"):
        words = set(probabilities(newswire(), symbol))
        share = sum(word in words for sentence in real for word in sentence) / len(real)
        assert share == pytest.approx(uses[symbol], rel=0.15)


def test_fit_counts_what_derivations_use() -> None:
    grammar = parse("<sentence> = <x> <x> *3 | <x>\n<x> = a | b *3")
    fitted = fit(grammar, [["a", "b"], ["a", "a"], ["b"], ["c"], [], ["a", "b", "a"]], smoothing=2.0)
    assert (fitted.used, fitted.skipped) == (3, 3)
    assert probabilities(fitted.grammar, "<sentence>") == pytest.approx({"<x> <x>": 3 / 5, "<x>": 2 / 5})
    assert probabilities(fitted.grammar, "<x>") == pytest.approx({"a": 4 / 7, "b": 3 / 7})


def test_derivations_of_an_ambiguous_sentence_share_it_by_their_probability() -> None:
    grammar = parse("<sentence> = <a> <b> | x y *3\n<a> = x\n<b> = y | z")
    fitted = fit(grammar, [["x", "y"]], smoothing=1.0).grammar
    share = 0.125 / 0.875
    assert probabilities(fitted, "<sentence>") == pytest.approx(
        {"<a> <b>": (share + 0.5) / 2, "x y": (1 - share + 0.5) / 2}
    )
    assert probabilities(fitted, "<b>") == pytest.approx(
        {"y": (share + 0.5) / (share + 1), "z": 0.5 / (share + 1)}
    )


def test_lower_casing_makes_equal_alternatives_one() -> None:
    grammar = parse("<sentence> = <x> end *2 | y\n<x> = The | the *2 | a").lowercase()
    literal = everything(grammar)
    assert entropy(grammar) == pytest.approx(-sum(x * math.log(x) for x in literal.values()))
    fitted = fit(grammar, [["the", "end"], ["The", "end"]])
    assert (fitted.used, fitted.skipped) == (1, 1)
    assert probabilities(fitted.grammar, "<x>") == pytest.approx({"the": 1.5 / 2, "a": 0.5 / 2})
    assert divergence(grammar, grammar) == 0.0


def test_lower_casing_leaves_newswire_unambiguous(real: Sentences) -> None:
    lower = newswire().lowercase()
    assert entropy(lower) == pytest.approx(entropy(newswire()))
    lowered = [[word.lower() for word in words] for words in real[:500]]
    for words, low in zip(real, lowered, strict=False):
        assert lower.log_prob(low) == pytest.approx(newswire().log_prob(words))
    assert fit(lower, lowered).reverse == pytest.approx(fit(newswire(), real[:500]).reverse)


def test_fit_of_samples_of_the_truth_recovers_it(real: Sentences) -> None:
    """KL falls as (free probabilities) / (2 S): Wilks."""
    free = sum(len(alternatives) - 1 for alternatives in newswire().rules.values())
    distances = [divergence(newswire(), fit(newswire(), real[:size]).grammar) for size in (200, 800, 2500)]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] == pytest.approx(free / (2 * 2500), rel=0.2)
    fitted = probabilities(fit(newswire(), real[:2500]).grammar, "<body>")
    assert fitted == pytest.approx(probabilities(newswire(), "<body>"), abs=0.03)


def test_a_missing_construction_and_repetition_cost_likelihood(real: Sentences) -> None:
    whole = fit(newswire(), real[:500]).reverse
    without = fit(newswire(), [words for words in real if "percent" not in words][:500]).reverse
    repeated = fit(newswire(), real[:50] * 10).reverse
    assert whole - without > 0.3
    assert whole - repeated > 3.0


def test_reverse_is_the_mean_log_probability_of_real_sentences(real: Sentences) -> None:
    fitted = fit(newswire(), real[:300])
    new = draw(newswire(), 2, 3000)
    logs = [fitted.grammar.log_prob(words) for words in new]
    assert abs(np.mean(logs) - fitted.reverse) < 4 * np.std(logs) / len(logs) ** 0.5
    assert fitted.reverse < -entropy(newswire())


def test_reverse_of_the_small_grammar_is_exact() -> None:
    grammar = parse(SMALL)
    fitted = fit(grammar, draw(grammar, 1, 30))
    literal = sum(p * fitted.grammar.log_prob(text.split()) for text, p in everything(grammar).items())
    assert fitted.reverse == pytest.approx(literal)


def test_shares_are_what_the_fit_would_lack_without_the_sample() -> None:
    grammar, smoothing = parse(SMALL), 0.7
    samples = [*draw(grammar, 3, 6), ["she", "she"]]
    fitted, size = fit(grammar, samples, smoothing), len(samples)
    for index in range(size):
        without = fit(grammar, samples[:index] + samples[index + 1 :], smoothing).reverse
        assert fitted.each[index] == pytest.approx(size * fitted.reverse - (size - 1) * without, rel=1e-9)
    assert fitted.each[-1] == fitted.reverse  # it is not used


@pytest.mark.parametrize("dull", [False, True])
def test_intervals_of_reverse_log_probability_are_wide_enough(dull: bool) -> None:
    """Most words are rare, so that samples use some once or never. Half of the dull samples are one word."""
    words, rng, sets, size = [f"w{rank}" for rank in range(40)], random.Random(0), 40, 60
    grammar = parse("<sentence> = " + " | ".join(f"{word} *{40 - rank}" for rank, word in enumerate(words)))
    pool = [grammar.sample(rng) for _ in range(sets * size)]
    pool = [["w0"] if dull and rng.random() < 0.5 else one for one in pool]
    fits = [fit(grammar, pool[start : start + size]) for start in range(0, len(pool), size)]
    values = np.array([fitted.reverse for fitted in fits])
    found = np.array([interval(Score(fitted.reverse, fitted.each), resamples=200) for fitted in fits])
    covered = (found[:, 0] <= values.mean()) & (values.mean() <= found[:, 1])
    assert covered.mean() >= 0.92  # with derivatives in place of pseudo-values: under 0.6


@pytest.mark.parametrize("samples", [[], [["no", "sentence"], []]])
def test_reverse_is_undefined_without_a_derivation(samples: Sentences) -> None:
    fitted = fit(newswire(), samples)
    assert math.isnan(fitted.reverse)
    assert (fitted.used, fitted.skipped, len(fitted.each)) == (0, len(samples), len(samples))
    assert np.isnan(fitted.each).all()
    assert divergence(newswire(), fitted.grammar) > 0.5  # the rules are known, their probabilities are not
