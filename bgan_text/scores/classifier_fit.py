"""Train a classifier of pictures on labels, or on telling by how many quarter turns each was rotated.

Shapes: R pictures, K of a batch. Samples are (R, L) tokens of a picture's space, or (R, channels, height,
width) pixels of a canvas.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from bgan_text.errors import UserError
from bgan_text.scores.classifier import FeatureClassifier
from bgan_text.space import Canvas, Space
from bgan_text.windows import windows

TURNS = 4
LEAST_PICTURES = 2
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class ClassifierSettings:
    """Size and training. `shift`: pixels that a picture is moved by at most, up or down and left or right.

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
    space: Space | Canvas,
    pictures: Tensor,
    labels: Tensor | None,
    rng: torch.Generator,
    *,
    colours: Tensor | None = None,
    settings: ClassifierSettings | None = None,
    progress: Progress | None = None,
) -> FeatureClassifier:
    """A classifier trained by cross-entropy with Adam, on pictures moved by chance but never mirrored.

    Without labels it learns by how many quarter turns a picture was rotated (Gidaris et al., "Unsupervised
    representation learning by predicting image rotations", ICLR 2018), which asks for the features that
    pictures have a top and a bottom by; its classes are 0 .. 3 turns.

    Args:
        space: of the pictures.
        pictures: (R, L) int64 tokens, or (R, channels, height, width) float32 pixels.
        labels: (R,) int64 classes 0, 1, ..., or None.
        rng: of initialisation, batches, shifts and turns; its device is that of the training.
        colours: (V, channels) float32 in -1 .. 1, what tokens look like; None for pixels.
        settings: the defaults if None.
        progress: told the steps made and how many there will be.

    Raises:
        UserError: fewer than `LEAST_PICTURES` pictures, labels that do not fit, or no labels for pictures
            that are not square.
    """
    settings = settings or ClassifierSettings()
    classes = _classes(space, pictures, labels)
    device = rng.device
    with torch.random.fork_rng(devices=[]):  # layers initialise from the global stream: set it, put it back
        torch.default_generator.manual_seed(int(torch.randint(2**62, (), generator=rng, device=device)))
        net = FeatureClassifier(space, classes, colours, width=settings.width)
    net.to(device)
    optimizer = torch.optim.Adam(net.parameters(), settings.rate, fused=True)
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, settings.steps)
    net.train()
    for step, (batch, wanted) in enumerate(_batches(net, pictures, labels, rng, settings)):
        loss = cross_entropy(net(batch).logits, wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        decay.step()
        if progress is not None:
            progress(step + 1, settings.steps)
    return net.eval()


def accuracy(net: FeatureClassifier, pictures: Tensor, labels: Tensor | None) -> float:
    """Share of pictures that it is right about, 0 .. 1; without labels, of all four turns of each."""
    if labels is not None:
        return _right(net, pictures, labels)
    return sum(_right(net, pictures, turns, turns) for turns in range(TURNS)) / TURNS


def _right(net: FeatureClassifier, pictures: Tensor, labels: Tensor | int, turns: int = 0) -> float:
    found = net.classified(pictures, turns).logits.argmax(dim=1)
    return (found == labels).double().mean().item()


def _batches(
    net: FeatureClassifier,
    pictures: Tensor,
    labels: Tensor | None,
    rng: torch.Generator,
    settings: ClassifierSettings,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of moved, and without labels rotated, pictures (K, C, height, width), and their classes (K,).

    A picture comes again when all others have come.
    """
    device, order = rng.device, torch.empty(0, dtype=torch.int64)
    for _ in range(settings.steps):
        while len(order) < settings.batch:
            order = torch.cat([order, torch.randperm(len(pictures), generator=rng, device=device).cpu()])
        chosen, order = order[: settings.batch], order[settings.batch :]
        batch = moved(net.pixels(pictures[chosen].to(device)), settings.shift, rng)
        if labels is not None:
            yield batch, labels[chosen].to(device)
        else:
            turns = torch.arange(len(batch), device=device) % TURNS  # the order is by chance already
            yield turned(batch, turns), turns


def moved(pixels: Tensor, shift: int, rng: torch.Generator) -> Tensor:
    """Each picture moved by up to `shift` pixels either way; what was at the edge fills the gap.

    (K, C, height, width) -> the same.
    """
    if not shift:
        return pixels
    count, _, height, width = pixels.shape
    room = pad(pixels, (shift, shift, shift, shift), mode="replicate")
    down, right = torch.randint(2 * shift + 1, (2, count, 1), generator=rng, device=pixels.device)
    rows = down + torch.arange(height, device=pixels.device)
    columns = right + torch.arange(width, device=pixels.device)
    return windows(room, rows, columns)


def turned(pixels: Tensor, turns: Tensor) -> Tensor:
    """Each square picture rotated by its number of quarter turns: (K, C, side, side), (K,) -> the same."""
    out = pixels.clone()
    for count in range(1, TURNS):
        out[turns == count] = pixels[turns == count].rot90(count, (2, 3))
    return out


def _classes(space: Space | Canvas, pictures: Tensor, labels: Tensor | None) -> int:
    """How many classes there are to learn."""
    if len(pictures) < LEAST_PICTURES:
        raise UserError(f"{len(pictures)} pictures were given: a classifier needs at least {LEAST_PICTURES}")
    if labels is None:
        height, width = (space.height, space.width) if isinstance(space, Canvas) else space.shape or (0, 0)
        if height != width:
            raise UserError(f"pictures of {width} x {height} pixels without labels: square ones are needed")
        return TURNS
    if labels.shape != (len(pictures),) or labels.dtype != torch.int64 or int(labels.min()) < 0:
        raise UserError(
            f"labels are {tuple(labels.shape)} of {labels.dtype}: a class from 0 up for each of the "
            f"{len(pictures)} pictures is needed"
        )
    return int(labels.max()) + 1
