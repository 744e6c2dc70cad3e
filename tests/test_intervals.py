"""Intervals of scores between limits: against scipy, at 0 and 1, by coverage, and between two models."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

import bgan_text as bt
from bgan_text.evaluation.custom import CustomScores
from bgan_text.evaluation.formats import formatted
from bgan_text.evaluation.report import Cell, column
from bgan_text.scores import Score, distinct, interval, js, memorised, unique
from bgan_text.scores.proportion import FEW, LEVEL, QUANTILE, bounded, degrees_of_freedom, t_quantile, wilson
from bgan_text.scores.score import SHARE, mean
from bgan_text.scores.uncertainty import difference, intervals

Floats = NDArray[np.float64]


@pytest.mark.parametrize(("hits", "size"), [(0, 10), (1, 10), (5, 10), (10, 10), (299, 300), (70, 1000)])
def test_wilsons_interval_is_scipys(hits: int, size: int) -> None:
    expected = stats.binomtest(hits, size).proportion_ci(LEVEL, method="wilson")
    assert wilson(hits / size, size) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("hits", "size"), [(5, 20), (150, 300), (293, 300)])
def test_a_share_of_samples_has_wilsons_interval(hits: int, size: int) -> None:
    each = np.repeat([1.0, 0.0], [hits, size - hits])
    expected = wilson(hits / size, size)
    assert interval(mean(each, SHARE)) == pytest.approx(expected, abs=1e-9)
    # Other limits stretch the interval.
    percent = interval(mean(100 * each, (0.0, 100.0)))
    assert percent == pytest.approx([100 * bound for bound in interval(mean(each, SHARE))])


def test_quantiles_of_t_and_degrees_of_freedom() -> None:
    for freedom in (2, 2.5, 4, 30, 1e6, math.inf):
        assert t_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=0.01)
    rng = np.random.default_rng(0)
    assert degrees_of_freedom(rng.normal(size=5000)) == pytest.approx(5000, rel=0.1)
    assert degrees_of_freedom((np.arange(5000) < 7).astype(float)) == pytest.approx(14, rel=0.01)
    assert degrees_of_freedom(np.ones(9)) == degrees_of_freedom(np.empty(0)) == 2.0
    assert degrees_of_freedom(np.array([0.0, 1.0] * 50)) == math.inf


def test_few_events_are_bounded_by_a_poisson_distribution() -> None:
    assert FEW[1:4] == pytest.approx([stats.gamma.ppf(0.05, events) for events in (1, 2, 3)], abs=5e-5)
    for hits in (1, 2, 3):
        each = np.repeat([1.0, 0.0], [hits, 2000 - hits])
        assert interval(mean(each, SHARE))[0] == pytest.approx(FEW[hits] / 2000)
        assert interval(mean(1 - each, SHARE))[1] == pytest.approx(1 - FEW[hits] / 2000)
    assert FEW[4] / 1e6 == pytest.approx(wilson(4e-6, 10**6)[0], rel=1e-4)


def test_intervals_at_a_limit_have_a_width_and_stay_within_the_limits() -> None:
    texts = [f"a b{number}" for number in range(300)]
    split = [text.split() for text in texts]
    ones = np.ones(300)
    found = {
        "all": mean(ones, SHARE),
        "none": mean(0 * ones, SHARE),
        "unique": unique(texts),
        "one text": unique(["same"] * 300),
        "memorised": memorised(texts, texts),
        "js of equal texts": js(split, split, 2)[2],
        "distinct": distinct([[text] for text in texts])[1],
        "judge": CustomScores({"valid": lambda given: [1] * len(given)}).of(texts, "m")["valid"],
    }
    for name, score in found.items():
        low, high = interval(score)
        assert 0.0 <= low <= score.value <= high <= 1.0, name
        assert high - low > 0.005, name
    assert interval(found["unique"])[0] == pytest.approx(1 - QUANTILE**2 / (300 + QUANTILE**2))
    # Equal scores between the limits: samples of another kind may be missing.
    low, high = interval(mean(0.5 * ones, SHARE))
    assert 0.001 < 0.5 - low == pytest.approx(high - 0.5)
    assert high - low < 0.02


def test_samples_that_are_not_rated_do_not_narrow_a_share() -> None:
    rated = [1.0] * 20 + [math.nan] * 280
    score = CustomScores({"valid": lambda given: rated}).of([""] * 300, "m")["valid"]
    assert interval(score) == pytest.approx(wilson(1.0, 20))
    assert score.note == "280 of 300 samples are not rated"
    spread = CustomScores({"grade": lambda given: [3.0, 4.0] * 150}).of([""] * 300, "m")["grade"]
    assert spread.limits is None


def test_unknown_spread_gives_no_interval_and_a_given_one_counts() -> None:
    empty = np.empty(0)
    assert np.isnan(interval(Score(1.0, empty, limits=SHARE))).all()
    assert np.isnan(interval(Score(1.0, np.ones(1), limits=SHARE))).all()
    assert np.isnan(bounded(math.nan, 0.1, 10, SHARE)).all()
    assert np.isnan(interval(Score(0.5, empty, limits=SHARE, standard_error=0.0))).all()
    assert interval(Score(-2.0, empty, standard_error=0.1)) == pytest.approx(
        (-2 - 0.196, -2 + 0.196), abs=1e-4
    )
    low, high = interval(Score(0.999, empty, standard_error=0.01, limits=SHARE))
    assert (low, high) == pytest.approx((0.999 - 0.0196, 1.0), abs=1e-4)
    assert np.isnan(intervals([mean(np.ones(9), SHARE), Score(1.0, np.ones(9))], 0, resamples=0)).all()


def nearly_one(rng: np.random.Generator) -> Floats:
    """As BLEU-1: 2 % of the samples have one unknown word of five to twenty."""
    return np.where(rng.random(300) < 0.02, 1 - 1 / rng.integers(5, 21, size=300), 1.0)


def beta(rng: np.random.Generator) -> Floats:
    return rng.beta(0.4, 1.2, size=300)


def share(rng: np.random.Generator) -> Floats:
    return (rng.random(300) < 0.985).astype(float)


@pytest.mark.parametrize(("drawn", "least"), [(nearly_one, 0.955), (beta, 0.93), (share, 0.935)])
def test_intervals_hold_the_mean_and_equal_models_seldom_differ(
    drawn: Callable[[np.random.Generator], Floats], least: float
) -> None:
    rng = np.random.default_rng(0)
    truth = np.mean([drawn(rng).mean() for _ in range(4000)])
    found = [mean(drawn(rng), SHARE) for _ in range(800)]
    bounds = [interval(score) for score in found]
    assert np.mean([low <= truth <= high for low, high in bounds]) >= least
    apart = 0
    for (one, of_one), (other, of_other) in zip(
        zip(found[::2], bounds[::2], strict=True), zip(found[1::2], bounds[1::2], strict=True), strict=True
    ):
        low, high = difference(one.value, of_one, other.value, of_other)
        apart += not low <= 0 <= high
    assert apart / 400 < 0.07


@pytest.mark.parametrize("kinds", [30, 2000, 50_000])
def test_the_interval_of_unique_holds_its_mean(kinds: int) -> None:
    rng = np.random.default_rng(1)
    found = [unique([str(kind) for kind in rng.integers(kinds, size=100)]) for _ in range(300)]
    expected = kinds * (1 - (1 - 1 / kinds) ** 100) / 100
    bounds = [interval(score) for score in found]
    assert np.mean([low <= expected <= high for low, high in bounds]) >= 0.93
    errors = np.array([score.standard_error for score in found])
    seen = np.var([score.value for score in found])
    if kinds > 100:  # else most texts are repeated, and the error is too large
        assert np.mean(errors**2) == pytest.approx(seen, rel=0.35)  # the jackknife's is twice as large


def test_a_difference_of_symmetric_intervals_is_the_usual_one() -> None:
    low, high = difference(0.5, (0.2, 0.8), 0.1, (-0.3, 0.5))
    assert (low, high) == pytest.approx((0.4 - 0.5, 0.4 + 0.5))
    # Newcombe 1998, table II (a), method 10: 56/70 - 48/80 is within 0.0524 to 0.3339.
    newcombe = difference(56 / 70, wilson(56 / 70, 70), 48 / 80, wilson(48 / 80, 80))
    assert newcombe == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert np.isnan(difference(0.5, (math.nan, math.nan), 0.1, (0.0, 0.2))).all()


def test_equal_models_differ_in_few_verdicts() -> None:
    """Every score of pairs of models that draw their samples from one distribution."""
    from bgan_text.corpora.grammar import sentences

    pairs, size = 10, 300
    texts = list(sentences(11, 400 + 2 * pairs * size))
    models = {str(place): texts[400 + place * size :][:size] for place in range(2 * pairs)}
    report = bt.evaluate(models, reference=texts[:400], resamples=200)
    verdicts = [
        one.verdict
        for place in range(0, 2 * pairs, 2)
        for one in report.compare(str(place), str(place + 1)).differences.values()
    ]
    assert "unknown" not in verdicts
    assert 1 - verdicts.count("within noise") / len(verdicts) < 0.07


def test_tables_show_the_one_side_that_there_is_and_json_has_both() -> None:
    assert formatted(Cell(1.0, 0.9962, 1.0)) == "1.000 -.004"
    assert formatted(Cell(0.0, 0.0, 0.0038)) == "0.000 +.004"
    assert formatted(Cell(0.5, 0.4, 0.58)) == "0.500 ±.090"
    assert formatted(Cell(0.5, math.nan, math.nan, deviation=0.02, seeds=3)) == "0.500 ±.020"
    assert formatted(Cell(0.5, 0.4, 0.6, deviation=0.02, seeds=5)) == "0.500 ±.100"
    assert formatted(Cell(0.5, math.nan, math.nan, deviation=math.nan, seeds=1)) == "0.500"
    made = column("m", {"unique": unique(list("abcdefgh"))}, lengths={}, seed=(0, 0), resamples=100)
    cell = made.cells["unique"].to_json()
    assert cell["value"] == cell["high"] == 1.0
    assert cell["low"] == pytest.approx(wilson(1.0, 8)[0])
