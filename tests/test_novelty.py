"""Novelty of n-grams against training text, and the Zipf coefficient."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress

import bgan_text as bt
from bgan_text import scores
from bgan_text.scores.memorisation import copied
from bgan_text.scores.sequences import Numbering

CORPUS = st.lists(st.text("abcd", max_size=9), min_size=2, max_size=7)


def grams(text: str, order: int) -> list[str]:
    return [text[at : at + order] for at in range(len(text) - order + 1)]


@given(CORPUS, CORPUS)
@settings(max_examples=60, deadline=None)
def test_novelty_is_the_literal_share(samples: list[str], training: list[str]) -> None:
    got = scores.novelty(samples, training)
    for order in range(1, 6):
        known = {gram for text in training for gram in grams(text, order)}
        made = [gram for text in samples for gram in grams(text, order)]
        expected = sum(gram not in known for gram in made) / len(made) if made else math.nan
        assert got[order].value == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_training_text_in_chunks_is_one_training_set() -> None:
    """An n-gram is known if any chunk has it, though no chunk has all."""
    numbering = Numbering()
    samples = numbering.add(["abcab"])
    chunks = [numbering.look_up([list(text)]) for text in ("xab", "bca", "zzz")]
    found = copied(samples, chunks, 3)
    assert found.known.tolist() == [[5.0], [4.0], [1.0]]
    assert found.longest.tolist() == [3]


def literal_zipf(samples: list[str], ranks: int) -> float:
    """As in the code of Holtzman et al. 2020."""
    counts = Counter(token for text in samples for token in text)
    frequencies = np.array(sorted(counts.values(), reverse=True)[:ranks])
    if len(frequencies) < 2:
        return math.nan
    return float(-linregress(np.log(np.arange(1, len(frequencies) + 1)), np.log(frequencies)).slope)


@given(CORPUS, st.sampled_from([2, 3, 5000]))
@settings(max_examples=60, deadline=None)
def test_zipf_is_the_slope_that_scipy_fits_and_the_jackknife_leaves_one_out(
    samples: list[str], ranks: int
) -> None:
    got, size = scores.zipf(samples, ranks), len(samples)
    assert got.value == pytest.approx(literal_zipf(samples, ranks), abs=1e-9, nan_ok=True)
    if math.isnan(got.value):
        return
    without = np.array([literal_zipf(samples[:at] + samples[at + 1 :], ranks) for at in range(size)])
    np.testing.assert_allclose(got.each, size * got.value - (size - 1) * without, atol=1e-8)


def test_the_anchor_of_novelty_is_held_out_text() -> None:
    """The anchor's texts are training text, of which nothing is novel."""
    training = ["a red car", "a man runs", "the cat"]
    references = ["a red cat", "the man sits", "a dog runs"]
    report = bt.evaluate({"mine": ["a blue car", "the cat"]}, reference=references, train=training)
    mine, real = report.columns
    assert mine.cells["novelty-1"].value == pytest.approx(1 / 5)
    assert mine.cells["novelty-2"].value == pytest.approx(2 / 3)
    chosen = scores.novelty([text.split() for text in references], [text.split() for text in training])
    assert 0 < real.cells["novelty-1"].value < 1
    assert real.cells["novelty-1"].low <= real.cells["novelty-1"].value
    whole = bt.evaluate({"mine": ["a blue car"] * 3}, reference=references, train=training).columns[1]
    for order in (1, 2, 3):
        assert whole.cells[f"novelty-{order}"].value == pytest.approx(chosen[order].value)
    few = bt.evaluate({"mine": ["a blue car"] * 3}, reference=references[:2], train=training).columns[1]
    assert math.isnan(few.cells["novelty-1"].low)  # two references, three texts in the anchor
    assert few.cells["novelty-1"].value == pytest.approx(1 / 6)
    alone = bt.evaluate({"mine": ["a blue car"]}, reference=references).columns[0]
    assert "novelty-1" not in alone.cells


def test_the_report_has_the_zipf_coefficient_of_samples_and_of_real_text() -> None:
    texts = ["a a b", "a c", "b d a"]
    report = bt.evaluate({"mine": texts}, reference=texts * 2, resamples=50)
    assert report.columns[0].cells["zipf"].value == pytest.approx(literal_zipf(["aab", "ac", "bda"], 5000))
    assert report.columns[1].cells["zipf"].value == pytest.approx(literal_zipf(["aab", "bda", "ac"], 5000))
    assert report.entries["zipf"].better == report.entries["novelty-3"].better == "real"
