"""The examples run, from Python and from the command line."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

Command = Any
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SMALL = ["--width", "4", "--discriminator-width", "4", "--batch", "8", "--steps", "3", "--device", "cpu"]
OWN = ("own_divergence", "own_generator", "own_corpus")


def run(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *map(str, words)], cwd=cwd, env=environment, capture_output=True, text=True
    )


def test_the_quick_start_goes_from_sentences_to_scores(tmp_path: Path) -> None:
    made = run(EXAMPLES / "quickstart.py", "home", "2", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert made.stderr == ""
    lines = made.stdout.splitlines()
    assert lines[3].startswith("| score | run | samples | samples-2 | real |")
    assert (tmp_path / "home" / "run" / "run.json").exists()


@pytest.mark.parametrize("name", OWN)
def test_parts_of_ones_own_are_used_from_python(name: str, tmp_path: Path) -> None:
    made = run(EXAMPLES / f"{name}.py", "home", "3", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert made.stderr == ""
    assert len(made.stdout.splitlines()) == 3


SMILES = ["CCO", "OCC", "c1ccccc1", "CC((", "", "C1CC1", "C1CC1", "N"]


def test_molecules_are_judged_by_rdkit(tmp_path: Path) -> None:
    """Validity of all, uniqueness of the valid ones, novelty of the valid ones without repetitions."""
    pytest.importorskip("rdkit", reason="RDKit is absent: pip install '.[molecules]'")
    (tmp_path / "samples.smi").write_text("".join(f"{one}\n" for one in SMILES), "utf-8")
    (tmp_path / "real.smi").write_text("C(O)C\nCCN\nCCC\nCCCC\n", "utf-8")
    judge = shlex.join([sys.executable, str(EXAMPLES / "molecules" / "judge.py")])
    words = ["samples.smi", "--reference", "real.smi", "--tokenize", "char", "--resamples", 20, "--json"]
    for name in ("validity", "uniqueness", "novelty"):
        training = " real.smi" if name == "novelty" else ""
        words += ["--judge", f"{name}:higher={judge} {name}{training}"]
    made = run("-m", "bgan_text.cli", "score", *words, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    samples, real = (model["scores"] for model in json.loads(made.stdout)["models"])
    assert samples["validity"]["value"] == pytest.approx(6 / 8)
    assert samples["uniqueness"]["value"] == pytest.approx(4 / 6)
    assert samples["novelty"]["value"] == pytest.approx(3 / 4)  # ethanol is a training molecule
    assert samples["novelty"]["note"] == "4 of 8 samples are not rated"
    assert (real["validity"]["value"], real["novelty"]["value"]) == (1.0, 0.0)
    wrong = run(EXAMPLES / "molecules" / "judge.py", "novelty", cwd=tmp_path)
    assert wrong.returncode == 1
    assert wrong.stderr.splitlines()[-1].startswith("validity, uniqueness, or novelty with a dataset")


def test_scores_alone_need_no_run(tmp_path: Path) -> None:
    made = run(EXAMPLES / "scores_only.py", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "| bleu-2 ↑ |" in made.stdout


@pytest.mark.parametrize("name", OWN)
def test_own_parts_are_short(name: str) -> None:
    assert len((EXAMPLES / f"{name}.py").read_text("utf-8").splitlines()) <= 40


@pytest.fixture
def here(tmp_path: Path, bgan: Command, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with the examples and a small dataset directory of the grammar."""
    for file in EXAMPLES.glob("*.py"):
        shutil.copy(file, tmp_path)
    made = bgan("prepare", "grammar", "--limit", 300)
    assert made.code == 0, made.err
    monkeypatch.setattr(sys, "path", ["", *sys.path])  # as `python -m` has it
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in (*OWN, "hooks", "broken", "trap"):
            del sys.modules[name]


def test_a_generator_of_ones_own_on_the_command_line(here: Path, bgan: Command) -> None:
    named = ["--generator", "own_generator:LinearGenerator"]
    small = [word for word in SMALL if word != "--width"][1:]
    trained = bgan("train", "--run", "r", *named, *small)
    assert trained.code == 0, trained.err
    assert trained.err.splitlines()[-1] == f"Next: bgan-text sample r --n 3 {' '.join(named)}"
    card = json.loads((here / "r" / "run.json").read_text("utf-8"))
    assert card["settings"]["generator"] == "own_generator:LinearGenerator"

    missing = bgan("sample", "r")
    assert missing.code == 1
    line = "--generator own_generator:LinearGenerator is not part of bgan-text: pass it"
    assert line in missing.err
    assert len(missing.err.splitlines()) == 1

    sampled = bgan("sample", "r", "--n", 2, *named)
    assert (sampled.code, len(sampled.out.splitlines())) == (0, 2), sampled.err
    scored = bgan("score", "r", "--n", 20, "--resamples", 0, "--json", *named)
    assert scored.code == 0, scored.err
    assert [model["name"] for model in json.loads(scored.out)["models"]] == ["r", "real"]

    resumed = bgan("train", "--resume", "--run", "r", "--steps", 5, *named)
    assert resumed.code == 0, resumed.err
    assert "from step 3" in resumed.err
    absent = bgan("train", "--generator", "own_generator:Nothing")
    assert absent.code == 1
    assert "the module 'own_generator' has no 'Nothing'" in absent.err


CALLBACKS = """
from bgan_text import Callback

class Count(Callback):
    steps = 0

    def on_step_end(self, training, report):
        self.steps += 1

    def on_train_end(self, training):
        print("counted", self.steps)

class Demanding(Callback):
    def __init__(self, name):
        pass

class Failing(Callback):
    def on_step_end(self, training, report):
        if report.step == 2:
            raise ValueError("two is enough")

OBJECT = Count()
NUMBER = 3
"""


def test_callbacks_of_ones_own_on_the_command_line(here: Path, bgan: Command) -> None:
    (here / "hooks.py").write_text(CALLBACKS, "utf-8")
    (here / "broken.py").write_text("1 / 0\n", "utf-8")
    command = ["train", "--run", "r", *SMALL]
    trained = bgan(*command, "--callback", "hooks:Count", "--callback", "hooks:OBJECT")
    assert trained.code == 0, trained.err
    assert trained.out == "counted 3\ncounted 3\n"
    assert "hooks" not in (here / "r" / "run.json").read_text("utf-8")
    resumed = [*command[:3], "--resume", "--steps", 5]
    again = bgan(*resumed, "--callback", "hooks:Count")
    assert (again.code, again.out) == (0, "counted 2\n"), again.err

    for spec, problem in {
        "hooks:NUMBER": "a subclass of `Callback`, or an object of one, is needed",
        "hooks:Demanding": "calling it without arguments fails: TypeError",
        "hooks:Nothing": "the module 'hooks' has no 'Nothing'",
        "hooks": "module:name is expected",
        "nowhere:Count": "there is no module 'nowhere'",
        "broken:Count": "importing broken fails: ZeroDivisionError",
    }.items():
        refused = bgan(*command[:2], "new", *SMALL, "--callback", spec)
        assert (refused.code, len(refused.err.splitlines())) == (1, 1), refused.err
        assert refused.err.startswith(f"bgan-text: callback '{spec}': "), refused.err
        assert problem in refused.err
        assert not (here / "new").exists()

    failed = bgan(*resumed[:-1], 9, "--callback", "hooks:Failing")
    assert failed.code == 0, failed.err  # step 2 lies behind
    failing = [*command[:2], "fresh", *SMALL, "--callback", "hooks:Failing"]
    fresh = run("-m", "bgan_text.cli", *failing, cwd=here)  # a process, whose last word is Python's
    assert fresh.returncode == 1
    assert "ValueError: two is enough" in fresh.stderr


def test_a_run_folder_alone_imports_no_code(here: Path, bgan: Command) -> None:
    (here / "trap.py").write_text("from pathlib import Path\nPath('sprung').touch()\n", "utf-8")
    trained = bgan("train", "--run", "r", *SMALL)
    assert trained.code == 0, trained.err
    card = json.loads((here / "r" / "run.json").read_text("utf-8"))
    for part in ("generator", "divergence", "discriminator"):
        changed = card | {"settings": card["settings"] | {part: "trap:Anything"}}
        (here / "r" / "run.json").write_text(json.dumps(changed), "utf-8")
        for command in (["sample", "r"], ["show", "r"], ["train", "--resume", "--run", "r", "--steps", "4"]):
            bgan(*command)
    assert not (here / "sprung").exists()
    bgan("sample", "r", "--generator", "trap:Anything")
    assert (here / "sprung").exists()  # so it could have been imported


def test_a_divergence_and_a_corpus_of_ones_own_on_the_command_line(here: Path, bgan: Command) -> None:
    prepared = bgan("prepare", "own_corpus:VISITS", "--limit", 300)
    assert prepared.code == 0, prepared.err
    named = ["--divergence", "own_divergence:HALF_PEARSON"]
    trained = bgan("train", "--data", "data/VISITS", "--run", "r", *named, *SMALL)
    assert trained.code == 0, trained.err
    resumed = ["train", "--resume", "--run", "r", "--steps", 5]
    missing = bgan(*resumed)
    assert missing.code == 1
    assert "--divergence own_divergence:HALF_PEARSON is not part of bgan-text" in missing.err
    assert bgan(*resumed, *named).code == 0
    assert bgan("sample", "r").code == 0  # no divergence is needed
