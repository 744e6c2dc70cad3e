"""Train and score the methods of a comparison, one run after the other."""

import shlex
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bgan_text.cli.console import finite, newest_data, say
from bgan_text.config import Config
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.device import choose_device
from bgan_text.errors import UserError, choose
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.evaluation.registry import REGISTRY
from bgan_text.evaluation.text_inputs import refuse_unreadable
from bgan_text.files import write_json
from bgan_text.studies.compared_run import Compared, RunResult
from bgan_text.studies.methods import Method, methods_of, options_for
from bgan_text.studies.results import ComparisonResults, Row
from bgan_text.training.run import refuse_foreign

COLUMNS = ("js-1", "js-4", "recall-1")
"""What fits in 80 characters with one more: low and high order, and variety."""
RESULT = "compare.json"


@dataclass(frozen=True)
class Wish:
    """What `compare` was asked; `given`: options of `train`, None where not given."""

    objectives: str
    divergences: str | None
    seeds: int
    data: Path | None
    reference: Path | None
    out: Path | None
    count: int
    scores: str | None
    device: str
    given: Mapping[str, Any]


@dataclass(frozen=True)
class Made:
    """The end of a comparison; `signal`: what interrupted it, if anything did."""

    standing: ComparisonResults
    signal: int | None


class Comparison:
    """A comparison that was found to be possible: all that can be refused is refused when it is made."""

    def __init__(self, wish: Wish) -> None:
        if wish.seeds < 1:
            raise UserError(f"--seeds {wish.seeds}: at least 1 is needed")
        self.device = choose_device(wish.device).type
        if wish.reference is not None:
            refuse_unreadable(wish.reference)
        self.wish = wish
        self.methods = methods_of(wish.objectives, wish.divergences, wish.given.get("generator"))
        self.prepared = DatasetDirectory(wish.data if wish.data is not None else newest_data())
        if self.prepared.images:
            raise UserError(f"{self.prepared.folder} holds images, not text, which is what compare scores")
        self.columns = _columns(wish.scores, self.prepared)
        # A run's own spread over its samples says nothing of another training, so none is drawn.
        self.options = EvaluationOptions(count=wish.count, resamples=0, device=wish.device)
        self.home = wish.out or Path("comparisons") / self.prepared.folder.resolve().name
        # Seed by seed, so that an interrupted comparison has done as much of each method.
        self.attempts = [
            Compared(method, seed, options_for(method, seed, wish.given, self.methods), self.home)
            for seed in range(wish.seeds)
            for method in self.methods
        ]
        refuse_foreign(self.home, [RESULT], "comparison")
        for attempt in self.attempts:
            attempt.refuse_other(self.prepared, self.device)
        self.outcomes: dict[Compared, RunResult] = {}

    def go(self) -> int | None:
        """Do what is not done yet; returns the signal that interrupted it, if one did."""
        for attempt in self.attempts:
            self._keep(attempt, attempt.known(self.options, self.wish.reference, self.prepared))
        self.write()
        try:
            for attempt in self.attempts:
                if attempt not in self.outcomes and (stopped := self._do(attempt)) is not None:
                    return stopped
        except KeyboardInterrupt:  # between two trainings, each of which ends in its own way
            return signal.SIGINT
        return None

    def _do(self, attempt: Compared) -> int | None:
        scoring, stopped = (self.options, self.wish.reference, self.prepared), None
        if not attempt.finished():
            say(self._announcement(attempt))
            stopped = attempt.train(self.prepared.folder, self.wish.device)
        outcome = attempt.known(*scoring)
        if outcome is None and stopped is None and attempt.finished():
            outcome = attempt.score(*scoring)
        self._keep(attempt, outcome)
        self.write()
        return stopped

    def _keep(self, attempt: Compared, outcome: RunResult | None) -> None:
        if outcome is not None:
            self.outcomes[attempt] = outcome

    def _announcement(self, attempt: Compared) -> str:
        number = self.attempts.index(attempt) + 1
        line = f"Run {number} of {len(self.attempts)}: {attempt.name}"
        minutes = self._minutes_left()
        return line if minutes is None else f"{line}; about {minutes:.1f} minutes of training left in all"

    def _minutes_left(self) -> float | None:
        """Of training; where steps are counted, as long as the runs that are over took, if any is."""
        waiting = [attempt for attempt in self.attempts if attempt not in self.outcomes]
        budgets = [attempt.config.minutes for attempt in waiting]
        seconds = [attempt.reached()[1] for attempt in waiting]
        if all(budget is not None for budget in budgets):
            pairs = zip(budgets, seconds, strict=True)
            return sum(max(0.0, (budget or 0.0) - second / 60) for budget, second in pairs)
        known = [one.seconds for one in self.outcomes.values() if one.failed is None]
        if not known:
            return None
        mean = sum(known) / len(known)
        return sum(max(0.0, mean - second) for second in seconds) / 60

    def standing(self) -> ComparisonResults:
        """What is known by now."""
        rows = [Row(method, self._settings(method), self._of(method)) for method in self.methods]
        config = self.attempts[0].config
        return ComparisonResults(
            rows,
            self.columns,
            {
                "budget": f"{config.steps:,} steps" if config.steps else f"{config.minutes:g} minutes",
                "seeds": self.wish.seeds,
                "data": str(self.prepared.folder),
                "signature": self.prepared.signature,
                "device": self.device,
                "threads": torch.get_num_threads(),
                "generator": self.wish.given.get("generator") or Config.generator,
                "samples": self.wish.count,
                "options": {
                    name.replace("_", "-"): value
                    for name, value in self.wish.given.items()
                    if value is not None and name not in ("generator", "steps", "minutes")
                },
            },
            len(self.attempts) - len(self.outcomes),
        )

    def _settings(self, method: Method) -> dict[str, Any]:
        settings = next(attempt.settings() for attempt in self.attempts if attempt.method == method)
        return {name: value for name, value in settings.items() if name != "seed"}

    def _of(self, method: Method) -> list[RunResult]:
        return [
            self.outcomes[attempt]
            for attempt in self.attempts
            if attempt.method == method and attempt in self.outcomes
        ]

    def write(self) -> None:
        """Write compare.json."""
        write_json(self.home / RESULT, finite(self.standing().to_json()))


def run_comparison(wish: Wish) -> Made:
    """Train and score what is not trained and scored yet."""
    comparison = Comparison(wish)
    stopped = comparison.go()
    standing = comparison.standing()
    if stopped is not None:
        say(f"Interrupted. Go on with: {shlex.join(['bgan-text', *sys.argv[1:]])}")
    say(f"wrote {comparison.home / RESULT}")
    return Made(standing, stopped)


def _columns(text: str | None, prepared: DatasetDirectory) -> list[str]:
    """The scores to show, of those that `score` gives without further nets."""
    groups = ["beside real text", "variety", "copies and lengths"]
    groups += ["by the grammar"] if prepared.corpus == "grammar" else []
    known = {name: name for group in groups for name in REGISTRY[group]}
    if text is None:
        return [*COLUMNS, "grammatical" if "grammatical" in known else "self-bleu-3"]
    names = [choose("score", word.strip(), known) for word in text.split(",")]
    return list(dict.fromkeys(names))
