"""Token credit: every token of the vocabulary is weighed, so no draws are needed.

An autoregressive generator gives g(v | x_<t, z) for all V tokens at once. Let a causal discriminator score
all of them: F_t(v) estimates log p(v | x_<t) / g(v | x_<t). The normalised conditional weights of
Hjelm et al. 2018 (section 2.3) then have an exact partition function,

    p~_t(v) = g(v | x_<t, z) exp F_t(v) / sum over u of g(u | x_<t, z) exp F_t(u),

and the generator descends, through g alone,

    importance   KL(p~_t || g_t), which draws g over all tokens of p~
    reinforce    KL(g_t || p~_t), which draws g to the best tokens of p~: the reverse KL of each token. Its
                 gradient is -sum over v of grad g(v) F_t(v), the reward of the token alone. The policy
                 gradient of KL(q || p) also has the rewards of the tokens that follow.

Neither credits a token with the prefixes that follow it. Two kinds of prefixes x_<t teach the discriminator:

    data      x_<t is the beginning of a real sequence. The fake side of the bound is an exact expectation,
              sum over v of g(v | x_<t) f*(T(F_t(v))): it has no variance. The prefix says nothing of z, so
              F_t estimates log p(v | x_<t) / E_z g(v | x_<t, z), with z as probable as before the prefix. It
              is 0 where this mean is p; that q is p as well needs a generator that ignores z.
    samples   x_<t is the beginning of a sample. S_t = sum over s <= t of F_s(x_s) is the log-ratio of a
              whole prefix (the chain rule), and the bound compares the prefixes of data and of samples.

Shapes: K prefixes, V vocabulary. `log_probs` is log g, so that it is normalised once for all.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from bgan_text.group import ALONE, Group
from bgan_text.objectives.divergences import Divergence


def weighted_tokens(log_probs: Tensor, scores: Tensor) -> Tensor:
    """log p~, the generator's distribution weighted by exp F and normalised: (K, V), (K, V) -> (K, V).

    Example:
        With the exact log-ratio, p~ is the distribution of the data.

        >>> import torch
        >>> p, g = torch.tensor([[0.7, 0.3]]), torch.tensor([[0.2, 0.8]])
        >>> weighted_tokens(g.log(), p.log() - g.log()).exp()
        tensor([[0.7000, 0.3000]])
    """
    return (log_probs + scores).log_softmax(dim=-1)


def importance_divergence(log_probs: Tensor, scores: Tensor) -> Tensor:
    """KL(p~ || g) of each prefix in nats, where p~ carries no gradient: (K, V), (K, V) -> (K,)."""
    target = weighted_tokens(log_probs, scores).detach()
    return (target.exp() * (target - log_probs)).sum(dim=-1)


def reinforce_divergence(log_probs: Tensor, scores: Tensor) -> Tensor:
    """KL(g || p~) of each prefix in nats, where p~ carries no gradient: (K, V), (K, V) -> (K,)."""
    target = weighted_tokens(log_probs, scores).detach()
    return (log_probs.exp() * (log_probs - target)).sum(dim=-1)


TOKEN_DIVERGENCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "importance": importance_divergence,
    "reinforce": reinforce_divergence,
}
"""What the generator descends with token credit, by objective."""


def next_token_bounds(divergence: Divergence, scores: Tensor, log_probs: Tensor, tokens: Tensor) -> Tensor:
    """The bound on the divergence of the next token after each prefix of data.

    Args:
        divergence: what is bounded.
        scores: (K, V) F of every token.
        log_probs: (K, V) log g; they get no gradient.
        tokens: (K,) int64, the real next tokens.

    Returns:
        (K,) in nats; the discriminator ascends their mean.
    """
    real = divergence.real(scores.gather(-1, tokens.unsqueeze(-1)).squeeze(-1))
    fake = (log_probs.detach().exp() * divergence.fake(scores)).sum(dim=-1)
    return real - fake


def row_weights(where: Tensor, group: Group = ALONE) -> Tensor:
    """What each prefix of a row counts in a bound: 1 / (N times the mean length of the other real rows).

    A bound compares a sum over prefixes of data with a sum over prefixes of samples, and both must be divided
    by the same number. If each is divided by its own number of prefixes, the best score is log p/q plus the
    logarithm of the ratio of the mean lengths. Here sequence n of the data and sample n have the same weight,
    and it depends on neither, so the expectation of the bound is that of the sums times a constant.

    Args:
        where: (N, L) bool, the positions up to the end of each sequence of the data.
        group: the processes that hold the rows of the batch, N each. The weights are those of the whole batch
            times the number of processes, whose gradients are averaged.

    Returns:
        (N,) float32; 1 / L if there is no other row. Over the prefixes of the data they sum to about 1.

    Example:
        >>> row_weights(torch.tensor([[True, True, True], [True, False, False]]))
        tensor([0.5000, 0.1667])
    """
    rows, positions = len(where) * group.size, where.shape[1]
    if rows == 1:
        return torch.full((1,), 1.0 / positions, device=where.device)
    lengths = where.sum(dim=1)
    return group.size * (rows - 1) / (rows * (group.sum(lengths.sum()) - lengths)).float()


def prefix_scores(scores: Tensor, tokens: Tensor, where: Tensor) -> Tensor:
    """S_t, the log-ratio of the prefix that ends with each counted token: the sum of F_s(x_s) over s <= t.

    Args:
        scores: (K, V) F of every token, for the K counted positions in order; or (N L, V), for all positions.
        tokens: (N, L) int64 sequences.
        where: (N, L) bool, K of them true: the positions up to the end of each sequence.

    Returns:
        (K,) or (N L,) in the same order.
    """
    sums = _token_scores(scores, tokens, where).cumsum(dim=-1)
    return sums.flatten() if len(scores) == where.numel() else sums[where]


def sequence_scores(scores: Tensor, tokens: Tensor, where: Tensor) -> Tensor:
    """The sum of the scores of a sequence's own tokens: shapes as of `prefix_scores` -> (N,).

    It is the log-ratio of the whole sequence, or its log-probability if `scores` are those of tokens.
    """
    return _token_scores(scores, tokens, where).sum(dim=-1)


def _token_scores(scores: Tensor, tokens: Tensor, where: Tensor) -> Tensor:
    """The score of each token of the sequences, 0 where it does not count: -> (N, L)."""
    if len(scores) == where.numel():
        every = scores.gather(-1, tokens.reshape(-1, 1)).view(where.shape)
        return every.masked_fill(~where, 0.0)
    each = scores.gather(-1, tokens[where].unsqueeze(-1)).squeeze(-1)
    return scores.new_zeros(where.shape).masked_scatter(where, each)


def weight_variance(log_probs: Tensor, scores: Tensor) -> Tensor:
    """The variance of the weights p~(v) / g(v) over v ~ g, for each prefix: (K, V), (K, V) -> (K,)."""
    return (2.0 * weighted_tokens(log_probs, scores) - log_probs).exp().sum(dim=-1) - 1.0
