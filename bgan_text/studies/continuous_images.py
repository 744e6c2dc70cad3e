"""Continuous images of faces, bedrooms and ImageNet by the boundary-seeking objective."""

from bgan_text.studies.experiment import Experiment, Scale
from bgan_text.studies.image_experiments import DCGAN, SMOKE, conclude_grid


def _experiment(corpus: str, what: str, found: str) -> Experiment:
    return Experiment(
        name=f"continuous-{corpus}",
        compares=f"Continuous images of {what} by the boundary-seeking objective, beside real ones",
        paper="grids of samples of 64 x 64 pixels",
        found=found,
        corpus=corpus,
        methods={"bgan": {"objective": "bgan"}},
        scales={
            "smoke": Scale(
                data={"colors": "none", "limit": 64, "size": 8},
                options=SMOKE,
                samples=40,
                lasts="seconds",
                quick=True,
            ),
            "small": Scale(
                data={"colors": "none", "size": 32, "limit": 20_000},
                options={"minutes": 10.0},
                lasts="12 minutes on 2 cores",
            ),
            "paper": Scale(
                data={"colors": "none", "size": 64},
                options=DCGAN,
                samples=10_000,
                lasts="hours on a GPU",
            ),
        },
        conclude=conclude_grid,
    )


NOT_MEASURED = "Not measured: the data is only available from the hub."
CONTINUOUS_IMAGES = (
    _experiment(
        "celeba",
        "faces",
        "The samples are varied faces, most of them complete, after 10 minutes on one core with 4,000 "
        "images. Their feature distance is 2.3; that of real faces is 1.1.",
    ),
    _experiment("lsun", "bedrooms", NOT_MEASURED),
    _experiment("imagenet", "a thousand classes", NOT_MEASURED),
)
