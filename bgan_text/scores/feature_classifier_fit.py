"""Training of the image classifier on labels or, without labels, on rotation prediction.

Shapes: R images, K images per batch. Samples are (R, L) tokens of quantised images or (R, channels, height,
width) pixels of continuous images.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from bgan_text.crops import crop
from bgan_text.errors import UserError
from bgan_text.initialisation import seeded_initialisation
from bgan_text.scores.feature_classifier import FeatureClassifier
from bgan_text.space import PixelSpace, TokenSpace

TURNS = 4
LEAST_IMAGES = 2
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class ClassifierSettings:
    """Size and training of the classifier.

    Attributes:
        width: Channels of the first layer.
        batch: Batch size.
        rate: Initial learning rate of Adam. It decays linearly to 0 over `steps`.
        steps: Number of steps.
        shift: Largest random shift of an image in each direction, in pixels.

    Raises:
        UserError: If a setting is out of range.
    """

    width: int = 16
    batch: int = 128
    rate: float = 3e-3
    steps: int = 1000
    shift: int = 2

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            least = 0 if name in ("rate", "shift") else 1
            if not least <= value < math.inf:
                raise UserError(
                    f"classifier setting `{name}` {value}: a finite number of at least {least} is needed"
                )


def fitted(
    space: TokenSpace | PixelSpace,
    images: Tensor,
    labels: Tensor | None,
    rng: torch.Generator,
    *,
    colours: Tensor | None = None,
    settings: ClassifierSettings | None = None,
    progress: Progress | None = None,
) -> FeatureClassifier:
    """Train a classifier with cross-entropy and Adam on randomly shifted images. Images are not mirrored.

    Without labels the classifier predicts by how many quarter turns an image was rotated (Gidaris et al.,
    "Unsupervised representation learning by predicting image rotations", ICLR 2018). It then learns features
    that depend on the orientation of images, and has 4 classes: 0 to 3 quarter turns.

    Args:
        space: Space of the images.
        images: (R, L) int64 tokens or (R, channels, height, width) float32 pixels.
        labels: (R,) int64 classes 0, 1, ..., or `None` for rotation prediction.
        rng: Generator of initialisation, batches and shifts. The classifier is trained on its device.
        colours: (V, channels) float32 colours of the tokens, in [-1, 1]. `None` for pixels.
        settings: Size and training. `None` for the defaults.
        progress: Called with the number of steps done and the total, after each step.

    Returns:
        The classifier, in evaluation mode.

    Raises:
        UserError: If there are fewer than `LEAST_IMAGES` images, the labels do not match the images, or the
            images are unlabelled and not square.
    """
    settings = settings or ClassifierSettings()
    classes = _classes(space, images, labels)
    device = rng.device
    with seeded_initialisation(int(torch.randint(2**62, (), generator=rng, device=device))):
        net = FeatureClassifier(space, classes, colours, width=settings.width)
    net.to(device)
    optimizer = torch.optim.Adam(net.parameters(), settings.rate, fused=True)
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, settings.steps)
    net.train()
    for step, (batch, wanted) in enumerate(_batches(net, images, labels, rng, settings)):
        loss = cross_entropy(net(batch).logits, wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        decay.step()
        if progress is not None:
            progress(step + 1, settings.steps)
    return net.eval()


def accuracy(net: FeatureClassifier, images: Tensor, labels: Tensor | None) -> float:
    """Accuracy in [0, 1]. Without labels, of rotation prediction over all four rotations of each image."""
    if labels is not None:
        return _right(net, images, labels)
    return sum(_right(net, images, turns, turns) for turns in range(TURNS)) / TURNS


def _right(net: FeatureClassifier, images: Tensor, labels: Tensor | int, turns: int = 0) -> float:
    found = net.classified(images, turns).logits.argmax(dim=1)
    return (found == labels).double().mean().item()


def _batches(
    net: FeatureClassifier,
    images: Tensor,
    labels: Tensor | None,
    rng: torch.Generator,
    settings: ClassifierSettings,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches of shifted images (K, C, height, width) and their classes (K,).

    Without labels the images are also rotated. Images are sampled without replacement within an epoch.
    """
    device, order = rng.device, torch.empty(0, dtype=torch.int64)
    for _ in range(settings.steps):
        while len(order) < settings.batch:
            order = torch.cat([order, torch.randperm(len(images), generator=rng, device=device).cpu()])
        chosen, order = order[: settings.batch], order[settings.batch :]
        batch = moved(net.pixels(images[chosen].to(device)), settings.shift, rng)
        if labels is not None:
            yield batch, labels[chosen].to(device)
        else:
            turns = torch.arange(len(batch), device=device) % TURNS  # the images are already in random order
            yield turned(batch, turns), turns


def moved(pixels: Tensor, shift: int, rng: torch.Generator) -> Tensor:
    """Shift each image randomly by up to `shift` pixels in each direction, with replicate padding.

    (K, C, height, width) -> (K, C, height, width).
    """
    if not shift:
        return pixels
    count, _, height, width = pixels.shape
    padded = pad(pixels, (shift, shift, shift, shift), mode="replicate")
    down, right = torch.randint(2 * shift + 1, (2, count, 1), generator=rng, device=pixels.device)
    rows = down + torch.arange(height, device=pixels.device)
    columns = right + torch.arange(width, device=pixels.device)
    return crop(padded, rows, columns)


def turned(pixels: Tensor, turns: Tensor) -> Tensor:
    """Rotate each square image by its number of quarter turns.

    (K, C, side, side), (K,) -> (K, C, side, side).
    """
    out = pixels.clone()
    for count in range(1, TURNS):
        out[turns == count] = pixels[turns == count].rot90(count, (2, 3))
    return out


def _classes(space: TokenSpace | PixelSpace, images: Tensor, labels: Tensor | None) -> int:
    """Validate images and labels and return the number of classes."""
    if len(images) < LEAST_IMAGES:
        raise UserError(f"{len(images)} images were given: a classifier needs at least {LEAST_IMAGES}")
    if labels is None:
        height, width = (
            (space.height, space.width) if isinstance(space, PixelSpace) else space.shape or (0, 0)
        )
        if height != width:
            raise UserError(f"images of {width} x {height} pixels without labels: square images are needed")
        return TURNS
    if labels.shape != (len(images),) or labels.dtype != torch.int64 or int(labels.min()) < 0:
        raise UserError(
            f"labels are {tuple(labels.shape)} of {labels.dtype}: a class of at least 0 in torch.int64 is "
            f"needed for each of the {len(images)} images"
        )
    return int(labels.max()) + 1
