"""A training run as the command line sees it: when to save, log, evaluate, stop."""

import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from bgan_text.corpora.prepared import Prepared

from bgan_text.config import Config, Interval, interval
from bgan_text.errors import UserError
from bgan_text.ngrams import Sequences
from bgan_text.run import Run, sample_rows
from bgan_text.scores import js_of_rows
from bgan_text.state import State, parameter_count
from bgan_text.trainer import Report, resolve_precision, train

from .console import newest_data, newest_run, say
from .progress import TrainingProgress

EVALUATION_SAMPLES = 1000
SHOWN_SAMPLES = 3
PROGRESS_INTERVAL = 0.5
"""Seconds between two updates of the progress line; each reads numbers from the device."""


def choose_device(name: str) -> torch.device:
    """The device called `name`; 'auto' is the first GPU, or the processor."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"--device {name!r}: choose auto, cpu, cuda or cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise UserError(f"--device {name!r}: choose auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(f"--device {name!r}: {torch.cuda.device_count()} CUDA devices are here")
    return device


def start(data: Path | None, folder: Path | None, device: str, given: Mapping[str, Any]) -> "Training":
    """A new run on a prepared folder."""
    config = Config.given(given)
    chosen = choose_device(device)
    if folder is not None and (folder / "run.json").exists():
        raise UserError(f"{folder} holds a run already: --resume goes on with it, or name another --run")
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} exists and is not a run folder: name another --run")
    prepared = Prepared(data if data is not None else newest_data())
    tokenizer = prepared.tokenizer()
    if config.precision == "auto":
        dtype = resolve_precision("auto", chosen)
        config = Config.from_json(config.to_json() | {"precision": str(dtype).removeprefix("torch.")})
    run = Run.create(
        folder if folder is not None else _fresh_folder(prepared, config),
        config,
        prepared.space,
        {
            "folder": str(prepared.folder.resolve()),
            "corpus": prepared.corpus,
            "signature": prepared.signature,
            "lowercase": bool(prepared.settings["lowercase"]),
            "tokenizer": prepared.card["tokenizer"],
        },
        {tokenizer.file: tokenizer.content()},
    )
    return Training(run, prepared, chosen)


def _fresh_folder(prepared: Prepared, config: Config) -> Path:
    """runs/CORPUS-GENERATOR-OBJECTIVE-DIVERGENCE, numbered if that is taken."""
    parts = [prepared.folder.name, config.generator, config.objective]
    if config.objective != "mle":
        parts.append(config.divergence)
    name, number = "-".join(parts), 1
    folder = Path("runs") / name
    while folder.exists():
        number += 1
        folder = Path("runs") / f"{name}-{number}"
    return folder


def go_on(data: Path | None, folder: Path | None, device: str, given: Mapping[str, Any]) -> "Training":
    """A run that is there already, from its last checkpoint on."""
    chosen = choose_device(device)
    run = Run(folder if folder is not None else newest_run())
    run.config = run.config.resumed(given)
    home = data if data is not None else Path(run.data["folder"])
    if data is None and not home.exists():
        raise UserError(f"the run's prepared folder {home} is gone: name it with --data")
    prepared = Prepared(home)
    if prepared.signature != run.data["signature"]:
        raise UserError(
            f"{run.folder} was trained on another corpus: its data has signature {run.data['signature']}, "
            f"{prepared.folder} has {prepared.signature}"
        )
    return Training(run, prepared, chosen)


class Training:
    """One call of `train`, from the last checkpoint to the end or to an interruption."""

    def __init__(self, run: Run, prepared: Prepared, device: torch.device) -> None:
        self.folder, self.prepared, self.device = run, prepared, device
        self.tokenizer = prepared.tokenizer()
        self.stopped = False
        self.numbers: dict[str, float] = {}

    def run(self) -> dict[str, Any]:
        """Train; returns the run folder, the steps and the last numbers."""
        with self.folder.locked(), self._signals():
            self.state = self.folder.state(self.device)
            self.folder.write_card()
            self.folder.rewind_metrics(self.state.step)
            self._greet()
            self._loop()
        self._farewell()
        return {
            "run": str(self.folder.folder),
            "steps": self.state.step,
            "seconds": round(self.state.elapsed, 3),
            "finished": not self.stopped,
            "metrics": self.numbers,
        }

    def _greet(self) -> None:
        config, state = self.folder.config, self.state
        if config.draws == 1 and config.objective == "importance":
            say("Warning: --draws 1 makes every importance weight 1, so the discriminator teaches nothing.")
        goal = f"{config.steps:,} steps" if config.steps is not None else f"{config.minutes:g} minutes"
        what = config.objective if config.objective == "mle" else f"{config.objective} ({config.divergence})"
        say(
            f"{self.folder.folder}: {config.generator}, {what}, {goal}, from step {state.step:,}; "
            f"{parameter_count(state.generator):,} + {parameter_count(state.discriminator):,} parameters "
            f"on {self.device} in {config.precision}"
        )

    def _farewell(self) -> None:
        minutes = self.state.elapsed / 60
        say(f"Saved step {self.state.step:,} after {minutes:.1f} minutes: {self.folder.folder}")
        if self.stopped:
            say(f"Interrupted. Go on with: bgan-text train --resume --run {self.folder.folder}")
        else:
            say(f"Next: bgan-text sample {self.folder.folder} --n 3")

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Ctrl-C and a polite kill end the run after the step in progress."""

        def stop(number: int, frame: Any) -> None:
            self.stopped = True

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _progress(self, state: State) -> float:
        config = self.folder.config
        if self.stopped:
            return 1.0
        if config.steps is not None:
            return state.step / config.steps
        assert config.minutes is not None
        return state.elapsed / (60.0 * config.minutes) if config.minutes > 0 else 1.0

    def _loop(self) -> None:
        config, state = self.folder.config, self.state
        batches = self.prepared.batches(config.batch, config.seed, self.device)
        begun = time.monotonic() - state.elapsed
        save = _Due(interval("save_every", config.save_every), state.step)
        evaluate = _Due(interval("evaluate_every", config.evaluate_every), state.step)
        show = _Due(Interval(seconds=PROGRESS_INTERVAL), state.step)
        validation = self._validation()
        report: Report | None = None
        with TrainingProgress(self._progress(state), state.step) as progress:
            for report in train(state, config, batches, self._progress):
                state.elapsed = time.monotonic() - begun
                if state.step % config.log_every == 0:
                    self._log(report)
                if evaluate.now(state.step):
                    self._evaluate(validation)
                if save.now(state.step):
                    self._save()
                if show.now(state.step):
                    self._read(report)
                    progress.update(self._progress(state), state.step, self.numbers)
            state.elapsed = time.monotonic() - begun
        if report is not None:
            self._read(report)
        if state.step not in self.folder.checkpoints():
            self._evaluate(validation)
            self._save()

    def _read(self, report: Report) -> dict[str, float]:
        """Read a step's numbers; a loss that was not finite ends the run here."""
        numbers = report.read()
        if self.state.broken.item():
            self._broken()
        self.numbers |= numbers
        return numbers

    def _broken(self) -> None:
        checkpoints = self.folder.checkpoints()
        kept = (
            f"the checkpoint of step {max(checkpoints)} is kept" if checkpoints else "nothing was saved yet"
        )
        raise UserError(
            f"a loss or gradient was not finite by step {self.state.step}; the update was not made, {kept}. "
            "Lower --generator-rate and --discriminator-rate, or keep --spectral-norm on"
        )

    def _log(self, report: Report) -> None:
        numbers = self._read(report)
        self.folder.append_metrics({"step": report.step, "seconds": round(self.state.elapsed, 3), **numbers})

    def _save(self) -> None:
        if self.state.broken.item():
            self._broken()
        self.folder.save(self.state)

    def _validation(self) -> Sequences:
        rows = self.prepared.rows("validation")
        return _sequences(rows, self.folder.space.vocabulary)

    def _evaluate(self, validation: Sequences) -> None:
        """Show three samples, and log the divergence of n-grams from the validation split."""
        space, seed = self.folder.space, self.folder.config.seed
        sampler = self.state.sampler()
        rows = torch.cat(list(sample_rows(sampler, EVALUATION_SAMPLES, seed, self.device)))
        scores = js_of_rows(_sequences(rows, space.vocabulary), validation, min(4, space.positions))
        named = {f"js-{order}": value for order, value in scores.items()}
        texts = [self.tokenizer.decode(row) for row in rows[:SHOWN_SAMPLES].tolist()]
        self.numbers |= named
        self.folder.append_metrics(
            {
                "step": self.state.step,
                "seconds": round(self.state.elapsed, 3),
                **named,
                "samples": texts,
            }
        )
        width = shutil.get_terminal_size().columns
        divergences = " ".join(f"{value:.3f}" for value in scores.values())
        say(f"step {self.state.step:,}: JS-1..{len(scores)} {divergences}")
        for text in texts:
            say(f"  {text}"[: max(20, width)])


class _Due:
    """Keeps the time and step of the last time, and says when it is time again."""

    def __init__(self, every: Interval, step: int) -> None:
        self.every, self.step, self.time = every, step, time.monotonic()

    def now(self, step: int) -> bool:
        if not self.every.due(step - self.step, time.monotonic() - self.time):
            return False
        self.step, self.time = step, time.monotonic()
        return True


def _sequences(rows: torch.Tensor, vocabulary: int) -> Sequences:
    tokens = rows.reshape(-1).numpy()
    lengths = torch.full((len(rows),), rows.shape[1], dtype=torch.int64).numpy()
    return Sequences(tokens, lengths, vocabulary)
