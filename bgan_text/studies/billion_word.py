"""Characters of the One Billion Word benchmark, learned from scratch."""

from bgan_text.studies.experiment import Conclusion, Experiment, Scale
from bgan_text.studies.experiment_runs import ExperimentRuns
from bgan_text.studies.experiment_scores import Scored
from bgan_text.studies.steps import sample_texts

ORDERS = ("js-1", "js-2", "js-3", "js-4")
SHOWN = 3
PORT = ["a WGAN-GP port after 1,899 generator steps", ".065", ".173", ".366", ".618"]
"""Reported by a port of improved_wgan_training, whose n-grams are taken over the whole training text."""
CHARACTERS = {"tokenizer": "char", "length": 32, "overlong": "cut", "lowercase": True}


def conclude(runs: ExperimentRuns) -> Conclusion:
    """Divergences of character n-grams, and three samples."""
    scored = Scored(runs)
    (method,) = runs.methods
    return Conclusion(
        headings=["", *ORDERS],
        rows=[[method, *scored.cells(method, ORDERS)], PORT, ["real", *scored.real_cells(ORDERS)]],
        samples=sample_texts(runs.folder(method), SHOWN, 1, runs.device) if runs.alive() else [],
        numbers=scored.to_json(),
    )


BILLION_WORD = Experiment(
    name="billion-word",
    compares="A convolutional generator without pre-training on sentences of 32 characters",
    paper="three samples and no numbers",
    found="The samples consist of word-like strings, some of them English, after 10 minutes on one core with "
    "9,750 training lines. Their JS-4 to held-out lines is .40 bits; that of other real lines is .19.",
    corpus="lm1b",
    methods={
        "importance": {
            "objective": "importance",
            "divergence": "js",
            "generator": "conv",
            "credit": "sequence",
        }
    },
    scales={
        "smoke": Scale(
            data={**CHARACTERS, "limit": 500},
            options={"steps": 4, "batch": 8, "width": 8, "discriminator_width": 8, "draws": 3},
            samples=40,
            lasts="seconds",
            quick=True,
        ),
        "small": Scale(
            data={**CHARACTERS, "limit": 100_000},
            options={"minutes": 10.0, "batch": 64},
            samples=2000,
            lasts="12 minutes on 2 cores",
        ),
        "paper": Scale(
            data=CHARACTERS,
            options={
                "width": 256,
                "discriminator_width": 256,
                "discriminator_blocks": 3,
                "noise": 100,
                "batch": 64,
                "generator_lr": 1e-3,
                "discriminator_lr": 1e-3,
                "spectral_norm": False,
                "lr_schedule": "constant",
                "steps": 200_000,
            },
            samples=10_000,
            lasts="hours on a GPU",
        ),
    },
    conclude=conclude,
)
