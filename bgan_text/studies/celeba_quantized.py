"""Faces in a few colours: each pixel is drawn from a softmax."""

from bgan_text.studies.experiment import Experiment, Scale
from bgan_text.studies.image_experiments import DCGAN, SMOKE, conclude_grid

CELEBA_QUANTIZED = Experiment(
    name="celeba-quantized",
    compares="Faces of 32 x 32 pixels in 16 colours, with pixels drawn from a softmax, beside real ones",
    paper="a grid of samples with recognisable faces",
    found="The samples are faces, most of them complete, after 20 minutes on one core with 4,000 images. "
    "Each has fewer colours and more noise than a real face.",
    corpus="celeba",
    methods={"importance": {"objective": "importance", "divergence": "js"}},
    scales={
        "smoke": Scale(
            data={"colors": "4", "limit": 64, "size": 8},
            options={**SMOKE, "draws": 3},
            samples=40,
            lasts="seconds",
            quick=True,
        ),
        "small": Scale(
            data={"colors": "16", "size": 32, "limit": 20_000},
            options={"minutes": 20.0},
            lasts="25 minutes on 2 cores",
        ),
        "paper": Scale(
            data={"colors": "16", "size": 32},
            options={**DCGAN, "draws": 20, "generator_lr": 1e-4, "discriminator_lr": 1e-4},
            samples=10_000,
            lasts="hours on a GPU",
        ),
    },
    conclude=conclude_grid,
)
