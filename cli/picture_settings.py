"""The settings that scores of pictures depend on."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from bgan_text import __version__

from .picture_samples import RealPictures, Samples
from .texts import Request

PICTURES = "pictures"


def picture_settings(
    request: Request, groups: Sequence[Samples], real: RealPictures, device: torch.device
) -> dict[str, Any]:
    """All that the numbers depend on but the nets' own settings."""
    folder = real.data.folder
    return {
        "scored": PICTURES,
        "samples": {group.name: len(group.pictures) for group in groups[:-1]},
        "reference": f"{folder}/test",
        "references": len(real.references),
        "training": f"{folder}/train",
        "training pictures": len(real.training),
        "data": real.data.signature,
        "anchor": (
            f"{real.anchor:,} pictures of {folder}/train, which the classifier was not trained on and whose "
            "neighbours are among the others"
        ),
        "seed": request.seed,
        "temperature": request.temperature,
        "resamples": request.resamples,
        "device": device.type,
        "version": __version__,
    }


def picture_line(settings: Mapping[str, Any], samples: str) -> str:
    """Every setting that changes the numbers, in one line; `samples`: how many."""
    line = (
        f"samples {samples}, {settings['references']:,} references from {settings['reference']}, "
        f"{settings['patch references']:,} of them for patches, {settings['training pictures']:,} pictures "
        f"from {settings['training']}, {settings['neighbours among']:,} of them as neighbours, data "
        f"{settings['data']}, real: {settings['anchor']}, seed {settings['seed']}, temperature "
        f"{settings['temperature']:g}, resamples {settings['resamples']}, on {settings['device']}"
    )
    for name in ("classifier", "critic"):
        if settings[name]:
            line += f", {name}: {', '.join(f'{key} {value}' for key, value in settings[name].items())}"
    return f"{line}, bgan-text {settings['version']}"
