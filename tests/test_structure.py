"""The shape of the project: who imports whom, what ships, what the documents say."""

import ast
import importlib
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
FOLDERS = {"bgan_text": "bgan_text", "bgan_text.cli": "cli", "bgan_text.corpora": "corpora"}
ROOMS = {
    "diagnosis",
    "evaluation",
    "exploration",
    "html_report",
    "models",
    "objectives",
    "scores",
    "sharing",
    "studies",
    "training",
}
PACKAGES = {*FOLDERS, *(f"bgan_text.{room}" for room in ROOMS)}
FOLDERS_OF_CODE = ("bgan_text", "cli", "corpora", "tests", "benchmarks", "docs", "examples")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
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


def test_nobody_imports_the_folders_by_their_bare_names() -> None:
    files = [path for folder in FOLDERS_OF_CODE for path in sorted((ROOT / folder).rglob("*.py"))]
    assert ROOT / "bgan_text" / "training" / "loop.py" in files
    for path in files:
        roots = {name.split(".")[0] for name in imported(path)}
        assert not roots & {"cli", "corpora"}, path


LINES_OF_A_FILE, LINES_OF_A_FUNCTION, LINES_OF_THE_COMMANDS = 350, 60, 2300


def too_long(path: Path) -> set[str]:
    """The file and its functions that are over a limit; a function's decorators do not count."""
    name, text = path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, FUNCTIONS)]
    found = {
        f"{name}: {node.name}" for node in functions if node.end_lineno - node.lineno >= LINES_OF_A_FUNCTION
    }
    return found | ({name} if len(text.splitlines()) > LINES_OF_A_FILE else set())


def test_files_and_functions_are_short() -> None:
    files = [path for folder in FOLDERS.values() for path in (ROOT / folder).rglob("*.py")]
    assert set().union(*map(too_long, files)) == set()


def test_the_command_line_is_thin() -> None:
    lines = sum(len(path.read_text("utf-8").splitlines()) for path in (ROOT / "cli").rglob("*.py"))
    assert 0 < lines < LINES_OF_THE_COMMANDS


def test_fixtures_are_few_and_their_sources_are_named() -> None:
    folder = ROOT / "tests" / "fixtures"
    read_me = (folder / "README.md").read_text("utf-8")
    files = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert sum(files.values()) < 300_000
    for name in files.keys() - {"README.md"}:
        assert f"`{name}`" in read_me, name


def test_hooks_have_the_versions_of_the_constraints() -> None:
    pinned = set((ROOT / "constraints.txt").read_text("utf-8").splitlines())
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    versions = re.findall(r"[\w-]+==[\w.]+", hooks)
    assert "ruff" in {version.split("==")[0] for version in versions}
    assert {version for version in versions if not version.startswith("pre-commit-hooks==")} <= pinned


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
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    versions = re.findall(r"^## \[(.+?)\]", changes, flags=re.MULTILINE)
    assert versions[versions[0] == "Unreleased"] == __version__


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


@pytest.mark.parametrize("script", ["architecture.py", "generate.py", "comparisons.py", "reproduction.py"])
def test_documents_are_what_their_scripts_would_write(script: str) -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "docs" / script), "--check"], capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr


def test_links_in_documents_lead_somewhere() -> None:
    links = [
        (document, target)
        for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("tests/*/*.md")]
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text("utf-8"))
    ]
    assert (ROOT / "README.md", "docs/scores.md") in links
    for document, target in links:
        assert (document.parent / target).exists(), f"{document.name}: {target}"
