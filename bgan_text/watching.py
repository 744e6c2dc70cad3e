"""A run as another process trains it: how far it is, its numbers, its last validation.

Nothing is written, and the training is not disturbed.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from bgan_text.errors import UserError, shown
from bgan_text.files import finite, refuse_special
from bgan_text.remedies import not_a_run
from bgan_text.training.evaluations import INTERRUPTED, is_evaluation
from bgan_text.training.folders import is_locked
from bgan_text.training.metrics_log import END_OF_LINE, MOST_BYTES, Row, drawable, open_line
from bgan_text.training.progress_line import clock, share_of, speed
from bgan_text.training.run import RunFolder
from bgan_text.training.run_records import NO_LINE, read_line

ABSENT, TRAINING, FINISHED = "not there yet", "training", "finished"
STOPPED_EARLY, STOPPED, KILLED = "stopped early", "interrupted", "not running"
ENDED = (FINISHED, STOPPED_EARLY, STOPPED, KILLED)
"""States after which nothing more comes, unless the run is resumed."""
STARTING = 10.0
"""Seconds after run.json was written in which a training that holds no lock may still be starting."""
WINDOW = 120
"""Rows over which the rate is averaged."""
SHOWN_METRICS = (
    "bound",
    "real_score",
    "fake_score",
    "effective_sample_size",
    "importance_variance",
    "penalty_gradient_norm",
    "generator_gradient",
    "discriminator_gradient",
)
"""The metrics of steps that matter, in the order in which they are shown; a run has some of them."""
LOSS = "generator_loss"
"""What is shown of a run without a bound."""
CALLED = {
    "real_score": "score, real",
    "fake_score": "score, generated",
    "effective_sample_size": "effective sample size",
    "importance_variance": "variance of weights",
    "penalty_gradient_norm": "critic gradient",
    "generator_gradient": "generator gradient",
    "discriminator_gradient": "discriminator gradient",
    "generator_loss": "loss",
}
"""What metrics are called, where that is not their name."""
QUIET = 5.0
"""Seconds without a line after which it is told how old the last one is."""
BLOCKS, ASCII_BLOCKS = "▁▂▃▄▅▆▇█", "_.-=+*#@"


@dataclass(frozen=True)
class Snapshot:
    """A run at a moment.

    Attributes:
        folder: the run folder.
        state: `ABSENT`, `TRAINING`, or one of `ENDED`.
        title: generator, objective and budget; empty of an absent run.
        step, seconds: of the last line of the metrics.
        share: of the budget that is done, 0 to 1.
        rate: steps per second of training; None if it is unknown.
        left: seconds of training left; None if unknown. Validation and saving come on top.
        waited: seconds since the last line was written.
        curves: of the metrics that matter their values, oldest first.
        score: the validation score that decides which checkpoint is the best.
        best: the step with its best value, and the value; None if there is none.
        evaluation: the last validation, a row of metrics.jsonl; empty before the first.

    Example:
        >>> seen = next(watch("runs/poems"))
        >>> seen.state, seen.step, list(seen.curves)[:2]
        ('finished', 3, ['js-4'])
    """

    folder: Path
    state: str
    title: str = ""
    step: int = 0
    seconds: float = 0.0
    share: float = 0.0
    rate: float | None = None
    left: float | None = None
    waited: float = 0.0
    curves: dict[str, list[float]] = field(default_factory=dict)
    score: str = ""
    best: tuple[int, float] | None = None
    evaluation: Row = field(default_factory=dict)

    def progress(self) -> str:
        """How far it is, in one line."""
        words = [f"step {self.step:,}", f"{clock(self.seconds)} trained", speed(self.rate)]
        if self.left is not None:
            words.insert(0, f"{clock(self.left)} left")
        if self.state not in ENDED and self.waited >= QUIET:
            words.append(f"last line {clock(self.waited)} ago")
        return "  ".join([share_of(self.share), *words])

    def evaluated(self) -> str:
        """The last validation in one line; empty before the first."""
        if not self.evaluation:
            return ""
        named = ((name, value) for name, value in self.evaluation.items() if name != "seconds")
        scores = ", ".join(f"{name} {value:.3f}" for name, value in named if isinstance(value, float))
        best, step = "", self.evaluation["step"]
        if self.best is not None:
            at, value = self.best
            best = ", the best so far" if at == step else f" (best {self.score} {value:.3f} at step {at:,})"
        return f"evaluation at step {step:,}{best}: {scores}"

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values, of each curve its last value as `last`."""
        last = {name: values[-1] for name, values in self.curves.items()}
        told = asdict(self) | {"folder": str(self.folder), "last": last}
        return dict(finite({name: value for name, value in told.items() if name != "curves"}))


class Follower:
    """Reads a run again and again; of the metrics only what is new.

    Args:
        folder: the run folder, which may be absent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._rows: list[Row] = []
        self._file: tuple[int, int] = (0, 0)
        self._read, self._lines, self._check = 0, 0, NO_LINE

    def look(self) -> Snapshot:
        """The run now.

        Raises:
            UserError: run.json or the metrics are damaged.
        """
        if not (self.folder / "run.json").exists():
            return Snapshot(self.folder, ABSENT)
        locked = is_locked(self.folder)  # before run.json, which tells the end
        run = RunFolder(self.folder)
        written = self._follow()
        state = self._state(run, locked)
        config, last = run.config, self._rows[-1] if self._rows else {}
        step, seconds = last.get("step", 0), float(last.get("seconds", 0.0))
        rate, waited = self._rate(), max(0.0, time.time() - written)
        total = 60.0 * config.minutes if config.minutes is not None else None
        share = seconds / total if total else step / config.steps if config.steps else 0.0
        left = None
        if state == TRAINING and total is not None:
            left = max(0.0, total - seconds - waited)
        elif state == TRAINING and config.steps is not None and rate:
            left = max(0.0, (config.steps - step) / rate - waited)
        evaluations = run.evaluations(self._rows)
        best = evaluations.best()
        evaluated = next((row for row in reversed(self._rows) if is_evaluation(row)), {})
        return Snapshot(
            self.folder, state, f"{config.generator}, {config.title}, {config.budget}", step, seconds,
            min(1.0, share), rate, left, waited, self._curves(evaluations.score), evaluations.score,
            None if best is None else (best, evaluations.values[best]), evaluated,
        )  # fmt: skip

    def _state(self, run: RunFolder, locked: bool) -> str:
        last = self._rows[-1] if self._rows else {}
        if locked:
            return TRAINING
        if run.last_line is None:
            begun = (self.folder / "run.json").stat().st_mtime
            return TRAINING if time.time() - begun < STARTING else KILLED
        if last.get(INTERRUPTED):
            return STOPPED
        return STOPPED_EARLY if last.get("stopped_early") else FINISHED

    def _follow(self) -> float:
        """Read the lines that are new; all again if the file is another one. When it was written last."""
        path = self.folder / "metrics.jsonl"
        try:
            refuse_special(path)
            with path.open("rb") as file:
                told = os.fstat(file.fileno())
                known = (told.st_dev, told.st_ino)
                if known != self._file or told.st_size < self._read:
                    self._rows, self._read, self._lines, self._file = [], 0, 0, known
                    self._check = NO_LINE
                if told.st_size > MOST_BYTES:
                    raise UserError(
                        f"{path} is damaged: it has {told.st_size:,} bytes, more than {MOST_BYTES:,}"
                    )
                file.seek(self._read)
                content = file.read(told.st_size - self._read)
        except FileNotFoundError:
            return time.time()
        whole = content[: content.rfind(b"\n") + 1]  # the last line may be half written
        for line in whole.splitlines():
            self._lines += 1
            where, end = f"{path} line {self._lines}", END_OF_LINE.search(line)
            # the log of an earlier version has no checks
            self._rows.append(open_line(line, end, self._check, where) if end else read_line(line, where))
            self._check = end[1].decode() if end else NO_LINE
        self._read += len(whole)
        return told.st_mtime

    def _rate(self) -> float | None:
        rows = self._rows[-WINDOW:]
        if not rows:
            return None
        first = rows[0] if len(self._rows) > WINDOW else {"step": 0, "seconds": 0.0}
        steps = rows[-1]["step"] - first["step"]
        seconds = rows[-1].get("seconds", 0.0) - first.get("seconds", 0.0)
        return steps / seconds if steps > 0 and seconds > 0.0 else None

    def _curves(self, score: str) -> dict[str, list[float]]:
        names = [name for name in (*SHOWN_METRICS, score) if any(name in row for row in self._rows)]
        if "bound" not in names and any(LOSS in row for row in self._rows):
            names.insert(0, LOSS)
        curves = {name: [row[name] for row in self._rows if drawable(row.get(name))] for name in names}
        return {name: values for name, values in curves.items() if values}


def watch(folder: str | os.PathLike[str], *, every: float = 1.0, wait: float = 10.0) -> Iterator[Snapshot]:
    """Look at a run that another process trains, until it ends.

    Args:
        folder: the run folder, which may be absent for a while.
        every: seconds between two looks.
        wait: seconds to wait for a run that is not there.

    Yields:
        What there is, at once and then again and again; last the state in which the run ended.

    Raises:
        UserError: there is no run after `wait`, or it is damaged.

    Example:
        >>> [seen.state for seen in watch("runs/poems")]
        ['finished']
    """
    for name, value, least in (("every", every, 0.01), ("wait", wait, 0.0)):
        if not least <= value < 1e9:
            raise UserError(f"`{name}` {shown(value)}: at least {least:g} seconds are needed")
    follower, begun = Follower(Path(folder)), time.monotonic()
    while True:
        seen = follower.look()
        if seen.state == ABSENT and time.monotonic() - begun >= wait:
            raise UserError(not_a_run(Path(folder)))
        yield seen
        if seen.state in ENDED:
            return
        time.sleep(every if seen.state != ABSENT else min(every, 0.2))


def sparkline(values: list[float], width: int, blocks: str = BLOCKS) -> str:
    """A curve as a line of blocks, from its lowest value to its highest.

    Args:
        values: at equal distances.
        width: of the line in characters; several values to one are averaged.
        blocks: from the lowest to the highest.

    Example:
        >>> sparkline([0.0, 1.0, 2.0, 7.0], 4)
        '▁▂▃█'
    """
    if not values or width < 1:
        return ""
    count = min(width, len(values))
    edges = [place * len(values) // count for place in range(count + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, height = min(means), max(means) - min(means)
    levels = (round((value - low) / height * (len(blocks) - 1)) if height else 0 for value in means)
    return "".join(blocks[level] for level in levels)
