"""Score-function objectives: from the scores of M draws per noise vector to a coefficient for each draw.

Every objective that sees samples only through their scores descends

    loss = -(1/N) * sum over n, m of c[m, n] * log g(x[m, n] | z[n]),

with coefficients c through which no gradient passes. An objective is the rule for c and nothing else, so
a generator needs one weighted log-likelihood for all of them.

    importance  c = softmax over m of F            Hjelm et al. 2018, section 2.3 (the main method)
    partition   c = exp(F) / (beta M)              same, section 2.2; beta a running mean of exp F
    reinforce   c = F / M                          same, appendix (reverse KL)
    constant    c = 1 / M                          the control: the discriminator has no influence

A baseline is subtracted from the coefficients. The gradient of log g has mean 0, so the expected gradient
stays the same, and its variance falls:

    mean           1/M, the mean of the weights, or b/M for reinforce, b a running mean of F
    leave-one-out  the mean coefficient of the other draws of the noise vector (Kool et al., "Buy 4 REINFORCE
                   samples, get a baseline for free!", 2019)

(Normalised weights depend on all draws. For them, leave-one-out equals the baseline 1/M multiplied by
M/(M - 1), and so does the expected gradient, which brings it closer to the limit of many draws.)

With prefix credit every prefix has a score F_t, and each token has a coefficient of its own:

    importance, partition   F_t, the ratio of the prefix that ends with the token, in place of F
    reinforce               F_L - F_(t-1), that of the continuation that begins with it

For reinforce the expected gradient equals that of whole sequences: the tokens before a token affect only the
variance. For partition, and for importance with many draws, they are equal if exp F_t is the mean of exp F
over the possible continuations and z. The exact ratio p/q of a generator without noise has this property.
With noise the gradients differ, because F_t does not know z; at q = p all scores are 0 and both gradients
vanish.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bgan_text.group import ALONE, Group
from bgan_text.objectives.divergences import bounded_exp

RUNNING_RATE = 0.1
"""Weight of the newest batch in the running means of `partition` and `reinforce`."""


@dataclass
class RunningStatistics:
    """Running means by which objectives centre or scale scores; part of a checkpoint.

    They stay tensors, so that a training step on a GPU never waits for their values.
    """

    log_partition: Tensor
    reward: Tensor
    started: Tensor

    @classmethod
    def fresh(cls, device: torch.device, shape: tuple[int, ...] = ()) -> "RunningStatistics":
        """No mean yet. `shape`: (L,) for one mean per prefix, () for whole sequences."""
        return cls(*(torch.zeros(shape, device=device) for _ in range(3)))

    def update(self, scores: Tensor, group: Group = ALONE) -> None:
        """Add the scores of a batch; the first batch sets the means.

        Args:
            scores: (M, N) or (M, N, L).
            group: the processes that hold the noise vectors of the batch, N each.
        """
        rate = torch.where(self.started > 0, RUNNING_RATE, 1.0)
        log_partition = scores.logsumexp((0, 1)) - math.log(scores.shape[0] * scores.shape[1])
        reward = scores.mean((0, 1))
        if group.size > 1:
            log_partitions, rewards = group.gathered(torch.stack([log_partition, reward])).unbind(1)
            log_partition = log_partitions.logsumexp(0) - math.log(group.size)
            reward = rewards.mean(0)
        mixed = torch.logaddexp(torch.log1p(-rate) + self.log_partition, rate.log() + log_partition)
        self.log_partition = mixed
        self.reward = self.reward + rate * (reward - self.reward)
        self.started = torch.ones_like(self.started)


def importance_weights(scores: Tensor) -> Tensor:
    """Normalised importance weights per noise vector, softmax over the draws: (M, N) -> (M, N)."""
    return scores.softmax(dim=0)


def partition_weights(scores: Tensor, running: RunningStatistics) -> Tensor:
    """Un-normalised weights exp(F) / beta, whose mean over draws and noise is about 1: (M, N) -> (M, N)."""
    return bounded_exp(scores - running.log_partition)


def importance(scores: Tensor, running: RunningStatistics) -> Tensor:
    """Coefficients that sum to 1 over the draws of each noise vector: (M, N) -> (M, N)."""
    return importance_weights(scores)


def partition(scores: Tensor, running: RunningStatistics) -> Tensor:
    """Coefficients exp(F) / (beta M): (M, N) -> (M, N)."""
    return partition_weights(scores, running) / scores.shape[0]


def reinforce(scores: Tensor, running: RunningStatistics) -> Tensor:
    """Coefficients F / M: (M, N) -> (M, N)."""
    return scores / scores.shape[0]


def constant(scores: Tensor, running: RunningStatistics) -> Tensor:
    """Coefficients 1 / M, the importance weights of constant scores: (M, N) -> (M, N)."""
    return torch.full_like(scores, 1.0 / scores.shape[0])


def continuation(prefix_scores: Tensor) -> Tensor:
    """F_L - F_(t-1), the score of the continuation of the first t - 1 tokens: (M, N, L) -> (M, N, L)."""
    before = torch.nn.functional.pad(prefix_scores[..., :-1], (1, 0))
    return prefix_scores[..., -1:] - before


WEIGHING_RULES: dict[str, Callable[[Tensor, RunningStatistics], Tensor]] = {
    "importance": importance,
    "partition": partition,
    "reinforce": reinforce,
    "constant": constant,
}
"""Rules from scores (M, N) to coefficients (M, N); from (M, N, L) to (M, N, L) with prefix credit."""


def coefficients(objective: str, baseline: str, scores: Tensor, running: RunningStatistics) -> Tensor:
    """The objective's coefficients minus the baseline: (M, N, ...) -> (M, N, ...).

    Args:
        objective: a key of `WEIGHING_RULES`.
        baseline: none, mean, or leave-one-out, which needs at least two draws.
        scores: of the draws.
        running: the running means, updated with these scores.
    """
    plain, draws = WEIGHING_RULES[objective](scores, running), scores.shape[0]
    if baseline == "leave-one-out":
        return (plain - plain.mean(dim=0)) * (draws / (draws - 1))
    if baseline == "mean":
        return plain - (running.reward if objective == "reinforce" else 1.0) / draws
    return plain


def effective_sample_size(weights: Tensor) -> Tensor:
    """1 / sum of squared normalised weights, in 1 .. M: (M, N, ...) -> (N, ...)."""
    return weights.square().sum(dim=0).reciprocal()
