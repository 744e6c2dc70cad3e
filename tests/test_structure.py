"""The shape of the project: who imports whom, what ships, what the documents say."""

import ast
import importlib
import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
FOLDERS = {"bgan_text": "bgan_text", "bgan_text.cli": "cli", "bgan_text.corpora": "corpora"}
ROOMS = {"evaluation", "models", "objectives", "scores", "studies", "training"}
PACKAGES = {*FOLDERS, *(f"bgan_text.{room}" for room in ROOMS)}
CORE = sorted(
    ".".join(path.relative_to(ROOT / "bgan_text").with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "bgan_text").rglob("*.py")
)


def imported(path: Path) -> set[str]:
    """Full names of the modules that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def source(module: str) -> Path:
    path = ROOT / "bgan_text" / Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@pytest.mark.parametrize("module", CORE)
def test_the_core_has_no_tokenizer_and_no_console(module: str) -> None:
    roots = {name.split(".")[0] for name in imported(source(module))}
    assert not roots & {"typer", "sentencepiece", "nltk"}
    assert "sacrebleu" not in roots or module == "scores.corpus_bleu"  # for its formula, not its tokenizers


def test_nobody_imports_the_folders_by_their_bare_names() -> None:
    for path in ROOT.glob("*/*.py"):
        roots = {name.split(".")[0] for name in imported(path)}
        assert not roots & {"cli", "corpora"}, path


def test_what_ships_is_what_there_is() -> None:
    tool = PROJECT["tool"]["setuptools"]
    assert tool["package-dir"] == FOLDERS
    assert sorted(tool["packages"]) == sorted(PACKAGES)
    found = {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("*/__init__.py")}
    assert found - {"tests"} == set(FOLDERS.values())
    assert {path.parent.name for path in ROOT.glob("bgan_text/*/__init__.py")} == ROOMS


def test_version_is_the_same_everywhere() -> None:
    from bgan_text import __version__

    assert PROJECT["project"]["version"] == __version__ == importlib.metadata.version("bgan-text")
    headings = [
        line for line in (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines() if line.startswith("## [")
    ]
    assert headings[0].startswith(f"## [{__version__}]")


def test_constraints_pin_every_requirement() -> None:
    pinned = (ROOT / "constraints.txt").read_text("utf-8").lower()
    extras = PROJECT["project"]["optional-dependencies"].values()
    for requirement in [*PROJECT["project"]["dependencies"], *(name for extra in extras for name in extra)]:
        name = requirement.split(">")[0].split("[")[0].strip().lower()
        if name == "bgan-text":
            continue  # one extra that takes in another
        assert f"\n{name}==" in pinned, name


def test_every_public_name_of_the_core_has_a_docstring() -> None:
    for module in CORE:
        loaded = importlib.import_module("bgan_text" if module == "__init__" else f"bgan_text.{module}")
        assert loaded.__doc__
        for name, value in vars(loaded).items():
            if not name.startswith("_") and getattr(value, "__module__", None) == loaded.__name__:
                assert value.__doc__, f"{module}.{name}"


@pytest.mark.parametrize("script", ["generate.py", "comparisons.py", "reproduction.py"])
def test_documents_are_what_their_scripts_would_write(script: str) -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "docs" / script), "--check"], capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr


def test_links_in_documents_lead_somewhere() -> None:
    import re

    for document in [ROOT / "README.md", *ROOT.glob("docs/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
