"""SeqGAN's oracle: a randomly initialised LSTM, a known distribution over rows of tokens.

Yu et al. 2017, "SeqGAN: Sequence generative adversarial nets with policy gradient", section 5.1. It has one
layer, one bias for each gate and an initial state of zeros, and reads token 0 before the first one. All its
parameters are drawn from N(0, 1). Every row has full length, so the probabilities of all V^L rows sum to 1.

Shapes: S rows, L positions, V vocabulary, E embedding, H hidden. Nothing here knows files or text.
"""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from bgan_text.initialisation import without_memory

START = 0
"""The token that is read before the first one. It is a token like all others."""
ROWS = 256
"""Rows that are read or drawn at a time: with 5,000 tokens their logits take 10 MiB."""
UNUSED = "cell.bias_hh"
"""torch's LSTM has a second bias for each gate, which would only be added to the first. It is 0 here."""


class Oracle(nn.Module):
    """p(x) = prod_t p(x_t | x_<t), exact in float64.

    Args:
        vocabulary: V.
        embedding_size: E.
        hidden_size: H.

    Example:
        >>> oracle = Oracle.random(5, 2, 3, torch.Generator().manual_seed(0))
        >>> rows = oracle.sample(4, 7, torch.Generator().manual_seed(1))
        >>> rows.shape, oracle.log_prob(rows).shape
        (torch.Size([4, 7]), torch.Size([4]))
    """

    def __init__(self, vocabulary: int, embedding_size: int, hidden_size: int) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.embedding = nn.Embedding(vocabulary, embedding_size, dtype=torch.float64)
        self.cell = nn.LSTMCell(embedding_size, hidden_size, dtype=torch.float64)
        self.logits = nn.Linear(hidden_size, vocabulary, dtype=torch.float64)
        self.requires_grad_(False)

    @classmethod
    def random(cls, vocabulary: int, embedding_size: int, hidden_size: int, rng: torch.Generator) -> "Oracle":
        """An oracle whose parameters are drawn from N(0, 1) and rounded to float32, as they are stored."""
        shapes = shapes_of(vocabulary, embedding_size, hidden_size).items()
        drawn = {name: torch.randn(shape, generator=rng, dtype=torch.float64) for name, shape in shapes}
        return cls.of({name: weight.float() for name, weight in drawn.items()})

    @classmethod
    def of(cls, weights: Mapping[str, Tensor]) -> "Oracle":
        """The oracle with these weights, which have the names and shapes of `shapes_of`."""
        vocabulary, embedding_size = weights["embedding.weight"].shape
        with without_memory():
            oracle = cls(vocabulary, embedding_size, weights["logits.weight"].shape[1])
        given = {name: weight.double() for name, weight in weights.items()}
        given[UNUSED] = torch.zeros_like(given["cell.bias_ih"])
        oracle.load_state_dict(given, assign=True)
        return oracle.requires_grad_(False)

    def weights(self) -> dict[str, Tensor]:
        """What `of` takes, in float32."""
        return {name: weight.float() for name, weight in self.state_dict().items() if name != UNUSED}

    @torch.no_grad()
    def log_prob(self, rows: Tensor) -> Tensor:
        """Exact log-probabilities of rows in nats: (S, L) int64 -> (S,) float64."""
        return torch.cat([self._log_prob(part) for part in rows.split(ROWS)])

    def _log_prob(self, rows: Tensor) -> Tensor:
        total = torch.zeros(len(rows), dtype=torch.float64)
        token, state = self._begin(len(rows))
        for following in rows.unbind(dim=1):
            state = self.cell(self.embedding(token), state)
            logits = self.logits(state[0])
            total += logits.gather(1, following[:, None]).squeeze(1) - logits.logsumexp(dim=1)
            token = following
        return total

    def sample(self, count: int, positions: int, rng: torch.Generator) -> Tensor:
        """Independent draws of rows: (count, positions) int64."""
        return torch.cat(list(self.samples(count, positions, rng)))

    @torch.no_grad()
    def samples(self, count: int, positions: int, rng: torch.Generator) -> Iterator[Tensor]:
        """The same, a few hundred rows at a time."""
        for start in range(0, count, ROWS):
            yield self._sample(min(ROWS, count - start), positions, rng)

    def _sample(self, count: int, positions: int, rng: torch.Generator) -> Tensor:
        token, state = self._begin(count)
        tokens = []
        for _ in range(positions):
            state = self.cell(self.embedding(token), state)
            cumulative = self.logits(state[0]).softmax(dim=1).cumsum(dim=1)
            level = torch.rand(count, 1, dtype=torch.float64, generator=rng) * cumulative[:, -1:]
            found = torch.searchsorted(cumulative, level, right=True).squeeze(1)
            token = found.clamp(max=self.vocabulary - 1)  # a level that was rounded up to the whole
            tokens.append(token)
        return torch.stack(tokens, dim=1)

    def _begin(self, count: int) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The first token that is read, and the state before it."""
        nothing = torch.zeros(count, self.cell.hidden_size, dtype=torch.float64)
        return torch.full((count,), START), (nothing, nothing)


def shapes_of(vocabulary: int, embedding_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
    """The shapes of an oracle's weights by name, without their memory."""
    with without_memory():
        oracle = Oracle(vocabulary, embedding_size, hidden_size)
    return {name: tuple(weight.shape) for name, weight in oracle.state_dict().items() if name != UNUSED}
