"""Scores and samples of any number: the same results in bounded memory."""

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bgan_text.corpora.ngram_units import splitter
from bgan_text.evaluation.coded_units import Characters, Coder, SplitUnits, coded, coded_all, coder_of
from bgan_text.scores import ngrams
from bgan_text.scores.ngrams import stable_sort
from bgan_text.scores.sequences import Numbering, Sequences

ALPHABET = "abcä語 \t\n\u00a0\u2003\x1c\x85\U0001f600\ud800e\u0301"


def texts_of(seed: int, count: int) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices(ALPHABET, k=rng.randrange(12))) for _ in range(count)]


def same(one: Sequences, other: Sequences) -> bool:
    equal = np.array_equal(one.tokens, other.tokens) and np.array_equal(one.lengths, other.lengths)
    return equal and one.tokens.dtype == other.tokens.dtype and one.vocabulary == other.vocabulary


@pytest.mark.parametrize("units", ["char", "whitespace", "smiles"])
def test_units_are_numbered_as_lists_of_units_are(units: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bgan_text.evaluation.coded_units.CHUNK_CHARACTERS", 40)
    split, numbering = splitter(units), Numbering()
    coder = coder_of(split)
    corpora = [texts_of(0, 60), texts_of(1, 80), [], [""]]
    expected = numbering.add_all([split(text) for text in texts] for texts in corpora)
    assert all(map(same, coded_all(coder, corpora), expected))
    assert len(coder) == len(numbering) > 10
    others = [*texts_of(2, 50), "ñ ü"]
    assert same(coded(coder, others), numbering.look_up([split(text) for text in others]))
    assert coded(coder, others).tokens.min() == -1
    assert len(coder) == len(numbering)  # looking up adds none


@pytest.mark.parametrize("make", [Characters, lambda: SplitUnits(str.split)])
def test_a_coder_numbers_in_the_order_of_first_occurrence(make: Callable[[], Coder]) -> None:
    coder = make()
    assert coder.numbers(["b", "a", "b"], add=True)[0].tolist() == [0, 1, 0]
    assert coder.numbers(["c", "a"], add=True)[0].tolist() == [2, 1]
    assert replace(coded(coder, ["x"]), vocabulary=0).tokens.tolist() == [-1]


@pytest.mark.parametrize("largest", [1, 50, 2**40, 2**62])
@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 3000])
def test_a_stable_sort_keeps_equal_keys_in_their_order(largest: int, size: int) -> None:
    keys = np.random.default_rng(size).integers(0, largest, size)
    keys[::7] = largest - 1
    kept = keys.copy()
    values, place = stable_sort(keys)
    expected = np.argsort(keys, kind="stable")
    assert np.array_equal(place, expected)
    assert np.array_equal(values, keys[expected])
    assert np.array_equal(keys, kept)


def test_the_n_grams_are_the_same_whichever_sort_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    sequences = Numbering().add(texts_of(3, 200))
    packed = ngrams.Index(sequences, 5).levels
    order = lambda keys: np.argsort(keys, kind="stable")  # noqa: E731
    monkeypatch.setattr(ngrams, "stable_sort", lambda keys: (keys[order(keys)], order(keys)))
    for level, expected in zip(packed, ngrams.Index(sequences, 5).levels, strict=True):
        assert np.array_equal(level.keys, expected.keys)
        assert np.array_equal(level.counts.owner, expected.counts.owner)
        assert np.array_equal(level.counts.count, expected.counts.count)
