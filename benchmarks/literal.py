"""The step of Boundary-Seeking GANs as a reader of the paper would write it: one-hot draws, 1-D convolutions.

It has the nets, the draws and the losses of `ScoreFunctionUpdate`, and so the same effect to rounding. Only
the way differs: an (M, N, L, V) tensor of draws is embedded by a matrix product, and multiplies the
log-probabilities.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d, one_hot

from bgan_text.batch import Batch
from bgan_text.models.distributions import ConditionalDistribution
from bgan_text.training.score_function import ScoreFunctionUpdate


class LiteralDistribution:
    """The distribution of a conv generator, whose draws are weighed as one-hot tensors."""

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits

    def sample(self, draws: int, rng: torch.Generator) -> Tensor:
        rows, positions, vocabulary = self.logits.shape
        probabilities = self.logits.detach().softmax(dim=-1).view(-1, vocabulary)
        tokens = torch.multinomial(probabilities, draws, replacement=True, generator=rng)
        return tokens.T.reshape(draws, rows, positions)

    def weighted_log_prob(self, tokens: Tensor, coefficients: Tensor) -> Tensor:
        draws = one_hot(tokens, self.logits.shape[-1]).to(self.logits)
        log_prob = (draws * self.logits.log_softmax(dim=-1)).sum(dim=(2, 3))
        return (coefficients * log_prob).sum() / self.logits.shape[0]


class LiteralUpdate(ScoreFunctionUpdate):
    """`ScoreFunctionUpdate` by one-hot tensors and 1-D convolutions."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        for net in (self.state.generator, self.state.discriminator):
            for layer in net.modules():
                if isinstance(layer, nn.Conv2d):
                    layer.forward = _one_dimensional(layer)  # type: ignore[method-assign]

    def conditional(self, real: Batch) -> ConditionalDistribution:
        logits = super().conditional(real).logits  # type: ignore[attr-defined]
        return LiteralDistribution(logits)  # type: ignore[return-value]

    def judge(self, real: Batch) -> Any:
        net: Any = self.state.discriminator
        vocabulary = net.embedding.num_embeddings
        return lambda tokens: net.score_embedded(net.embed_relaxed(one_hot(tokens, vocabulary).float()))


def _one_dimensional(layer: nn.Conv2d) -> Any:
    def forward(x: Tensor) -> Tensor:
        weight = layer.weight.squeeze(2)
        return conv1d(x.squeeze(2).contiguous(), weight, layer.bias, padding=weight.shape[2] // 2).unsqueeze(
            2
        )

    return forward
