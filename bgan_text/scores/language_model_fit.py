"""Training a language model at a fixed budget, so that models of different rows compare.

Shapes: S rows, L positions, V vocabulary.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import LinearLR

from bgan_text.errors import UserError
from bgan_text.models.generators import RecurrentGenerator
from bgan_text.models.sampling import counted
from bgan_text.scores.language_model import LanguageModel, check_rows, trimmed
from bgan_text.scores.likelihood import log_likelihood
from bgan_text.space import TokenSpace

CLIP = 1.0
"""The most that a gradient's norm may be."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class LanguageModelSettings:
    """The net and its training; every model of a comparison takes the same.

    `rate` falls in a straight line to 0 at `steps`, the most that are made. Every `interval` steps, but
    at most twice an epoch, the likelihood of the rows held out (a share `held_out` of all) is read; after
    `patience` readings without a better one the training stops.
    """

    width: int = 128
    blocks: int = 1
    batch: int = 16
    rate: float = 8e-3
    weight_decay: float = 0.3
    steps: int = 1200
    interval: int = 25
    patience: int = 4
    held_out: float = 0.1

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name != "weight_decay" and not 0 < value < (1 if name == "held_out" else math.inf):
                raise UserError(
                    f"language model {name} {value}: a number above 0 is needed, held_out below 1"
                )


DEFAULTS = LanguageModelSettings()


def fit_language_model(
    rows: Tensor,
    space: TokenSpace,
    *,
    settings: LanguageModelSettings = DEFAULTS,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> LanguageModel:
    """Train by maximum likelihood; the weights that do best on the rows held out are kept.

    Args:
        rows: (S, L) int64. What follows the first end token is not counted.
        space: what the rows belong to.
        settings: the net and its training.
        seed: of the initial weights, the rows held out and the batches. Fixes the model on a CPU.
        device: where to train.
        progress: called with the steps done and the maximum number of steps, after each step.

    Raises:
        UserError: rows too few to hold some out, or not of the space; a likelihood that is not
            finite.
    """
    check_rows(rows, space)
    least = math.ceil(1 / min(settings.held_out, 1 - settings.held_out))
    if len(rows) < least:
        raise UserError(f"{len(rows)} sequences for a language model: at least {least} are needed")
    rng = torch.Generator().manual_seed(seed)
    rows = rows.cpu()[torch.randperm(len(rows), generator=rng)]
    held, training = rows.tensor_split([int(len(rows) * settings.held_out)])
    net = _untrained(training, space, settings, seed).to(device)
    return _train(LanguageModel(net), training, held, settings, rng, progress or (lambda step, steps: None))


def _untrained(
    rows: Tensor, space: TokenSpace, settings: LanguageModelSettings, seed: int
) -> RecurrentGenerator:
    with torch.random.fork_rng(devices=[]):  # layers initialise from torch's global stream
        torch.default_generator.manual_seed(seed)
        net = RecurrentGenerator(space, width=settings.width, blocks=settings.blocks, noise=1)
    # Begin at the frequencies of the tokens, which a small set would else be spent on.
    times = torch.bincount(rows[counted(rows, space.end)], minlength=space.vocabulary) + 1
    with torch.no_grad():
        net.logits.bias.copy_((times / times.sum()).log())
    return net


def _train(
    model: LanguageModel,
    training: Tensor,
    held: Tensor,
    settings: LanguageModelSettings,
    rng: torch.Generator,
    progress: Progress,
) -> LanguageModel:
    """Train the net of `model` in place, and leave it with the weights of the best reading."""
    net, best, weights = model.net, replace(model, held_out=-math.inf), {}
    optimizer = _optimizer(net, settings)
    rates = LinearLR(optimizer, 1.0, 0.0, settings.steps)
    interval = max(settings.interval, len(training) // (2 * settings.batch))
    batches = _batches(training, net.space.end, settings.batch, rng)
    for step, tokens in zip(range(1, settings.steps + 1), batches, strict=False):
        _update(model, optimizer, tokens)
        rates.step()
        progress(step, settings.steps)
        if step % interval and step < settings.steps:
            continue
        value = log_likelihood(model, held).value
        if not math.isfinite(value):
            raise UserError(f"language model rate {settings.rate:g}: log p {value} at step {step}, lower it")
        if value > best.held_out:
            best = replace(model, held_out=value, step=step)
            weights = {name: tensor.clone() for name, tensor in net.state_dict().items()}
        if step - best.step >= settings.patience * interval:
            break
    net.load_state_dict(weights)
    return best


def _optimizer(net: RecurrentGenerator, settings: LanguageModelSettings) -> torch.optim.AdamW:
    """Biases do not decay: they hold the frequencies of the tokens."""
    groups: list[dict[str, Any]] = [
        {"params": [weight for weight in net.parameters() if weight.dim() > 1]},
        {"params": [weight for weight in net.parameters() if weight.dim() == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, settings.rate, weight_decay=settings.weight_decay, fused=True)


def _batches(rows: Tensor, end: int | None, batch: int, rng: torch.Generator) -> Iterator[Tensor]:
    """Epochs without end of (N, T) batches on the host."""
    while True:
        for chosen in torch.randperm(len(rows), generator=rng).split(batch):
            yield trimmed(rows[chosen], end)


def _update(model: LanguageModel, optimizer: torch.optim.Optimizer, tokens: Tensor) -> None:
    """Descend -log p of a batch on the host, nats per token that counts."""
    net, device = model.net, model.device
    # Found on the host: a GPU would have to say how many there are before it could go on.
    places = counted(tokens, net.space.end).flatten().nonzero().squeeze(1).to(device)
    tokens, noise = tokens.to(device), torch.zeros(len(tokens), net.noise, device=device)
    before = torch.cat([torch.full_like(tokens[:, :1], net.start), tokens[:, :-1]], dim=1)
    hidden, _ = net.step(before, noise, net.initial(noise))
    loss = cross_entropy(net.logits(hidden.flatten(0, 1)[places]), tokens.flatten()[places])
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), CLIP)
    optimizer.step()
