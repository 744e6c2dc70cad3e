"""Experiments whose result is a grid of pictures: quantised faces, and pictures of real numbers."""

from collections.abc import Mapping
from typing import Any

from .device import choose_device
from .experiment import Conclusion, Experiment, Scale
from .experiment_bench import Bench
from .experiment_pictures import real_of, samples_of, side_by_side
from .experiment_scores import Scored

SMOKE = {"steps": 4, "batch": 8, "width": 4, "discriminator_width": 4, "noise": 4}
DCGAN = {
    "width": 64,
    "discriminator_width": 64,
    "noise": 100,
    "spectral_norm": False,
    "generator_rate": 2e-4,
    "discriminator_rate": 2e-4,
    "beta2": 0.999,
    "decay": "constant",
    "steps": 100_000,
}
"""Radford et al. 2016, section 4, which the article follows."""
SCORES = ("patch-js-1", "patch-js-2", "patch-js-3", "feature-frechet", "neighbour-distance")


def conclude(bench: Bench) -> Conclusion:
    """A grid of real pictures beside one of generated ones, and scores that are no part of the article."""
    scored = Scored(bench)
    (method,) = bench.experiment.methods_at(bench.scale)
    rows = [[method, *scored.cells(method, SCORES)], ["real", *scored.real_cells(SCORES)]]
    grids = {"real": real_of(bench)}
    if bench.finished():
        grids[method] = samples_of(bench.run(method), choose_device(bench.device))
    return Conclusion(
        headings=["", *SCORES],
        rows=rows,
        pictures={f"{bench.experiment.name}.png": side_by_side(grids)},
        numbers=scored.to_json(),
    )


def _continuous(corpus: str, what: str, found: str, paper: Mapping[str, Any]) -> Experiment:
    return Experiment(
        name=f"continuous-{corpus}",
        compares=f"Pictures of real numbers, {what}, by the boundary-seeking objective, beside real ones",
        article="grids of samples, 64 x 64 pixels",
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
    article="a grid of samples, among them recognisable faces",
    found="faces, most of them whole, after 20 minutes of one core on 4,000 pictures; fewer colours in each "
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
                "generator_rate": 1e-4,
                "discriminator_rate": 1e-4,
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
        "faces, varied, most of them whole, after 10 minutes of one core on 4,000 pictures; feature distance "
        "2.3 where real ones have 1.1",
        {},
    ),
    _continuous("lsun", "bedrooms", "not measured: the data are in the hub alone", {}),
    _continuous("imagenet", "a thousand kinds", "not measured: the data are in the hub alone", {}),
)
