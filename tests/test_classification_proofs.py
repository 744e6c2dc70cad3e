"""Adversarial classification of two images into three labels whose p(y | x) is known.

The classifier is a table of logits, so that g(y | x) of all labels is known at every step.
"""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bgan_text.batch import LabelledImages
from bgan_text.config import Config
from bgan_text.models.classifier import LabelDiscriminator
from bgan_text.models.distributions import FactorisedDistribution
from bgan_text.objective_table import unused_options
from bgan_text.presets import DIVERGENCES
from bgan_text.space import LabelSpace, PixelSpace
from bgan_text.training.score_function import ScoreFunctionUpdate
from bgan_text.training.state import State
from bgan_text.training.trainer import Trainer

SPACE = LabelSpace(PixelSpace(1, 8, 8), 3)
P = torch.tensor([[0.7, 0.2, 0.1], [0.15, 0.25, 0.6]])
CPU = torch.device("cpu")


def image_of(images: Tensor) -> Tensor:
    """Which of the two an image is, dark or light: (N, 1, 8, 8) -> (N,)."""
    return (images.mean(dim=(1, 2, 3)) > 0).long()


def batch(count: int, rng: torch.Generator) -> LabelledImages:
    """As many of either image, with labels from p."""
    which = torch.arange(count) % 2
    images = (2.0 * which - 1.0).view(-1, 1, 1, 1).expand(-1, 1, 8, 8)
    return LabelledImages(images, torch.multinomial(P[which], 1, generator=rng))


class Table(nn.Module):
    """Logits of their own for each image."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor([[-1.0, 0.5, 0.5], [1.0, 0.0, -1.0]]))

    def forward(self, images: Tensor) -> FactorisedDistribution:
        return FactorisedDistribution(self.logits[image_of(images)].unsqueeze(1))


class Solved(LabelDiscriminator):
    """A score that is known for each image and label."""

    def __init__(self, scores: Tensor) -> None:
        super().__init__(SPACE, width=1, spectral=False)
        self.scores = scores

    def given(self, images: Tensor) -> Any:
        image = image_of(images)

        def score(labels: Tensor) -> Tensor:
            rows = image.repeat(len(labels) // len(image))
            return self.scores[rows, labels.squeeze(1)] + 0.0 * self.dense.bias

        return score


def config_of(**values: Any) -> Config:
    small = {"generator": "classifier", "draws": 20, "width": 4, "discriminator_width": 4, "grad_clip": 1e6,
             "precision": "float32", "steps": 1} | values  # fmt: skip
    unused = unused_options(values["objective"])
    return Config.given({name: value for name, value in small.items() if name not in unused})


def state_of(config: Config, discriminator: LabelDiscriminator | None = None) -> State:
    state = State.fresh(config, SPACE, CPU)
    nets = Table(), discriminator or state.discriminator
    one, other = (
        torch.optim.Adam(net.parameters(), rate, (0.5, 0.99), fused=True)
        for net, rate in zip(nets, (config.generator_lr, config.discriminator_lr), strict=True)
    )
    state.generator, state.discriminator = nets  # type: ignore[assignment]
    state.generator_optimizer, state.discriminator_optimizer = one, other
    state.average = torch.optim.swa_utils.AveragedModel(nets[0])
    return state


@torch.no_grad()
def distance(state: State) -> float:
    """Total variation between g and p, the mean over images."""
    table = state.generator.logits
    assert isinstance(table, Tensor)
    return ((table.softmax(dim=1) - P).abs().sum(dim=1) / 2).mean().item()


@pytest.mark.parametrize("baseline", ["none", "leave-one-out"])
@pytest.mark.parametrize("objective", ["importance", "partition", "reinforce"])
def test_the_expected_gradient_is_the_exact_one(objective: str, baseline: str, rng: torch.Generator) -> None:
    """That of KL(p~ || g), p~ in proportion to g exp F, or of KL(g || p~), over all labels of both images.

    For `partition` g exp F is divided by its sum over both images in place of that over each.
    """
    scores = torch.tensor([[0.5, -1.0, 0.3], [0.0, 0.4, 1.5]])
    config = config_of(objective=objective, baseline=baseline)
    state, real = state_of(config, Solved(scores)), batch(2, rng)
    update = ScoreFunctionUpdate(state, config)
    conditional = update.conditional(real)
    draws = conditional.sample(100_000, rng)
    update._generator_step(real, conditional, draws)
    logits = Table().logits.detach().clone().requires_grad_()
    g = logits.softmax(dim=1)
    tilted = (g * scores.exp()).detach()
    if objective == "importance":
        tilted /= tilted.sum(dim=1, keepdim=True)
    elif objective == "partition":
        tilted /= tilted.sum(dim=1).mean()
    loss = (g * (g / tilted).log() if objective == "reinforce" else -tilted * g.log()).sum(dim=1).mean()
    (exact,) = torch.autograd.grad(loss, logits)
    table = state.generator.logits
    assert isinstance(table, nn.Parameter)
    assert table.grad is not None
    torch.testing.assert_close(table.grad, exact, rtol=0, atol=4e-3)
    assert exact.abs().max() > 0.05


@pytest.mark.parametrize("objective", ["importance", "partition", "reinforce"])
def test_the_solved_discriminator_leads_to_the_right_distribution(
    objective: str, rng: torch.Generator
) -> None:
    config = config_of(objective=objective, generator_lr=0.05, discriminator_lr=0.0)
    solved = Solved(torch.zeros(2, 3))
    state = state_of(config, solved)
    trainer, start = Trainer(state, config), distance(state)
    for step in range(300):
        table = state.generator.logits
        assert isinstance(table, Tensor)
        solved.scores = P.log() - table.detach().log_softmax(dim=1)
        trainer.step([batch(128, rng)], step / 300)
    assert start > 0.3
    assert distance(state) < 0.01


@pytest.mark.parametrize("divergence", DIVERGENCES)
@pytest.mark.parametrize("objective", ["importance", "reinforce"])
def test_a_trained_discriminator_leads_near_the_right_distribution(
    objective: str, divergence: str, rng: torch.Generator
) -> None:
    config = config_of(objective=objective, divergence=divergence, generator_lr=0.02,
                       discriminator_lr=0.01, spectral_norm=False)  # fmt: skip
    state = state_of(config)
    trainer, start = Trainer(state, config), distance(state)
    for step in range(300):
        trainer.step([batch(256, rng)], step / 300)
    assert start > 0.3
    assert distance(state) < 0.06


def test_likelihood_leads_near_the_right_distribution(rng: torch.Generator) -> None:
    config = config_of(objective="mle", generator_lr=0.03)
    state = state_of(config)
    trainer, start = Trainer(state, config), distance(state)
    for step in range(300):
        trainer.step([batch(256, rng)], step / 300)
    assert start > 0.3
    assert distance(state) < 0.02
