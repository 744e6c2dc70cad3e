"""What experiments conclude from numbers: a claim holds or does not."""

import math
from typing import Any

import pytest

from bgan_text.studies import cifar10_classification as classification
from bgan_text.studies import mnist_distances as distances
from bgan_text.studies import stability as stability
from bgan_text.studies.experiment import Claim
from bgan_text.studies.experiment_scores import Scored

GOOD = {
    "critic-js": 0.01,
    "critic-reverse-kl": 0.02,
    "critic-wasserstein": 0.3,
    "modes-covered": 10.0,
    "smallest-class": 0.05,
    "largest-class": 0.15,
    "confidence": 0.95,
}
FAR = GOOD | {name: 2 * GOOD[name] for name in distances.DISTANCES}


def scored(ours: list[dict[str, float]], theirs: list[dict[str, float]], right: float = 0.99) -> Scored:
    made = Scored.__new__(Scored)
    made.runs = {("ours", seed): scores for seed, scores in enumerate(ours)}
    made.runs |= {(distances.RIVAL, seed): scores for seed, scores in enumerate(theirs)}
    made.settings = {"classifier": {"test accuracy": right}}
    made.failed = set()
    return made


def verdicts(claims: Any) -> list[bool | None]:
    found: list[Claim] = list(claims)
    return [claim.holds for claim in found]


def test_distances_are_compared_by_their_means_over_seeds() -> None:
    methods = ["ours", distances.RIVAL]
    assert verdicts(distances.nearer(scored([GOOD], [FAR]), methods)) == [True, True, True]
    assert verdicts(distances.nearer(scored([FAR], [GOOD]), methods)) == [False, False, False]
    assert verdicts(distances.nearer(scored([GOOD], [GOOD]), methods)) == [False, False, False]
    one_bad = GOOD | {"critic-js": 0.04}  # 0.01 and 0.04 have the mean 0.025
    assert verdicts(distances.nearer(scored([GOOD, one_bad], [FAR]), methods)) == [None, True, True]
    near, far_off = GOOD | {"critic-js": 0.005}, GOOD | {"critic-js": 0.4}
    unlike = scored([GOOD, GOOD], [near, far_off])  # 0.193 above, standard error 0.198
    assert verdicts(distances.nearer(unlike, methods)) == [None, False, False]
    alike = scored([GOOD, GOOD], [far_off, far_off | {"critic-js": 0.2}])  # 0.29 above, 0.1
    assert verdicts(distances.nearer(alike, methods)) == [True, False, False]
    between = scored([GOOD, GOOD], [far_off, far_off | {"critic-js": 0.1}])  # 0.24 above, 0.15
    assert verdicts(distances.nearer(between, methods)) == [None, False, False]


def test_what_failed_or_is_not_known_tells_nothing() -> None:
    methods = ["ours", distances.RIVAL]
    lost = scored([GOOD], [FAR])
    lost.failed = {distances.RIVAL}
    assert verdicts(distances.nearer(lost, methods)) == [None, None, None]
    unknown = scored([GOOD | {"critic-js": math.nan}], [FAR])
    assert verdicts(distances.nearer(unknown, methods)) == [None, True, True]
    assert "(-, 0.020)" in next(distances.nearer(unknown, methods)).text
    assert verdicts(distances.nearer(scored([], [GOOD]), methods)) == [None, None, None]


def test_bgan_goes_on_where_another_fails_or_is_nearer() -> None:
    near, far = {"classifier-frechet": 10.0}, {"classifier-frechet": 20.0}
    both = scored([], [])
    both.runs = {("bgan", 0): near, ("gan", 0): far}
    assert stability.goes_on(both, "gan").holds is True
    both.runs = {("bgan", 0): far, ("gan", 0): near}
    assert stability.goes_on(both, "gan").holds is False
    both.runs, both.failed = {("bgan", 0): far}, {"gan"}
    assert stability.goes_on(both, "gan").holds is True
    assert stability.goes_on(both, "gan").text == "bgan survives where gan fails"
    both.runs, both.failed = {}, {"gan", "bgan"}
    assert stability.goes_on(both, "gan").holds is False
    both.runs, both.failed = {("gan", 0): far}, {"bgan"}
    assert stability.goes_on(both, "gan").holds is False
    assert stability.goes_on(both, "gan").text == "bgan survives as gan does"


@pytest.mark.parametrize(
    ("worse", "holds"),
    [
        ({}, [True, True, True, True]),
        ({"modes-covered": 9.0}, [True, False, True, True]),
        ({"smallest-class": 0.039}, [True, True, False, True]),
        ({"largest-class": 0.21}, [True, True, False, True]),
        ({"confidence": 0.9}, [True, True, True, False]),
    ],
)
def test_digits_must_be_found_in_the_samples_of_every_seed(
    worse: dict[str, float], holds: list[bool]
) -> None:
    assert verdicts(distances.digits(scored([GOOD, GOOD | worse], []), "ours")) == holds


def test_digits_need_a_classifier_that_is_right_and_runs_that_live() -> None:
    assert verdicts(distances.digits(scored([GOOD], [], right=0.98), "ours"))[0] is False
    lost = scored([GOOD, GOOD], [])
    lost.failed = {"ours"}
    assert verdicts(distances.digits(lost, "ours")) == [True, False]


def test_the_mean_and_the_cells_of_a_method() -> None:
    both = scored([GOOD, FAR], [])
    assert both.mean("ours", "critic-js") == pytest.approx(0.015)
    assert both.cells("ours", ["critic-js", "nothing"]) == ["0.015 ±.007", "-"]
    assert str(both.mean("ours", "nothing")) == "nan"


def test_classifiers_are_held_against_cross_entropy() -> None:
    level = {"cross-entropy": 30.0, "wgan": 70.0, "importance-js": 32.0, "reinforce-kl": 29.0}
    assert verdicts(classification.claims_of(level)) == [True, True]
    assert verdicts(classification.claims_of(level | {"reinforce-kl": 32.1})) == [False, True]
    assert verdicts(classification.claims_of(level | {"wgan": 40.0})) == [True, False]
    assert "importance-js, +2.0" in classification.claims_of(level)[0].text


@pytest.mark.parametrize(
    ("failed", "holds"),
    [
        ("importance-js", [False, True]),
        ("reinforce-kl", [False, True]),
        ("wgan", [True, None]),
        ("cross-entropy", [None, None]),
    ],
)
def test_a_classifier_that_fails_is_not_level(failed: str, holds: list[bool | None]) -> None:
    errors = {"cross-entropy": 30.0, "wgan": 70.0, "importance-js": 31.0, "reinforce-kl": 29.0}
    claims = classification.claims_of(errors | {failed: math.nan})
    assert verdicts(claims) == holds
    assert "failed" in " ".join(claim.text for claim in claims)
