"""What every kind of training step does: draw noise, run a net in the chosen precision, update weights.

Where labels of images are the samples, the images stand in the place of the noise: g(y | x) is a
classifier, and the discriminator judges labels of given images (Hjelm et al. 2018, section 4.1).

Nothing here waits for the device: the numbers of a step stay tensors until someone reads them, and a
loss that is not finite is kept from the weights by the optimizer itself.
"""

from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from bgan_text.batch import Batch, LabelledImages
from bgan_text.config import Config
from bgan_text.models.classifier import LabelDiscriminator, LabelScorer
from bgan_text.models.distributions import ConditionalDistribution
from bgan_text.training.state import State

Numbers = dict[str, Tensor]
"""Scalar tensors by name, unread."""


def resolve_precision(precision: str, device: torch.device) -> torch.dtype:
    """float32 or bfloat16; 'auto' takes bfloat16 where the device multiplies it natively."""
    if precision != "auto":
        return torch.bfloat16 if precision == "bfloat16" else torch.float32
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = torch.backends.mkldnn.is_available() and torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if native else torch.float32


class Update:
    """Makes the steps of one kind of objective. N = `config.batch`, M = `config.draws`, L positions."""

    def __init__(self, state: State, config: Config) -> None:
        self.state, self.config = state, config
        self.dtype = resolve_precision(config.precision, state.device)

    def step(self, real_batches: list[Batch], progress: float) -> Numbers:
        """One generator step, after its discriminator steps.

        Args:
            real_batches: one batch of N samples of the data per discriminator step.
            progress: the share of the run that is done, 0 .. 1.
        """
        raise NotImplementedError

    @property
    def discriminator_turn(self) -> bool:
        """Whether the discriminator is trained in this step: the last of `generator_steps`, so that the
        numbers of a step whose number is a multiple of them tell of both nets."""
        return (self.state.step + 1) % self.config.generator_steps == 0

    def autocast(self) -> AbstractContextManager[object]:
        """One region per forward pass: leaving it drops the low-precision copies of the weights, which
        must not be read again after an update."""
        return torch.autocast(self.state.device.type, torch.bfloat16, enabled=self.dtype is torch.bfloat16)

    def conditional(self, real: Batch) -> ConditionalDistribution:
        """g(. | z) for N new noise vectors, or g(. | x) for the N images of a labelled batch."""
        state, config = self.state, self.config
        if isinstance(real, LabelledImages):
            given = real.images
        else:
            given = torch.randn(config.batch, config.noise, device=state.device, generator=state.rng)
        with self.autocast():
            conditional: ConditionalDistribution = state.generator(given)
        return conditional

    def judge(self, real: Batch) -> nn.Module | LabelScorer:
        """What scores samples: the discriminator, or for labels what it makes of the batch's images.

        To be called, like a net, under autocast and anew after an update.
        """
        net = self.state.discriminator
        if isinstance(net, LabelDiscriminator):
            assert isinstance(real, LabelledImages)
            return net.given(real.images)
        return net

    def update_generator(self, loss: Tensor) -> Numbers:
        """Descend the generator's loss; the loss and the norm of its gradient."""
        norm = self._update(loss, self.state.generator_optimizer, self.state.generator)
        return {"generator_loss": loss, "generator_gradient": norm}

    def update_discriminator(self, loss: Tensor) -> Numbers:
        """Descend the discriminator's loss; the norm of its gradient."""
        norm = self._update(loss, self.state.discriminator_optimizer, self.state.discriminator)
        return {"discriminator_gradient": norm}

    def _update(self, loss: Tensor, optimizer: torch.optim.Adam, net: nn.Module) -> Tensor:
        """Descend `loss` unless it, its gradient or an earlier one is not finite; the gradient norm."""
        state = self.state
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(net.parameters(), self.config.grad_clip)
        state.nonfinite = torch.maximum(state.nonfinite, (~torch.isfinite(norm + loss.detach())).float())
        optimizer.found_inf = state.nonfinite  # type: ignore[attr-defined]  # fused Adam skips its step
        optimizer.step()
        return norm
