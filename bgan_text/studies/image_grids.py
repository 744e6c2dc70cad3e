"""Experiments whose result is a grid of images: quantised faces, and images of real numbers."""

from collections.abc import Mapping
from typing import Any

from bgan_text.device import choose_device
from bgan_text.studies.experiment import Conclusion, Experiment, Scale
from bgan_text.studies.experiment_scores import Scored
from bgan_text.studies.figures import real_of, samples_of, side_by_side
from bgan_text.studies.runner import Runner

SMOKE = {"steps": 4, "batch": 8, "width": 4, "discriminator_width": 4, "noise": 4}
DCGAN = {
    "width": 64,
    "discriminator_width": 64,
    "noise": 100,
    "spectral_norm": False,
    "generator_lr": 2e-4,
    "discriminator_lr": 2e-4,
    "beta2": 0.999,
    "lr_schedule": "constant",
    "steps": 100_000,
}
"""Radford et al. 2016, section 4, which the paper follows."""
SCORES = ("patch-js-1", "patch-js-2", "patch-js-3", "classifier-frechet", "neighbour-distance")


def conclude(bench: Runner) -> Conclusion:
    """A grid of real images beside one of generated ones, and scores that are no part of the paper."""
    scored = Scored(bench)
    (method,) = bench.experiment.methods_at(bench.scale)
    rows = [[method, *scored.cells(method, SCORES)], ["real", *scored.real_cells(SCORES)]]
    grids = {"real": real_of(bench)}
    if bench.finished():
        grids[method] = samples_of(bench.run(method), choose_device(bench.device))
    return Conclusion(
        headings=["", *SCORES],
        rows=rows,
        images={f"{bench.experiment.name}.png": side_by_side(grids)},
        numbers=scored.to_json(),
    )


def _continuous(corpus: str, what: str, found: str, paper: Mapping[str, Any]) -> Experiment:
    return Experiment(
        name=f"continuous-{corpus}",
        compares=f"Images of real numbers, {what}, by the boundary-seeking objective, beside real ones",
        paper="grids of samples, 64 x 64 pixels",
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
                data={"colors": "none", "size": 64, **paper},
                options=DCGAN,
                samples=10_000,
                lasts="hours on a GPU",
            ),
        },
        conclude=conclude,
    )


CELEBA_QUANTIZED = Experiment(
    name="celeba-quantized",
    compares="Faces of 32 x 32 pixels in 16 colours, pixels drawn from softmax outputs, beside real ones",
    paper="a grid of samples, among them recognisable faces",
    found="faces, most of them whole, after 20 minutes of one core on 4,000 images; fewer colours in each "
    "and more noise than in real ones",
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
            options={
                **DCGAN,
                "draws": 20,
                "generator_lr": 1e-4,
                "discriminator_lr": 1e-4,
            },
            samples=10_000,
            lasts="hours on a GPU",
        ),
    },
    conclude=conclude,
)

GRIDS = (
    CELEBA_QUANTIZED,
    _continuous(
        "celeba",
        "faces",
        "faces, varied, most of them whole, after 10 minutes of one core on 4,000 images; feature distance "
        "2.3 where real ones have 1.1",
        {},
    ),
    _continuous("lsun", "bedrooms", "not measured: the data are in the hub alone", {}),
    _continuous("imagenet", "a thousand kinds", "not measured: the data are in the hub alone", {}),
)
