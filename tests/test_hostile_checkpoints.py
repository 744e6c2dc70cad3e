"""Checkpoints that are damaged or made to do harm are refused in one line, before nets are built for them."""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

import bgan_text as bt
from bgan_text.files import digest_of
from bgan_text.training import checkpoint, run
from bgan_text.training.checkpoint_check import digests

Tensors = dict[str, Tensor]
TINY: dict[str, Any] = {"width": 8, "discriminator_width": 8, "noise": 4, "batch": 4, "precision": "float32"}
GENERATORS = ("conv", "rnn", "transformer")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of each generator, with two checkpoints."""
    folder = tmp_path_factory.mktemp("runs")
    texts = [f"{a}{b}" for a in "abcdef" for b in "abcdef"]
    data = bt.prepare(texts, tokenizer="char", out=folder / "data")
    settings = TINY | {"objective": "importance", "steps": 4, "save_every": "2", "evaluate_every": "4"}
    return {
        name: Path(bt.train(data, generator=name, out=folder / name, **settings).folder)
        for name in GENERATORS
    }


@pytest.fixture(params=GENERATORS)
def copy(request: pytest.FixtureRequest, runs: dict[str, Path], tmp_path: Path) -> Path:
    """A run with its last checkpoint alone, to be damaged."""
    folder = tmp_path / "run"
    shutil.copytree(runs[request.param], folder)
    shutil.copytree(runs[request.param].parent / "data", tmp_path / "data")
    for path in sorted(folder.glob("checkpoint-*"))[:-1]:
        path.unlink()
    return folder


def last(folder: Path) -> Path:
    return max(folder.glob("checkpoint-*"))


def forge(folder: Path, change: Callable[[Tensors, dict[str, str]], None]) -> None:
    """Change a checkpoint and write digests that fit, as someone who means harm would."""
    path = last(folder)
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        header = dict(file.metadata())
    counters = {name: header[name] for name in ("step", "elapsed", "device", "log")}
    change(tensors, counters)
    told = json.dumps(digests(tensors, counters))
    path.write_bytes(save(tensors, {"format": "bgan-text", **counters, "sha256": told}))


def refused(folder: Path, *parts: str) -> None:
    """Sampling and resuming both end in one line that names the file, and change nothing."""
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for use in (lambda: bt.load_run(folder).sample(2), lambda: bt.load_run(folder).resume(steps=6)):
        with pytest.raises(bt.UserError) as caught:
            use()
        message = str(caught.value)
        assert len(message.splitlines()) == 1
        for part in (folder.name, *parts):
            assert part in message
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def first(tensors: Tensors, ending: str) -> str:
    return next(name for name in sorted(tensors) if name.endswith(ending))


@pytest.mark.parametrize("ending", [".exp_avg", ".exp_avg_sq", ".step"])
@pytest.mark.parametrize("kind", ["short", "long", "type", "absent"])
def test_moments_of_another_size_or_type_are_refused(copy: Path, ending: str, kind: str) -> None:
    def change(tensors: Tensors, counters: dict[str, str]) -> None:
        name = first(tensors, ending)
        tensor = tensors.pop(name)
        if kind == "short":
            tensors[name] = tensor.flatten()[:0].clone()
        if kind == "long":
            tensors[name] = torch.zeros(2, *tensor.shape)
        if kind == "type":
            tensors[name] = tensor.to(torch.float64)

    forge(copy, change)
    refused(copy, "does not fit the run's settings", ending)


@pytest.mark.parametrize("part", ["generator.", "average.module.", "discriminator.", "running.", "rng"])
@pytest.mark.parametrize("kind", ["short", "type", "absent", "more"])
def test_tensors_of_another_size_or_type_are_refused(copy: Path, part: str, kind: str) -> None:
    if part == "rng" and kind == "absent":
        pytest.skip("a run that moves to another kind of device needs none")

    def change(tensors: Tensors, counters: dict[str, str]) -> None:
        name = next(one for one in sorted(tensors) if one.startswith(part))
        tensor = tensors[name]
        if kind == "short":
            tensors[name] = torch.zeros((*tensor.shape, 3), dtype=tensor.dtype)
        elif kind == "type":
            tensors[name] = tensor.to(torch.bfloat16)
        elif kind == "absent":
            del tensors[name]
        else:
            tensors[f"{part}more"] = torch.zeros(1)

    forge(copy, change)
    refused(copy, "does not fit the run's settings")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(copy: Path, value: float) -> None:
    def change(tensors: Tensors, counters: dict[str, str]) -> None:
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and tensor.numel():
                tensors[name] = torch.full_like(tensor, value)

    forge(copy, change)
    refused(copy, "is not finite")


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("step", "999999999", "step: it is 999999999"),
        ("step", "-4", "step: a number is needed"),
        ("step", "4.0", "step: a number is needed"),
        ("step", "4" * 5000, "step: a number is needed"),
        ("elapsed", "nan", "elapsed: a number is needed"),
        ("elapsed", "inf", "elapsed: a number is needed"),
        ("elapsed", "-1", "elapsed: a number is needed"),
        ("elapsed", "soon", "elapsed: a number is needed"),
        ("device", "toaster", "device: 'toaster' is no name that is accepted"),
    ],
)
def test_counters_out_of_range_are_refused(
    runs: dict[str, Path], tmp_path: Path, name: str, value: str, part: str
) -> None:
    shutil.copytree(runs["rnn"], tmp_path / "run")
    forge(tmp_path / "run", lambda tensors, counters: counters.update({name: value}))
    with pytest.raises(bt.UserError, match=part) as caught:
        bt.load_run(tmp_path / "run").sample(2)
    assert len(str(caught.value)) < 400
    assert "the checkpoint of step 2 is still there" in str(caught.value)  # which the user may go back to


def test_every_flipped_bit_is_refused_or_has_no_effect(runs: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(runs["rnn"], folder)
    path, rng = last(folder), random.Random(0)
    content = path.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    expected = bt.load_run(folder).sample(3)
    places = [rng.randrange(header) for _ in range(40)] + [
        rng.randrange(header, len(content)) for _ in range(60)
    ]
    accepted = 0
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            bt.load_run(folder)._run.state(torch.device("cpu"))
        except bt.UserError:
            continue
        accepted += 1  # white space of the header
        assert place < header
        assert bt.load_run(folder).sample(3) == expected
    assert accepted <= 5


@pytest.mark.parametrize(
    ("field", "value", "part"),
    [
        ("width", 9000, "does not fit the run's settings"),
        ("discriminator_width", 9000, "does not fit the run's settings"),
        ("noise", 9000, "does not fit the run's settings"),
        ("blocks", 300, "does not fit the run's settings"),
        ("blocks", 100_000, "settings.blocks: at most 1,000 is possible"),
        ("width", 10**20, "settings.width: at most 65,536 is possible"),
        ("steps", 10**20, "settings.steps: at most 9,007,199,254,740,992 is possible"),
    ],
)
def test_nets_of_absurd_sizes_are_not_built(
    copy: Path, field: str, value: int, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "conv" in (copy / "run.json").read_text() and field == "blocks" and value == 300:
        pytest.skip("hundreds of blocks of convolutions take a second, even without memory")
    record = json.loads((copy / "run.json").read_text())
    record["settings"][field] = value
    (copy / "run.json").write_text(json.dumps(record | {"sha256": digest_of(record)}))

    def built(*arguments: Any) -> None:
        pytest.fail("a net was built")

    monkeypatch.setattr(checkpoint, "build_generator", built)
    monkeypatch.setattr(run.State, "fresh", built)
    refused(copy, part)


def test_a_checkpoint_that_cannot_be_opened_is_one_line(copy: Path) -> None:
    path = last(copy)
    path.unlink()
    path.mkdir()
    for use in (lambda: bt.load_run(copy).sample(2), lambda: bt.load_run(copy).resume(steps=6)):
        with pytest.raises(bt.UserError, match=r"cannot be read|damaged"):
            use()


def test_the_check_does_not_load_the_compiler(runs: dict[str, Path]) -> None:
    """It took most of a second of each command that opens a run of text."""
    code = (
        "import sys, bgan_text as bt\n"
        "before = set(sys.modules)\n"
        "for path in sys.argv[1:]:\n    bt.load_run(path).sample(1)\n"
        "print(*(name for name in set(sys.modules) - before if name.partition('.')[0] == 'sympy'))\n"
    )
    made = subprocess.run(
        [sys.executable, "-c", code, str(runs["rnn"]), str(runs["transformer"])],
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout.split() == []


def test_a_checkpoint_without_a_part_that_was_saved_is_refused(copy: Path) -> None:
    """All moments of an optimizer may be absent, but not where they were saved."""
    path = last(copy)
    with safe_open(path, "pt") as file:
        header = dict(file.metadata())
        names = [name for name in file.keys() if not name.startswith("generator_optimizer.")]  # noqa: SIM118
        tensors = {name: file.get_tensor(name) for name in names}
    path.write_bytes(save(tensors, header))
    with pytest.raises(bt.UserError, match="it lacks parts that were saved"):
        bt.load_run(copy).resume(steps=6)
