import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

os.environ |= {"COLUMNS": "120", "TERMINAL_WIDTH": "120", "NO_COLOR": "1", "HF_HUB_OFFLINE": "1"}

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import bgan_text as bt
from bgan_text.corpora.grammar import sentences
from bgan_text.reporter import Reporter

torch.set_num_threads(1)

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
FIXTURES = Path(__file__).with_name("fixtures")
REAL_DATA = os.environ.get("BGAN_TEXT_REAL_DATA", "optional")
"""What a test does without the full-size data: "optional" skips it, "required" (set by .ci/run) fails it."""


def pytest_configure() -> None:
    if REAL_DATA not in ("optional", "required"):
        raise pytest.UsageError(f"BGAN_TEXT_REAL_DATA={REAL_DATA}: optional or required was expected")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of full-size data beside the checkout."""
    if not SHARED.is_dir():
        absent = f"the full-size data are absent: {SHARED}"
        if REAL_DATA == "required":
            pytest.fail(f"{absent}; BGAN_TEXT_REAL_DATA=optional skips this test", pytrace=False)
        pytest.skip(absent)
    return SHARED


@pytest.fixture(scope="session")
def captions() -> dict[str, list[str]]:
    """COCO captions, 600 to train on and 600 to test with, and 100 samples of LeakGAN."""
    files = {"train": "coco_train.txt", "test": "coco_test.txt", "leakgan": "leakgan.txt"}
    return {key: (FIXTURES / name).read_text("utf-8").splitlines() for key, name in files.items()}


@pytest.fixture(scope="session")
def digits() -> dict[str, tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Digits of MNIST (count, 28, 28) and their classes: 600 of the training set and 200 of the test set."""
    with np.load(FIXTURES / "mnist.npz") as arrays:
        images, labels = arrays["images"], arrays["labels"]
    return {"train": (images[:600], labels[:600]), "test": (images[600:], labels[600:])}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> bt.DatasetDirectory:
    """300 sentences of the grammar as words, to be read only."""
    folder = tmp_path_factory.mktemp("sentences")
    return bt.prepare(list(sentences(0, 300)), tokenizer="word", length=20, out=folder / "data")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("HF_HOME", str(home / "huggingface"))


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(7)


class Result(NamedTuple):
    code: int
    out: str
    err: str


Command = Callable[..., Result]


@pytest.fixture
def bgan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    from bgan_text.cli.main import main

    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["bgan-text", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        sys.stdout.flush()
        return Result(int(left.value.code or 0), *capfd.readouterr())

    return call


class Heard(Reporter):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.warnings: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)

    def warning(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture
def heard() -> Heard:
    return Heard()


Read = Callable[..., list[str]]


@pytest.fixture
def read(tmp_path: Path, heard: Heard) -> Read:
    """Writes a file and reads the samples in it."""
    from bgan_text.corpora.sources import file_samples

    def call(name: str, content: str | bytes, *column: str, **more: Any) -> list[str]:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(file_samples(str(path), *column, reporter=heard, **more))

    return call
