"""Generator objectives: from the scores of M draws per noise vector to a coefficient for each draw.

Every objective that sees samples only through the score descends

    loss = -(1/N) * sum over n, m of c[m, n] * log g(x[m, n] | z[n]),

with coefficients c that are constants to the gradient. An objective is the rule for c and nothing
else, so a generator needs one weighted log-likelihood for all of them.

    importance  c = softmax over m of F            Hjelm et al. 2018, section 2.3 (the main method)
    partition   c = exp(F) / (beta M)              same, section 2.2; beta a running mean of exp F
    reinforce   c = (F - b) / M                    same, appendix (reverse KL); b a running mean of F
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bgan_text.divergence import bounded_exp

RUNNING_RATE = 0.1
"""Share of the newest batch in the running means of `partition` and `reinforce`."""


@dataclass
class Running:
    """Running means that objectives centre or scale by; scalar tensors, saved with a checkpoint.

    They stay tensors so that a training step on a GPU never waits for their value.
    """

    log_partition: Tensor
    reward: Tensor
    started: Tensor

    @classmethod
    def fresh(cls, device: torch.device) -> "Running":
        return cls(*(torch.zeros((), device=device) for _ in range(3)))

    def update(self, scores: Tensor) -> None:
        """Take in the scores (M, N) of a batch; the first batch sets the means."""
        rate = torch.where(self.started > 0, RUNNING_RATE, 1.0)
        log_partition = scores.flatten().logsumexp(0) - math.log(scores.numel())
        mixed = torch.logaddexp(torch.log1p(-rate) + self.log_partition, rate.log() + log_partition)
        self.log_partition = mixed
        self.reward = self.reward + rate * (scores.mean() - self.reward)
        self.started = torch.ones_like(self.started)


def importance_weights(scores: Tensor) -> Tensor:
    """Normalised importance weights per noise vector, softmax over the draws: (M, N) -> (M, N)."""
    return scores.softmax(dim=0)


def partition_weights(scores: Tensor, running: Running) -> Tensor:
    """Un-normalised weights exp(F) / beta, whose mean over draws and noise is about 1: (M, N) -> (M, N)."""
    return bounded_exp(scores - running.log_partition)


def importance(scores: Tensor, running: Running) -> Tensor:
    """Coefficients that sum to 1 over the draws of each noise vector: (M, N) -> (M, N)."""
    return importance_weights(scores)


def partition(scores: Tensor, running: Running) -> Tensor:
    """Coefficients exp(F) / (beta M): (M, N) -> (M, N)."""
    return partition_weights(scores, running) / scores.shape[0]


def reinforce(scores: Tensor, running: Running) -> Tensor:
    """Coefficients (F - b) / M: (M, N) -> (M, N)."""
    return (scores - running.reward) / scores.shape[0]


ADVERSARIAL_OBJECTIVES: dict[str, Callable[[Tensor, Running], Tensor]] = {
    "importance": importance,
    "partition": partition,
    "reinforce": reinforce,
}


def effective_draws(weights: Tensor) -> Tensor:
    """1 / sum of squared normalised weights, in 1 .. M: (M, N) -> (N,)."""
    return weights.square().sum(dim=0).reciprocal()
