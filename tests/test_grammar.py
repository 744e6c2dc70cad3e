import itertools
import math
import random
from collections import Counter

import pytest

from bgan_text.corpora.grammar import Grammar, newswire, parse, sentences

SMALL = """
# a comment
<sentence> = <np_#> <vp_#> *3 | <np_#> who <vp_#> <vp_#>
<np_sg>    = <a_@> *2 | she
<np_pl>    = they | dogs
<a_c>      = a dog
<a_v>      = an owl
<vp_sg>    = sings | sleeps *2
           | sees <np_#>
<vp_pl>    = sing | sleep
"""


def everything(grammar: Grammar, symbol: str) -> Counter[tuple[str, ...]]:
    """Every string of a symbol with its probability: the literal definition."""
    if symbol not in grammar.rules:
        return Counter({(symbol,): 1.0})
    total: Counter[tuple[str, ...]] = Counter()
    for probability, body in grammar.rules[symbol]:
        for parts in itertools.product(*(everything(grammar, part).items() for part in body)):
            words = tuple(word for text, _ in parts for word in text)
            total[words] += probability * math.prod(value for _, value in parts)
    return total


def test_log_prob_equals_enumeration_and_sums_to_one() -> None:
    grammar = parse(SMALL)
    exact = everything(grammar, grammar.start)
    assert sum(exact.values()) == pytest.approx(1.0)
    for words, probability in exact.items():
        assert math.exp(grammar.log_prob(words)) == pytest.approx(probability, rel=1e-12)
    assert len(exact) == grammar.derivations()
    assert max(map(len, exact)) == grammar.longest()


def test_ambiguous_sentences_add_up_their_derivations() -> None:
    grammar = parse("<sentence> = <a> <b> | x y *3\n<a> = x\n<b> = y | z")
    assert math.exp(grammar.log_prob(["x", "y"])) == pytest.approx(0.25 * 0.5 + 0.75)


def test_samples_follow_the_probabilities() -> None:
    grammar, rng = parse(SMALL), random.Random(1)
    counts = Counter(tuple(grammar.sample(rng)) for _ in range(40_000))
    for words, probability in everything(grammar, grammar.start).items():
        assert counts[words] / 40_000 == pytest.approx(probability, abs=0.01)


def test_impossible_sentences_have_probability_zero() -> None:
    grammar = parse(SMALL)
    for words in (["a", "dog", "sing"], ["a", "owl", "sings"], ["she"], [], ["she", "sings", "sings"], [""]):
        assert grammar.log_prob(words) == -math.inf


def test_lower_casing_adds_up_probabilities() -> None:
    grammar = parse("<sentence> = The end | the end *2 | x").lowercase()
    assert math.exp(grammar.log_prob(["the", "end"])) == pytest.approx(0.75)


def test_a_symbol_without_a_rule_is_an_error() -> None:
    with pytest.raises(ValueError, match="<b>"):
        parse("<sentence> = a <b>")
    with pytest.raises(ValueError, match="not a rule"):
        parse("sentence = a")


def test_newswire_is_as_large_as_it_says() -> None:
    grammar = newswire()
    assert 400 <= len(grammar.vocabulary()) <= 1000
    assert grammar.longest() <= 24
    assert not any(mark in word for word in grammar.vocabulary() for mark in "#@<>_")


def test_newswire_has_a_billion_distinct_sentences() -> None:
    """Derivations are distinct sentences where no sentence has two: checked on samples, exactly."""
    grammar = newswire()
    assert grammar.derivations() >= 10**9
    once = Grammar({symbol: [(1.0, body) for _, body in rules] for symbol, rules in grammar.rules.items()})
    for rules in once.rules.values():  # every alternative counts one, so the inside sum counts derivations
        rules[:] = [(1.0, body) for _, body in rules]
    once._words = {symbol: dict.fromkeys(words, 1.0) for symbol, words in grammar._words.items()}
    for sentence in sentences(3, 2000):
        assert once.log_prob(sentence.split()) == 0.0, sentence


def test_newswire_sentences_follow_from_the_seed_and_are_possible() -> None:
    first = list(sentences(1, 500))
    assert first == list(sentences(1, 500)) != list(sentences(2, 500))
    assert all(newswire().log_prob(sentence.split(" ")) > -60 for sentence in first)
    assert len(set(first)) > 490


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("The bank has raised prices .", "The bank have raised prices ."),
        ("An Italian bank has raised prices .", "A Italian bank has raised prices ."),
        ("Some teachers who live in Paris cut taxes .", "Some teachers who lives in Paris cut taxes ."),
        ("The union plans to block the deal next week .", "The union plans to blocked the deal next week ."),
    ],
)
def test_newswire_knows_agreement(good: str, bad: str) -> None:
    assert newswire().log_prob(good.split()) > -math.inf
    assert newswire().log_prob(bad.split()) == -math.inf


def test_cross_entropy_of_samples_is_the_entropy() -> None:
    """Two independent estimates of the grammar's entropy agree: sampling, and the sum over rules."""
    grammar = newswire()
    texts = list(sentences(5, 4000))
    estimate = -sum(grammar.log_prob(text.split()) for text in texts) / len(texts)

    def entropy(symbol: str) -> float:
        if symbol not in grammar.rules:
            return 0.0
        return sum(
            p * (sum(map(entropy, body)) - math.log(p)) for p, body in grammar.rules[symbol]
        )  # exact for an unambiguous grammar

    assert estimate == pytest.approx(entropy(grammar.start), abs=0.25)
