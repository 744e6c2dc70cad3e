"""README and docs: what they show must work."""

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
    assert {words[0] for words in commands()} == {"prepare", "train", "sample", "score", "show"}


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_option_in_the_readme_exists(words: list[str]) -> None:
    for option in (word for word in words if word.startswith("--")):
        assert f"{option} " in section(words[0]), option


def test_the_library_example_runs(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    made = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert re.search(r"^20 -?\d", made.stdout, flags=re.MULTILINE)


def test_no_placeholder_is_left() -> None:
    assert "@@" not in README
