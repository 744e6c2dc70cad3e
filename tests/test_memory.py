import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from bgan_text.corpora.text_preparation import TextPreparation, prepare

LIMIT_GIB = 3.0
BYTES_OF_MAXRSS = 1 if sys.platform == "darwin" else 1024
needs_wait4 = pytest.mark.skipif(not hasattr(os, "wait4"), reason="the system does not tell a child's memory")


def peak_of_two_steps(text: Path, folder: Path) -> float:
    """GiB of a run on 8,000 pieces, L = 32, M = 20, batch 64, with its evaluation and checkpoint."""
    recipe = TextPreparation.given("lines", paths=(str(text),), vocabulary=8000, length=32, overlong="cut")
    prepared = prepare(recipe, folder / "data", lambda stage, done: None)
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
    process = subprocess.Popen([*command, "--draws", "20", "--batch", "64"], cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss * BYTES_OF_MAXRSS / 1024**3


@needs_wait4
def test_eight_thousand_pieces_train_in_under_three_gibibytes(tmp_path: Path) -> None:
    """Of made-up words."""
    rng = random.Random(0)
    syllables = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]
    words = ["".join(rng.choices(syllables, k=rng.randint(2, 4))) for _ in range(20_000)]
    lines = [" ".join(rng.choices(words, k=12)) for _ in range(8000)]
    (tmp_path / "words.txt").write_text("\n".join(lines) + "\n")
    assert peak_of_two_steps(tmp_path / "words.txt", tmp_path) < LIMIT_GIB


@needs_wait4
def test_eight_thousand_pieces_of_real_text_train_in_under_three_gibibytes(
    real_data: Path, tmp_path: Path
) -> None:
    assert peak_of_two_steps(real_data / "lm1b" / "1b_benchmark.dev.tokens", tmp_path) < LIMIT_GIB
