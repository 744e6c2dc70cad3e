"""Validations of a resumed run fall on the steps of an uninterrupted one, whatever ended it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bgan_text as bt
from bgan_text.interval import Interval
from bgan_text.training import loop
from bgan_text.training.schedule import Schedule
from bgan_text.training.validation import Validation

TINY: dict[str, Any] = {
    "width": 8, "discriminator_width": 8, "noise": 4, "draws": 3, "batch": 4, "precision": "float32",
    "generator": "conv", "objective": "importance", "log_every": 1, "keep": 1,
}  # fmt: skip


class Clock:
    """Time that stands still but for the steps, each of which takes `step` seconds."""

    def __init__(self, step: float) -> None:
        self.step, self.now = step, 100.0

    def monotonic(self) -> float:
        return self.now


class Ending(bt.Callback):
    """Ends a training after a step, as a kill or as Ctrl-C does."""

    def __init__(self, step: int, how: str) -> None:
        self.step, self.how = step, how

    def on_step_end(self, training: Any, report: Any) -> None:
        if training.state.step == self.step:
            if self.how == "killed":
                raise KeyboardInterrupt
            training.stop()


def by_weights(state: Any) -> Validation:
    """A validation that takes no time, and tells two states from each other."""
    return Validation(
        {"js-4": float(next(state.generator.parameters()).detach().abs().sum())}, "", [], {"samples": []}
    )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock, train = Clock(0.25), loop.train

    def timed(*arguments: Any) -> Iterator[Any]:
        for report in train(*arguments):
            clock.now += clock.step
            yield report

    monkeypatch.setattr(loop, "validator", lambda dataset, run: by_weights)
    monkeypatch.setattr(loop, "time", clock)
    monkeypatch.setattr(loop, "train", timed)
    return clock


def logged(folder: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.mark.parametrize("every", ["1s", "3"])
@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_the_log_of_a_resumed_run_is_that_of_an_uninterrupted_one(
    every: str, how: str, data: bt.DatasetDirectory, tmp_path: Path, clock: Clock
) -> None:
    settings = {**TINY, "minutes": 3.5 / 60, "evaluate_every": every, "save_every": "5"}
    whole = bt.train(data, out=tmp_path / "whole", **settings)
    evaluated = [row["step"] for row in logged(whole.folder) if "samples" in row]
    assert evaluated == ([4, 8, 12, 14] if every == "1s" else [3, 6, 9, 12, 14])
    for step in (2, 8, 9):
        folder = tmp_path / f"{step}"
        try:
            bt.train(data, out=folder, callbacks=[Ending(step, how)], **settings)
        except KeyboardInterrupt:
            assert how == "killed"
        else:
            ended = bt.load_run(folder)
            assert logged(folder)[-1].get("interrupted", False) is (step not in evaluated)
            assert ended.steps == step
        bt.load_run(folder).resume()
        assert logged(folder) == logged(whole.folder), step
        assert bt.load_run(folder).best == whole.best, step


def test_validations_of_a_killed_process_are_made_again_at_their_steps_by_a_slower_one(
    data: bt.DatasetDirectory, tmp_path: Path, clock: Clock
) -> None:
    settings = {**TINY, "steps": 12, "evaluate_every": "1s", "save_every": "100", "freeze_generator": 1.0}
    with pytest.raises(KeyboardInterrupt):  # a frozen generator has no best checkpoint to go back to
        bt.train(data, out=tmp_path / "run", callbacks=[Ending(9, "killed")], **settings)
    assert [row["step"] for row in logged(tmp_path / "run") if "samples" in row] == [4, 8]
    clock.step = 0.375
    bt.load_run(tmp_path / "run").resume()
    assert [row["step"] for row in logged(tmp_path / "run") if "samples" in row] == [4, 8, 11, 12]


def test_another_interval_holds_from_the_checkpoint_on(
    data: bt.DatasetDirectory, tmp_path: Path, clock: Clock
) -> None:
    settings = {**TINY, "steps": 12, "evaluate_every": "1s", "save_every": "100", "freeze_generator": 1.0}
    with pytest.raises(KeyboardInterrupt):
        bt.train(data, out=tmp_path / "run", callbacks=[Ending(9, "killed")], **settings)
    bt.load_run(tmp_path / "run").resume(evaluate_every="1.5s")
    assert [row["step"] for row in logged(tmp_path / "run") if "samples" in row] == [6, 12]


def test_a_validation_that_may_have_followed_the_last_line_is_made() -> None:
    rows = [{"step": 3, "seconds": 9.0}, {"step": 4, "seconds": 12.0}]
    schedule = Schedule(Interval(seconds=10), 2, 6.0, rows)
    assert [schedule.due(step, 3.0 * step) for step in (3, 4, 5)] == [False, True, False]
    known = Schedule(Interval(seconds=10), 2, 6.0, [*rows, {"step": 5, "seconds": 15.0, "samples": []}])
    assert [known.due(step, 2.0 * step) for step in (3, 4, 5, 6, 10)] == [False, False, True, False, True]
