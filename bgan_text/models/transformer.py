"""A causal transformer as the generator, and as the body of a discriminator of tokens.

Vaswani et al. 2017, with the normalisation before each block (Xiong et al. 2020), GELU, learned positions,
and one matrix for the embedding and the output (Press and Wolf 2017).

Shapes: K sequences, T new positions, S positions seen so far, H heads.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, linear, scaled_dot_product_attention

from bgan_text.models.distributions import AutoregressiveDistribution
from bgan_text.space import TokenSpace

INITIAL_DEVIATION = 0.02
EXPANSION = 4
"""Width of the hidden layer of a block, as a multiple of the width."""

Cache = tuple[tuple[Tensor, Tensor], ...]
"""Keys and values of the S positions before, (K, H, S, width / H) each, by block; empty before the first."""


class Attention(nn.Module):
    """Causal attention with several heads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(
        self, x: Tensor, before: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(K, T, width), and the keys and values before -> (K, T, width), and those up to here."""
        rows, new, width = x.shape
        projected = self.project(x).view(rows, new, 3, self.heads, width // self.heads)
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        if before is not None:
            key, value = torch.cat([before[0], key], dim=2), torch.cat([before[1], value], dim=2)
        mask = None
        if before is not None and new > 1:  # the new positions see all before them, and no later ones
            seen = key.shape[2]
            mask = torch.ones(new, seen, dtype=torch.bool, device=x.device).tril(seen - new)
        mixed = scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=before is None and new > 1
        )
        return self.out(mixed.transpose(1, 2).reshape(rows, new, width)), (key, value)


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention_norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.expand, self.contract = nn.Linear(width, EXPANSION * width), nn.Linear(EXPANSION * width, width)

    def forward(
        self, x: Tensor, before: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """As `Attention.forward`."""
        mixed, cache = self.attention(self.attention_norm(x), before)
        x = x + mixed
        return x + self.contract(gelu(self.expand(self.mlp_norm(x)))), cache


class CausalTransformer(nn.Module):
    """Embedded tokens -> hidden vectors, each of which depends on no later token.

    Args:
        width: of the vectors; a multiple of `heads`.
        blocks: how many.
        heads: of the attention.
        positions: the largest number of tokens.
    """

    def __init__(self, width: int, *, blocks: int, heads: int, positions: int) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.zeros(positions, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                last = name.endswith(("out.weight", "contract.weight"))
                # Residual branches add up, so each is scaled down by their number (Radford et al. 2019).
                nn.init.normal_(parameter, std=INITIAL_DEVIATION / ((2 * blocks) ** 0.5 if last else 1.0))

    def continued(self, x: Tensor, cache: Cache | None) -> tuple[Tensor, Cache]:
        """(K, T, width) new vectors and the cache of those before -> (K, T, width), and the cache of all."""
        past = cache[0][0].shape[2] if cache else 0
        x = x + self.places[past : past + x.shape[1]]
        after = []
        for number, block in enumerate(self.blocks):
            x, kept = block(x, cache[number] if cache else None)
            after.append(kept)
        return self.norm(x), tuple(after)

    def reorder(self, cache: Cache, rows: Tensor) -> Cache:
        """The cache of the given rows: keys and values of K sequences, (R,) int64 -> of R sequences."""
        return tuple((keys.index_select(0, rows), values.index_select(0, rows)) for keys, values in cache)

    def forward(self, x: Tensor) -> Tensor:
        """(K, T, width) -> (K, T, width)."""
        return self.continued(x, ())[0]


class TiedOutput(nn.Module):
    """Logits of V tokens by the rows of an embedding, which stays the only owner of its weight."""

    def __init__(self, embedding: nn.Embedding, vocabulary: int) -> None:
        super().__init__()
        self._embedding = (embedding,)  # in a tuple, so that the weight is not a parameter of two modules
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    @property
    def weight(self) -> Tensor:
        """(V, width)."""
        return self._embedding[0].weight[: len(self.bias)]

    def forward(self, hidden: Tensor) -> Tensor:
        """(..., width) -> (..., V)."""
        return linear(hidden, self.weight, self.bias)


class TransformerGenerator(nn.Module):
    """A causal transformer that reads the noise, added to each token, at every position."""

    def __init__(self, space: TokenSpace, *, width: int, blocks: int, heads: int, noise: int) -> None:
        super().__init__()
        self.space, self.noise = space, noise
        self.start = space.vocabulary  # a token that is only ever read
        self.embedding = nn.Embedding(space.vocabulary + 1, width)
        nn.init.normal_(self.embedding.weight, std=INITIAL_DEVIATION)
        self.from_noise = nn.Linear(noise, width)
        nn.init.normal_(self.from_noise.weight, std=INITIAL_DEVIATION)
        self.body = CausalTransformer(width, blocks=blocks, heads=heads, positions=space.positions)
        self.logits = TiedOutput(self.embedding, space.vocabulary)

    def initial(self, noise: Tensor) -> Cache:
        """The state before the first token: an empty cache."""
        return ()

    def step(self, tokens: Tensor, noise: Tensor, state: Cache) -> tuple[Tensor, Cache]:
        """Read (K, T) tokens: (K, T, width) hidden vectors, and the state after them."""
        return self.step_embedded(self.embedding(tokens), noise, state)

    def step_embedded(self, embedded: Tensor, noise: Tensor, state: Cache) -> tuple[Tensor, Cache]:
        """The same for (K, T, width) embedded tokens."""
        return self.body.continued(embedded + self.from_noise(noise).unsqueeze(1), state)

    def reorder(self, state: Cache, rows: Tensor) -> Cache:
        """The state of the given rows, (R,) int64."""
        return self.body.reorder(state, rows)

    def forward(self, noise: Tensor) -> AutoregressiveDistribution:
        """(N, Z) noise -> a distribution over (N, L) tokens."""
        return AutoregressiveDistribution(self, noise)
