"""Tokens relaxed to points of the simplex, so that a gradient can pass through a sample.

A discriminator sees a token as its one-hot vector, so it can see any mixture of tokens as well.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bgan_text.models.random_numbers import exponential_like

Relaxation = Callable[[Tensor], Tensor]
"""Logits (..., V) -> points of the simplex (..., V), through which a gradient passes."""


def softmax(logits: Tensor) -> Tensor:
    """The probabilities themselves, as in the language model of Gulrajani et al. 2017.

    (..., V) -> (..., V).
    """
    return logits.softmax(dim=-1)


def straight_through(temperature: float, rng: torch.Generator) -> Relaxation:
    """Draws of tokens, one-hot, whose gradient is that of Gumbel-softmax samples.

    Source: Jang et al., "Categorical reparameterization with Gumbel-softmax", 2017, section 2.2.

    Args:
        temperature: of the Gumbel-softmax, above 0. The draws are exact at any temperature; a lower one
            makes their gradient less biased and more noisy.
        rng: the random stream, on the device of the logits.

    Returns:
        Logits (..., V) -> one-hot draws (..., V).
    """

    def relax(logits: Tensor) -> Tensor:
        hard: Tensor = _StraightThrough.apply(gumbel_softmax(logits, temperature, rng))
        return hard

    return relax


def gumbel_softmax(logits: Tensor, temperature: float, rng: torch.Generator) -> Tensor:
    """Relaxed draws: softmax((logits + Gumbel noise) / temperature), (..., V) -> (..., V)."""
    gumbel = -exponential_like(logits, rng).log()
    return ((logits + gumbel) / temperature).softmax(dim=-1)


class _StraightThrough(torch.autograd.Function):
    """The one-hot vector of the largest entry; the identity in the backward pass."""

    @staticmethod
    def forward(context: Any, soft: Tensor) -> Tensor:
        return torch.zeros_like(soft).scatter_(-1, soft.argmax(dim=-1, keepdim=True), 1.0)

    @staticmethod
    def backward(context: Any, *gradients: Any) -> Any:
        return gradients[0]
