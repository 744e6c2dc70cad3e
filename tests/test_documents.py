"""README and docs: what they show must work."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
REFERENCE = (ROOT / "docs" / "reference.md").read_text("utf-8")


def commands() -> list[list[str]]:
    """Every bgan-text command in the console blocks of README, without its comment."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL):
        for line in re.findall(r"^\$ (.*)$", block, flags=re.MULTILINE):
            words = shlex.split(line, comments=True)
            while "bgan-text" in words:
                words = words[words.index("bgan-text") + 1 :]
                stop = words.index("&&") if "&&" in words else len(words)
                found.append(words[:stop])
    return found


def section(command: str) -> str:
    return REFERENCE.split(f"## bgan-text {command}\n")[1].split("\n## ")[0]


def test_there_are_commands() -> None:
    names = {"prepare", "train", "sample", "score", "compare", "reproduce", "show"}
    assert {words[0] for words in commands()} == names


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_option_in_the_readme_exists(words: list[str]) -> None:
    known = section(words[0])
    for option in (word for word in words if word.startswith("--")):
        assert f"{option} " in known, option


@pytest.mark.parametrize(("place", "output"), [(0, r"\AScore\(value=0\.77\d+\)$"), (1, r"^20 -?\d")])
def test_the_library_examples_run(tmp_path: Path, place: int, output: str) -> None:
    example = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)[place]
    made = subprocess.run(
        [sys.executable, "-c", example],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(output, made.stdout, flags=re.MULTILINE), made.stdout


def test_published_scores_are_those_of_the_document(real_data: Path) -> None:
    """One model of the table in docs/scores.md, measured again."""
    from bgan_text.corpora.ngram_units import splitter
    from bgan_text.scores import bleu, self_bleu

    split = splitter("word", lowercase=True)
    samples, references = (
        [split(line) for line in (real_data / "texygen" / name).read_text("utf-8").splitlines()]
        for name in ("instances/leakgan.txt", "test_coco.txt")
    )
    document = (ROOT / "docs" / "scores.md").read_text("utf-8")
    for title, measured in (("BLEU", bleu(samples, references)), ("Self-BLEU", self_bleu(samples))):
        (row,) = (line for line in document.splitlines() if line.startswith(f"| LeakGAN | {title} |"))
        for order, cell in enumerate(row.split("|")[3:7], start=2):
            published, here = map(float, cell.split(","))
            assert here == round(measured[order].value, 3)
            assert abs(published - measured[order].value) < 0.0011
