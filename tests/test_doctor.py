"""What is found of an installation and a machine, and what is said about it."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from packaging.requirements import Requirement

import bgan_text as bt
from bgan_text.corpora.grammar import newswire
from bgan_text.diagnosis import doctor as examination
from bgan_text.diagnosis import machine as inspection
from bgan_text.diagnosis import packages, self_test
from bgan_text.diagnosis.machine import GIB, Machine, machine_problems, memory_of, quota_of

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
Command = Any


def test_versions_are_those_that_are_installed() -> None:
    found = packages.versions()
    assert found.pop("bgan-text") == bt.__version__
    assert found.pop("python") == sys.version.split()[0]
    assert {"torch", "numpy", "datasets", "sentencepiece"} <= found.keys()
    assert found.keys() <= {Requirement(line).name for line in PROJECT["dependencies"]}
    assert found == {name: importlib.metadata.version(name) for name in found}


def test_extras_are_those_of_the_project() -> None:
    """Of an installation that may be older than pyproject.toml, as an editable one in a clone is."""
    found = {extra.name: extra for extra in packages.extras()}
    assert found.keys() <= PROJECT["optional-dependencies"].keys() - set(packages.FOR_DEVELOPERS)
    assert found.keys() >= {"embed", "mauve", "perplexity", "molecules", "fid"}
    for name in set(found) - {"mauve"}:
        declared = {Requirement(line).name for line in PROJECT["optional-dependencies"][name]}
        assert {one.name for one in packages.requirements(name)} == declared
    both = {one.name for one in packages.requirements("mauve")}
    assert both == {"mauve-text", "sentence-transformers"}  # it takes in embed
    assert packages.EXTRAS.keys() <= PROJECT["optional-dependencies"].keys() - set(packages.FOR_DEVELOPERS)


def test_a_missing_extra_is_told_with_its_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    version_of = packages.version_of
    absent = {"rdkit": None, "sentence-transformers": "4.9"}
    monkeypatch.setattr(packages, "version_of", lambda name: absent.get(name, version_of(name)))
    found = {extra.name: extra for extra in packages.extras()}
    assert found["molecules"].missing == ("rdkit",)
    assert found["embed"].missing == ("sentence-transformers 4.9, and >=5.0 is needed",)
    assert found["molecules"].installation == "pip install -c constraints.txt '.[molecules]'"
    diagnosis = bt.doctor(seconds=0)
    assert diagnosis.sound  # nobody needs an extra
    line = next(line for line in diagnosis.lines() if line.startswith("extra molecules"))
    assert re.fullmatch(
        r"extra molecules +missing, .*: pip install -c constraints.txt '\.\[molecules\]'", line
    )


def test_a_package_that_is_too_old_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    version_of = packages.version_of
    monkeypatch.setattr(packages, "version_of", lambda name: "1.0" if name == "torch" else version_of(name))
    found = bt.doctor(seconds=0)
    assert not found.sound
    assert found.problems[0].line == (
        "broken: packages are missing or too old: torch 1.0, and >=2.8 is needed. "
        "Try: pip install -c constraints.txt ."
    )


def test_without_torch_one_line_says_so() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; sys.argv = ['bgan-text', 'doctor']\n"
        "from bgan_text.cli.main import main; main()"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (made.returncode, made.stderr) == (1, "")
    assert len(made.stdout.splitlines()) == 1
    assert made.stdout.startswith("broken: a package cannot be imported: ")
    assert made.stdout.endswith("Try: pip install -c constraints.txt . --force-reinstall\n")
    code = code.replace("'doctor']", "'doctor', '--json']")
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert made.returncode == 1
    found = json.loads(made.stdout)
    assert not found["sound"]
    assert found["problems"][0]["remedy"] == "pip install -c constraints.txt . --force-reinstall"


# The machine


def test_memory_is_that_of_the_container(tmp_path: Path) -> None:
    told = tmp_path / "meminfo"
    told.write_text("MemTotal:  8388608 kB\nMemFree:  100 kB\nMemAvailable:  4194304 kB\n")
    assert memory_of(told, tmp_path) == (8 * GIB, 4 * GIB)
    (tmp_path / "memory.max").write_text("max\n")
    assert memory_of(told, tmp_path) == (8 * GIB, 4 * GIB)
    (tmp_path / "memory.max").write_text(f"{2 * GIB}\n")
    (tmp_path / "memory.current").write_text(f"{GIB // 2}\n")
    assert memory_of(told, tmp_path) == (2 * GIB, 3 * GIB // 2)
    assert memory_of(tmp_path / "no", tmp_path)[1] is None


def test_the_time_of_the_container(tmp_path: Path) -> None:
    assert quota_of(tmp_path) is None
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert quota_of(tmp_path) is None
    (tmp_path / "cpu.max").write_text("250000 100000\n")
    assert quota_of(tmp_path) == 2.5


def test_the_machine_is_this_one() -> None:
    found = bt.doctor(seconds=0).machine
    assert found.threads == torch.get_num_threads()
    assert found.all_cores == os.cpu_count()
    assert found.instructions == torch.backends.cpu.get_cpu_capability()
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    if flags:
        assert found.amx == ("amx_tile" in flags)
        assert found.bfloat16 == ("avx512_bf16" in flags)
    assert found.bfloat16_speed > 0


GOOD = Machine(
    system="Linux", processor="P", cores=4, all_cores=8, quota=None, load=0.5, threads=4, instructions="AVX2",
    bfloat16=True, bfloat16_speed=1.5, amx=False, gpus=[], memory=16 * GIB, free_memory=8 * GIB,
    disk=100 * GIB, folder=".", encoding="utf-8", locale="UTF-8",
)  # fmt: skip
POOR: dict[str, tuple[dict[str, Any], str]] = {
    "threads": ({"threads": 8}, "export OMP_NUM_THREADS=4"),
    "quota": ({"quota": 2.0}, "export OMP_NUM_THREADS=2"),
    "load": ({"load": 13.0}, "OMP_NUM_THREADS=1 bgan-text train"),
    "bfloat16": ({"bfloat16_speed": 0.5}, "bgan-text train --precision float32"),
    "memory": ({"free_memory": GIB // 2}, "bgan-text train --batch 16"),
    "disk": ({"disk": GIB}, "df -h ."),
    "encoding": ({"locale": "ANSI_X3.4-1968"}, "PYTHONUTF8=1 bgan-text sample"),
}


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(inspection, "NVIDIA_DRIVER", tmp_path / "none")
    monkeypatch.setattr(inspection.shutil, "which", lambda name: None)
    for name in inspection.THREAD_LIMITS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(inspection, "holds_all", lambda stream: True)


@pytest.mark.usefixtures("no_driver")
def test_a_good_machine_has_no_problems() -> None:
    assert machine_problems(GOOD) == []


@pytest.mark.usefixtures("no_driver")
@pytest.mark.parametrize("name", POOR)
def test_what_is_poor_ends_in_a_command(name: str) -> None:
    changed, remedy = POOR[name]
    problems = machine_problems(replace(GOOD, **changed))
    assert [(problem.remedy, problem.broken) for problem in problems] == [(remedy, False)]
    assert problems[0].line.endswith(f". Try: {remedy}")


@pytest.mark.usefixtures("no_driver")
def test_threads_that_a_variable_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    problems = machine_problems(replace(GOOD, threads=1))
    assert [problem.line for problem in problems] == [
        "could be better: 4 processors may be used, and OMP_NUM_THREADS is 1. Try: unset OMP_NUM_THREADS"
    ]
    assert machine_problems(replace(GOOD, threads=4)) == []


@pytest.mark.usefixtures("no_driver")
def test_a_driver_without_a_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "version").write_text("NVRM")
    monkeypatch.setattr(inspection, "NVIDIA_DRIVER", tmp_path / "version")
    monkeypatch.setattr(torch.version, "cuda", None)
    assert [problem.remedy for problem in machine_problems(GOOD)] == ["pip install --force-reinstall torch"]
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    assert [problem.remedy for problem in machine_problems(GOOD)] == ["nvidia-smi"]


@pytest.mark.usefixtures("no_driver")
def test_no_room_and_no_right_are_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [problem.broken for problem in machine_problems(replace(GOOD, disk=1000))] == [True]
    monkeypatch.setattr(inspection.os, "access", lambda folder, mode: False)
    assert [problem.broken for problem in machine_problems(GOOD)] == [True]


# The short training


def test_the_settings_are_those_of_the_demo() -> None:
    demo = re.findall(r"BGAN\) train (.*) --run", (ROOT / "Makefile").read_text("utf-8"))
    assert demo == ["--divergence js --minutes 4.8"]
    assert self_test.SETTINGS == {"divergence": "js", "minutes": 4.8}
    assert f"made {self_test.DEMO_STEPS:,} steps" in (ROOT / "README.md").read_text("utf-8")
    rows, space = self_test._rows(torch.device("cpu"))
    # Every word of the grammar, a sentence's first ones included, the end and the unknown.
    assert abs(space.vocabulary - len(newswire().vocabulary())) < 10
    assert rows.shape == (self_test.SENTENCES, 24)
    assert 0 < int(rows.max()) < space.vocabulary


def test_the_rate_is_that_of_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    now, made = [0.0], [0]
    step = self_test.Trainer.step

    def slow(self: Any, *rest: Any) -> Any:
        now[0] += 0.5
        made[0] += 1
        return step(self, *rest)

    monkeypatch.setattr(self_test.Trainer, "step", slow)
    monkeypatch.setattr(self_test.time, "perf_counter", lambda: now[0])
    found = self_test.self_test(torch.device("cpu"), seconds=3.0)
    assert (found.rate, found.steps, made[0]) == (2.0, 6, 8)
    assert found.demo_minutes == pytest.approx(4915 / 2 / 60)
    assert found.device == "cpu"


def test_numbers_that_are_not_finite_are_broken(monkeypatch: pytest.MonkeyPatch, bgan: Command) -> None:
    monkeypatch.setattr(self_test.math, "isfinite", lambda number: False)
    made = bgan("doctor", "--seconds", 0.1)
    assert made.code == 1
    assert "broken: a short training fails: UserError: " in made.out
    assert made.out.endswith("Try: pip install -c constraints.txt . --force-reinstall\n")


def test_a_slow_machine_is_told_the_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = self_test.Speed("cpu", "float32", 10, 1.7, 0.1, 36.28)
    monkeypatch.setattr(examination, "self_test", lambda *_: slow)
    monkeypatch.setattr(examination, "machine", lambda folder: GOOD)
    found = bt.doctor()
    assert found.speed == slow
    assert found.problems[-1].line == (
        "could be better: training is 10 times slower than on two cores of an AMD EPYC, float32. "
        "Try: bgan-text train --minutes 37"
    )
    assert found.sound


# The command


def test_the_command_prints_what_the_library_finds(bgan: Command, tmp_path: Path) -> None:
    made = bgan("doctor", "--seconds", 0.1, "--json")
    found = json.loads(made.out)
    assert made.code == 0
    assert found["sound"]
    assert found["speed"]["steps"] >= 1
    assert found["versions"]["torch"] == importlib.metadata.version("torch")
    assert found["extras"][0]["install"] == "pip install -c constraints.txt '.[embed]'"
    text = bgan("doctor", "--seconds", 0)
    assert text.code == 0
    assert re.search(r"^torch +\S+$", text.out, flags=re.MULTILINE)
    assert list(tmp_path.iterdir()) == []  # nothing is written


def test_bad_values_are_one_line(bgan: Command) -> None:
    for words, line in ((("--seconds", -1), "0 to 600"), (("--device", "tpu"), "auto, cpu")):
        made = bgan("doctor", *words)
        assert (made.code, made.out) == (1, "")
        assert line in made.err
        assert len(made.err.splitlines()) == 1
    with pytest.raises(bt.UserError, match="no such folder"):
        bt.doctor(folder="nowhere")
