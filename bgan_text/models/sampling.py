"""Draw tokens and weight their log-probabilities, without an (M, N, L, V) tensor.

Shapes: M draws per noise vector, N noise vectors, L positions, V vocabulary.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import linear, log_softmax
from torch.utils.checkpoint import checkpoint

from bgan_text.models.random_numbers import multinomial, uniform

IMPOSSIBLE = -1e9
"""The logit of a token that is never drawn. Its probability is 0 in float32, and so is that probability times
its logarithm, which minus infinity would make NaN."""
FEW = 16
"""Tokens whose probabilities are added before one of them is sought."""
CACHED_ELEMENTS = 1 << 18
"""Probabilities that a processor draws from at a time: 1 MiB in float32 stays in its cache."""
CHUNK_ELEMENTS = 1 << 22
"""Logits that `chunked_log_prob` holds at a time: 16 MiB in float32."""


def possible(logits: Tensor, absent: int | None) -> Tensor:
    """Logits of the tokens that the data hold: (..., V) -> (..., V).

    The one place where the token `TokenSpace.absent` loses its probability. Whatever a distribution offers
    takes these logits: draws at any temperature, log-probabilities, relaxed points, and the weights of the
    discriminator on top of them. So g itself is a distribution over the sequences without that token, in
    training as in sampling, and what is proved of g holds of it: no draw is rejected or drawn again.
    """
    if absent is None:
        return logits
    place = torch.full((1,), absent, dtype=torch.int64, device=logits.device)
    return logits.index_fill(-1, place, IMPOSSIBLE)


def draw(logits: Tensor, draws: int, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
    """Draw each position independently.

    Args:
        logits: (N, L, V) float.
        draws: M, how many sequences per noise vector.
        rng: the random stream, on the device of `logits`.
        temperature: what the logits are divided by, above 0.

    Returns:
        (M, N, L) int64 tokens.
    """
    rows, positions, vocabulary = logits.shape
    if vocabulary == 2:
        return _draw_bits(logits.detach(), draws, rng, temperature)
    tokens = draw_each(logits.detach().reshape(-1, vocabulary), draws, rng, temperature)
    return tokens.T.reshape(draws, rows, positions)


def _draw_bits(logits: Tensor, draws: int, rng: torch.Generator, temperature: float) -> Tensor:
    """`draw` for two tokens: one comparison each, a third of the time of the general case."""
    zero = ((logits[..., 0] - logits[..., 1]) / temperature).sigmoid()
    return (uniform((draws, *zero.shape), rng, 1) >= zero).long()


def draw_each(
    logits: Tensor, draws: int, rng: torch.Generator, temperature: float = 1.0, repeats: int = 1
) -> Tensor:
    """`draws` tokens from each row of logits: (K, V) -> (K, draws) int64.

    The K rows are those of the batch, `repeats` times over.

    Rows that are not finite give tokens all the same: the loss reports them, whereas a check here would
    make a GPU wait.
    """
    if draws > 1:
        return multinomial(_probabilities(logits, temperature), draws, rng)
    places = uniform((repeats, len(logits) // repeats, 1), rng, 1, torch.float64).flatten(0, 1)
    on_cpu = logits.device.type == "cpu"
    rows = max(1, CACHED_ELEMENTS // logits.shape[1]) if on_cpu else max(1, len(logits))
    pairs = zip(logits.split(rows), places.split(rows), strict=True)
    return torch.cat([tokens_at(_probabilities(some, temperature), at) for some, at in pairs])


def _probabilities(logits: Tensor, temperature: float) -> Tensor:
    probabilities: Tensor = tempered(logits, temperature).softmax(dim=-1)
    torch.nan_to_num_(probabilities, nan=1.0)
    return probabilities


def tokens_at(probabilities: Tensor, places: Tensor) -> Tensor:
    """The token at each place of the distribution function: (K, V), (K, 1) in 0 .. 1 -> (K, 1) int64.

    For one draw from each row, where `torch.multinomial` would check its input on the host first. The place
    is sought among sums of a few tokens, and then among the tokens of one sum, so that most tokens are only
    added. Sums are of double precision. A token of probability 0 is never found.
    """
    vocabulary = probabilities.shape[1]
    few = FEW if vocabulary <= FEW * FEW else 4 * FEW
    ends = _sums(probabilities, few).double().cumsum(dim=1)
    place = places * ends[:, -1:]
    part = _first_above(ends, place)
    tokens = part * few + torch.arange(few, device=part.device)
    absent = tokens >= vocabulary  # the last part may be shorter
    found = probabilities.gather(1, tokens.clamp_(max=vocabulary - 1)).masked_fill_(absent, 0.0)
    inside = found.double().cumsum(dim=1)
    before = ends.gather(1, part) - inside[:, -1:]  # as the sum of the part ends where its tokens do
    return part * few + _first_above(inside, (place - before).clamp_(min=0.0))


def _sums(probabilities: Tensor, few: int) -> Tensor:
    """The sums of a few numbers each: (K, V) -> (K, V / few, rounded up)."""
    whole = probabilities.shape[1] // few * few
    sums: Tensor = probabilities[:, :whole].unflatten(1, (-1, few)).sum(dim=2)
    if whole == probabilities.shape[1]:
        return sums
    return torch.cat((sums, probabilities[:, whole:].sum(dim=1, keepdim=True)), dim=1)


def _first_above(ends: Tensor, place: Tensor) -> Tensor:
    """Where the first of some rising numbers above a place is: (K, B), (K, 1) -> (K, 1) int64."""
    last = ends[:, -1:]
    below = torch.nextafter(last, torch.zeros_like(last))  # rounding may have put the place on the last one
    return torch.searchsorted(ends, place.minimum(below), right=True)


def tempered(logits: Tensor, temperature: float) -> Tensor:
    """Logits divided by a temperature above 0: (K, V) -> (K, V)."""
    if temperature == 1.0:
        return logits
    # Shifted first, so that a tiny temperature leaves the largest logit at 0.
    divided = (logits - logits.amax(dim=-1, keepdim=True)) / temperature
    # What is impossible stays so at a huge temperature.
    return divided if temperature < 1.0 else divided.masked_fill(logits <= IMPOSSIBLE, IMPOSSIBLE)


def log_prob(logits: Tensor, tokens: Tensor) -> Tensor:
    """log g(x | z) in nats, summed over positions: (N, L, V), (M, N, L) -> (M, N)."""
    gathered = log_softmax(logits, dim=-1).gather(-1, tokens.permute(1, 2, 0))
    return gathered.sum(dim=1).T


def weighted_histogram(coefficients: Tensor, tokens: Tensor, vocabulary: int) -> Tensor:
    """t[n, l, v] = sum over m of coefficients[m, n] where tokens[m, n, l] = v.

    Args:
        coefficients: (M, N) float.
        tokens: (M, N, L) int64.
        vocabulary: V.

    Returns:
        (N, L, V) float.
    """
    draws, rows, positions = tokens.shape
    histogram = coefficients.new_zeros(rows, positions, vocabulary)
    spread = coefficients.T.unsqueeze(1).expand(rows, positions, draws)
    return histogram.scatter_add_(-1, tokens.permute(1, 2, 0), spread)


def counted(tokens: Tensor, end: int | None) -> Tensor:
    """Which positions belong to a sequence: all up to its first end token, and that.

    (..., L) int64 -> (..., L) bool.
    """
    if end is None:
        return torch.ones_like(tokens, dtype=torch.bool)
    ended = (tokens == end).cumsum(dim=-1)
    return (ended == 0) | ((ended == 1) & (tokens == end))


def chosen_vectors(vectors: Tensor, where: Tensor | None) -> Tensor:
    """The vectors of the chosen positions: (N, L, H), (N, L) bool with K true -> (K, H).

    A GPU waits for K to be counted. None stands for all positions, K = N L, without a wait.
    """
    return vectors.flatten(0, 1) if where is None else vectors[where]


def shifted(tokens: Tensor, start: int) -> Tensor:
    """The token before each position, `start` before the first: (..., L) int64 -> (..., L) int64.

    Example:
        >>> shifted(torch.tensor([[5, 6, 7]]), 9)
        tensor([[9, 5, 6]])
    """
    return torch.cat([torch.full_like(tokens[..., :1], start), tokens[..., :-1]], dim=-1)


def chunked_log_prob(hidden: Tensor, weight: Tensor, bias: Tensor, tokens: Tensor) -> Tensor:
    """Log-probability of each token under softmax(hidden @ weight.T + bias).

    The logits of each chunk of rows are computed, used, dropped, and computed again in the backward pass,
    so that memory does not grow with rows x vocabulary.

    Args:
        hidden: (K, H) float.
        weight: (V, H) float.
        bias: (V,) float.
        tokens: (K,) int64.

    Returns:
        (K,) nats.
    """
    rows = max(1, CHUNK_ELEMENTS // weight.shape[0])
    if hidden.shape[0] <= rows:
        return _token_log_prob(hidden, weight, bias, tokens)
    run: Callable[..., Tensor] = checkpoint
    parts = [
        run(_token_log_prob, part, weight, bias, chosen, use_reentrant=False, preserve_rng_state=False)
        for part, chosen in zip(hidden.split(rows), tokens.split(rows), strict=True)
    ]
    return torch.cat(parts)


def _token_log_prob(hidden: Tensor, weight: Tensor, bias: Tensor, tokens: Tensor) -> Tensor:
    logits = linear(hidden, weight, bias).float()
    chosen = logits.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
    return chosen - logits.logsumexp(dim=-1)
