"""`watch`: a run that another process trains, that ends, that is killed, that is not there."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import bgan_text as bt
from bgan_text.errors import UserError
from bgan_text.training.folders import locked
from bgan_text.watching import ABSENT, FINISHED, KILLED, STOPPED, STOPPED_EARLY, TRAINING, Follower, sparkline

Command = Callable[..., Any]
TINY = [
    "--width", "4", "--discriminator-width", "4", "--batch", "8", "--precision", "float32", "--log-every",
    "1", "--evaluate-every", "20",
]  # fmt: skip
SMALL: dict[str, Any] = {
    "width": 4, "discriminator_width": 4, "batch": 8, "precision": "float32", "log_every": 1,
    "evaluate_every": "2",
}  # fmt: skip


@contextmanager
def training(data: bt.DatasetDirectory, run: Path, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
    """The command `train` in a process of its own, which is ended with the block."""
    command = [sys.executable, "-m", "bgan_text.cli", "train", "--data", str(data.folder), "--run", str(run)]
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(
        [*command, *TINY, *words], **options, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_run_of_another_process_is_followed_to_its_end(data: bt.DatasetDirectory, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with training(data, run, "--minutes", "0.1"):
        seen = list(bt.watch(run, every=0.3, wait=60.0))
    states = [one.state for one in seen]
    assert states[0] == ABSENT
    assert states[-1] == FINISHED
    assert set(states[1:-1]) <= {ABSENT, TRAINING}
    during = [one for one in seen if one.state == TRAINING and one.step]
    assert len({one.step for one in during}) >= 3
    assert [one.step for one in during] == sorted(one.step for one in during)
    middle = during[len(during) // 2]
    assert middle.rate is not None
    assert middle.left is not None
    assert 0.0 < middle.share < 1.0
    assert middle.left < 6.0
    last, rows = seen[-1], [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert last.step == rows[-1]["step"]
    assert last.share == 1.0
    assert last.curves["bound"] == [row["bound"] for row in rows if "bound" in row]
    assert last.evaluation["samples"] == next(row["samples"] for row in rows[::-1] if "samples" in row)
    values = {row["step"]: row["js-4"] for row in rows if "js-4" in row}
    assert last.best == (min(values, key=lambda step: (values[step], step)), min(values.values()))


def test_a_killed_run_says_how_to_go_on_and_a_training_is_not_disturbed(
    data: bt.DatasetDirectory, tmp_path: Path, bgan: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    with training(data, run, "--minutes", "10") as process:
        for seen in bt.watch(run, every=0.1, wait=60.0):
            if seen.step >= 5:
                break
        shown = bgan("watch", run)
        assert (shown.code, "training" in shown.out, "left" in shown.out) == (0, True, True)
        process.kill()
        process.wait()
    monkeypatch.setattr("bgan_text.watching.STARTING", 0.0)
    assert Follower(run).look().state == KILLED
    result = bgan("watch", run, "--once")
    assert f"bgan-text train --resume --run {run}" in result.out
    assert "\x1b" not in result.out


def test_how_a_run_has_ended_is_told(data: bt.DatasetDirectory, tmp_path: Path) -> None:
    class Stop(bt.Callback):
        def on_step_end(self, training: Any, report: Any) -> None:
            if report.step == 3:
                training.stop()

    bt.train(data, out=tmp_path / "stopped", steps=9, callbacks=[Stop()], **SMALL)
    bt.train(data, out=tmp_path / "early", steps=50, patience=1, generator_lr=0.0, **SMALL)
    assert [one.state for one in bt.watch(tmp_path / "stopped")] == [STOPPED]
    assert [one.state for one in bt.watch(tmp_path / "early")] == [STOPPED_EARLY]


def test_lines_are_read_once_and_a_half_line_waits(data: bt.DatasetDirectory, tmp_path: Path) -> None:
    run = bt.train(data, out=tmp_path / "run", steps=4, **SMALL)
    log = run.folder / "metrics.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    follower = Follower(run.folder)
    log.write_bytes(b"".join(lines[:2]) + lines[2][:20])
    assert follower.look().step == 2
    with log.open("ab") as file:
        file.write(lines[2][20:] + b"".join(lines[3:]))
    assert follower.look().step == 4
    shutil.copy(log, tmp_path / "again")
    (tmp_path / "again").write_bytes(lines[0])
    (tmp_path / "again").replace(log)  # as a resumed run writes it
    assert follower.look().step == 1
    log.write_bytes(lines[0] + lines[1].replace(b"2", b"3", 1) + lines[2])
    with pytest.raises(UserError, match=r"metrics.jsonl line 2 is damaged"):
        Follower(run.folder).look()


def test_looking_does_not_keep_a_training_from_its_lock(data: bt.DatasetDirectory, tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    run = bt.train(data, out=tmp_path / "run", steps=2, **SMALL)
    with (run.folder / ".lock").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)  # as a look does, for much longer
        threading.Timer(0.05, fcntl.flock, (file, fcntl.LOCK_UN)).start()
        with locked(run.folder):
            assert Follower(run.folder).look().state == TRAINING
        assert Follower(run.folder).look().state == FINISHED


def test_the_command_prints_one_frame_or_json(
    data: bt.DatasetDirectory, tmp_path: Path, bgan: Command
) -> None:
    run = bt.train(data, out=tmp_path / "runs" / "run", steps=4, **SMALL)
    out = bgan("watch").out
    for said in ("finished", "step 4", "bound", "js-4", "evaluation at step 4"):
        assert said in out
    for sample in run.metrics()[-1]["samples"][:3]:
        assert sample[:60] in out
    told = json.loads(bgan("watch", run.folder, "--json").out)
    assert (told["state"], told["step"], told["share"]) == ("finished", 4, 1.0)
    assert told["last"]["bound"] == next(row["bound"] for row in run.metrics()[::-1] if "bound" in row)


def test_what_cannot_be_watched_is_refused_in_one_line(tmp_path: Path, bgan: Command) -> None:
    begun = time.monotonic()
    for words, said in (
        (["absent", "--wait", "0.3"], "is not a run folder"),
        (["absent", "--wait", "-1"], "at least 0 seconds"),
        ([], "there is no run in runs/"),
    ):
        result = bgan("watch", *words)
        assert (result.code, result.out, result.err.count("\n")) == (1, "", 1)
        assert said in result.err
    assert time.monotonic() - begun < 5.0


def test_on_a_terminal_it_follows_until_ctrl_c(data: bt.DatasetDirectory, tmp_path: Path) -> None:
    pty = pytest.importorskip("pty", reason="Windows has no terminals of POSIX")
    run = tmp_path / "run"
    with training(data, run, "--minutes", "10") as process:
        controller, terminal = pty.openpty()
        command = [sys.executable, "-m", "bgan_text.cli", "watch", str(run), "--wait", "60"]
        environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        watching = subprocess.Popen(
            command, stdout=terminal, stderr=terminal, env=environment | {"TERM": "xterm"}
        )
        os.close(terminal)
        shown = b""
        while len(set(re.findall(rb"step (\d+)", shown))) < 3:
            shown += os.read(controller, 65536)
        watching.send_signal(signal.SIGINT)
        with suppress(OSError):  # which is how a terminal ends
            while part := os.read(controller, 65536):
                shown += part
        assert watching.wait(20) == 130
        assert process.poll() is None
    assert b"\x1b[" in shown
    assert b"Interrupted." in shown
    assert shown.rfind(b"\x1b[?25h") > shown.rfind(b"\x1b[?25l")  # the cursor is there again
    assert b"Traceback" not in shown


def test_a_sparkline_keeps_order_and_extremes() -> None:
    assert sparkline([1.0] * 5, 3) == "▁▁▁"
    assert sparkline(list(map(float, range(80))), 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([], 8) == sparkline([1.0], 0) == ""
