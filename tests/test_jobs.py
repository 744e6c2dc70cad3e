"""`compare` and `reproduce` with several jobs: runs side by side, each in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import bgan_text as bt
from bgan_text.errors import UserError
from bgan_text.reporter import Reporter
from bgan_text.studies.results import ComparisonResults

METHODS = {
    "bgan": {"objective": "importance", "generator": "conv", "draws": 3},
    "mle": {"objective": "mle", "generator": "rnn"},
}
SMALL: dict[str, Any] = {
    "width": 8,
    "discriminator_width": 8,
    "batch": 8,
    "precision": "float32",
    "count": 20,
}


def known(results: ComparisonResults) -> Any:
    """What does not depend on how fast training was."""
    told = results.to_json()
    for row in told["methods"]:
        for run in row["runs"]:
            run.pop("seconds")
            run.pop("folder")
    return told


def test_runs_side_by_side_are_the_runs_one_after_the_other(
    data: bt.DatasetDirectory, tmp_path: Path, heard: Reporter
) -> None:
    how = SMALL | {"seeds": 1, "steps": 3}
    one = bt.compare(data, METHODS, out=tmp_path / "one", **how)
    two = bt.compare(data, METHODS, out=tmp_path / "two", jobs=2, reporter=heard, **how)
    assert known(one) == known(two)
    runs = sorted(path.parent.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("run.json"))
    assert len(runs) == 2
    for run in runs:
        left, right = (bt.load_run(tmp_path / name / run) for name in ("one", "two"))
        assert left.sample(5) == right.sample(5)
    said = [line.split(";")[0] for line in vars(heard)["messages"]]
    assert [line for line in said if line.startswith("Run")] == [
        "Run 1 of 2: bgan, seed 0",
        "Run 2 of 2: mle, seed 0",
    ]


def test_a_run_that_cannot_be_trained_ends_the_others(
    data: bt.DatasetDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bgan_text.studies.planned_run import PlannedRun
    from bgan_text.studies.runner import Runner

    options = {name: value for name, value in SMALL.items() if name != "count"} | {"generator": "conv"}
    runs = [
        PlannedRun(name, options | {"steps": steps}, tmp_path / name)
        for name, steps in (("short", 2), ("long", 10**6))
    ]
    runner = Runner(runs, data, device="cpu", jobs=2)
    (tmp_path / "short").mkdir()
    (tmp_path / "short" / "other.txt").write_text("not a run")
    with pytest.raises(UserError, match="short exists and is not a run folder"):
        runner.train()


def _heed_ctrl_c() -> None:
    """A shell lets what it starts in the background ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_ctrl_c_saves_every_run_in_progress(data: bt.DatasetDirectory, tmp_path: Path) -> None:
    options = ["--width=8", "--discriminator-width=8", "--batch=8", "--draws=3", "--n=20", "--log-every=1"]
    words = ["compare", "--objectives=conv:importance,rnn:mle", "--data", str(data.folder), "--seeds=1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "bgan_text.cli", *words, "--jobs=2", "--minutes=60", "--out=out", *options],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        preexec_fn=_heed_ctrl_c if sys.platform != "win32" else None,
    )
    while process.poll() is None and len(list(tmp_path.rglob("metrics.jsonl"))) < 2:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 130, said
    assert "Interrupted. Go on with: bgan-text compare" in said
    runs = [bt.load_run(path.parent) for path in tmp_path.rglob("run.json")]
    assert len(runs) == 2
    assert all(run.checkpoints() for run in runs)
    assert json.loads((tmp_path / "out" / "compare.json").read_text())["missing"] == 2
