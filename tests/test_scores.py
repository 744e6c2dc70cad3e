import itertools
import math
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.tokenize import NLTKWordTokenizer
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from bgan_text import scores
from bgan_text.ngrams import Sequences, count, ngrams, number, two_largest

METHOD = SmoothingFunction().method1
CORPUS = st.lists(st.lists(st.sampled_from("abcd"), max_size=9), min_size=2, max_size=7)


def nltk_bleu(references: Sequence[Sequence[str]], sample: Sequence[str], order: int) -> float:
    """The oracle. nltk cannot take an empty sample with method 1; its score is 0."""
    if not sample:
        return 0.0
    return float(sentence_bleu(list(references), sample, [1 / order] * order, METHOD))


@given(CORPUS, CORPUS)
@settings(max_examples=150, deadline=None)
def test_bleu_equals_nltk(samples: list[list[str]], references: list[list[str]]) -> None:
    got = scores.bleu(samples, references)
    for order in range(1, 6):
        expected = [nltk_bleu(references, sample, order) for sample in samples]
        np.testing.assert_allclose(got[order], expected, rtol=0, atol=1e-12)


@given(CORPUS)
@settings(max_examples=150, deadline=None)
def test_self_bleu_equals_nltk_against_all_the_others(samples: list[list[str]]) -> None:
    got = scores.self_bleu(samples)
    for order in range(1, 6):
        expected = [
            nltk_bleu(samples[:index] + samples[index + 1 :], sample, order)
            for index, sample in enumerate(samples)
        ]
        np.testing.assert_allclose(got[order], expected, rtol=0, atol=1e-12)


def test_golden_values(real_data: Path) -> None:
    """COCO captions of Texygen, as measured with nltk."""
    tokenizer = NLTKWordTokenizer()
    samples, references = (
        [tokenizer.tokenize(line.lower()) for line in path.read_text("utf-8").splitlines()]
        for path in (real_data / "texygen" / name for name in ("image_coco.txt", "test_coco.txt"))
    )
    golden = [0.10159342591158, 0.39890819749672, 0.11206772888882, 0.07980719416170]
    np.testing.assert_allclose(scores.bleu(samples[:4], references)[5], golden, rtol=0, atol=1e-10)
    golden = [0.22504291847, 0.77837054155, 0.19783230542, 0.09167439265]
    np.testing.assert_allclose(scores.self_bleu(samples[:1000])[5][:4], golden, rtol=0, atol=1e-10)
    means = [scores.bleu(samples, references)[order].mean() for order in range(2, 6)]
    np.testing.assert_allclose(means, [0.7403, 0.5202, 0.3371, 0.2180], rtol=0, atol=5e-5)
    means = [scores.self_bleu(samples)[order].mean() for order in range(2, 6)]
    np.testing.assert_allclose(means, [0.8924, 0.7473, 0.5736, 0.4157], rtol=0, atol=6e-5)


def test_a_sample_is_not_its_own_reference_but_its_copy_is() -> None:
    one, two = list("abcdef"), list("uvwxyz")
    assert scores.self_bleu([one, two])[2].tolist() == [0.0, 0.0]
    assert scores.self_bleu([one, two, one])[5] == pytest.approx([1.0, 0.0, 1.0])


def test_undefined_scores_are_not_a_number() -> None:
    assert np.isnan(scores.self_bleu([["a"]])[3]).all()
    assert np.isnan(scores.bleu([["a"]], [])[3]).all()
    assert math.isnan(scores.distinct([["a"]])[2])
    assert math.isnan(scores.js([["a"]], [["b"]], window=2)[3])
    assert math.isnan(scores.copied([], ["a"]))


def literal_js(first: list[str], second: list[str]) -> float:
    p, q = Counter(first), Counter(second)
    total = 0.0
    for gram in p.keys() | q.keys():
        a, b = p[gram] / len(first), q[gram] / len(second)
        middle = (a + b) / 2
        total += (a * math.log2(a / middle) if a else 0) / 2
        total += (b * math.log2(b / middle) if b else 0) / 2
    return total


def test_js_equals_the_literal_sum_pads_included() -> None:
    random.seed(1)
    first, second = (
        ["".join(random.choices("abc", k=random.randint(0, 9))) for _ in range(20)] for _ in "xy"
    )
    got = scores.js(first, second, window=6)
    for order in range(1, 5):
        grams = [
            [text[:6].ljust(6, "#")[i : i + order] for text in texts for i in range(7 - order)]
            for texts in (first, second)
        ]
        assert got[order] == pytest.approx(literal_js(*grams), abs=1e-12)


def test_js_is_zero_for_equal_and_one_bit_for_disjoint_texts() -> None:
    assert list(scores.js(["ab", "cd"], ["cd", "ab"], 2).values())[:2] == [0.0, 0.0]
    assert scores.js(["ab"], ["cd"], 2)[1] == pytest.approx(1.0)


def test_js_of_real_characters(real_data: Path) -> None:
    """2,000 real beginnings of lines against the held-out ones: .000 and .119 in the trials."""
    first, second = (
        [line.lower()[:32] for line in (real_data / "lm1b" / name).read_text("utf-8").splitlines()]
        for name in ("1b_benchmark.dev.tokens", "1b_benchmark.test.tokens")
    )
    got = scores.js(first[:2000], second, window=32)
    assert got[1] < 0.0005
    assert got[4] == pytest.approx(0.119, abs=0.002)


def test_distinct_and_copied() -> None:
    values = scores.distinct(["aab", "ab"])
    assert (values[1], values[2], values[3]) == (2 / 5, 2 / 3, 1.0)
    assert scores.distinct_samples(["x", "y", "x", "x"]) == 0.5
    assert scores.copied(["x", "y", "x", "z"], iter(["x", "q", "x"])) == 0.5


def test_order_of_samples_does_not_matter() -> None:
    random.seed(2)
    samples = [random.choices("abcd", k=random.randint(1, 12)) for _ in range(30)]
    shuffled = random.sample(samples, 30)
    for order in range(1, 6):
        one, other = scores.self_bleu(samples)[order], scores.self_bleu(shuffled)[order]
        np.testing.assert_allclose(sorted(one), sorted(other), rtol=0, atol=1e-14)


@given(CORPUS)
@settings(max_examples=60, deadline=None)
def test_ngrams_have_equal_ids_exactly_where_they_are_equal(corpus: list[list[str]]) -> None:
    (sequences,) = number(corpus)
    for grams in ngrams(sequences, 4):
        literal = [
            (owner, tuple(text[i : i + grams.order]))
            for owner, text in enumerate(corpus)
            for i in range(len(text) - grams.order + 1)
        ]
        assert grams.owner.tolist() == [owner for owner, _ in literal]
        names = [text for _, text in literal]
        assert len(set(zip(grams.ids.tolist(), names, strict=True))) == len(set(names)) == len(set(grams.ids))


def test_counts_and_two_largest() -> None:
    sequences = Sequences(np.array([1, 1, 2, 1, 1, 0, 2]), np.array([3, 3, 1]), 4)
    (grams,) = ngrams(sequences, 1)
    counts = count(grams)
    rows = sorted(zip(counts.ids.tolist(), counts.owner.tolist(), counts.count.tolist(), strict=True))
    assert rows == [(0, 1, 1), (1, 0, 2), (1, 1, 2), (2, 0, 1), (2, 2, 1)]
    largest, second = two_largest(counts, 4)
    assert largest.tolist() == [1, 2, 1, 0]
    assert second.tolist() == [0, 2, 1, 0]


def test_closest_lengths_prefer_the_shorter() -> None:
    lengths = np.array([1, 3, 4, 9])
    assert scores._closest(lengths, np.array([2, 4])).tolist() == [2, 2, 4, 4]
    for sample in itertools.product([1, 2, 3, 5], repeat=4):
        got = scores._closest_other(np.array(sample)).tolist()
        for index, own in enumerate(sample):
            others = sample[:index] + sample[index + 1 :]
            assert got[index] == min(others, key=lambda other: (abs(other - own), other))
