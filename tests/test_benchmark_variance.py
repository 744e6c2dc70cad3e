"""The estimators that `benchmarks/variance.py` compares, against sums over every sequence."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "variance.py"
variance = SimpleNamespace(**runpy.run_path(str(BENCHMARK)))
DRAWS, FOUND = 5, variance.exact_setting(1.0, 5, 8000)


@pytest.mark.parametrize("baseline", variance.BASELINES)
@pytest.mark.parametrize("objective", ["partition", "reinforce"])
def test_the_expected_gradient_is_exact_whatever_the_baseline(objective: str, baseline: str) -> None:
    each = FOUND[objective, baseline]
    assert abs(each["bias"]) < 4 * each["bias_error"] < 3e-4
    exact = variance.exact_gradients(*variance.enumerable(0))[objective].square().sum().item()
    assert each["squared_mean"] == pytest.approx(exact, abs=4 * each["squared_mean_error"])


def test_centred_importance_has_the_bias_of_plain() -> None:
    plain, centred = (FOUND["importance", baseline] for baseline in ("none", "mean"))
    assert centred["bias"] > 10 * centred["bias_error"]
    assert centred["bias"] == pytest.approx(plain["bias"], abs=4 * plain["bias_error"])


def test_variance_is_that_of_one_draw_over_the_draws() -> None:
    """With log g(x | z) differentiated by hand: one-hot less probabilities."""
    logits, score = variance.enumerable(0)
    g = variance.log_likelihoods(logits).exp()[..., None, None]
    weight = (score - (g.mean(1).flatten() * score).sum()).view(-1, 1, 1, 1)
    step = torch.eye(variance.VOCABULARY)[variance.EVERYTHING].unsqueeze(1) - logits.softmax(-1)
    step = weight * step / len(logits)
    exact = (g * step.square()).sum() - (g * step).sum(0).square().sum()
    each = FOUND["reinforce", "mean"]
    assert each["variance"] == pytest.approx(exact.item() / DRAWS, abs=4 * each["variance_error"])
    assert each["variance_error"] < 0.05 * each["variance"]
