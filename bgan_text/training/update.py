"""What all training updates share: draw noise, run a net in the chosen precision, update weights.

When labels are generated, the images take the place of the noise: g(y | x) is a classifier, and the
discriminator scores labels of given images (Hjelm et al. 2018, section 4.1).

Nothing here waits for the device. The numbers of a step stay tensors until they are read, and the optimizer
itself skips an update whose loss is not finite.
"""

from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from bgan_text.batch import Batch, LabelledImages
from bgan_text.config import Config
from bgan_text.models.classifier import LabelDiscriminator, LabelScorer
from bgan_text.models.distributions import ConditionalDistribution
from bgan_text.models.random_numbers import normal
from bgan_text.training.portions import Portions
from bgan_text.training.state import State
from bgan_text.training.synchronised import mean_gradients

Numbers = dict[str, Tensor]
"""Scalar tensors by name, unread."""


def resolve_precision(precision: str, device: torch.device) -> torch.dtype:
    """float32 or bfloat16; 'auto' is bfloat16 where the device multiplies it natively."""
    if precision != "auto":
        return torch.bfloat16 if precision == "bfloat16" else torch.float32
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = torch.backends.mkldnn.is_available() and torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if native else torch.float32


class Update:
    """The updates of one family of objectives. N = `config.batch`, M = `config.draws`, L positions."""

    frozen = False
    """Whether the generator keeps its weights in this step."""

    def __init__(self, state: State, config: Config) -> None:
        self.state, self.config = state, config
        self.dtype = resolve_precision(config.precision, state.device)
        self.portions = Portions("draws", config.draws)

    def step(self, real_batches: list[Batch], progress: float) -> Numbers:
        """One generator step, after its discriminator steps.

        Args:
            real_batches: one batch of N samples of the data per discriminator step.
            progress: the share of the run that is done, 0 .. 1.
        """
        raise NotImplementedError

    @property
    def discriminator_turn(self) -> bool:
        """Whether the discriminator is trained in this step, the last of `generator_steps`.

        The last, so that steps whose number is a multiple of `generator_steps` report on both nets.
        """
        return (self.state.step + 1) % self.config.generator_steps == 0

    def autocast(self) -> AbstractContextManager[object]:
        """A region for one forward pass.

        Leaving it drops the low-precision copies of the weights, which are stale after an update.
        """
        return torch.autocast(self.state.device.type, torch.bfloat16, enabled=self.dtype is torch.bfloat16)

    def conditional(self, real: Batch) -> ConditionalDistribution:
        """g(x | z) for N new noise vectors, or g(y | x) for the N images of a labelled batch."""
        with self.autocast():
            conditional: ConditionalDistribution = self.state.generator(self.given(real))
        return conditional

    def given(self, real: Batch) -> Tensor:
        """What the generator is conditioned on: N new noise vectors, or the images of a labelled batch."""
        state = self.state
        if isinstance(real, LabelledImages):
            return real.images
        return normal(self.config.batch // state.group.size, state.generator.noise, state.rng)

    def stream(self, conditional: ConditionalDistribution) -> torch.Generator:
        """The random stream for draws of tokens.

        A distribution of the user's own draws for the rows that it has, and would draw the same for those of
        another process. It gets a stream that differs from process to process and begins with the step.
        """
        state = self.state
        if state.group.size == 1 or type(conditional).__module__.startswith("bgan_text."):
            return state.rng
        seed = torch.randint(2**62, (), device=state.device, generator=state.rng)
        return torch.Generator(state.device).manual_seed(int(seed) + state.group.rank)

    def judge(self, real: Batch) -> nn.Module | LabelScorer:
        """What scores samples: the discriminator, or for labels its scorer for the images of the batch.

        Call it under autocast, and again after each update.
        """
        net = self.state.discriminator
        if isinstance(net, LabelDiscriminator):
            assert isinstance(real, LabelledImages)
            return net.given(real.images)
        return net

    def update_generator(self, loss: Tensor) -> Numbers:
        """Descend the generator's loss unless it is frozen; the loss and the norm of its gradient."""
        if not self.frozen:
            self.state.generator_optimizer.zero_grad()
            loss.backward()
        return self.finish_generator_update(loss)

    def update_discriminator(self, loss: Tensor) -> Numbers:
        """Descend the discriminator's loss; the norm of its gradient."""
        self.state.discriminator_optimizer.zero_grad()
        loss.backward()
        return self.finish_discriminator_update(loss)

    def finish_generator_update(self, loss: Tensor) -> Numbers:
        """What `update_generator` does after the gradient of `loss`, maybe a sum of many losses."""
        if self.frozen:
            return {"generator_loss": loss.detach()}
        norm = self._apply(loss, self.state.generator_optimizer, self.state.generator)
        return {"generator_loss": loss, "generator_gradient": norm}

    def finish_discriminator_update(self, loss: Tensor) -> Numbers:
        """What `update_discriminator` does after the gradient of `loss`, maybe a sum of many losses."""
        norm = self._apply(loss, self.state.discriminator_optimizer, self.state.discriminator)
        return {"discriminator_gradient": norm}

    def _apply(self, loss: Tensor, optimizer: torch.optim.Adam, net: nn.Module) -> Tensor:
        """Descend unless `loss`, its gradient or an earlier one is not finite.

        Return the gradient norm.
        """
        state = self.state
        loss = mean_gradients(net.parameters(), loss.detach(), state.group)
        norm = nn.utils.clip_grad_norm_(net.parameters(), self.config.grad_clip)
        state.nonfinite = torch.maximum(state.nonfinite, (~torch.isfinite(norm + loss)).float())
        optimizer.found_inf = state.nonfinite  # type: ignore[attr-defined]  # fused Adam skips its step
        optimizer.step()
        return norm
