import os
import subprocess
import sys
from pathlib import Path

from bgan_text.corpora.preparation_options import TextPreparation
from bgan_text.corpora.text_preparation import prepare_text

LIMIT_GIB = 3.0


def test_eight_thousand_pieces_train_in_under_three_gibibytes(real_data: Path, tmp_path: Path) -> None:
    """L = 32, M = 20, batch 64: two steps with their evaluation and checkpoint, in a process of its own."""
    recipe = TextPreparation.given(
        "lines",
        paths=(str(real_data / "lm1b" / "1b_benchmark.dev.tokens"),),
        vocabulary=8000,
        length=32,
        overlong="cut",
    )
    prepared = prepare_text(recipe, tmp_path / "data")
    assert prepared.space.vocabulary == 8000
    command = [
        sys.executable,
        "-m",
        "bgan_text.cli",
        "train",
        "--data",
        "data",
        "--run",
        "run",
        "--steps",
        "2",
    ]
    process = subprocess.Popen([*command, "--draws", "20", "--batch", "64"], cwd=tmp_path)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert usage.ru_maxrss / 1024**2 < LIMIT_GIB
