"""The line that tells how far a training is, and what else is said of it."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import bgan_text as bt
from bgan_text.cli import console, progress, signals
from bgan_text.cli.signals import Interruption, stopping_on_signals
from bgan_text.cli.training_display import TrainingDisplay
from bgan_text.training.callbacks import Callback
from bgan_text.training.loop import Training
from bgan_text.training.pace import Pace, few_steps
from bgan_text.training.progress_line import EVALUATING, ProgressLine, clock, share_of, speed
from bgan_text.training.trainer import StepReport

TINY: dict[str, Any] = {"width": 4, "discriminator_width": 4, "batch": 8, "precision": "float32"}
NUMBERS = ["bound 1.234", "js-4 0.324", "score real +10.12 fake -10.33", "effective sample size 12.3"]


def test_what_matters_is_left_out_last() -> None:
    line = ProgressLine(0.374, 3599.0, 1234.5, 123_456, NUMBERS)
    shown = [line.text(width) for width in range(10, 120)]
    for width, text in enumerate(shown, start=10):
        assert len(text) <= max(width, len("37 %  59:59 left"))
    assert shown[0] == "37 %  59:59 left"
    full = "37 %  59:59 left  1,234.5/s  bound 1.234  js-4 0.324"
    assert full in line.text(80 - 1 - progress.BAR - 1)  # 80 columns hold the bar and all of this
    orders = [len(text.split("  ")) for text in shown]
    assert orders == sorted(orders)
    for text in NUMBERS:
        assert text in line.line()


def test_a_share_is_never_over_100_or_below_0_and_no_time_is_negative() -> None:
    assert [share_of(share) for share in (0.0, 0.004, 0.996, 0.99999, 1.0)] == [
        "0 %", "0 %", "99 %", "99 %", "100 %",
    ]  # fmt: skip
    assert ProgressLine(0.9, 2.0, 1.0, 9, []).text(80, waited=10.0) == "90 %  0:00 left  1.0/s  step 9"
    assert (
        ProgressLine(0.9, 2.0, 1.0, 9, [], EVALUATING)
        .text(80, waited=1.0)
        .startswith("90 %  0:02 left  eval")
    )
    assert ProgressLine(0.0, None, None, 0, []).text(80) == "0 %  ? left  ?/s  step 0"
    assert [clock(seconds) for seconds in (0, 59.2, 61, 3723)] == ["0:00", "1:00", "1:01", "1:02:03"]
    assert [speed(rate) for rate in (None, 12.34, 0.0125)] == ["?/s", "12.3/s", "80.0 s/step"]


def test_evaluation_is_on_the_clock_of_what_is_left_and_not_on_that_of_the_rate() -> None:
    pace = Pace(step=100, elapsed=50.0)
    assert pace.rate() is None
    assert pace.seconds_left(steps=200, minutes=None) is None
    pace.read(step=120, elapsed=60.0)
    pace.off_clock = 5.0  # half a second of evaluation for each second of training
    assert pace.rate() == pytest.approx(2.0)
    assert pace.seconds_left(steps=200, minutes=None) == pytest.approx(40.0 * 1.5)
    assert pace.seconds_left(steps=None, minutes=2.0) == pytest.approx(60.0 * 1.5)
    assert pace.seconds_left(steps=110, minutes=None) == 0.0
    assert pace.seconds_left(steps=None, minutes=0.5) == 0.0


def test_a_step_that_takes_too_long_for_the_time_is_warned_of() -> None:
    line = few_steps(80.0, minutes=5.0, elapsed=0.0)
    assert line is not None
    assert line.startswith("one step takes 80 s, so 5 minutes are 4 steps: raise `minutes`, or lower `batch`")
    assert few_steps(400.0, minutes=5.0, elapsed=0.0) == line.replace("80 s", "400 s").replace(
        "4 steps", "1 step"
    )
    assert "so the 2.5 minutes left are 15 steps" in str(few_steps(10.0, minutes=5.0, elapsed=150.0))
    assert "so 1 minute is 12 steps" in str(few_steps(5.0, minutes=1.0, elapsed=0.0))
    assert few_steps(1.0, minutes=5.0, elapsed=0.0) is None
    assert few_steps(1.0, minutes=5.0, elapsed=300.0) is None


class Slow(Callback):
    """Makes each step take long."""

    def on_step_end(self, training: Training, report: StepReport) -> None:
        time.sleep(0.05)


class Heard(bt.Reporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def test_training_warns_of_slow_steps_once(data: bt.DatasetDirectory, tmp_path: Path) -> None:
    heard = Heard()
    bt.train(data, out=tmp_path / "a", minutes=0.4 / 60, callbacks=[Slow()], reporter=heard, **TINY)
    assert [line.partition(",")[0].rpartition(" ")[2] for line in heard.warnings] == ["s"]
    bt.train(data, out=tmp_path / "b", steps=2, callbacks=[Slow()], reporter=heard, **TINY)
    assert len(heard.warnings) == 1


def shown(
    data: bt.DatasetDirectory, out: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool, **settings: Any
) -> str:
    """What the display of a training writes to a terminal of 80 columns, or to a file."""
    file = io.StringIO()
    made = Console(
        file=file, force_terminal=terminal, width=80, highlight=False, soft_wrap=True, no_color=True
    )
    for module in (console, progress):
        monkeypatch.setattr(module, "talk", lambda: made)
    monkeypatch.setattr(progress, "QUIET_INTERVAL", 0.0)
    monkeypatch.setattr("bgan_text.cli.training_display.PROGRESS_INTERVAL", 0.0)
    bt.train(data, out=out, callbacks=[TrainingDisplay()], evaluate_every="2", **TINY, **settings)
    return file.getvalue()


def test_a_terminal_of_80_columns_shows_the_bar_and_what_matters(
    data: bt.DatasetDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "REFRESH", 1000.0)
    text = shown(data, tmp_path / "run", monkeypatch, terminal=True, steps=5, draws=3)
    lines = [line for line in text.replace("\r", "\n").splitlines() if "━" in line]
    assert lines
    for line in lines:
        plain = "".join(
            part.partition("K")[2] if part.startswith("[") else part for part in line.split("\x1b")
        )
        assert len(plain) <= 80
        assert " % " in plain
        assert " left" in plain


def test_a_log_says_the_same_in_lines(
    data: bt.DatasetDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = shown(data, tmp_path / "run", monkeypatch, terminal=False, steps=5, draws=3)
    lines = text.splitlines()
    assert "\x1b" not in text
    assert lines[0].startswith(f"{tmp_path / 'run'}: conv, importance (js), 5 steps, from step 0; ")
    said = [line for line in lines if " left, " in line]
    assert any(line.startswith("40 %, ") and "evaluating, step 2, bound " in line for line in said)
    assert any(
        line.startswith("60 %, ") and "/s, step 3, bound " in line and "js-4 0." in line for line in said
    )
    assert (
        sum(line.startswith(("step 2: JS-1..4 ", "step 4: JS-1..4 ", "step 5: JS-1..4 ")) for line in lines)
        == 3
    )
    named = bt.load_run(tmp_path / "run").best != 5  # the line that names the best stands between
    assert lines[-3 if named else -2].startswith("Saved step 5 after 0 s: ")


def test_the_end_of_a_run_says_that_it_stopped_early(
    data: bt.DatasetDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"steps": 50, "draws": 3, "patience": 2, "generator_lr": 0.0}  # so nothing improves
    text = shown(data, tmp_path / "run", monkeypatch, terminal=False, **settings)
    assert "Stopped early at step 6: js-4 has not improved for 2 evaluations (best: " in text
    assert "at step 2). A larger --patience lets it go on." in text
    assert text.splitlines()[-1] == f"Next: bgan-text sample {tmp_path / 'run'} --n 3 --step best"


def test_the_end_of_a_run_names_its_best_checkpoint(
    data: bt.DatasetDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = shown(data, tmp_path / "run", monkeypatch, terminal=False, steps=5, draws=3, generator_lr=0.0)
    value = bt.load_run(tmp_path / "run").metrics()[1]["js-4"]
    assert text.splitlines()[-2] == f"The best checkpoint is that of step 2: js-4 {value:.3f}"


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_is_told_that_torch_is_loaded_and_a_log_is_not(terminal: bool) -> None:
    code = (
        "import sys, time\n"
        "from rich.console import Console\n"
        "from bgan_text.cli import console\n"
        f"made = Console(stderr=True, force_terminal={terminal}, no_color=True)\n"
        "console.talk = lambda: made\n"
        "with console.loading():\n    time.sleep(0.7)\n"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (made.stdout, made.stderr) == ("", "Loading torch ...\n" if terminal else "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_the_first_signal_is_answered_at_once_and_the_second_interrupts(
    capfd: pytest.CaptureFixture[str],
) -> None:
    stopped: list[bool] = []
    interruption, before = Interruption(), signal.getsignal(signal.SIGINT)

    def interrupted_twice() -> None:
        with stopping_on_signals(lambda: stopped.append(True), interruption):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)
            assert (stopped, interruption.signal) == ([True], signal.SIGINT)
            assert capfd.readouterr().err.startswith("Stopping after this step")
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)

    with pytest.raises(KeyboardInterrupt):
        interrupted_twice()
    assert signal.set_wakeup_fd(-1) == -1
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_signals_are_answered_while_python_calls_no_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(signals, "say", said.append)
    monkeypatch.setattr(signals, "GRACE", 0.05)
    monkeypatch.setattr(os, "_exit", lambda code: said.append(f"exit {code}"))
    busy: list[list[str]] = []

    def send() -> None:
        for _ in range(2):
            time.sleep(0.1)  # the main thread waits by now, and goes on waiting: the signal is this one's
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)
            time.sleep(0.1)
            busy.append(list(said))

    sender = threading.Thread(target=send)
    with signals.stopping_on_signals(lambda: said.append("stop"), Interruption()):
        sender.start()
        sender.join()
    assert busy[0] == [signals.STOPPING]
    assert busy[1] == [signals.STOPPING, "Interrupted.", "exit 130"]
