"""What experiments conclude from numbers: a claim holds or does not."""

from typing import Any

import pytest

from bgan_text.cli import experiment_classification as classification
from bgan_text.cli import experiment_distances as distances
from bgan_text.cli.experiment import Claim
from bgan_text.cli.experiment_scores import Scored

GOOD = {
    "critic-js": 0.01,
    "critic-reverse-kl": 0.02,
    "critic-wasserstein": 0.3,
    "classes": 10.0,
    "smallest-class": 0.05,
    "largest-class": 0.15,
    "confidence": 0.95,
}
FAR = GOOD | {name: 2 * GOOD[name] for name in distances.DISTANCES}


def scored(ours: list[dict[str, float]], theirs: list[dict[str, float]], right: float = 0.99) -> Scored:
    made = Scored.__new__(Scored)
    made.runs = {("ours", seed): scores for seed, scores in enumerate(ours)}
    made.runs |= {(distances.RIVAL, seed): scores for seed, scores in enumerate(theirs)}
    made.report = {"settings": {"classifier": {"right on test": right}}}
    return made


def verdicts(claims: Any) -> list[bool]:
    found: list[Claim] = list(claims)
    return [claim.holds for claim in found]


def test_distances_are_compared_by_their_means_over_seeds() -> None:
    methods = ["ours", distances.RIVAL]
    assert verdicts(distances.nearer(scored([GOOD], [FAR]), methods)) == [True, True, True]
    assert verdicts(distances.nearer(scored([FAR], [GOOD]), methods)) == [False, False, False]
    assert verdicts(distances.nearer(scored([GOOD], [GOOD]), methods)) == [False, False, False]
    one_bad = GOOD | {"critic-js": 0.04}  # 0.01 and 0.04 have the mean 0.025
    assert verdicts(distances.nearer(scored([GOOD, one_bad], [FAR]), methods)) == [False, True, True]
    assert verdicts(distances.nearer(scored([], [GOOD]), methods)) == [False, False, False]


@pytest.mark.parametrize(
    ("worse", "holds"),
    [
        ({}, [True, True, True, True]),
        ({"classes": 9.0}, [True, False, True, True]),
        ({"smallest-class": 0.039}, [True, True, False, True]),
        ({"largest-class": 0.21}, [True, True, False, True]),
        ({"confidence": 0.9}, [True, True, True, False]),
    ],
)
def test_digits_must_be_found_in_the_samples_of_every_seed(
    worse: dict[str, float], holds: list[bool]
) -> None:
    assert verdicts(distances.digits(scored([GOOD, GOOD | worse], []), "ours")) == holds


def test_digits_need_a_classifier_that_is_right_and_a_run_that_lives() -> None:
    assert verdicts(distances.digits(scored([GOOD], [], right=0.98), "ours"))[0] is False
    assert not any(verdicts(distances.digits(scored([], []), "ours"))[1:])


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
    assert verdicts(classification.claims_of(level | {"importance-js": float("nan")}))[0] is False
    assert "+2.0" in classification.claims_of(level)[0].text
