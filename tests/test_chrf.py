"""chrF of samples against all references is that of sacrebleu."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu import CHRF

import bgan_text as bt
from bgan_text import scores

Command = Callable[..., Any]
TEXTS = st.lists(st.text("abc d", max_size=12), min_size=1, max_size=7)


def literal(samples: list[str], references: list[str]) -> tuple[float, list[float]]:
    """What sacrebleu says of the corpus and of each sentence."""
    streams = [[reference] * len(samples) for reference in references]
    each = [CHRF().sentence_score(sample, references).score for sample in samples]
    return CHRF().corpus_score(samples, streams).score, each


def assert_equal(samples: list[str], references: list[str]) -> None:
    corpus, sentences = scores.chrf(samples, references)
    expected, each = literal(samples, references)
    assert corpus.value == pytest.approx(expected, abs=1e-9)
    np.testing.assert_allclose(sentences.each, each, rtol=0, atol=1e-9)
    assert sentences.value == pytest.approx(np.mean(each), abs=1e-9)


@given(TEXTS, TEXTS)
@settings(max_examples=100, deadline=None)
def test_chrf_equals_sacrebleu(samples: list[str], references: list[str]) -> None:
    assert_equal(samples, references)


@pytest.mark.parametrize("pairs", [1 << 20, 300])
@pytest.mark.parametrize("common", [0.0, 0.05, 2.0])
def test_captions_in_blocks_score_as_in_sacrebleu(
    captions: dict[str, list[str]], pairs: int, common: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever n-grams are compared by a matrix product, and however many pairs at a time."""
    module = sys.modules["bgan_text.scores.chrf"]  # the function has the same name
    monkeypatch.setattr(module, "PAIRS", pairs)
    monkeypatch.setattr(module, "COMMON", common)
    assert_equal(captions["leakgan"][:20], captions["test"][:60])


def test_the_contributions_are_the_derivative_in_the_weight_of_a_sample(
    captions: dict[str, list[str]],
) -> None:
    samples, references = captions["leakgan"][:30], captions["test"][:50]
    corpus, _ = scores.chrf(samples, references)
    for place in (0, 7, 29):
        often = samples * 200 + [samples[place]]  # its weight grows by about 1 / 6000
        slope = (scores.chrf(often, references)[0].value - corpus.value) * len(often)
        assert corpus.each[place] - corpus.each.mean() == pytest.approx(slope, abs=0.05)


def test_white_space_does_not_count_and_nothing_is_undefined() -> None:
    assert scores.chrf(["a  red car\t"], ["aredcar"])[1].value == pytest.approx(100.0)
    assert scores.chrf([""], ["a"])[0].value == 0.0
    for samples, references in (([], ["a"]), (["a"], [])):
        assert all(math.isnan(score.value) for score in scores.chrf(samples, references))


def test_the_report_has_chrf_and_its_signature_on_request(bgan: Command) -> None:
    samples, references = ["a red car", "the man"], ["the man runs", "a red cat", "cars", "A Man"]
    report = bt.evaluate({"mine": samples}, reference=references, chrf=True, lowercase=True)
    mine, real = report.columns
    expected, each = literal(samples, [one.lower() for one in references])
    assert mine.cells["chrf"].value == pytest.approx(expected)
    assert mine.cells["sentence-chrf"].value == pytest.approx(np.mean(each))
    assert mine.cells["sentence-chrf"].low < mine.cells["sentence-chrf"].value
    halves = literal(["the man runs", "cars"], ["a red cat", "a man"])
    assert real.cells["chrf"].value == pytest.approx(halves[0])
    assert "chrf" not in bt.evaluate({"mine": samples}, reference=references).columns[0].cells
    metric = CHRF(lowercase=True)
    metric.num_refs = 4
    assert report.settings["chrf"] == str(metric.get_signature())
    for name, texts in (("samples.txt", samples), ("real.txt", references)):
        Path(name).write_text("\n".join(texts) + "\n", "utf-8")
    made = bgan("score", "samples.txt", "--reference", "real.txt", "--chrf", "--lowercase", "--json")
    found = json.loads(made.out)
    assert found["models"][0]["scores"]["chrf"]["value"] == pytest.approx(expected)
    assert found["models"][0]["scores"]["chrf"]["better"] == "higher"
    assert found["settings"]["chrf"] == report.settings["chrf"]
    made = bgan("score", "samples.txt", "--reference", "real.txt", "--chrf")
    assert "chrf nrefs:4|case:mixed|eff:yes|nc:6|nw:0|space:no" in made.out.replace("\n", "")
