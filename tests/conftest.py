import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

os.environ |= {"COLUMNS": "120", "TERMINAL_WIDTH": "120", "NO_COLOR": "1", "HF_HUB_OFFLINE": "1"}

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import bgan_text as bt
from bgan_text.corpora.grammar import sentences
from bgan_text.reporter import Reporter

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

torch.set_num_threads(1)

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
FIXTURES = Path(__file__).with_name("fixtures")
REAL_DATA = os.environ.get("BGAN_TEXT_REAL_DATA", "optional")
"""What a test does without the full-size data: "optional" skips it, "required" (set by .ci/run) fails it."""


BROWSER = os.environ.get("BGAN_TEXT_BROWSER", "optional")
"""What a test of a page does without Chromium: "optional" skips it, "required" (set by .ci/run) fails it."""


def pytest_configure() -> None:
    for name, value in (("REAL_DATA", REAL_DATA), ("BROWSER", BROWSER)):
        if value not in ("optional", "required"):
            raise pytest.UsageError(f"BGAN_TEXT_{name}={value}: optional or required was expected")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of full-size data beside the checkout."""
    if not SHARED.is_dir():
        absent = f"the full-size data are absent: {SHARED}"
        if REAL_DATA == "required":
            pytest.fail(f"{absent}; BGAN_TEXT_REAL_DATA=optional skips this test", pytrace=False)
        pytest.skip(absent)
    return SHARED


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """Headless Chromium.

    It lives as long as the module: while it runs, playwright holds the event loop of the thread.
    """
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        absent = f"no Chromium is installed: none of {', '.join(names)}"
        if BROWSER == "required":
            pytest.fail(f"{absent}; BGAN_TEXT_BROWSER=optional skips this test", pytrace=False)
        pytest.skip(absent)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, chromium_sandbox=False)
        yield browser
        browser.close()


class OpenPage:
    """`open_page(address, width=1280, dark=False)` opens a page in a window of its own.

    Attributes:
        faults: what pages did wrong: errors and warnings in the console, exceptions, and requests for what
            is neither in the page, nor on the disk, nor at 127.0.0.1.
    """

    ALLOWED = ("file:", "data:", "blob:", "about:", "http://127.0.0.1:")

    def __init__(self, browser: "Browser") -> None:
        self.browser, self.faults = browser, list[str]()

    def __call__(self, address: str, width: int = 1280, dark: bool = False, **options: Any) -> "Page":
        size: Any = {"width": width, "height": 900}
        context = self.browser.new_context(viewport=size, color_scheme="dark" if dark else "light", **options)
        page = context.new_page()
        page.on("pageerror", lambda error: self.faults.append(f"exception: {error}"))
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("request", lambda request: self._asked(request.url))
        page.goto(address)
        return page

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.faults.append(f"console: {text}")

    def _asked(self, url: str) -> None:
        if not url.startswith(self.ALLOWED):
            self.faults.append(f"request: {url}")


@pytest.fixture
def open_page(chromium: "Browser") -> Iterator[OpenPage]:
    """Opens pages, and fails the test if one of them has faults."""
    pages = OpenPage(chromium)
    yield pages
    for context in chromium.contexts:
        context.close()
    assert pages.faults == []


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
    monkeypatch.setenv("WANDB_MODE", "offline")  # so that it is absent again after a test that sets it
    monkeypatch.delenv("WANDB_MODE")


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
