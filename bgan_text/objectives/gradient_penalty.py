"""How steep a discriminator is between two sequences, for the gradient penalty of a Wasserstein critic."""

import torch
from torch import Tensor, nn

from bgan_text.models.discriminators import Relaxable

LEAST_SQUARE = 1e-12
"""Where a squared gradient norm is cut: its root has no derivative at 0."""


def gradient_norms(
    net: Relaxable,
    one: Tensor,
    other: Tensor,
    mix: Tensor,
    *,
    graph: bool = False,
) -> Tensor:
    """Norm of the score's gradient with respect to a point between two relaxed sequences.

    The net sees a point x of (L, V) numbers only as x W, W the (V, width) embedding. So with g, (L, width),
    its gradient with respect to x W, that with respect to x is g W', and its squared norm the sum over
    positions of g (W' W) g': no (K, L, V) tensor is made. An image of numbers is seen as it is.

    Source: Gulrajani et al., "Improved training of Wasserstein GANs", 2017, section 4.

    Args:
        net: the discriminator.
        one: (K, L, width) sequences, embedded, or (K, channels, height, width) images.
        other: as many of the same.
        mix: (K,) float, 0 at `one` and 1 at `other`.
        graph: whether the result is to be differentiated with respect to the weights.

    Returns:
        (K,) float.
    """
    with torch.enable_grad():
        between = torch.lerp(one, other, mix.view(-1, *[1] * (one.dim() - 1)))
        if not between.requires_grad:  # pixels, unlike embeddings, depend on nothing that is trained
            between.requires_grad_()
        (gradient,) = torch.autograd.grad(net.score_embedded(between).sum(), between, create_graph=graph)
        seen = gradient  # by the input itself
        if isinstance(net.embedding, nn.Embedding):
            seen = gradient @ (net.embedding.weight.T @ net.embedding.weight)
        square = (seen * gradient).flatten(1).sum(dim=1)
    return square.clamp(min=LEAST_SQUARE).sqrt()


def penalty(norms: Tensor) -> Tensor:
    """Mean of (norm - 1)^2, the two-sided penalty: (K,) -> scalar."""
    return (norms - 1.0).square().mean()
