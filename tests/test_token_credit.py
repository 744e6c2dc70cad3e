"""Token credit: every token of the vocabulary is weighed after each prefix."""

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.models.distributions import AutoregressiveDistribution
from bgan_text.models.generators import RecurrentGenerator
from bgan_text.models.sampling import counted
from bgan_text.models.token_discriminator import RecurrentBody, TokenDiscriminator
from bgan_text.models.transformer import CausalTransformer
from bgan_text.objectives.divergences import DIVERGENCES, divergence_named
from bgan_text.objectives.token_weights import (
    TOKEN_DIVERGENCES,
    next_token_bounds,
    prefix_scores,
    weight_variance,
    weighted_tokens,
)
from bgan_text.space import TokenSpace
from bgan_text.training.state import CustomParts, State
from bgan_text.training.token_credit import TokenCreditUpdate
from bgan_text.training.trainer import Trainer

V, L = 3, 2
SPACE, CPU = TokenSpace(L, V), torch.device("cpu")
EVERYTHING = torch.tensor(list(itertools.product(range(V), repeat=L)))
FAST = {"precision": "float32", "lr_schedule": "constant", "ema_decay": 0.0}


def conditionals(p: Tensor) -> Tensor:
    """p(v | prefix) of the 9 sequences: (9, L, V)."""
    table = p.view(V, V)
    first = table.sum(dim=1)
    second = table / first.unsqueeze(1)
    return torch.stack([first.expand(V * V, V), second.repeat_interleave(V, dim=0)], dim=1)


@pytest.fixture
def target(rng: torch.Generator) -> Tensor:
    return torch.rand(V**L, generator=rng).add(0.1).double().softmax(dim=0)


def random_logits(rng: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=rng, dtype=torch.float64)


def test_with_the_exact_ratio_the_weighted_tokens_are_the_conditionals_of_the_data(
    target: Tensor, rng: torch.Generator
) -> None:
    p = conditionals(target)
    logits = random_logits(rng, *p.shape)
    scores = p.log() - logits.log_softmax(dim=-1) + random_logits(rng, *p.shape[:-1], 1)  # a constant is free
    torch.testing.assert_close(weighted_tokens(logits.log_softmax(dim=-1), scores).exp(), p)


@pytest.mark.parametrize("objective", sorted(TOKEN_DIVERGENCES))
def test_the_gradient_is_that_of_the_enumerated_expectation(objective: str, rng: torch.Generator) -> None:
    """Over all V tokens one by one, with weights written out, in place of tensors over the vocabulary."""
    logits, scores = random_logits(rng, 1, V).requires_grad_(), random_logits(rng, 1, V)
    (found,) = torch.autograd.grad(
        TOKEN_DIVERGENCES[objective](logits.log_softmax(dim=-1), scores).sum(), logits
    )
    g = logits.detach().softmax(dim=-1)[0]
    weights = g * scores[0].exp()
    partition = sum(weights[v] for v in range(V))
    expected = torch.zeros(V, dtype=torch.float64)
    for v in range(V):
        score = torch.eye(V, dtype=torch.float64)[v] - g  # the gradient of log g(v) in the logits
        if objective == "importance":
            expected -= weights[v] / partition * score
        else:
            expected -= g[v] * scores[0, v] * score
    torch.testing.assert_close(found[0], expected)


@pytest.mark.parametrize("objective", sorted(TOKEN_DIVERGENCES))
def test_what_is_descended_is_a_divergence_from_the_weighted_tokens(
    objective: str, rng: torch.Generator
) -> None:
    logits, scores = random_logits(rng, 5, V), random_logits(rng, 5, V)
    own, weighted = logits.softmax(dim=-1), weighted_tokens(logits.log_softmax(dim=-1), scores).exp()
    one, other = (weighted, own) if objective == "importance" else (own, weighted)
    expected = (one * (one / other).log()).sum(dim=-1)
    torch.testing.assert_close(TOKEN_DIVERGENCES[objective](logits.log_softmax(dim=-1), scores), expected)


@pytest.mark.parametrize("name", sorted(DIVERGENCES))
def test_the_next_token_bound_is_tight_at_the_exact_ratio(
    name: str, target: Tensor, rng: torch.Generator
) -> None:
    """There its expectation over the data is the mean f-divergence of the conditionals; nowhere more."""
    divergence = DIVERGENCES[name]
    p = conditionals(target)

    def of_prefixes() -> Tensor:
        """Numbers for every token that depend on the prefix alone: (9, L, V)."""
        second = random_logits(rng, V, V).repeat_interleave(V, dim=0)
        return torch.stack([random_logits(rng, V).expand(V * V, V), second], dim=1)

    logits = of_prefixes()
    g = logits.softmax(dim=-1)

    def expected(scores: Tensor) -> Tensor:
        each = []
        for x in range(V**L):
            found = next_token_bounds(divergence, scores[x], g[x].log(), EVERYTHING[x])
            each.append(found.mean() * target[x])
        return torch.stack(each).sum()

    exact = p.log() - g.log()
    bound = expected(exact)
    conjugate = (p * divergence.real(exact) - g * divergence.fake(exact)).sum(dim=-1).mean(dim=1)
    torch.testing.assert_close(bound, (conjugate * target).sum())
    for size in (0.01, 0.3):
        assert expected(exact + size * of_prefixes()) < bound


def test_the_scores_of_prefixes_are_running_sums_up_to_the_end(rng: torch.Generator) -> None:
    space = TokenSpace(4, 5, end=0)
    tokens = torch.tensor([[1, 2, 0, 0], [3, 4, 1, 2], [0, 0, 0, 0]])
    where, table = counted(tokens, space.end), random_logits(rng, 3, 4, 5)
    found, expected = prefix_scores(table[where], tokens, where), []
    for row, length in enumerate((3, 4, 1)):
        total = torch.zeros((), dtype=torch.float64)
        for place in range(length):
            total = total + table[row, place, tokens[row, place]]
            expected.append(total)
    torch.testing.assert_close(found, torch.stack(expected))


def test_the_weight_variance_is_that_of_the_weights_under_the_generator(rng: torch.Generator) -> None:
    logits, scores = random_logits(rng, 4, V), random_logits(rng, 4, V)
    g, weighted = logits.softmax(dim=-1), weighted_tokens(logits.log_softmax(dim=-1), scores).exp()
    weights = weighted / g
    expected = (g * weights.square()).sum(dim=-1) - (g * weights).sum(dim=-1).square()
    torch.testing.assert_close(weight_variance(logits.log_softmax(dim=-1), scores), expected)


@pytest.mark.parametrize("end", [None, 0])
def test_next_token_logits_are_those_of_the_log_probabilities(end: int | None, rng: torch.Generator) -> None:
    space = TokenSpace(6, 5, end=end)
    net = RecurrentGenerator(space, width=8, blocks=2, noise=3)
    conditional = net(torch.randn(7, 3, generator=rng))
    tokens = torch.randint(0, 5, (7, 6), generator=rng)
    where = counted(tokens, end)
    logits = conditional.next_token_logits(tokens, where)
    assert (logits.shape, logits.dtype) == ((int(where.sum()), 5), torch.float32)
    each = logits.log_softmax(dim=-1).gather(-1, tokens[where].unsqueeze(-1)).squeeze(-1)
    expected = conditional.token_log_prob(tokens.unsqueeze(0)).squeeze(0)[where]
    torch.testing.assert_close(each, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "body",
    [
        lambda width, space: RecurrentBody(width, blocks=2),
        lambda width, space: CausalTransformer(width, blocks=2, heads=2, positions=space.positions),
    ],
    ids=["rnn", "transformer"],
)
def test_the_discriminator_does_not_look_ahead_and_starts_at_0(body: Any, rng: torch.Generator) -> None:
    space = TokenSpace(6, 5)
    net = TokenDiscriminator(space, body(8, space), width=8)
    tokens = torch.randint(0, 5, (4, 6), generator=rng)
    everywhere = torch.ones_like(tokens, dtype=torch.bool)
    assert (net(tokens, everywhere) == 0).all()
    nn.init.normal_(net.scores.weight, generator=rng)
    scores = net(tokens, everywhere).view(4, 6, 5)
    for place in range(6):
        changed = tokens.clone()
        changed[:, place:] = (changed[:, place:] + 1) % 5
        seen = net(changed, everywhere).view(4, 6, 5)
        torch.testing.assert_close(seen[:, : place + 1], scores[:, : place + 1])
        assert place == 5 or not torch.allclose(seen[:, place + 1], scores[:, place + 1])
    assert net(tokens, tokens == 1).shape == (int((tokens == 1).sum()), 5)


class Chain(nn.Module):
    """Logits of a first token, and of a second after each first; the noise is not used."""

    noise, space = 1, SPACE

    def __init__(self, space: Any = SPACE, config: Any = None) -> None:
        super().__init__()
        self.first, self.second = nn.Parameter(torch.randn(V)), nn.Parameter(torch.randn(V, V))

    def forward(self, noise: Tensor) -> "Chained":
        return Chained(self, noise)

    def table(self, tokens: Tensor) -> Tensor:
        """(N, L) -> (N, L, V)."""
        return torch.stack([self.first.expand(len(tokens), -1), self.second[tokens[:, 0]]], dim=1)

    def distribution(self) -> Tensor:
        """q of every sequence."""
        log_probs = self.table(EVERYTHING).log_softmax(dim=-1)
        return log_probs.gather(-1, EVERYTHING.unsqueeze(-1)).sum(dim=(1, 2)).exp().detach().double()


class Chained(AutoregressiveDistribution):
    def __init__(self, net: Chain, noise: Tensor) -> None:
        self.chain, self.noise = net, noise

    def sample(self, draws: int, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
        q = self.chain.distribution()
        drawn = torch.multinomial(q, draws * len(self.noise), replacement=True, generator=rng)
        return EVERYTHING[drawn].view(draws, len(self.noise), L)

    def next_token_logits(self, tokens: Tensor, where: Tensor) -> Tensor:
        return self.chain.table(tokens)[where]


class Scores(nn.Module):
    """A discriminator with a number of its own for every token after every prefix; it can be solved."""

    def __init__(self, space: Any = SPACE, config: Any = None) -> None:
        super().__init__()
        self.first, self.second = nn.Parameter(torch.zeros(V)), nn.Parameter(torch.zeros(V, V))

    def forward(self, tokens: Tensor, where: Tensor) -> Tensor:
        table = torch.stack([self.first.expand(len(tokens), -1), self.second[tokens[:, 0]]], dim=1)
        return table[where]

    @torch.no_grad()
    def solve(self, p: Tensor, q: Tensor) -> None:
        ratio = (conditionals(p) / conditionals(q)).log().float()
        self.first.copy_(ratio[0, 0])
        self.second.copy_(ratio[::V, 1])


def trained(target: Tensor, steps: int, *, exact: bool, **options: Any) -> tuple[float, float]:
    """Total variation from the target before and after training."""
    torch.manual_seed(3)
    config = Config.given(FAST | {"generator": "own:Chain", "credit": "token", "noise": 1} | options)
    parts = CustomParts(generator=Chain, discriminator=Scores)
    if "discriminator" not in options:
        config = Config.given((config.given_options or {}) | {"discriminator": "own:Scores"})
    state = State.fresh(config, SPACE, CPU, parts)
    trainer = Trainer(state, config)
    data = torch.Generator().manual_seed(1)

    def distance() -> float:
        return float((target - state.generator.distribution()).abs().sum() / 2)

    start = distance()
    for step in range(steps):
        if exact:
            assert isinstance(state.discriminator, Scores)
            state.discriminator.solve(target, state.generator.distribution())
        real = EVERYTHING[torch.multinomial(target, config.batch, replacement=True, generator=data)]
        trainer.step([real] * config.discriminator_steps, step / steps)
    assert state.nonfinite.item() == 0
    return start, distance()


KINDS = ("data", "samples", "both")


@pytest.mark.parametrize(("objective", "prefixes"), list(itertools.product(sorted(TOKEN_DIVERGENCES), KINDS)))
def test_an_exact_discriminator_leads_to_the_target(target: Tensor, objective: str, prefixes: str) -> None:
    rates = {"generator_lr": 0.05, "discriminator_lr": 0.0, "batch": 256}
    start, end = trained(target, 200, exact=True, objective=objective, prefixes=prefixes, **rates)
    assert start > 0.1
    assert end < 0.01


@pytest.mark.parametrize("prefixes", KINDS)
@pytest.mark.parametrize("divergence", sorted(DIVERGENCES))
@pytest.mark.parametrize("objective", sorted(TOKEN_DIVERGENCES))
def test_a_trained_discriminator_leads_near_the_target(
    target: Tensor, objective: str, divergence: str, prefixes: str
) -> None:
    rates = {"generator_lr": 0.01, "discriminator_lr": 0.03, "batch": 256, "lr_schedule": "linear"}
    more = {"alpha": 0.7} if divergence == "alpha" else {}
    options = {"objective": objective, "divergence": divergence, "prefixes": prefixes} | rates | more
    start, end = trained(target, 400, exact=False, **options)
    assert start > 0.1
    assert end < 0.05


@pytest.mark.parametrize("prefixes", KINDS)
def test_groups_of_sequences_teach_what_the_whole_batch_teaches(
    prefixes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of different lengths, so that a mean of the means of groups would be wrong."""
    space, rows = TokenSpace(4, 5, end=0), 6
    real = torch.tensor([[1, 2, 3, 4], [0, 0, 0, 0], [3, 0, 0, 0], [2, 2, 0, 0], [4, 3, 2, 1], [1, 0, 0, 0]])

    def learned(most: int) -> tuple[list[Any], dict[str, float]]:
        monkeypatch.setattr("bgan_text.training.token_credit.MOST_LOGITS", most)
        config = Config.given(FAST | {"credit": "token", "prefixes": prefixes, "batch": rows, "width": 8})
        state = State.fresh(config, space, CPU)
        nn.init.normal_(state.discriminator.scores.weight, generator=torch.Generator().manual_seed(1))
        state.discriminator.register_forward_hook(lambda net, given, scores: sizes.append(scores.numel()))
        numbers = Trainer(state, config).step([real], 0.0).read()
        return [p.grad for net in (state.generator, state.discriminator) for p in net.parameters()], numbers

    sizes: list[int] = []
    whole, of_whole = learned(rows * 4 * 5)
    for most in (4 * 5, 2 * 4 * 5 + 1, 4 * 4 * 5):
        sizes.clear()
        gradients, numbers = learned(most)
        sides = 1 if prefixes == "data" else 2
        assert max(sizes) <= max(most // sides, 4 * 5)  # a group has one sequence of each side at least
        torch.testing.assert_close(gradients, whole, rtol=1e-4, atol=1e-7)
        assert numbers == pytest.approx(of_whole, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("prefixes", ["data", "samples", "both"])
def test_only_nets_that_learn_keep_what_their_gradients_need(
    prefixes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = TokenSpace(4, 5, end=0)
    values = {"credit": "token", "prefixes": prefixes, "batch": 6, "width": 8, "steps": 8}
    real, kept = torch.randint(0, 5, (6, 4), generator=torch.Generator().manual_seed(1)), []
    made = TokenCreditUpdate._prefixes

    def spied(*args: Any, **options: Any) -> Any:
        found = made(*args, **options)
        generator = found.log_probs is not None and found.log_probs.requires_grad
        kept.append((generator, found.scores.requires_grad))
        return found

    monkeypatch.setattr(TokenCreditUpdate, "_prefixes", spied)
    several = {"discriminator_steps": 2, "freeze_generator": 0.5}
    for options, progress, turns in (
        (several, 0.0, [(False, True), (False, True)]),
        (several, 0.75, [(False, True), (True, True)]),
        ({"generator_steps": 2}, 0.0, [(True, False)]),
    ):
        kept.clear()
        config = Config.given(FAST | values | options)
        Trainer(State.fresh(config, space, CPU), config).step([real] * len(turns), progress)
        sides = 1 if prefixes == "data" else 2
        each = [kept[start : start + sides] for start in range(0, len(kept), sides)]
        assert [(any(one for one, _ in pair), any(other for _, other in pair)) for pair in each] == turns


@pytest.mark.parametrize("objective", sorted(TOKEN_DIVERGENCES))
def test_equal_scores_of_all_tokens_teach_nothing(objective: str, rng: torch.Generator) -> None:
    logits = random_logits(rng, 4, V).requires_grad_()
    loss = TOKEN_DIVERGENCES[objective](
        logits.log_softmax(dim=-1), random_logits(rng, 4, 1).expand(4, V)
    ).sum()
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient.abs().max() < 1e-12


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.5, 0.999, 1.0, 2.0])
def test_alpha_is_a_family_that_holds_the_others(alpha: float) -> None:
    score = torch.linspace(-4, 4, 41, dtype=torch.float64)
    made = divergence_named("alpha", alpha)
    ratio = score.exp()
    if alpha in (0.0, 1.0):
        f = -ratio.log() + ratio - 1 if alpha == 0.0 else ratio * ratio.log() - ratio + 1
    else:
        f = (ratio**alpha - 1) / (alpha * (alpha - 1)) - (ratio - 1) / (alpha - 1)
    slope = torch.where(torch.tensor(alpha == 1.0), score, (ratio ** (alpha - 1) - 1) / ((alpha - 1) or 1.0))
    torch.testing.assert_close(made.real(score), slope, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(made.fake(score), ratio * slope - f, rtol=1e-7, atol=1e-7)


def test_alpha_is_twice_hellinger_at_a_half_and_half_of_pearson_at_two() -> None:
    score = torch.linspace(-4, 4, 41, dtype=torch.float64)
    for alpha, name, factor in ((0.5, "hellinger", 2.0), (2.0, "pearson", 0.5)):
        made, other = divergence_named("alpha", alpha), DIVERGENCES[name]
        torch.testing.assert_close(made.real(score), factor * other.real(score))
        torch.testing.assert_close(made.fake(score), factor * other.fake(score))


@pytest.mark.parametrize("alpha", [1e-6, 1e-4, 1 - 1e-4, 1 - 1e-6, 1 + 1e-6, 1 + 1e-4])
def test_alpha_near_its_limits_is_exact_in_single_precision(alpha: float) -> None:
    score = torch.linspace(-4, 4, 41)
    made, wide = divergence_named("alpha", alpha), score.double()
    for found, exponent in ((made.real(score), alpha - 1.0), (made.fake(score), alpha)):
        expected = torch.tensor([math.expm1(exponent * one) / exponent for one in wide.tolist()])
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"credit": "token", "draws": 4}, "`draws` 4 does not apply to `credit` token"),
        ({"credit": "token", "baseline": "mean"}, "`baseline` mean does not apply to `credit` token"),
        (
            {"credit": "token", "objective": "partition"},
            "has no `credit` token: choose importance, reinforce",
        ),
        ({"prefixes": "both", "draws": 3}, "`prefixes` both does not apply: it is for `credit` token"),
        ({"objective": "mle", "prefixes": "both"}, "it is for `credit` token"),
        ({"discriminator_blocks": 0}, "`discriminator_blocks` 0: `credit` token needs at least 1"),
        ({"alpha": 0.3}, "`alpha` 0.3 does not apply: it is for `divergence` alpha"),
        ({"divergence": "alpha", "alpha": -1.0}, "`alpha` -1.0: at least 0 is needed"),
        ({"credit": "token", "generator": "conv"}, "use `generator` rnn"),
    ],
)
def test_what_token_credit_does_not_read_is_refused(options: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError) as error:
        Config.given(options)
    assert line in str(error.value)


def test_token_credit_takes_the_recurrent_generator_unless_told_otherwise() -> None:
    assert Config.given({"credit": "token"}).generator == "rnn"


def test_nets_of_ones_own_that_offer_no_token_credit_are_refused() -> None:
    class Mute(Chain):
        def forward(self, noise: Tensor) -> Any:
            return object()

    class Single(Scores):
        def forward(self, tokens: Tensor, where: Tensor) -> Tensor:
            return self.first.sum().expand(len(tokens))

    config = Config.given({"generator": "a:M", "discriminator": "a:S", "credit": "token", "noise": 1})
    with pytest.raises(UserError, match="object without sample, next_token_logits"):
        State.fresh(config, SPACE, CPU, CustomParts(generator=Mute, discriminator=Scores))
    with pytest.raises(UserError, match=r"scores of shape \(2,\) for 2 samples: \(4, 3\) is needed"):
        State.fresh(config, SPACE, CPU, CustomParts(generator=Chain, discriminator=Single))
