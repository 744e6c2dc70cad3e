"""The first convolution over embedded tokens, by looking its products up instead of computing them.

A token has one embedding, so a tap of the convolution has one product for each token of the vocabulary. These
are computed once for all positions of all samples; what is left of the convolution is a sum of five rows of a
table. Looking up is quicker on a CPU where there are more positions than tokens.
"""

import torch
from torch import Tensor, nn

from bgan_text.models.layers import as_image

WORTHWHILE = 2
"""So many times more tokens are to be convolved than the vocabulary has."""


def can_look_up(tokens: Tensor, vocabulary: int) -> bool:
    """Whether looking products up is quicker than the convolution for (K, L) tokens.

    A GPU multiplies quicker than it reads a table.
    """
    return tokens.device.type == "cpu" and tokens.numel() >= WORTHWHILE * vocabulary


def convolve_tokens(tokens: Tensor, embedding: nn.Embedding, convolution: nn.Conv2d) -> Tensor:
    """The convolution of the embeddings of tokens, to rounding; in full precision also under autocast.

    Args:
        tokens: (K, L) int64.
        embedding: of V tokens, of width C.
        convolution: from C to D channels along the positions, padded to keep their number.

    Returns:
        (K, D, 1, L) in channels-last memory, of the type that autocast would give.
    """
    vocabulary, taps = embedding.num_embeddings, convolution.kernel_size[1]
    device = tokens.device.type
    with torch.autocast(device, enabled=False):
        products = torch.einsum("vc,dck->kvd", embedding.weight, convolution.weight.squeeze(2)).flatten(0, 1)
        nothing = products.new_zeros(1, products.shape[1])  # of a position outside of the sequence
        places = _rows(tokens, vocabulary, taps).flatten(0, 1)
        summed = nn.functional.embedding_bag(places, torch.cat([products, nothing]), mode="sum")
        assert convolution.bias is not None
        rows = (summed + convolution.bias).view(*tokens.shape, -1)
    image = as_image(rows)
    return image.to(torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else image


def _rows(tokens: Tensor, vocabulary: int, taps: int) -> Tensor:
    """(K, L, taps) the row of the table of products that each tap of each position adds."""
    offsets = vocabulary * torch.arange(taps, device=tokens.device)
    padded = nn.functional.pad(tokens, (taps // 2, taps // 2), value=-1).unfold(1, taps, 1)
    return (padded + offsets).masked_fill(padded < 0, taps * vocabulary)
