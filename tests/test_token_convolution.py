"""Products of the first convolution that are looked up are those that it computes, and so are gradients."""

import pytest
import torch
from torch import Tensor, nn

from bgan_text.models.discriminators import ConvolutionalDiscriminator
from bgan_text.models.token_convolution import can_look_up, convolve_tokens
from bgan_text.space import TokenSpace

VOCABULARY, POSITIONS, ROWS = 7, 6, 9


@pytest.fixture
def layers() -> tuple[nn.Embedding, nn.Conv2d]:
    torch.manual_seed(0)
    return nn.Embedding(VOCABULARY, 4).double(), nn.Conv2d(4, 3, (1, 5), padding=(0, 2)).double()


def _tokens() -> Tensor:
    return torch.randint(VOCABULARY, (ROWS, POSITIONS), generator=torch.Generator().manual_seed(1))


def _literal(tokens: Tensor, embedding: nn.Embedding, convolution: nn.Conv2d) -> Tensor:
    """The sum over taps of matrix products, position by position."""
    assert convolution.bias is not None
    rows = []
    for row in tokens:
        for place in range(POSITIONS):
            total = convolution.bias
            for tap in range(5):
                if 0 <= place + tap - 2 < POSITIONS:
                    vector = embedding.weight[row[place + tap - 2]]
                    total = total + convolution.weight[:, :, 0, tap] @ vector
            rows.append(total)
    return torch.stack(rows).view(ROWS, POSITIONS, -1).transpose(1, 2).unsqueeze(2)


def test_values_and_gradients(layers: tuple[nn.Embedding, nn.Conv2d]) -> None:
    tokens, (embedding, convolution) = _tokens(), layers
    weights = [embedding.weight, convolution.weight, convolution.bias]
    direction = torch.randn(
        ROWS, 3, 1, POSITIONS, generator=torch.Generator().manual_seed(2), dtype=torch.double
    )
    images = [convolve_tokens(tokens, *layers), _literal(tokens, *layers)]
    torch.testing.assert_close(*images)
    gradients = [torch.autograd.grad((image * direction).sum(), weights) for image in images]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("spectral", [True, False])
def test_the_discriminator_gives_the_same_scores(spectral: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    net = ConvolutionalDiscriminator(
        TokenSpace(POSITIONS, VOCABULARY), width=8, blocks=2, spectral=spectral
    ).eval()
    tokens = _tokens()
    assert can_look_up(tokens, VOCABULARY)
    looked_up = net(tokens)
    monkeypatch.setattr("bgan_text.models.discriminators.can_look_up", lambda *given: False)
    torch.testing.assert_close(looked_up, net(tokens))
    assert not torch.equal(looked_up, torch.zeros(ROWS))


def test_autocast_gives_its_type(layers: tuple[nn.Embedding, nn.Conv2d]) -> None:
    embedding, convolution = (layer.float() for layer in layers)
    with torch.autocast("cpu", torch.bfloat16):
        image = convolve_tokens(_tokens(), embedding, convolution)
    assert image.dtype is torch.bfloat16
    torch.testing.assert_close(
        image.float(), convolve_tokens(_tokens(), embedding, convolution), rtol=0.01, atol=0.01
    )


def test_few_tokens_of_a_large_vocabulary_are_convolved() -> None:
    assert not can_look_up(torch.zeros(10, 10, dtype=torch.int64), 51)
    assert can_look_up(torch.zeros(10, 10, dtype=torch.int64), 50)
