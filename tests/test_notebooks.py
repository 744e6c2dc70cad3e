"""The notebooks in examples/ run, and are stored with what they print and draw."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is absent: pip install '.[test]'")
pytest.importorskip("nbclient", reason="nbclient is absent: pip install '.[test]'")
FOLDER = Path(__file__).resolve().parents[1] / "examples" / "notebooks"
NOTEBOOKS = sorted(file.name for file in FOLDER.glob("*.ipynb"))
BYTES = 300_000


@pytest.fixture(scope="module")
def runner() -> Any:
    """examples/notebooks/run.py."""
    spec = importlib.util.spec_from_file_location("run_notebooks", FOLDER / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def kinds(notebook: Any) -> list[list[str]]:
    """What each cell gives: printed text, a picture, a table."""
    return [
        [kind for output in cell.outputs for kind in sorted(output.get("data", {output.output_type: 0}))]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_and_gives_what_is_stored(name: str, runner: Any) -> None:
    """An assertion that fails in a cell fails here; nothing is left in the folder."""
    if name == "molecules.ipynb":
        pytest.importorskip("rdkit", reason="RDKit is absent: pip install '.[molecules]'")
    before = sorted(FOLDER.iterdir())
    made, stored = runner.executed(FOLDER / name), nbformat.read(FOLDER / name, as_version=4)
    assert kinds(made) == kinds(stored)
    assert any("image/png" in kind for cell in kinds(stored) for kind in cell)
    assert [one for one in sorted(FOLDER.iterdir()) if one.name != "__pycache__"] == [
        one for one in before if one.name != "__pycache__"
    ]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_stored_small_and_without_errors(name: str) -> None:
    notebook = nbformat.read(FOLDER / name, as_version=4)
    nbformat.validate(notebook)
    assert (FOLDER / name).stat().st_size < BYTES
    assert notebook.metadata.keys() == {"kernelspec", "language_info"}
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert {output.output_type for output in outputs} <= {"stream", "display_data", "execute_result"}
    assert all(output.name == "stdout" for output in outputs if output.output_type == "stream")
    assert str(Path.home()) not in (FOLDER / name).read_text("utf-8")
    assert "/tmp/" not in (FOLDER / name).read_text("utf-8")
