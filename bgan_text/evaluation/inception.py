"""Fréchet and kernel Inception distance of models that make images, and of the anchor."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn

from bgan_text.errors import UserError
from bgan_text.evaluation.image_inputs import RealImages, Samples, shown
from bgan_text.evaluation.ngrams import Scores
from bgan_text.reporter import Reporter
from bgan_text.scores.embedding import frechet
from bgan_text.scores.inception import digest_of, kernel_distance, load_inception

INCEPTION = "inception"
"""What stands for the weights that are downloaded."""
BATCH = 50


def network_of(weights: str | None, own: nn.Module | None, device: torch.device) -> nn.Module | None:
    """The network whose features are compared; None if `weights` is None.

    Args:
        weights: `INCEPTION`, or the file of its weights.
        own: a network of the user's in its place.
        device: where the network runs.
    """
    if weights is None:
        return None
    if own is not None:
        return own.to(device)
    return load_inception(None if weights == INCEPTION else weights, device)


def inception_scores(
    groups: Sequence[Samples],
    real: RealImages,
    network: nn.Module,
    own: bool,
    device: torch.device,
    reporter: Reporter,
) -> tuple[list[Scores], dict[str, Any]]:
    """`fid` and `kid` of each group against as many real images as the models have samples, and the settings.

    `own`: whether the network is one of the user's.
    """
    references = real.references[: max(len(group.images) for group in groups)]
    with reporter.task("Inception features of real images", "images") as progress:
        theirs = _features(network, references, real, device, progress)
    measured: list[Scores] = []
    for group in groups:
        with reporter.task(f"Inception features of {group.name}", "images") as progress:
            ours = _features(network, group.images, real, device, progress)
        measured.append({"fid": frechet(ours, theirs), "kid": kernel_distance(ours, theirs)})
    name = type(network).__name__ if own else f"Inception of torch-fidelity {version('torch-fidelity')}"
    return measured, {
        "network": f"{name}, weights {digest_of(network)}",
        "references": len(references),
    }


@torch.no_grad()
def _features(
    network: nn.Module, images: Tensor, real: RealImages, device: torch.device, progress: Any
) -> Tensor:
    """(S, D) features of samples, which the network sees as (B, 3, height, width) uint8 in colour."""
    palette, parts = real.palette, []
    training = network.training
    network.eval()
    for part in images.split(BATCH):
        pixels = shown(part, palette).view(len(part), palette.height, palette.width, palette.channels)
        colours = pixels.permute(0, 3, 1, 2).expand(-1, 3, -1, -1).contiguous().to(device)
        features = network(colours)
        if not isinstance(features, Tensor) or features.ndim != 2 or len(features) != len(part):
            shape = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
            raise UserError(
                f"`image_features` gives {shape} for {len(part)} images: (images, features) is expected"
            )
        parts.append(features.double().cpu())
        progress(sum(map(len, parts)), len(images))
    network.train(training)
    return torch.cat(parts)
