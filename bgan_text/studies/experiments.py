"""The registry of experiments."""

from typing import Any

from bgan_text.studies.billion_word import BILLION_WORD
from bgan_text.studies.celeba_quantized import CELEBA_QUANTIZED
from bgan_text.studies.cifar10_classification import CLASSIFICATION
from bgan_text.studies.continuous_images import CONTINUOUS_IMAGES
from bgan_text.studies.experiment import Experiment
from bgan_text.studies.mnist_distances import MNIST_DISTANCES
from bgan_text.studies.reproduction_options import SCALES
from bgan_text.studies.stability import STABILITY

EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment
    for experiment in (
        CLASSIFICATION,
        MNIST_DISTANCES,
        BILLION_WORD,
        STABILITY,
        CELEBA_QUANTIZED,
        *CONTINUOUS_IMAGES,
    )
}
"""Every experiment of the paper by name."""


def to_json() -> dict[str, Any]:
    """What each experiment compares, how long it takes, and what came out."""
    return {
        one.name: {
            "compares": one.compares,
            "paper": one.paper,
            "lasts": {scale: one.scales[scale].lasts for scale in SCALES},
            "found": one.found,
        }
        for one in EXPERIMENTS.values()
    }
