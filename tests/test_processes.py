"""Two processes with half a batch each do what one does with a whole batch.

The module is also the program that the processes run: `python test_processes.py FOLDER`.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bgan_text.batch import Batch, LabelledImages
from bgan_text.config import Config
from bgan_text.group import ALONE, Group
from bgan_text.objective_table import unused_options
from bgan_text.space import LabelSpace, PixelSpace, Space, TokenSpace
from bgan_text.training.state import State
from bgan_text.training.trainer import train

SENTENCES = TokenSpace(6, 11, end=0)
BITS = TokenSpace(64, 2, shape=(8, 8))
COLOURS = TokenSpace(64, 5, shape=(8, 8))
PIXELS = PixelSpace(1, 8, 8)
LABELS = LabelSpace(PixelSpace(1, 8, 8), 3)
RNN: dict[str, Any] = {"generator": "rnn", "width": 16}
KINDS: dict[str, tuple[Space, dict[str, Any]]] = {
    "importance": (SENTENCES, {"discriminator_steps": 2, "discriminator_draws": 2}),
    "partition": (SENTENCES, {"objective": "partition", "divergence": "hellinger", "generator_steps": 2}),
    "reinforce": (SENTENCES, {"objective": "reinforce", "baseline": "mean", "divergence": "kl"}),
    "constant": (SENTENCES, RNN | {"objective": "constant"}),
    "prefix": (SENTENCES, RNN | {"credit": "prefix"}),
    "prefix partition": (SENTENCES, RNN | {"credit": "prefix", "objective": "partition"}),
    "token": (SENTENCES, RNN | {"credit": "token"}),
    "token both": (
        SENTENCES,
        {"credit": "token", "prefixes": "both", "generator": "transformer", "objective": "reinforce"},
    ),
    "token samples": (SENTENCES, RNN | {"credit": "token", "prefixes": "samples"}),
    "frozen": (SENTENCES, {"freeze_generator": 0.5}),
    "mle": (SENTENCES, {"generator": "transformer", "objective": "mle"}),
    "implicit": (SENTENCES, RNN | {"objective": "implicit", "reference_steps": 2}),
    "labels implicit": (LABELS, {"generator": "classifier", "objective": "implicit", "reference_steps": 2}),
    "wgan": (SENTENCES, {"objective": "wgan", "discriminator_steps": 2}),
    "wgan-gp": (SENTENCES, {"objective": "wgan-gp"}),
    "gan-relaxed": (SENTENCES, RNN | {"objective": "gan-relaxed", "divergence": "gan"}),
    "gumbel": (SENTENCES, {"objective": "gumbel"}),
    "bits": (BITS, {"draws": 3}),
    "colours": (COLOURS, {"objective": "gumbel"}),
    "pixels": (PIXELS, {"objective": "bgan", "batch_norm": True}),
    "pixels lsgan": (PIXELS, {"objective": "lsgan", "batch_norm": True, "spectral_norm": False}),
    "labels": (LABELS, {"generator": "classifier"}),
    "labels wgan-gp": (LABELS, {"generator": "classifier", "objective": "wgan-gp"}),
}
STEPS, BATCH = 4, 12


def settings(given: dict[str, Any]) -> Config:
    small: dict[str, Any] = {"draws": 4, "width": 8, "discriminator_width": 8}
    values = small | {"generator": "conv", "credit": "sequence"} | given
    values |= {"steps": STEPS, "batch": BATCH, "precision": "float32", "heads": 2}
    unused = unused_options(values.get("objective", "importance"), values["credit"])
    if values["generator"] != "transformer":
        unused |= {"heads"}
    return Config.given({name: value for name, value in values.items() if name not in unused})


def real_batches(space: Space, own: slice) -> Callable[[int, int], Batch]:
    def at(step: int, index: int) -> Batch:
        rng = torch.Generator().manual_seed(1000 * step + index)
        if isinstance(space, TokenSpace):
            return torch.randint(space.vocabulary, (BATCH, space.positions), generator=rng)[own]
        images = torch.randn(BATCH, 1, 8, 8, generator=rng)[own].tanh()
        if isinstance(space, PixelSpace):
            return images
        return LabelledImages(images, torch.randint(space.classes, (BATCH, 1), generator=rng)[own])

    return at


def trained(name: str, group: Group) -> dict[str, Tensor]:
    """All of the state after a few steps, and the numbers of each of them."""
    space, given = KINDS[name]
    config = settings(given)
    state = State.fresh(config, space, torch.device("cpu"), group=group)
    for _, optimizer, _ in state.optimizers():
        # A bias before batch normalisation has a gradient of rounding alone, which Adam would make large.
        optimizer.param_groups[0]["eps"] = 1e-3
    found: dict[str, Tensor] = {}
    batches = real_batches(space, group.rows(BATCH))
    for report in train(state, config, batches, lambda state: state.step / STEPS):
        for key, value in report.read().items():
            found[f"step {report.step} {key}"] = torch.tensor(value)
    for part in ("generator", "discriminator", "average"):
        found |= getattr(state, part).state_dict(prefix=f"{part} ")
    for part, optimizer, _ in state.optimizers():
        for number, moments in optimizer.state_dict()["state"].items():
            found |= {f"{part} {number} {key}": value for key, value in moments.items()}
    found |= {f"running {key}": value for key, value in vars(state.running).items()}
    return found | {"rng": state.rng.get_state()}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, dict[str, Tensor]]]:
    """What each of two processes has trained, by kind."""
    from bgan_text.launch import environments, meeting_place

    folder = tmp_path_factory.mktemp("both")
    store = meeting_place()
    started = [
        subprocess.Popen([sys.executable, __file__, str(folder)], env=variables)
        for variables in environments(2, store.port)
    ]
    assert [process.wait(timeout=300) for process in started] == [0, 0]
    return [torch.load(folder / f"{rank}") for rank in range(2)]


@pytest.mark.parametrize("name", KINDS)
def test_two_processes_do_what_one_does(name: str, both: list[dict[str, dict[str, Tensor]]]) -> None:
    alone, (first, second) = trained(name, ALONE), (found[name] for found in both)
    assert alone.keys() == first.keys() == second.keys()
    for key in alone:
        assert torch.equal(first[key], second[key]), key
        torch.testing.assert_close(
            first[key], alone[key], rtol=1e-3, atol=2e-5, msg=lambda text, key=key: f"{key}: {text}"
        )
    assert torch.equal(first["rng"], alone["rng"])


def main(folder: Path) -> None:
    from bgan_text.processes import joined

    torch.set_num_threads(1)
    with joined("cpu") as (group, _):
        found = {name: trained(name, group) for name in KINDS}
        torch.save(found, folder / os.environ["RANK"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
