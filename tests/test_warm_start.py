"""Runs that start from the nets of another one, frozen generators, and the generator as its own judge."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import bgan_text as bt
from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.models.distributions import FactorisedDistribution
from bgan_text.space import TokenSpace
from bgan_text.training import loop
from bgan_text.training.state import CustomParts, State
from bgan_text.training.trainer import Trainer
from bgan_text.training.validation import Validation

SMALL = {"steps": 4, "batch": 8, "width": 8, "noise": 3, "precision": "float32", "device": "cpu"}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def likelihood(data: bt.DatasetDirectory) -> bt.Run:
    return bt.train(data, objective="mle", out=data.folder.parent / "mle", **SMALL)


def weights(run: bt.Run, part: str, step: int | None = None) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    folder = RunFiles(run)
    path = folder[max(folder) if step is None else step]
    found = load_file(path)
    return {name: tensor for name, tensor in found.items() if name.startswith(f"{part}.")}


def RunFiles(run: bt.Run) -> dict[int, Path]:  # noqa: N802
    return {int(path.stem.split("-")[1]): path for path in run.folder.glob("checkpoint-*.safetensors")}


def test_a_run_starts_from_the_averaged_weights_of_another(
    data: bt.DatasetDirectory, likelihood: bt.Run, tmp_path: Path
) -> None:
    options = {"freeze_generator": 1.0, "steps": 3, "batch": 8, "precision": "float32", "device": "cpu"}
    run = bt.train(data, objective="importance", start_from=likelihood, out=tmp_path / "run", **options)
    assert (run.config.generator, run.config.width, run.config.noise) == ("rnn", 8, 3)
    average = weights(likelihood, "average")
    for name, tensor in weights(run, "generator").items():
        assert torch.equal(tensor, average[name.replace("generator.", "average.module.")])
    assert run.config.credit == "token"
    assert run.sample(5) == likelihood.sample(5)
    record = json.loads((run.folder / "run.json").read_text("utf-8"))
    assert record["started_from"]["step"] == 4
    assert (run.folder / record["started_from"]["folder"]).resolve() == likelihood.folder.resolve()
    again = bt.load_run(run.folder)
    again.resume(steps=4)
    assert json.loads((run.folder / "run.json").read_text("utf-8"))["started_from"] == record["started_from"]


def test_a_frozen_generator_stays_while_its_discriminator_learns(
    data: bt.DatasetDirectory, tmp_path: Path
) -> None:
    for name, objective in (("conv", "importance"), ("rnn", "reinforce"), ("conv", "gumbel")):
        options = SMALL | {"generator": name, "objective": objective, "save_every": "1", "steps": 2}
        folder = tmp_path / f"{name}-{objective}"
        run = bt.train(data, freeze_generator=1.0, out=folder, **options)
        for part, moves in (("generator", False), ("average", False), ("discriminator", True)):
            first, last = (weights(run, part, step) for step in (1, 2))
            trained = [name for name in first if "n_averaged" not in name]
            assert any(not torch.equal(first[key], last[key]) for key in trained) == moves, (name, part)


def test_the_generator_begins_after_its_share(data: bt.DatasetDirectory, tmp_path: Path) -> None:
    options = SMALL | {"save_every": "1", "log_every": 1}
    run = bt.train(data, freeze_generator=0.5, out=tmp_path / "run", **options)
    moved = ["generator_gradient" in row for row in run.metrics() if "generator_loss" in row]
    assert moved == [False, False, True, True]


def test_evaluations_of_a_frozen_generator_are_not_the_best_and_use_up_no_patience(
    data: bt.DatasetDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scores rise from the first evaluation on. The generator learns from step 5 on."""

    def validate(state: State) -> Validation:
        return Validation({"js-4": 0.01 * state.step}, "JS-4", [], {"samples": []})

    monkeypatch.setattr(loop, "validator", lambda dataset, run: validate)
    options = SMALL | {"evaluate_every": "1", "save_every": "1", "keep": 20}
    run = bt.train(data, freeze_generator=0.5, patience=3, out=tmp_path / "run", **(options | {"steps": 8}))
    assert (run.steps, run.best) == (
        7,
        4,
    )  # up to step 4 the discriminator learns alone
    assert [row["step"] for row in run.metrics() if row.get("frozen")] == [1, 2, 3]
    part = bt.train(data, freeze_generator=0.5, out=tmp_path / "part", **(options | {"steps": 3}))
    assert part.best == 2
    assert bt.load_run(part.folder).resume(steps=8).best == 2  # the record stays as it was
    whole = bt.train(data, freeze_generator=1.0, out=tmp_path / "whole", **options)
    assert (whole.steps, whole.best) == (4, None)
    assert [row["step"] for row in whole.metrics() if row.get("frozen")] == [1, 2, 3, 4]
    with pytest.raises(UserError, match="has no best checkpoint: none of them was evaluated while its gen"):
        whole.sample(2, step="best")
    with pytest.raises(UserError, match="`patience` 3 with `freeze_generator` 1"):
        bt.train(data, freeze_generator=1.0, patience=3, out=tmp_path / "never", **options)
    with pytest.raises(UserError, match="`patience` 3 with `freeze_generator` 1"):
        whole.resume(patience=3)


def test_a_discriminator_that_fits_is_taken_along(data: bt.DatasetDirectory, tmp_path: Path) -> None:
    options = SMALL | {"discriminator_width": 6}
    first = bt.train(data, out=tmp_path / "first", **options)
    told: list[str] = []

    class Listener(bt.Reporter):
        def message(self, text: str) -> None:
            told.append(text)

    same = {"steps": 4, "batch": 8, "freeze_generator": 1.0, "discriminator_lr": 0.0, "device": "cpu"}
    second = bt.train(data, start_from=first.folder, out=tmp_path / "second", reporter=Listener(), **same)
    assert second.config.discriminator_width == 6
    before, after = weights(first, "discriminator"), weights(second, "discriminator")
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert told == []
    bt.train(
        data, start_from=first, discriminator_width=5, out=tmp_path / "third", reporter=Listener(), **same
    )
    assert told == [f"The discriminator starts untrained: {first.folder} has none that fits."]


def test_a_discriminator_of_ones_own_is_taken_along_where_it_is_given(
    data: bt.DatasetDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bgan: Any
) -> None:
    source = """import torch
class Bag(torch.nn.Module):
    def __init__(self, space, config):
        super().__init__()
        self.scores = torch.nn.Embedding(space.vocabulary, 1)
    def forward(self, tokens):
        return self.scores(tokens).mean(dim=(1, 2))
"""
    (tmp_path / "own_bag.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    from own_bag import Bag

    options = {"steps": 2, "batch": 4, "width": 4, "device": "cpu"}
    first = bt.train(data, discriminator=Bag, out="first", **options)
    again = {"steps": 2, "batch": 4, "freeze_generator": 1.0, "discriminator_lr": 0.0, "device": "cpu"}
    alone = bt.load_run("first")
    for number, (origin, given, same) in enumerate(
        ((first.folder, Bag, True), (alone, Bag, True), (first, Bag, True), ("first", None, False))
    ):
        own = {} if given is None else {"discriminator": given}
        run = bt.train(data, start_from=origin, out=f"next-{number}", **own, **again)
        before, after = weights(first, "discriminator"), weights(run, "discriminator")
        assert (
            before.keys() == after.keys() and all(torch.equal(before[n], after[n]) for n in before)
        ) == same
    named = ("--discriminator", "own_bag:Bag")
    made = bgan(
        "train", "--from", "first", *named, "--steps", "1", "--batch", "4", "--run", "cli", "--device", "cpu"
    )
    assert made.code == 0
    assert "starts untrained" not in made.err
    few = ("--candidates", "3", "--n", "20", "--resamples", "0", "--device", "cpu")
    assert "pass it" in bgan("score", "first", *few).err
    scored = bgan("score", "first", *named, *few)
    assert scored.code == 0
    assert "effective candidates" in " ".join(scored.out.split())


@pytest.mark.parametrize(
    ("before", "objective", "goes_on"),
    [
        ("wgan-gp", "partition", False),
        ("wgan-gp", "wgan-gp", True),
        ("gan-relaxed", "gumbel", False),
        ("gumbel", "partition", True),
    ],
)
def test_a_critic_that_estimates_no_ratio_is_not_taken_for_one(
    data: bt.DatasetDirectory, tmp_path: Path, before: str, objective: str, goes_on: bool
) -> None:
    options = SMALL | {"steps": 2, "generator": "conv", "spectral_norm": False, "discriminator_width": 6}
    first = bt.train(data, objective=before, out=tmp_path / "first", **options)
    again = {"steps": 2, "batch": 8, "freeze_generator": 1.0, "discriminator_lr": 0.0, "device": "cpu"}
    second = bt.train(data, objective=objective, spectral_norm=False, discriminator_width=6, start_from=first,
                      out=tmp_path / "second", **again)  # fmt: skip
    one, other = weights(first, "discriminator"), weights(second, "discriminator")
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one) == goes_on
    inherits = bt.train(data, objective=objective, start_from=first, out=tmp_path / "third", **again)
    assert (inherits.config.discriminator_width == 6) == goes_on


def test_what_cannot_be_started_from_is_refused_before_a_folder_is_made(
    data: bt.DatasetDirectory, likelihood: bt.Run, tmp_path: Path
) -> None:
    other = bt.prepare(["ab cd", "ef gh ij"] * 30 + ["x", "y z"], tokenizer="word", length=5,
                       out=tmp_path / "other")  # fmt: skip
    for dataset, options, line in (
        (data, {"width": 9}, "has `width` 8, not 9: leave out `width`"),
        (data, {"generator": "transformer"}, "has `generator` rnn, not transformer: leave out `generator`"),
        (data, {"preset": "bgan"}, "has `generator` rnn, not conv: leave out `preset` bgan"),
        (other, {}, "has other tokens .* than the data .*: prepare the data with the tokenizer"),
        (other, {"objective": "wgan"}, "has other tokens"),
        (data, {"start_from": 3}, "`start_from` is a int: a run or its folder is needed"),
        (data, {"start_from": tmp_path}, "is not a run folder"),
        (data, {"freeze_generator": 1.5}, "`freeze_generator` 1.5: a share, 0 to 1, is needed"),
        (data, {"objective": "mle", "freeze_generator": 0.5}, "does not apply to `objective` mle"),
    ):
        chosen = {"start_from": likelihood, "steps": 2, "device": "cpu", "objective": "importance"} | options
        with pytest.raises(UserError, match=line):
            bt.train(dataset, out=tmp_path / "never", **chosen)
        assert not (tmp_path / "never").exists()


def test_images_go_on_from_images(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 2, (30, 8, 8), dtype=np.uint8) * 255
    np.savez(tmp_path / "images.npz", images=images)
    options = {"steps": 2, "batch": 4, "width": 4, "discriminator_width": 4, "device": "cpu"}
    for colors in (2, "none"):  # quantised, and continuous
        source = [str(tmp_path / "images.npz")]
        data = bt.prepare("images", path=source, colors=colors, out=tmp_path / f"data-{colors}")
        first = bt.train(data, out=tmp_path / f"first-{colors}", **options)
        again = {"steps": 2, "batch": 4, "freeze_generator": 1.0, "device": "cpu"}
        second = bt.train(data, start_from=first, out=tmp_path / f"second-{colors}", **again)
        assert (second.config.width, second.config.discriminator_width) == (4, 4)
        average = weights(first, "average")
        for name, tensor in weights(second, "generator").items():
            assert torch.equal(tensor, average[name.replace("generator.", "average.module.")])


def test_an_objective_that_cannot_weigh_tokens_takes_the_generator_alone(
    data: bt.DatasetDirectory, tmp_path: Path
) -> None:
    first = bt.train(data, out=tmp_path / "first", **SMALL)
    assert first.config.credit == "token"
    second = bt.train(
        data, start_from=first, objective="partition", steps=2, batch=4, device="cpu", out=tmp_path / "second"
    )
    assert (second.config.credit, second.config.generator) == ("sequence", "rnn")


V, L = 3, 2
SPACE = TokenSpace(L, V)
EVERYTHING = torch.tensor(list(itertools.product(range(V), repeat=L)))


class Table(nn.Module):
    """Logits of the first token, and of the second after each first, as one table over all sequences."""

    noise, space = 1, SPACE

    def __init__(self, space: Any = None, config: Any = None) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.randn(V**L))

    def forward(self, noise: Tensor) -> "Sequences":
        return Sequences(self.logits.log_softmax(dim=0), len(noise))


class Sequences(FactorisedDistribution):
    def __init__(self, log_probs: Tensor, rows: int) -> None:
        self.log_probs, self.rows = log_probs, rows

    def sample(self, draws: int, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
        drawn = torch.multinomial(self.log_probs.exp(), draws * self.rows, replacement=True, generator=rng)
        return EVERYTHING[drawn].view(draws, self.rows, L)

    def log_prob(self, tokens: Tensor) -> Tensor:
        return self.log_probs[tokens[..., 0] * V + tokens[..., 1]]


def test_the_copy_is_renewed_after_so_many_steps() -> None:
    settings = {"objective": "implicit", "generator": "own:Table", "noise": 1, "reference_steps": 3}
    config = Config.given(settings | {"steps": 7, "batch": 16, "precision": "float32"})
    state = State.fresh(config, SPACE, CPU, CustomParts(generator=Table))
    trainer, renewed = Trainer(state, config), []
    for step in range(7):
        before = state.generator.logits.detach().clone()
        trainer.step([EVERYTHING[:1].expand(16, L)], step / 7)
        renewed.append(torch.equal(state.discriminator.logits, before))
    assert renewed == [True, False, False, True, False, False, True]
    assert not any(parameter.requires_grad for parameter in state.discriminator.parameters())


def test_implicit_runs_resume_bitwise_equal(data: bt.DatasetDirectory, tmp_path: Path) -> None:
    options = SMALL | {"objective": "implicit", "reference_steps": 3, "lr_schedule": "constant"}
    whole = bt.train(data, out=tmp_path / "whole", **(options | {"steps": 8}))
    parts = bt.train(data, out=tmp_path / "parts", **(options | {"steps": 5})).resume(steps=8)
    for part in ("generator", "average", "discriminator"):
        one, other = weights(whole, part), weights(parts, part)
        assert all(torch.equal(one[name], other[name]) for name in one)
