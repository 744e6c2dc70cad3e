"""`train --processes`: one run by several processes, as a user starts and ends it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import bgan_text as bt
from bgan_text.batch import LabelledImages
from bgan_text.group import ALONE, Group
from bgan_text.space import image_kind
from bgan_text.training.data import sample_space, training_batches

SMALL = ["--batch=16", "--draws=4", "--width=8", "--discriminator-width=8", "--generator=conv"]
DYING = """
import os, signal
from bgan_text.models.generators import ConvolutionalGenerator

class Dying(ConvolutionalGenerator):
    def __init__(self, space, config):
        super().__init__(space, width=8, blocks=1, noise=config.noise)
        self.left = 7

    def forward(self, noise):
        self.left -= self.training
        if os.environ.get("RANK") == "1" and self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(noise)
"""


def started(*words: object, **how: Any) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "bgan_text.cli", "train", "--precision=float32", *SMALL]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    command += map(str, words)
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment, **how)


def rows(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_two_processes_train_the_run_that_one_trains(data: bt.DatasetDirectory, tmp_path: Path) -> None:
    how = {"log_every": 1, "evaluate_every": "1", "save_every": "1"}
    words = [f"--{name.replace('_', '-')}={value}" for name, value in how.items()]
    shared = started(
        "--data", data.folder, "--run", tmp_path / "shared", "--steps", 2, "--processes", 2, *words
    )
    told = shared.communicate(timeout=300)
    assert shared.returncode == 0, told
    small = {"batch": 16, "draws": 4, "width": 8, "discriminator_width": 8, "generator": "conv"}
    alone = bt.train(data, small | how, steps=2, precision="float32", device="cpu", out=tmp_path / "alone")
    left, right = rows(tmp_path / "shared"), rows(alone.folder)
    assert [row.keys() for row in left] == [row.keys() for row in right]
    for one, other in zip(left, right, strict=True):
        names = [name for name, value in one.items() if isinstance(value, float) and name != "seconds"]
        assert {name: one[name] for name in names} == pytest.approx(
            {name: other[name] for name in names}, rel=1e-3
        )
    # Resumed by one process, it goes on as the run of one process does.
    resumed = bt.load_run(tmp_path / "shared", device="cpu").resume(steps=3)
    last, expected = rows(resumed.folder)[-2], rows(alone.resume(steps=3).folder)[-2]
    assert last["step"] == expected["step"] == 3
    assert last["bound"] == pytest.approx(expected["bound"], rel=1e-3)


def test_ctrl_c_ends_all_processes_after_a_step_that_is_saved(
    data: bt.DatasetDirectory, tmp_path: Path
) -> None:
    often = ("--steps", 10**6, "--log-every", 1, "--processes", 2)
    process = started("--data", data.folder, "--run", tmp_path / "run", *often)
    log = tmp_path / "run" / "metrics.jsonl"
    while process.poll() is None and not (log.exists() and log.stat().st_size):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 130, said
    assert "Interrupted. Go on with" in said
    assert bt.load_run(tmp_path / "run").steps > 0


def test_a_process_that_dies_ends_the_training_with_one_line(
    data: bt.DatasetDirectory, tmp_path: Path
) -> None:
    (tmp_path / "part.py").write_text(DYING)
    often = ("--save-every", 1, "--evaluate-every", 10**6, "--generator", "part:Dying", "--processes", 2)
    process = started("--data", data.folder, "--run", "run", "--steps", 10**6, *often, cwd=tmp_path)
    greeting, *said = process.communicate(timeout=300)[1].splitlines()
    assert process.returncode == 1
    assert "from step 0" in greeting
    assert said == [
        "bgan-text: another process of the training has ended; the last checkpoint is kept, --resume goes on "
        "from it"
    ]
    assert bt.verify(tmp_path / "run").sound
    assert 0 < bt.load_run(tmp_path / "run").steps < 10


def test_a_batch_that_cannot_be_shared_is_refused_in_one_line(
    data: bt.DatasetDirectory, tmp_path: Path
) -> None:
    process = started("--data", data.folder, "--run", tmp_path / "run", "--processes", 3)
    said = process.communicate(timeout=300)[1]
    assert (process.returncode, said) == (
        1,
        "bgan-text: --batch 16 cannot be shared equally by 3 processes: --batch 15 can\n",
    )
    assert not (tmp_path / "run").exists()


class Share(Group):
    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size


def assert_shared(data: bt.DatasetDirectory, config: bt.Config) -> None:
    """Batches of 12 rows are put together from the rows that each of three processes gets."""
    space, device = sample_space(data, config), torch.device("cpu")
    whole, *shares = (
        training_batches(data, space, config, device, group)(5, 0)
        for group in (ALONE, *(Share(rank, 3) for rank in range(3)))
    )
    parts = zip(whole, *shares, strict=True) if isinstance(whole, LabelledImages) else [(whole, *shares)]
    for together, *apart in parts:
        assert [len(part) for part in apart] == [4, 4, 4]
        assert torch.equal(torch.cat(apart), together)


def test_the_rows_of_a_batch_are_shared_without_overlap(data: bt.DatasetDirectory) -> None:
    assert_shared(data, bt.Config.given({"batch": 12, "seed": 3}))


def test_bits_and_shifts_that_are_drawn_of_images_are_shared(digits: Any, tmp_path: Path) -> None:
    images, labels = digits["train"]
    np.savez(tmp_path / "digits.npz", images=images[:60], labels=labels[:60])
    bits = bt.prepare(tmp_path / "digits.npz", colors="2", binarize="stochastic", out=tmp_path / "bits")
    assert_shared(bits, bt.Config.given({"batch": 12}, image_kind(bits.space)))
    numbers = bt.prepare(tmp_path / "digits.npz", colors="none", out=tmp_path / "numbers")
    assert_shared(
        numbers, bt.Config.given({"batch": 12, "generator": "classifier"}, image_kind(numbers.space))
    )


def test_processes_share_the_processors_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not those of the machine, of which a container or a scheduler may give only some."""
    from bgan_text.launch import environments

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(6)), raising=False)
    assert [variables["OMP_NUM_THREADS"] for variables in environments(3, 1)] == ["2", "2", "2"]
    assert environments(8, 1)[0]["OMP_NUM_THREADS"] == "1"
