"""Nets of adversarial classification: images -> a distribution over labels, and (image, label) -> score.

The generator is a classifier g(y | x). The images x take the place of the noise; the samples are labels,
which are sequences of one token. The score F(x, y) of the discriminator estimates log p(y | x) / g(y | x).

Source: Hjelm et al., "Boundary-Seeking Generative Adversarial Networks", 2018, section 4.1.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

from bgan_text.models.dcgan import KERNEL, SLOPE, halvings, widths
from bgan_text.models.distributions import FactorisedDistribution
from bgan_text.models.layers import normalise
from bgan_text.space import LabelSpace, PixelSpace

HIDDEN = 16
"""Units of the hidden layer, as a multiple of the width."""


class ImageFeatures(nn.Module):
    """Strided convolutions with batch norm and leaky ReLU, as DCGAN's discriminator, then a dense layer.

    `affine`: whether batch norm learns a scale and a shift.
    """

    def __init__(self, space: PixelSpace, *, width: int, features: int, affine: bool) -> None:
        super().__init__()
        count = halvings(space.height, space.width)
        layers: list[nn.Module] = []
        channels = space.channels
        for wide in widths(width, count):
            layers += [
                nn.Conv2d(channels, wide, KERNEL, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(wide, affine=affine),
                nn.LeakyReLU(SLOPE, inplace=True),
            ]
            channels = wide
        self.layers = nn.Sequential(*layers)
        self.dense = nn.Linear(channels * (space.height // 2**count) * (space.width // 2**count), features)

    def forward(self, images: Tensor) -> Tensor:
        """(N, channels, height, width) -> (N, features)."""
        maps = self.layers(images.contiguous(memory_format=torch.channels_last))
        features: Tensor = self.dense(maps.flatten(1))
        return features


class ImageClassifier(nn.Module):
    """Images -> logits of their labels."""

    def __init__(self, space: LabelSpace, *, width: int) -> None:
        super().__init__()
        self.space = space
        self.logits = ImageFeatures(space.image, width=width, features=space.classes, affine=True)

    def forward(self, images: Tensor) -> FactorisedDistribution:
        """(N, channels, height, width) -> the conditional distribution of N rows of one label."""
        return FactorisedDistribution(self.logits(images).float().unsqueeze(1))


class LabelDiscriminator(nn.Module):
    """Features of an image, joined with the embedding of a label in a hidden layer -> score.

    Batch norm of the features sees images only, and real and generated labels belong to the same images, so
    it leaks no information. It learns no scale, because the weight clipping of a Wasserstein critic would
    keep that near 0. `spectral`: spectral normalisation of the layers behind the features.
    """

    def __init__(self, space: LabelSpace, *, width: int, spectral: bool) -> None:
        super().__init__()
        hidden = HIDDEN * width
        self.features = ImageFeatures(space.image, width=width, features=hidden, affine=False)
        self.embedding = nn.Embedding(space.classes, hidden)
        joined, dense = nn.Linear(hidden, hidden), nn.Linear(hidden, 1)
        self.joined = spectral_norm(joined) if spectral else joined
        self.dense = spectral_norm(dense) if spectral else dense

    def given(self, images: Tensor) -> "LabelScorer":
        """A scorer of labels of these images, whose features are computed once, here.

        (N, channels, height, width) -> scores of N labels, or of any multiple of N.
        """
        return LabelScorer(self, self.features(images))

    def score_joined(self, features: Tensor, embedded: Tensor) -> Tensor:
        """Features and embeddings whose shapes broadcast, (..., hidden) both -> (...) float32."""
        with parametrize.cached():
            normalise(self, features.device.type)
            x = leaky_relu(self.joined(features * embedded) + features, SLOPE)
            scores: Tensor = self.dense(x)
        return scores.squeeze(-1).float()


class LabelScorer:
    """The discriminator of labels of N given images.

    Row k of K labels is one of image k mod N: K is N, or N times the draws of each, draw by draw.
    `features`: (N, hidden).
    """

    def __init__(self, net: LabelDiscriminator, features: Tensor) -> None:
        self.net, self.features = net, features

    def __call__(self, labels: Tensor) -> Tensor:
        """(K, 1) int64 -> (K,) float32: every label of an image is scored once, draws look that up."""
        scores = self.net.score_joined(self.features.unsqueeze(1), self.net.embedding.weight)
        image = torch.arange(len(labels), device=labels.device) % len(self.features)
        return scores[image, labels.squeeze(1)]

    @property
    def embedding(self) -> nn.Embedding:
        """Of labels: (K, 1) int64 -> (K, 1, hidden)."""
        return self.net.embedding

    def embed_relaxed(self, points: Tensor) -> Tensor:
        """Mixtures of embeddings for points of the simplex: (K, 1, classes) float -> (K, 1, hidden) float."""
        return points @ self.net.embedding.weight

    def score_embedded(self, embedded: Tensor) -> Tensor:
        """Scores of labels that are embedded already: (K, 1, hidden) float -> (K,) float32."""
        features = self.features.repeat(len(embedded) // len(self.features), 1)
        return self.net.score_joined(features, embedded.squeeze(1))
