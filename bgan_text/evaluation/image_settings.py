"""The settings that scores of images depend on."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from bgan_text import __version__
from bgan_text.evaluation.candidate_settings import candidate_settings, candidates_of
from bgan_text.evaluation.image_inputs import RealImages, Samples
from bgan_text.evaluation.options import EvaluationOptions

IMAGES = "images"


def image_settings(
    options: EvaluationOptions, groups: Sequence[Samples], real: RealImages, device: torch.device
) -> dict[str, Any]:
    """Everything that the numbers depend on, except the settings of the networks."""
    folder = real.data.folder
    return {
        "scored": IMAGES,
        "samples": {group.name: len(group.images) for group in groups[:-1]},
        "reference": f"{folder}/test",
        "references": len(real.references),
        "training": f"{folder}/train",
        "training images": len(real.training),
        "data": real.data.signature,
        "anchor": (
            f"{real.anchor:,} images of {folder}/train, which the classifier was not trained on and whose "
            "neighbours are among the others"
        ),
        "seed": options.seed,
        "temperature": options.temperature,
        **candidate_settings(
            options,
            {group.name: group.step for group in groups},
            {group.name: group.effective for group in groups},
            {group.name: group.obstacle for group in groups},
        ),
        "resamples": options.resamples,
        "device": device.type,
        "version": __version__,
    }


def image_line(settings: Mapping[str, Any], samples: str) -> str:
    """Every setting that changes the numbers, in one line. `samples`: how many there are."""
    line = (
        f"samples {samples}, {settings['references']:,} references from {settings['reference']}, "
        f"{settings['patch references']:,} of them for patches, {settings['training images']:,} images "
        f"from {settings['training']}, {settings['neighbours among']:,} of them as neighbours, data "
        f"{settings['data']}, real: {settings['anchor']}, seed {settings['seed']}, temperature "
        f"{settings['temperature']:g}{candidates_of(settings)}, resamples {settings['resamples']}, on "
        f"{settings['device']}"
    )
    for name in ("classifier", "fid", "critic"):
        if settings.get(name):
            line += f", {name}: {', '.join(f'{key} {value}' for key, value in settings[name].items())}"
    return f"{line}, bgan-text {settings['version']}"
