"""Which objectives survive when the generator is trained far more often than its discriminator."""

from bgan_text.studies.experiment import Claim, Conclusion, Experiment, Scale
from bgan_text.studies.experiment_runs import ExperimentRuns
from bgan_text.studies.experiment_scores import Scored
from bgan_text.studies.figures import curves, real_of, samples_of, side_by_side
from bgan_text.studies.image_experiments import DCGAN, SMOKE

OURS, DISTANCE = "bgan", "classifier-frechet"
SCORES = ("patch-js-3", DISTANCE, "classifier-precision", "classifier-recall")
CURVES = {"patch-js-3": "patch JS-3, bits", "fake_score": "score of samples", "real_score": "score of real"}
"""Numbers of metrics.jsonl, and the titles of their panels."""
GENERATOR_STEPS = 5
CONTINUOUS = {
    "generator_steps": GENERATOR_STEPS,
    "batch_norm": True,
    "spectral_norm": False,
    "generator_lr": 2e-4,
    "discriminator_lr": 2e-4,
    "beta2": 0.999,
    "lr_schedule": "constant",
}


def conclude(runs: ExperimentRuns) -> Conclusion:
    """Curves over training, and grids and scores of samples at the end."""
    scored = Scored(runs)
    rows = [[method, *scored.cells(method, SCORES)] for method in runs.methods]
    lines = {
        title: {method: _curve(runs, method, name) for method in runs.methods}
        for name, title in CURVES.items()
    }
    grids = {method: samples_of(runs, method) for method in runs.alive()}
    return Conclusion(
        headings=["", *SCORES],
        rows=[*rows, ["real", *scored.real_cells(SCORES)]],
        claims=[goes_on(scored, other) for other in runs.methods if other != OURS],
        figures={
            "stability-curves.png": curves(lines, "generator steps"),
            "stability-samples.png": side_by_side({"real": real_of(runs), **grids}),
        },
        numbers=scored.to_json(),
    )


def goes_on(scored: Scored, other: str) -> Claim:
    """Whether bgan survives where another objective fails, or is closer to real images if that survives."""
    if other in scored.failed:
        return Claim(f"{OURS} survives where {other} fails", OURS not in scored.failed)
    if OURS in scored.failed:
        return Claim(f"{OURS} survives as {other} does", False)
    text = f"{OURS} is closer to real images than {other} ({DISTANCE})"
    return Claim(text, scored.nearer(OURS, other, DISTANCE))


def _curve(runs: ExperimentRuns, method: str, name: str) -> tuple[list[float], list[float]]:
    rows = [row for row in runs.folder(method).metrics() if row.get(name) is not None]
    return [row["step"] for row in rows], [row[name] for row in rows]


STABILITY = Experiment(
    name="stability",
    compares="gan, non-saturating and bgan on continuous images of CIFAR-10, with "
    f"{GENERATOR_STEPS} generator steps per discriminator step",
    paper="bgan keeps learning where gan and non-saturating become unstable",
    found="bgan keeps learning to the end (patch JS-3 .29 bits). gan and non-saturating stop improving at .7 "
    "and .6, and the scores of their discriminators fall to 0. But the samples of bgan are of few "
    "kinds and show no objects. Without batch normalisation in the discriminator all three collapse.",
    corpus="cifar10",
    methods={name: {"objective": name} for name in ("gan", "non-saturating", "bgan")},
    scales={
        "smoke": Scale(
            data={"colors": "none", "limit": 64, "size": 8},
            options={**SMOKE, **CONTINUOUS, "steps": 10, "log_every": 5},
            samples=40,
            lasts="seconds",
            quick=True,
        ),
        "small": Scale(
            data={"colors": "none"},
            options={**CONTINUOUS, "minutes": 8.0, "batch": 32, "width": 16, "discriminator_width": 16},
            lasts="30 minutes on 2 cores",
        ),
        "paper": Scale(
            data={"colors": "none"},
            options={**DCGAN, **CONTINUOUS},
            samples=10_000,
            lasts="hours on a GPU",
        ),
    },
    conclude=conclude,
)
