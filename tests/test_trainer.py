import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bgan_text.config import Config
from bgan_text.models.generators import ConvolutionalGenerator
from bgan_text.objective_table import unused_options
from bgan_text.objectives.weights import RunningStatistics, coefficients
from bgan_text.space import TokenSpace
from bgan_text.training.checkpoint import load_checkpoint, save_checkpoint
from bgan_text.training.score_function import ScoreFunctionUpdate
from bgan_text.training.state import State
from bgan_text.training.trainer import StepReport, Trainer, train
from bgan_text.training.update import resolve_precision
from bgan_text.training_options import BASELINES

SPACE = TokenSpace(6, 11, end=0)
CPU = torch.device("cpu")
KINDS: list[dict[str, Any]] = [
    {},
    {"precision": "bfloat16"},
    {"generator": "rnn", "width": 16},
    {"generator": "rnn", "width": 16, "objective": "mle"},
    {"objective": "partition", "divergence": "hellinger"},
    {"objective": "reinforce", "divergence": "kl", "discriminator_steps": 2, "discriminator_draws": 2},
    {"generator": "rnn", "width": 16, "credit": "prefix"},
    {"credit": "token", "discriminator_weight_decay": 0.1},
    {"credit": "token", "prefixes": "both", "generator": "transformer", "discriminator_steps": 2},
    {"objective": "constant"},
    {"objective": "wgan", "discriminator_steps": 2},
    {"objective": "wgan-gp", "precision": "bfloat16"},
    {"objective": "wgan-gp", "plain_nets": True},
    {"objective": "gan-relaxed", "divergence": "gan"},
    {"objective": "gumbel"},
    {"generator": "rnn", "width": 16, "objective": "gumbel", "divergence": "kl"},
    {"generator_steps": 3, "discriminator_steps": 2},
    {"objective": "wgan-gp", "generator_steps": 2},
]


def settings(**more: Any) -> Config:
    small = {
        "steps": 8,
        "batch": 12,
        "draws": 4,
        "width": 8,
        "discriminator_width": 8,
        "precision": "float32",
    }
    values = small | more
    unused = unused_options(values.get("objective", "importance"), values.get("credit", "sequence"))
    return Config.given({name: value for name, value in values.items() if name not in unused})


def batches(config: Config) -> Callable[[int, int], Tensor]:
    def at(step: int, index: int) -> Tensor:
        rng = torch.Generator().manual_seed(1000 * step + index)
        return torch.randint(SPACE.vocabulary, (config.batch, SPACE.positions), generator=rng)

    return at


def progress(config: Config) -> Callable[[State], float]:
    assert config.steps is not None
    steps = config.steps
    return lambda state: state.step / steps


def run(config: Config, state: State, until: int | None = None) -> list[dict[str, float]]:
    rows = []
    for report in train(state, config, batches(config), progress(config)):
        rows.append(report.read())
        if report.step == until:
            break
    return rows


def everything(state: State) -> dict[str, Tensor]:
    tensors = dict(state.generator.state_dict(prefix="g.")) | state.discriminator.state_dict(prefix="d.")
    return tensors | state.average.state_dict(prefix="a.") | {"rng": state.rng.get_state()}


def assert_equal(one: State, other: State) -> None:
    first, second = everything(one), everything(other)
    assert first.keys() == second.keys()
    for key in first:
        assert torch.equal(first[key], second[key]), key


@pytest.mark.parametrize("kind", KINDS)
def test_two_runs_with_one_seed_are_bitwise_equal(kind: dict[str, Any]) -> None:
    config = settings(**kind)
    one, other = (State.fresh(config, SPACE, CPU) for _ in range(2))
    assert run(config, one) == run(config, other)
    assert_equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_run_ends_bitwise_equal(kind: dict[str, Any], tmp_path: Path) -> None:
    config = settings(**kind)
    whole, first, second = (State.fresh(config, SPACE, CPU) for _ in range(3))
    rows = run(config, whole)
    head = run(config, first, until=3)
    save_checkpoint(tmp_path / "c", first)
    load_checkpoint(tmp_path / "c", second)
    tail = run(config, second)
    assert head + tail == rows
    assert_equal(whole, second)


def test_another_seed_gives_another_run() -> None:
    rows = [run(settings(seed=seed), State.fresh(settings(seed=seed), SPACE, CPU)) for seed in (1, 2)]
    assert rows[0] != rows[1]


def test_the_global_stream_is_neither_read_nor_moved() -> None:
    config = settings()
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = run(config, State.fresh(config, SPACE, CPU))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert run(config, State.fresh(config, SPACE, CPU)) == one


@pytest.mark.parametrize("net", ["generator", "discriminator"])
def test_a_loss_that_is_not_finite_changes_no_weight_from_then_on(net: str) -> None:
    config = settings(spectral_norm=False)
    state = State.fresh(config, SPACE, CPU)
    run(config, state, until=2)
    with torch.no_grad():
        next(getattr(state, net).parameters()).view(-1)[:] = float("nan")
    trainer = Trainer(state, config)

    def parameters(*nets: str) -> list[Tensor]:
        chosen = [parameter for name in nets for parameter in getattr(state, name).parameters()]
        return [parameter.detach().clone().nan_to_num() for parameter in chosen]

    poisoned = parameters(net)
    trainer.step([batches(config)(2, 0)], 0.5)
    assert state.nonfinite.item() == 1
    assert all(map(torch.equal, poisoned, parameters(net)))
    both = parameters("generator", "discriminator")
    trainer.step([batches(config)(3, 0)], 0.5)
    assert all(map(torch.equal, both, parameters("generator", "discriminator")))


def test_learning_rates_go_to_zero_linearly_or_stay() -> None:
    for decay, expected in (("linear", 0.25), ("constant", 1.0)):
        config = settings(lr_schedule=decay, generator_lr=2.0, discriminator_lr=3.0)
        state = State.fresh(config, SPACE, CPU)
        Trainer(state, config)._set_rates(0.75)
        assert state.generator_optimizer.param_groups[0]["lr"] == pytest.approx(2.0 * expected)
        assert state.discriminator_optimizer.param_groups[0]["lr"] == pytest.approx(3.0 * expected)


def test_the_weights_of_the_discriminator_decay_apart_from_the_gradient() -> None:
    """As in Loshchilov and Hutter 2019: a share of rate times decay of each weight, besides Adam's step."""
    rate, decay, nets = 0.01, 0.5, []
    for given in (0.0, decay):
        config = settings(discriminator_lr=rate, discriminator_weight_decay=given, credit="token")
        state = State.fresh(config, SPACE, CPU)
        start = {name: weight.detach().clone() for name, weight in state.discriminator.named_parameters()}
        Trainer(state, config).step([batches(config)(0, 0)], 0.0)
        nets.append(state)
    free, decayed = nets
    for name, weight in free.discriminator.named_parameters():
        expected = weight - rate * decay * start[name]
        torch.testing.assert_close(decayed.discriminator.get_parameter(name), expected)
    for one, other in zip(free.generator.parameters(), decayed.generator.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_average_follows_the_weights() -> None:
    config = settings(ema_decay=0.9)
    state = State.fresh(config, SPACE, CPU)
    assert isinstance(state.generator, ConvolutionalGenerator)
    expected = None
    for _ in train(state, config, batches(config), progress(config)):
        weight = state.generator.logits.weight.detach()
        expected = weight.clone() if expected is None else 0.9 * expected + 0.1 * weight
    assert expected is not None
    torch.testing.assert_close(state.sampler().logits.weight, expected)
    assert not torch.equal(state.sampler().logits.weight, state.sampler(average=False).logits.weight)


def test_scoring_after_an_update_reads_the_new_weights() -> None:
    """Low-precision copies of weights must not outlive an update."""
    config = settings(precision="bfloat16", discriminator_lr=0.1)
    state = State.fresh(config, SPACE, CPU)
    trainer, real = ScoreFunctionUpdate(state, config), batches(config)(0, 0)
    draws = torch.randint(SPACE.vocabulary, (2, 12, 6), generator=torch.Generator().manual_seed(1))
    before = trainer.score(real, draws)
    trainer.discriminator_step(real, draws[:1])
    after = trainer.score(real, draws)
    assert (before - after).abs().max() > 0.5
    exact = state.discriminator(draws.flatten(0, 1)).view(2, 12)
    torch.testing.assert_close(after, exact, rtol=0.05, atol=0.05)


def test_numbers_of_a_step() -> None:
    config = settings()
    rows = run(config, State.fresh(config, SPACE, CPU))
    assert set(rows[-1]) == {
        "bound",
        "real_score",
        "fake_score",
        "discriminator_gradient",
        "generator_loss",
        "generator_gradient",
        "effective_sample_size",
        "importance_variance",
        "partition_variance",
    }
    assert 1.0 <= rows[-1]["effective_sample_size"] <= config.draws


@pytest.mark.parametrize(("draws", "same"), [(1, True), (2, False)])
def test_one_draw_gives_the_discriminator_no_say(draws: int, same: bool) -> None:
    """The generator's first step is the same whatever the discriminator says."""
    config = settings(draws=draws, baseline="none")
    one, other = (State.fresh(config, SPACE, CPU) for _ in range(2))
    with torch.no_grad():
        for parameter in other.discriminator.parameters():
            parameter.mul_(3.0)
    run(config, one, until=1)
    run(config, other, until=1)
    pairs = zip(one.generator.parameters(), other.generator.parameters(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs) == same


@pytest.mark.parametrize("objective", ["importance", "gan-relaxed"])
def test_the_discriminator_takes_its_turn_after_so_many_generator_steps(objective: str) -> None:
    config = settings(objective=objective, generator_steps=3)
    state = State.fresh(config, SPACE, CPU)
    turns, generators = [], []
    before = [copy.deepcopy(net.state_dict()) for net in (state.generator, state.discriminator)]
    for report in train(state, config, batches(config), progress(config)):
        after = [copy.deepcopy(net.state_dict()) for net in (state.generator, state.discriminator)]
        generator, discriminator = (
            any(not torch.equal(old[name], new[name]) for name in old)
            for old, new in zip(before, after, strict=True)
        )
        generators.append(generator)
        turns.append(discriminator)
        assert ("bound" in report.numbers) == discriminator
        before = after
    assert all(generators)
    assert turns == [False, False, True, False, False, True, False, False]


def test_a_trained_discriminator_teaches_a_small_language() -> None:
    """Three of the sixteen words over two letters: the generator must find them."""
    space, words = TokenSpace(4, 2), torch.tensor([[0, 1, 1, 0], [1, 0, 0, 1], [1, 1, 1, 1]])
    config = Config.given(
        {"steps": 250, "batch": 64, "draws": 16, "width": 16, "discriminator_width": 16, "noise": 8,
         "generator_lr": 4e-3, "discriminator_lr": 8e-3, "ema_decay": 0.9, "precision": "float32"}
    )  # fmt: skip
    state = State.fresh(config, space, CPU)

    def at(step: int, index: int) -> Tensor:
        return words[torch.randint(3, (64,), generator=torch.Generator().manual_seed(step))]

    reports = list(train(state, config, at, progress(config)))
    assert isinstance(reports[-1], StepReport)
    rng = torch.Generator().manual_seed(1)
    rows = state.sampler()(torch.randn(600, 8, generator=rng)).sample(1, rng)[0]
    shares = [(rows == word).all(-1).double().mean().item() for word in words]
    assert sum(shares) > 0.9
    assert min(shares) > 0.15


def test_precision_is_what_was_asked() -> None:
    assert resolve_precision("float32", CPU) is torch.float32
    assert resolve_precision("bfloat16", CPU) is torch.bfloat16
    assert resolve_precision("auto", CPU) in (torch.float32, torch.bfloat16)


@pytest.mark.parametrize("objective", ["importance", "partition", "reinforce"])
def test_prefix_credit_weighs_prefixes_or_continuations(objective: str) -> None:
    """The generator's gradient against coefficients written out from the discriminator's terms."""
    config = settings(objective=objective, credit="prefix", generator="rnn", baseline="none", grad_clip=1e6)
    state = State.fresh(config, SPACE, CPU)
    update = ScoreFunctionUpdate(state, config)
    real = batches(config)(0, 0)
    conditional = update.conditional(real)
    draws = conditional.sample(4, state.rng)
    scores = update.score(real, draws).double()
    terms = scores.diff(dim=-1, prepend=torch.zeros_like(scores[..., :1]))
    if objective == "reinforce":
        weights = torch.stack([terms[..., t:].sum(-1) for t in range(SPACE.positions)], dim=-1) / 4
    else:
        ratios = torch.stack([terms[..., : t + 1].sum(-1).exp() for t in range(SPACE.positions)], dim=-1)
        scale = ratios.sum(0) if objective == "importance" else 4 * ratios.mean((0, 1))
        weights = ratios / scale
    loss = -conditional.weighted_log_prob(draws, weights.float())
    exact = torch.autograd.grad(loss, list(state.generator.parameters()), retain_graph=True)
    update._generator_step(real, conditional, draws)
    for parameter, expected in zip(state.generator.parameters(), exact, strict=True):
        torch.testing.assert_close(parameter.grad, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("baseline", BASELINES)
@pytest.mark.parametrize("objective", ["importance", "partition", "reinforce"])
def test_the_baseline_reaches_the_generator(objective: str, baseline: str) -> None:
    config = settings(objective=objective, baseline=baseline, grad_clip=1e6)
    state = State.fresh(config, SPACE, CPU)
    update = ScoreFunctionUpdate(state, config)
    real = batches(config)(0, 0)
    conditional = update.conditional(real)
    draws = conditional.sample(4, state.rng)
    scores, running = update.score(real, draws), RunningStatistics.fresh(CPU)
    running.update(scores)
    loss = -conditional.weighted_log_prob(draws, coefficients(objective, baseline, scores, running))
    exact = torch.autograd.grad(loss, list(state.generator.parameters()), retain_graph=True)
    update._generator_step(real, conditional, draws)
    for parameter, expected in zip(state.generator.parameters(), exact, strict=True):
        torch.testing.assert_close(parameter.grad, expected)
