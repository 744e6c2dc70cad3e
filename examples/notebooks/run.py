"""Run the notebooks of this folder and store what they print and draw.

python examples/notebooks/run.py             all of them
python examples/notebooks/run.py text.ipynb  one

Nothing that changes from run to run is stored: no times, no versions of Python.
"""

import base64
import io
import os
import sys
from pathlib import Path

from PIL import Image

try:
    import nbformat
    from nbclient import NotebookClient
except ImportError as error:
    sys.exit(f"{error.name} is absent: pip install -c constraints.txt '.[test]'")

FOLDER = Path(__file__).resolve().parent
SECONDS = 600
"""What a cell may take."""
COLOURS = 64
"""What a picture has at most, so that the files stay small."""


def executed(path: Path) -> nbformat.NotebookNode:
    """The notebook with fresh results. An exception in a cell is raised here."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook, timeout=SECONDS, record_timing=False, resources={"metadata": {"path": FOLDER}}
    )
    client.execute()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def smaller(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with pictures of few colours."""
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        if "image/png" in output.get("data", {}):
            picture, small = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))), io.BytesIO()
            picture.convert("RGB").quantize(COLOURS).save(small, "PNG", optimize=True)
            output.data["image/png"] = base64.b64encode(small.getvalue()).decode()
    return notebook


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for path in [FOLDER / name for name in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb")):
        nbformat.write(smaller(executed(path)), path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
