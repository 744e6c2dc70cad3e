"""Which checkpoints stay, which is the best, and when a run stops early."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import bgan_text as bt
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.errors import UserError
from bgan_text.interval import Interval
from bgan_text.sampling_options import SamplingOptions, checked_step
from bgan_text.space import LabelSpace, PixelSpace, TokenSpace
from bgan_text.training.callbacks import Callback
from bgan_text.training.evaluations import Evaluations
from bgan_text.training.loop import Training
from bgan_text.training.run import RunFolder
from bgan_text.training.state import State
from bgan_text.training.trainer import StepReport
from bgan_text.training.validation import Validation, Validator
from bgan_text.validation_scores import VALIDATION_SCORES, deciding_score, scores_on

TINY: dict[str, Any] = {
    "width": 4, "discriminator_width": 4, "batch": 8, "precision": "float32", "save_every": "2",
    "evaluate_every": "1", "device": "cpu",
}  # fmt: skip
Curve = Callable[[int], float]


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> Callable[[Curve], None]:
    """Makes every validation give the value that a curve has at its step."""

    def use(curve: Curve) -> None:
        class Scripted(Validator):
            def __call__(self, state: State) -> Validation:
                values = {"js-4": curve(state.step), "js-1": -curve(state.step)}
                return Validation(values, "JS", [], {"samples": []})

        def made(dataset: DatasetDirectory, run: RunFolder) -> Validator:
            return Scripted()

        monkeypatch.setattr("bgan_text.training.loop.validator", made)

    return use


class Killed(BaseException):
    pass


class KillAt(Callback):
    """Ends the process of training, as a kill would, at a step or when something is written there."""

    def __init__(self, step: int, hook: str = "step") -> None:
        self.step, self.hook = step, hook

    def _kill(self, training: Training, hook: str) -> None:
        if (training.state.step, hook) == (self.step, self.hook):
            raise Killed

    def on_step_end(self, training: Training, report: StepReport) -> None:
        self._kill(training, "step")

    def on_evaluation_end(self, training: Training, evaluation: Validation) -> None:
        self._kill(training, "evaluation")

    def on_checkpoint_saved(self, training: Training, path: Path) -> None:
        self._kill(training, "checkpoint")


def steps_of(run: Path) -> list[int]:
    return list(RunFolder(run).checkpoints())


def tensors_of(path: Path) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in load_file(path).items()}


def test_the_best_checkpoint_stays_besides_the_last_ones(
    data: DatasetDirectory, scored: Callable[[Curve], None], tmp_path: Path
) -> None:
    scored(lambda step: abs(step - 3) / 10)
    run = bt.train(data, out=tmp_path / "run", steps=9, **TINY)
    assert (list(run.checkpoints()), run.best) == ([3, 8, 9], 3)
    run = bt.train(data, out=tmp_path / "four", steps=9, keep=4, **TINY)
    assert list(run.checkpoints()) == [3, 4, 6, 8, 9]
    run = bt.train(data, out=tmp_path / "other", steps=9, keep=1, best_by="js-1", **TINY)
    assert (list(run.checkpoints()), run.best) == ([9], 9)


def test_the_last_checkpoint_is_the_only_one_if_it_is_found_to_be_the_best(
    data: DatasetDirectory, scored: Callable[[Curve], None], tmp_path: Path
) -> None:
    scored(lambda step: 1.0 / step)
    settings = {**TINY, "evaluate_every": "4", "save_every": "1"}
    run = bt.train(data, out=tmp_path / "run", steps=9, keep=1, **settings)
    assert (list(run.checkpoints()), run.best) == ([9], 9)


def test_the_best_step_is_accepted_where_a_step_is(
    data: DatasetDirectory, scored: Callable[[Curve], None], tmp_path: Path
) -> None:
    scored(lambda step: abs(step - 3) / 10)
    run = bt.train(data, out=tmp_path / "run", steps=6, generator_lr=0.5, **TINY)
    third, best, last = (run.sample_tokens(4, step=step) for step in (3, "best", None))
    assert torch.equal(best, third)
    assert not torch.equal(best, last)
    assert run.sample(4, step="best") == [text for text, _ in run.stream(SamplingOptions(count=4, step="3"))]
    (run.folder / "metrics.jsonl").unlink()
    with pytest.raises(UserError, match="run has no best checkpoint: none of them was evaluated"):
        run.sample(1, step="best")


@pytest.mark.parametrize("wrong", ["first", "-1", -1, "1.5", "", True])
def test_a_step_is_a_number_or_best(wrong: Any) -> None:
    with pytest.raises(UserError, match=f"`step` {wrong}"):
        SamplingOptions(step=wrong)
    assert [checked_step(step) for step in (0, "7", "best", None)] == [0, 7, "best", None]


def test_a_run_without_improvement_stops_early_and_says_so(
    data: DatasetDirectory, scored: Callable[[Curve], None], tmp_path: Path
) -> None:
    scored(lambda step: 0.2 if step == 4 else 0.5)
    run = bt.train(data, out=tmp_path / "run", steps=30, patience=3, **TINY)
    assert (run.steps, run.best) == (7, 4)
    rows = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if row.get("stopped_early")] == [7]
    assert run.resume().steps == 7  # patience is still at its end
    assert run.resume(patience=5).steps == 9


def test_patience_waits_for_what_is_better_and_not_for_what_is_equal() -> None:
    def evaluations(*values: float, score: str = "js-4") -> Evaluations:
        rows = [{"step": step, "samples": [], score: value} for step, value in enumerate(values, start=1)]
        return Evaluations(rows, score, Interval(seconds=1))

    for values, best, waited in (
        ((0.5, 0.4, 0.4, 0.6), 2, 2),
        ((0.5, 0.4, 0.3), 3, 0),
        ((0.5, float("nan"), 0.6), 1, 1),
        ((), None, 0),
    ):
        found = evaluations(*values)
        assert (found.best(), found.without_improvement()) == (best, waited)
    assert evaluations(0.5, 0.4, 0.3).best([1, 2]) == 2


def test_a_score_whose_higher_values_are_better_is_maximised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VALIDATION_SCORES, "accuracy", "higher")
    rows = [
        {"step": step, "samples": [], "accuracy": value} for step, value in ((1, 0.5), (2, 0.9), (3, 0.7))
    ]
    assert Evaluations(rows, "accuracy", Interval(steps=1)).best() == 2


@pytest.mark.parametrize("hook", ["step", "evaluation", "checkpoint"])
@pytest.mark.parametrize("step", [3, 5, 7])
def test_a_run_killed_at_any_moment_ends_as_if_it_had_not_been(
    hook: str, step: int, data: DatasetDirectory, scored: Callable[[Curve], None], tmp_path: Path
) -> None:
    """The best comes at steps 3 and 5, so that each of them is saved between two regular checkpoints."""
    scored(lambda at: {3: 0.4, 5: 0.3}.get(at, 0.5))
    settings = {"steps": 40, "patience": 4, **TINY}
    whole = bt.train(data, out=tmp_path / "whole", **settings)
    assert (whole.steps, whole.best) == (9, 5)
    killed = (hook, step) != ("checkpoint", 7)  # nothing is saved at step 7
    try:
        bt.train(data, out=tmp_path / "part", callbacks=[KillAt(step, hook)], **settings)
    except Killed:
        assert killed
    part = bt.load_run(tmp_path / "part", device="cpu")
    if step > 4:
        assert part.best is not None  # at no moment is there none
    part.resume()
    assert (part.steps, part.best, list(part.checkpoints())) == (9, 5, list(whole.checkpoints()))
    for at, path in part.checkpoints().items():
        assert tensors_of(path) == tensors_of(whole.checkpoints()[at]), at
    rows = [[{**row, "seconds": 0} for row in run.metrics()] for run in (whole, part)]
    assert rows[0] == rows[1]


def test_an_interruption_between_two_evaluations_does_not_use_up_patience(
    data: DatasetDirectory, scored: Callable[[Curve], None], tmp_path: Path
) -> None:
    scored(lambda step: 0.2 if step == 2 else 0.5)

    class StopAt(Callback):
        def on_step_end(self, training: Training, report: StepReport) -> None:
            if report.step == 5:
                training.stop()

    settings = {"steps": 40, "patience": 2, **TINY, "evaluate_every": "2"}
    whole = bt.train(data, out=tmp_path / "whole", **settings)
    part = bt.train(data, out=tmp_path / "part", callbacks=[StopAt()], **settings)
    assert [row["step"] for row in part.metrics()] == [2, 4, 5]
    assert part.resume().steps == whole.steps == 6


def test_runs_of_before_go_on_working(data: DatasetDirectory, tmp_path: Path) -> None:
    run = bt.train(data, out=tmp_path / "run", steps=2, **TINY)
    card = json.loads((run.folder / "run.json").read_text())
    for name in ("keep", "best_by", "patience"):
        del card["settings"][name]
    del card["sha256"]
    (run.folder / "run.json").write_text(json.dumps(card))
    old = bt.load_run(run.folder, device="cpu")
    assert (old.config.keep, old.config.best_by, old.config.patience) == (2, None, None)
    assert old.best in old.checkpoints()
    assert old.resume(steps=5).steps == 5
    assert len(old.checkpoints()) in (2, 3)


def test_each_kind_of_data_has_a_score_that_decides() -> None:
    pixels = PixelSpace(3, 8, 8)
    spaces = (
        TokenSpace(9, 5),
        TokenSpace(2, 5),
        TokenSpace(9, 1000),
        TokenSpace(9, 1001),
        TokenSpace(1, 1001),
        TokenSpace(64, 2, shape=(8, 8)),
        pixels,
        LabelSpace(pixels, 10),
    )
    assert [deciding_score(None, space) for space in spaces] == [
        "js-4", "js-2", "js-4", "js-2", "js-1", "patch-js-3", "patch-js-3", "error",
    ]  # fmt: skip
    for space, other in ((spaces[0], "error"), (spaces[1], "js-3"), (spaces[5], "js-4"), (spaces[7], "js-4")):
        with pytest.raises(
            UserError, match=f"`best_by` {other} is not measured here: choose {next(iter(scores_on(space)))}"
        ):
            deciding_score(other, space)
    with pytest.raises(UserError, match="unknown best-by 'bleu'"):
        bt.Config.given({"best_by": "bleu"})


def test_a_score_that_the_data_do_not_have_is_refused_before_training(
    data: DatasetDirectory, tmp_path: Path
) -> None:
    with pytest.raises(
        UserError, match="`best_by` error is not measured here: choose js-1, js-2, js-3, js-4"
    ):
        bt.train(data, out=tmp_path / "run", steps=2, best_by="error", **TINY)
    assert not (tmp_path / "run").exists()


def test_a_patience_that_cannot_end_the_run_is_warned_of(
    data: DatasetDirectory, tmp_path: Path, heard: Any
) -> None:
    settings = {**TINY, "steps": 4, "evaluate_every": "2"}
    bt.train(data, out=tmp_path / "enough", patience=1, reporter=heard, **settings)
    assert heard.warnings == []
    run = bt.train(data, out=tmp_path / "run", patience=2, reporter=heard, **settings)
    run.resume(minutes=1e-9, evaluate_every="30s", reporter=heard)
    assert heard.warnings == [
        "`patience` 2 cannot end this run early: `evaluate_every` 2 makes 2 evaluations in 4 steps",
        "`patience` 2 cannot end this run early: `evaluate_every` 30s makes 0 evaluations in 1e-09 minutes",
    ]
