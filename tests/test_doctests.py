"""The examples in docstrings run, and the public names have some."""

import contextlib
import doctest
import importlib
import inspect
import pkgutil
import shutil
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bgan_text

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))
PACKAGES = [
    name.removeprefix("bgan_text.")
    for name in PROJECT["tool"]["setuptools"]["packages"]  # test_structure.py has them name every room
    if name != "bgan_text"
]
MODULES = sorted(
    {
        found.name
        for name in PACKAGES
        for found in pkgutil.iter_modules(
            importlib.import_module(f"bgan_text.{name}").__path__, f"bgan_text.{name}."
        )
    }
    | {found.name for found in pkgutil.iter_modules(bgan_text.__path__, "bgan_text.")}
    | {"bgan_text"}
)
WITH_EXAMPLES = [
    name
    for name in MODULES
    if not name.endswith("__main__") and ">>>" in inspect.getsource(importlib.import_module(name))
]
NAMES = {name: getattr(bgan_text, name) for name in bgan_text.__all__}


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files, dataset directories and runs that the examples name."""
    from bgan_text.corpora.grammar import sentences

    folder = tmp_path_factory.mktemp("world")
    lines = list(sentences(0, 400))
    for name, part in (("poems", lines), ("real", lines[:150]), ("samples", lines[150:200])):
        (folder / f"{name}.txt").write_text("\n".join(part) + "\n", "utf-8")
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)
    np.savez(folder / "photographs.npz", images=images)
    with contextlib.chdir(folder):
        bgan_text.prepare("poems.txt", tokenizer="char", length=32, overlong="cut", out="data/poems")
        bgan_text.prepare("photographs.npz", colors=4, out="data/photographs")
        tiny: dict[str, Any] = {"steps": 3, "width": 4, "discriminator_width": 4, "batch": 4}
        bgan_text.train("data/poems", out="runs/poems", **tiny)
    return folder


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_in_docstrings_run(
    name: str,
    world: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(world, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    if name.startswith("bgan_text.corpora.") and "directory" not in name:
        shutil.rmtree("data")  # these examples make the dataset directories
    module = importlib.import_module(name)
    results = doctest.testmod(module, extraglobs={**NAMES, **vars(module)}, optionflags=doctest.ELLIPSIS)
    assert results.attempted > 0
    assert results.failed == 0, capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(set(bgan_text.__all__) - {"__version__", "scores", "DIVERGENCES"}))
def test_every_public_name_is_documented_with_an_example(name: str) -> None:
    text = inspect.getdoc(getattr(bgan_text, name))
    assert text
    assert "Example:" in text, name
    assert ">>>" in text, name
