"""What the experiments on images share: settings, and a conclusion of a grid and some scores."""

from typing import Any

from bgan_text.studies.experiment import Conclusion
from bgan_text.studies.experiment_runs import ExperimentRuns
from bgan_text.studies.experiment_scores import Scored
from bgan_text.studies.figures import real_of, samples_of, side_by_side

SMOKE: dict[str, Any] = {"steps": 4, "batch": 8, "width": 4, "discriminator_width": 4, "noise": 4}
DCGAN: dict[str, Any] = {
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


def conclude_grid(runs: ExperimentRuns) -> Conclusion:
    """A grid of real and of generated images, and scores that the paper does not have."""
    scored = Scored(runs)
    (method,) = runs.methods
    grids = {"real": real_of(runs)} | {method: samples_of(runs, method) for method in runs.alive()}
    return Conclusion(
        headings=["", *SCORES],
        rows=[[method, *scored.cells(method, SCORES)], ["real", *scored.real_cells(SCORES)]],
        figures={f"{runs.experiment.name}.png": side_by_side(grids)},
        numbers=scored.to_json(),
    )
