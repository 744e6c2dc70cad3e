"""A causal discriminator that scores every token of the vocabulary after each prefix."""

from typing import Any

from torch import Tensor, nn

from bgan_text.models.sampling import chosen_vectors, shifted
from bgan_text.space import TokenSpace


class RecurrentBody(nn.Module):
    """A GRU from embedded tokens to hidden vectors."""

    def __init__(self, width: int, *, blocks: int) -> None:
        super().__init__()
        self.cell = nn.GRU(width, width, num_layers=blocks, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """(K, T, width) -> (K, T, width)."""
        return self.continued(x, None)[0]

    def continued(self, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """(K, T, width) new vectors and the state after those before -> (K, T, width), and the state now."""
        hidden, state = self.cell(x, state)
        return hidden, state

    def reorder(self, state: Tensor, rows: Tensor) -> Tensor:
        """The state of the given rows: (layers, K, width), (R,) int64 -> (layers, R, width)."""
        return state.index_select(1, rows)


class TokenDiscriminator(nn.Module):
    """Embedding -> causal body over the tokens before a position -> V scores of the token there.

    The score of token v after the prefix x_<t estimates log p(v | x_<t) / g(v | x_<t). It is 0 at first: an
    untrained discriminator asks for no change.

    Args:
        space: of the sequences.
        body: maps (K, L, width) to (K, L, width) without looking ahead; `continued` and `reorder` are for
            `step` and `reorder` here.
        width: of its vectors.
    """

    def __init__(self, space: TokenSpace, body: nn.Module, *, width: int) -> None:
        super().__init__()
        self.start = space.vocabulary  # a token that is only ever read
        self.embedding = nn.Embedding(space.vocabulary + 1, width)
        self.body = body
        self.scores = nn.Linear(width, space.vocabulary)
        nn.init.zeros_(self.scores.weight)
        nn.init.zeros_(self.scores.bias)

    def forward(self, tokens: Tensor, where: Tensor | None) -> Tensor:
        """(N, L) int64 sequences, (N, L) bool with K positions chosen -> (K, V) float32; None chooses all."""
        hidden = self.body(self.embedding(shifted(tokens, self.start)))
        scores: Tensor = self.scores(chosen_vectors(hidden, where))
        return scores.float()

    def step(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Read one more token of each sequence; what `forward` computes, position by position.

        Args:
            tokens: (K,) int64; `start` at first.
            state: after the tokens before; None at first.

        Returns:
            (K, V) float32 scores of the token that follows, and the state after the tokens.
        """
        body: Any = self.body
        hidden, state = body.continued(self.embedding(tokens.unsqueeze(1)), state)
        scores: Tensor = self.scores(hidden.squeeze(1))
        return scores.float(), state

    def reorder(self, state: Any, rows: Tensor) -> Any:
        """The state of the given rows, (R,) int64."""
        body: Any = self.body
        return body.reorder(state, rows)
