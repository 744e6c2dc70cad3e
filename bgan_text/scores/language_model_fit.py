"""Training of a language model with a fixed budget, so that models of different data are comparable.

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
from bgan_text.initialisation import seeded_initialisation
from bgan_text.models.generators import RecurrentGenerator
from bgan_text.models.sampling import counted, shifted
from bgan_text.scores.language_model import LanguageModel, check_rows, trimmed
from bgan_text.scores.likelihood import log_likelihood
from bgan_text.space import TokenSpace

CLIP = 1.0
"""Largest gradient norm; larger gradients are scaled down."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class LanguageModelSettings:
    """Size and training of a language model. All models of a comparison must share them.

    Attributes:
        width: Hidden units.
        blocks: Recurrent layers.
        batch: Batch size.
        rate: Initial learning rate of AdamW. It decays linearly to 0 over `steps`.
        weight_decay: AdamW weight decay.
        steps: Maximum number of steps.
        interval: Steps between evaluations on the validation set, at most two of which take place per epoch.
        patience: Number of evaluations without improvement after which training stops.
        held_out: Share of the rows in the validation set.

    Raises:
        UserError: If a setting is out of range.
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
                    f"language model setting `{name}` {value}: a finite number above 0 is needed, "
                    "for `held_out` below 1"
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
    """Train a language model by maximum likelihood and keep the weights with the best validation likelihood.

    Args:
        rows: (S, L) int64. Tokens after the first end token are ignored.
        space: Space of the rows.
        settings: Size and training of the model.
        seed: Seed of the initial weights, the validation split and the batches. The result is deterministic
            on a CPU.
        device: Device to train on.
        progress: Called with the number of steps done and the maximum number of steps, after each step.

    Raises:
        UserError: If there are too few rows for a validation set, the rows are outside the space, or the
            likelihood becomes nonfinite.
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
    with seeded_initialisation(seed):
        net = RecurrentGenerator(space, width=settings.width, blocks=settings.blocks, noise=1)
    # Start from the token frequencies, so that steps on small data are not spent on learning them.
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
    """Train the network of `model` in place and restore the weights with the best validation likelihood."""
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
            raise UserError(
                f"language model setting `rate` {settings.rate:g}: log p is {value} at step {step}, lower it"
            )
        if value > best.held_out:
            best = replace(model, held_out=value, step=step)
            weights = {name: tensor.clone() for name, tensor in net.state_dict().items()}
        if step - best.step >= settings.patience * interval:
            break
    net.load_state_dict(weights)
    return best


def _optimizer(net: RecurrentGenerator, settings: LanguageModelSettings) -> torch.optim.AdamW:
    """Create AdamW without weight decay of biases, as they hold the token frequencies."""
    groups: list[dict[str, Any]] = [
        {"params": [weight for weight in net.parameters() if weight.dim() > 1]},
        {"params": [weight for weight in net.parameters() if weight.dim() == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, settings.rate, weight_decay=settings.weight_decay, fused=True)


def _batches(rows: Tensor, end: int | None, batch: int, rng: torch.Generator) -> Iterator[Tensor]:
    """Yield (N, T) batches on the CPU, epoch after epoch without end."""
    while True:
        for chosen in torch.randperm(len(rows), generator=rng).split(batch):
            yield trimmed(rows[chosen], end)


def _update(model: LanguageModel, optimizer: torch.optim.Optimizer, tokens: Tensor) -> None:
    """Take one step on the negative log-likelihood of a CPU batch, in nats per token up to the end token."""
    net, device = model.net, model.device
    # Computed on the CPU: on a GPU, `nonzero` would force a synchronisation.
    places = counted(tokens, net.space.end).flatten().nonzero().squeeze(1).to(device)
    tokens, noise = tokens.to(device), torch.zeros(len(tokens), net.noise, device=device)
    before = shifted(tokens, net.start)
    hidden, _ = net.step(before, noise, net.initial(noise))
    loss = cross_entropy(net.logits(hidden.flatten(0, 1)[places]), tokens.flatten()[places])
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), CLIP)
    optimizer.step()
