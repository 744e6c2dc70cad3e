"""Characters of the One Billion Word benchmark, learned from scratch."""

from bgan_text.device import choose_device
from bgan_text.sampling import sample_text
from bgan_text.sampling_options import SamplingOptions
from bgan_text.studies.experiment import Conclusion, Experiment, Scale
from bgan_text.studies.experiment_scores import Scored
from bgan_text.studies.runner import Runner

ORDERS = ("js-1", "js-2", "js-3", "js-4")
SHOWN = 3
PORT = ["a WGAN-GP port after 1,899 generator steps", ".065", ".173", ".366", ".618"]
"""What a port of improved_wgan_training reports; its n-grams are taken over the whole training text."""
CHARACTERS = {"tokenizer": "char", "length": 32, "overlong": "cut", "lowercase": True}


def conclude(bench: Runner) -> Conclusion:
    """Divergences of character n-grams, and three samples."""
    scored = Scored(bench)
    (method,) = bench.experiment.methods_at(bench.scale)
    options, device = SamplingOptions(count=SHOWN, seed=1), choose_device(bench.device)
    return Conclusion(
        headings=["", *ORDERS],
        rows=[[method, *scored.cells(method, ORDERS)], PORT, ["real", *scored.real_cells(ORDERS)]],
        samples=[text for text, _ in sample_text(bench.run(method), options, device)]
        if bench.finished()
        else [],
        numbers=scored.to_json(),
    )


BILLION_WORD = Experiment(
    name="billion-word",
    compares="Sentences of 32 characters, a convolutional generator without pre-training, beside real ones",
    paper="three samples; no numbers",
    found="what looks like words, some of it English, after 10 minutes of one core on 9,750 lines: JS-4 .40 "
    "bits to held-out lines, to which other real ones have .19",
    corpus="lm1b",
    methods={"importance": {"objective": "importance", "divergence": "js"}},
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
