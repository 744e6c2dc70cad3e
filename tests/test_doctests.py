"""The examples in docstrings run, and the public names have some."""

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import bgan_text

PACKAGES = ("cli", "corpora", "evaluation", "models", "objectives", "scores", "studies", "training")
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


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_in_docstrings_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert results.attempted > 0
    assert results.failed == 0, capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(set(bgan_text.__all__) - {"__version__", "scores", "DIVERGENCES"}))
def test_every_public_name_is_documented_with_an_example(name: str) -> None:
    text = inspect.getdoc(getattr(bgan_text, name))
    assert text
    assert "Example:" in text, name
    assert ">>>" in text, name
