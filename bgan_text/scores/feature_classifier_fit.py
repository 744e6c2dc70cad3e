"""Train a classifier of images on labels, or on telling by how many quarter turns each was rotated.

Shapes: R images, K of a batch. Samples are (R, L) tokens of an image's space, or (R, channels, height,
width) pixels of a canvas.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from bgan_text.crops import crop
from bgan_text.errors import UserError
from bgan_text.scores.feature_classifier import FeatureClassifier
from bgan_text.space import PixelSpace, TokenSpace

TURNS = 4
LEAST_IMAGES = 2
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class ClassifierSettings:
    """Size and training. `shift`: pixels that an image is moved by at most, up or down and left or right.

    `rate`: of Adam, falling in a straight line to 0 over the `steps`.
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
                raise UserError(f"classifier setting {name} {value}: a number from {least} up is needed")


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
    """A classifier trained by cross-entropy with Adam, on images moved by chance but never mirrored.

    Without labels it learns by how many quarter turns an image was rotated (Gidaris et al., "Unsupervised
    representation learning by predicting image rotations", ICLR 2018), which asks for the features that
    images have a top and a bottom by; its classes are 0 .. 3 turns.

    Args:
        space: of the images.
        images: (R, L) int64 tokens, or (R, channels, height, width) float32 pixels.
        labels: (R,) int64 classes 0, 1, ..., or None.
        rng: of initialisation, batches, shifts and turns; its device is that of the training.
        colours: (V, channels) float32 in -1 .. 1, what tokens look like; None for pixels.
        settings: the defaults if None.
        progress: called with the steps done and the number of steps, after each step.

    Raises:
        UserError: fewer than `LEAST_IMAGES` images, labels that do not fit, or no labels for images
            that are not square.
    """
    settings = settings or ClassifierSettings()
    classes = _classes(space, images, labels)
    device = rng.device
    with torch.random.fork_rng(devices=[]):  # layers initialise from the global stream: set it, put it back
        torch.default_generator.manual_seed(int(torch.randint(2**62, (), generator=rng, device=device)))
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
    """Share of images that it is right about, 0 .. 1; without labels, of all four turns of each."""
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
    """Batches of moved, and without labels rotated, images (K, C, height, width), and their classes (K,).

    An image comes again when all others have come.
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
            turns = torch.arange(len(batch), device=device) % TURNS  # the order is by chance already
            yield turned(batch, turns), turns


def moved(pixels: Tensor, shift: int, rng: torch.Generator) -> Tensor:
    """Each image moved by up to `shift` pixels either way; what was at the edge fills the gap.

    (K, C, height, width) -> the same.
    """
    if not shift:
        return pixels
    count, _, height, width = pixels.shape
    room = pad(pixels, (shift, shift, shift, shift), mode="replicate")
    down, right = torch.randint(2 * shift + 1, (2, count, 1), generator=rng, device=pixels.device)
    rows = down + torch.arange(height, device=pixels.device)
    columns = right + torch.arange(width, device=pixels.device)
    return crop(room, rows, columns)


def turned(pixels: Tensor, turns: Tensor) -> Tensor:
    """Each square image rotated by its number of quarter turns: (K, C, side, side), (K,) -> the same."""
    out = pixels.clone()
    for count in range(1, TURNS):
        out[turns == count] = pixels[turns == count].rot90(count, (2, 3))
    return out


def _classes(space: TokenSpace | PixelSpace, images: Tensor, labels: Tensor | None) -> int:
    """How many classes there are to learn."""
    if len(images) < LEAST_IMAGES:
        raise UserError(f"{len(images)} images were given: a classifier needs at least {LEAST_IMAGES}")
    if labels is None:
        height, width = (
            (space.height, space.width) if isinstance(space, PixelSpace) else space.shape or (0, 0)
        )
        if height != width:
            raise UserError(f"images of {width} x {height} pixels without labels: square ones are needed")
        return TURNS
    if labels.shape != (len(images),) or labels.dtype != torch.int64 or int(labels.min()) < 0:
        raise UserError(
            f"labels are {tuple(labels.shape)} of {labels.dtype}: a class from 0 up for each of the "
            f"{len(images)} images is needed"
        )
    return int(labels.max()) + 1
