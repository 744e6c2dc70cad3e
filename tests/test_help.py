"""The help of the commands at 80 columns, and what a shell completes."""

import os
import re
import subprocess
import sys
from typing import Any

import pytest
from typer.main import get_command

from bgan_text.cli.main import COMMANDS, app
from bgan_text.training_options import GROUPS


def help_of(bgan: Any, command: str, width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    shown: str = bgan(command, "--help").out
    assert max(map(len, shown.splitlines())) <= width
    return shown


@pytest.mark.parametrize("command", COMMANDS)
def test_no_name_is_cut_at_80_columns_and_no_default_is_said_twice(
    command: str, bgan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = help_of(bgan, command, 80, monkeypatch)
    assert "…" not in shown
    root: Any = get_command(app)
    params = root.commands[command].params
    for param in params:
        for name in [*param.opts, *param.secondary_opts] if param.param_type_name == "option" else []:
            assert re.search(rf"^│ .*{name}[ ]", shown, flags=re.MULTILINE), name
    entries = re.split(r"^│ (?=\S)", shown, flags=re.MULTILINE)[1:]
    assert len(entries) == len(params) + 1  # --help
    for entry in entries:
        assert len(re.findall(r"default", " ".join(entry.split()))) <= 1 or "--from" in entry, entry


def test_the_options_of_train_are_in_groups(bgan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = help_of(bgan, "train", 80, monkeypatch)
    titles = re.findall(r"^╭─ (.*?) ─", shown, flags=re.MULTILINE)
    assert titles == [*GROUPS, "Options"]
    panels = dict(zip(titles, shown.split("╭─")[1:], strict=True))
    for group, names in {
        "Data and run": ["--data", "--run", "--resume", "--from", "--config", "--device", "--seed"],
        "Method": ["--objective", "--divergence"],
        "Nets": ["--generator", "--spectral-norm --no-spectral-norm"],
        "Optimiser": ["--batch", "--generator-lr"],
        "When to stop": ["--steps", "--minutes", "--patience"],
        "Checkpoints and evaluation": ["--keep", "--best-by"],
    }.items():
        for name in names:
            assert f"│ {name} " in panels[group], name


def test_the_options_of_score_are_in_groups(bgan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = help_of(bgan, "score", 80, monkeypatch)
    titles = re.findall(r"^╭─ (.*?) ─", shown, flags=re.MULTILINE)
    assert titles == [
        "Arguments", "What is scored", "Scores", "Figures and sweeps", "Samples and intervals", "Text",
        "Options",
    ]  # fmt: skip
    panels = dict(zip(titles, shown.split("╭─")[1:], strict=True))
    for group, names in {
        "What is scored": ["--reference", "--train", "--data", "--compare"],
        "Scores": ["--score", "--critic", "--embed", "--mauve", "--judge"],
        "Figures and sweeps": ["--neighbours", "--sweep", "--temperatures", "--out"],
        "Samples and intervals": ["--n -n", "--resamples", "--seed", "--step", "--candidates", "--device"],
        "Text": ["--tokenize", "--lowercase --no-lowercase", "--window", "--encoding"],
        "Options": ["--json", "--csv", "--markdown", "--latex", "--help -h"],
    }.items():
        for name in names:
            assert f"│ {name} " in panels[group], name


def completed(words: str) -> list[str]:
    code = (
        "from bgan_text.cli.main import main\nimport sys\nsys.argv = ['bgan-text']\n"
        "try:\n    main()\nfinally:\n    assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    typed = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_BGAN_TEXT_COMPLETE": "complete_bash"}
    made = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | typed, capture_output=True, text=True, check=False
    )
    assert made.stderr == ""
    return made.stdout.split()


def test_a_shell_completes_commands_options_and_names_without_torch() -> None:
    assert completed("bgan-text s") == ["sample", "score", "show"]
    assert completed("bgan-text train --best") == ["--best-by"]
    assert completed("bgan-text train --divergence j") == ["js", "jeffreys"]
