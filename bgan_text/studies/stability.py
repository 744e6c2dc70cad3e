"""Which objectives live on when the generator is trained far more than its discriminator."""

from bgan_text.device import choose_device
from bgan_text.studies.experiment import Claim, Conclusion, Experiment, Scale
from bgan_text.studies.experiment_scores import Scored
from bgan_text.studies.figures import curves, real_of, samples_of, side_by_side
from bgan_text.studies.image_grids import DCGAN, SMOKE
from bgan_text.studies.runner import Runner

OURS, DISTANCE = "bgan", "classifier-frechet"
SCORES = ("patch-js-3", DISTANCE, "classifier-precision", "classifier-recall")
CURVES = {"patch-js-3": "patch JS-3, bits", "fake_score": "score of samples", "real_score": "score of real"}
"""Numbers of metrics.jsonl, and what the panels that show them are called."""
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


def conclude(bench: Runner) -> Conclusion:
    """Curves over training, grids and scores of the last samples."""
    scored, device = Scored(bench), choose_device(bench.device)
    methods = list(bench.experiment.methods_at(bench.scale))
    rows = [[method, *scored.cells(method, SCORES)] for method in methods]
    lines = {
        title: {method: _curve(bench, method, name) for method in methods} for name, title in CURVES.items()
    }
    alive = [method for method in methods if (method, 0) in bench.finished()]
    grids = {method: samples_of(bench.run(method), device) for method in alive}
    return Conclusion(
        headings=["", *SCORES],
        rows=[*rows, ["real", *scored.real_cells(SCORES)]],
        claims=[goes_on(scored, other) for other in methods if other != OURS],
        images={
            "stability-curves.png": curves(lines, "generator steps"),
            "stability-samples.png": side_by_side({"real": real_of(bench), **grids}),
        },
        numbers=scored.to_json(),
    )


def goes_on(scored: Scored, other: str) -> Claim:
    """Whether ours lives where another breaks, or else is nearer to real images."""
    if other in scored.failed:
        return Claim(f"{OURS} goes on where {other} fails", OURS not in scored.failed)
    text = f"{OURS} is nearer to real images than {other} ({DISTANCE})"
    return Claim(text, scored.nearer(OURS, other, DISTANCE))


def _curve(bench: Runner, method: str, name: str) -> tuple[list[float], list[float]]:
    rows = [row for row in bench.run(method).metrics() if row.get(name) is not None]
    return [row["step"] for row in rows], [row[name] for row in rows]


STABILITY = Experiment(
    name="stability",
    compares="gan, non-saturating and bgan on CIFAR-10 in real numbers, "
    f"{GENERATOR_STEPS} generator steps for each discriminator step",
    paper="bgan goes on where gan and non-saturating become unstable",
    found="bgan learns on to the end (patch JS-3 .29 bits) where gan and non-saturating stand still at .7 "
    "and .6, their discriminators' scores fallen to 0; but its samples are of few kinds, and none shows an "
    "object. Without batch normalisation in the discriminator all three collapse",
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
