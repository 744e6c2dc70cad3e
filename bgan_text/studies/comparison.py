"""Train methods for the same time on the same data, over seeds, and score them side by side."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from bgan_text.config import Config
from bgan_text.device import choose_device
from bgan_text.errors import UserError
from bgan_text.evaluation.judges import Judges
from bgan_text.evaluation.text_inputs import refuse_unreadable
from bgan_text.files import finite, write_json
from bgan_text.newest import newest_data
from bgan_text.presets import CLASSIFIER
from bgan_text.reporter import SILENT, Reporter
from bgan_text.sampling_options import PREFIXES
from bgan_text.space import image_kind
from bgan_text.start import Data, opened
from bgan_text.studies.columns import columns_of
from bgan_text.studies.comparison_options import ComparisonOptions
from bgan_text.studies.methods import Method, Methods, methods_of, options_for, refuse_custom
from bgan_text.studies.planned_run import PlannedRun
from bgan_text.studies.results import ComparisonResults, Row, RunResult
from bgan_text.studies.runner import Runner
from bgan_text.studies.scoring import Scoring, known_scores, scores_of
from bgan_text.studies.side_by_side import threads_of
from bgan_text.studies.steps import refuse_unfit
from bgan_text.training.callbacks import Callback
from bgan_text.training.drawing import PLAIN, Drawing
from bgan_text.training.folders import refuse_foreign

RESULT = "compare.json"
OPTIONS = {option.name for option in fields(ComparisonOptions)}
OF_METHODS = ("objective", "divergence", "credit", "seed")
"""Fields of `Config` that the methods and seeds of a comparison set."""


class Comparison:
    """A comparison, planned: everything that can be refused is refused before the first training.

    `compare` does the same in one call. This class gives access to partial results.

    Args:
        data: the dataset directory, or its path.
        methods: what to compare, see `methods_of`; None stands for a few that fit the data.
        out: the folder of the runs and of compare.json.
        options: how to compare.
        settings: fields of `Config` for all methods; one that a method does not read is for the others.
        judges: the networks that score images.
        reporter: receives messages and progress.

    Raises:
        UserError: something that was given is not accepted, or `out` holds something else.
    """

    def __init__(
        self,
        data: Data,
        methods: Methods | None = None,
        *,
        out: str | os.PathLike[str],
        options: ComparisonOptions | None = None,
        settings: Mapping[str, Any] | None = None,
        judges: Judges | None = None,
        reporter: Reporter = SILENT,
    ) -> None:
        self.options = options or ComparisonOptions()
        self.settings = {name: value for name, value in (settings or {}).items() if value is not None}
        self.device = choose_device(self.options.device).type
        self.dataset, self.home = opened(data), Path(out)
        plain = Scoring(
            samples=self.options.count,
            reference=self._reference(),
            column=self.options.column,
            encoding=self.options.encoding,
            judges=judges or Judges(),
        )
        asked = Drawing(self.options.candidates, self.options.correct)
        self.scorings = {drawing: replace(plain, drawing=drawing) for drawing in (PLAIN, asked)}
        self.columns = columns_of(self.options.scores, self.dataset)
        for name in OF_METHODS:
            if name in self.settings:
                raise UserError(f"`{name}` is set by the methods and their seeds: leave it out")
        if "patience" in self.settings:
            raise UserError("`patience` would train methods for unequal times: leave it out")
        images = image_kind(self.dataset.space)
        generator = self.settings.get("generator")
        refuse_custom(self.settings)
        self.methods = methods_of(methods, self.options.divergences, generator, images)
        refuse_foreign(self.home, [RESULT], "comparison")
        self.planned = {(method, seed): run for method, seed, run in self._plan(images)}
        how: dict[str, Any] = {"device": self.options.device, "jobs": self.options.jobs}
        self.runner = Runner(list(self.planned.values()), self.dataset, reporter=reporter, **how)
        for method in self.methods:
            self._refuse_unfit(method)
        obstacles = [asked.obstacle(run.settings()) for run in self.planned.values()]
        if None not in obstacles:
            option = "correct" if asked.correct == PREFIXES else "candidates"
            reasons = "; ".join(map(str, dict.fromkeys(obstacles)))
            raise UserError(f"`{option}` {getattr(asked, option)}: no method can, since {reasons}")
        self.outcomes: dict[tuple[PlannedRun, Drawing], RunResult] = {}

    def _plan(self, images: str | None) -> list[tuple[Method, int, PlannedRun]]:
        """The runs, seed by seed."""
        planned = []
        for seed in range(self.options.seeds):
            for method in self.methods:
                options = options_for(method, seed, self.settings, self.methods)
                folder = self.home / method.folder(seed)
                run = PlannedRun(f"{method.name}, seed {seed}", options, folder, images)
                planned.append((method, seed, run))
        return planned

    def _reference(self) -> Path | None:
        if self.options.reference is None:
            return None
        reference = Path(self.options.reference)
        if self.dataset.images:
            raise UserError(
                f"`reference` {reference} is for text: images are scored against the test split of the data"
            )
        refuse_unreadable(reference, self.options.column, self.options.encoding)
        return reference

    def _refuse_unfit(self, method: Method) -> None:
        run = self.planned[method, 0]
        if run.config.generator == CLASSIFIER:
            raise UserError("`generator` classifier labels images: a comparison scores generated samples")
        if not run.started():
            refuse_unfit(run.options, self.dataset)

    def go(self, callbacks: Sequence[Callback] = ()) -> bool:
        """Train and score what is not trained and scored yet, and write compare.json.

        Text is scored after each run. Images are scored after the last one, by one classifier.

        Returns:
            False if a callback stopped a training.
        """
        for run in self.runner.runs:
            self._update(run)
        self.write()
        if not self.runner.train(callbacks, after=self._after):
            return False
        if waiting := [run for run in self.runner.runs if not self._known(run)]:
            self._score(waiting)
            for run in waiting:
                self._update(run)
            self.write()
        return True

    def _drawings(self, run: PlannedRun) -> list[Drawing]:
        """How samples of a run are drawn: plainly, and as was asked for if its discriminator can."""
        return [drawing for drawing in self.scorings if drawing.obstacle(run.settings()) is None]

    def _known(self, run: PlannedRun) -> bool:
        return all((run, drawing) in self.outcomes for drawing in self._drawings(run))

    def _score(self, runs: list[PlannedRun]) -> None:
        for drawing, scoring in self.scorings.items():
            scores_of(self.runner, [run for run in runs if drawing in self._drawings(run)], scoring)

    def _after(self, run: PlannedRun) -> None:
        if self._known(run):
            return
        if not self.dataset.images:
            self._score([run])
        self._update(run)
        self.write()

    def _update(self, run: PlannedRun) -> None:
        """Take in what is known of a run that has failed, or has finished and is scored."""
        seed, outcome = int(run.options["seed"]), run.outcome()
        for drawing in self._drawings(run):
            if outcome["failed"] is not None:
                self.outcomes[run, drawing] = RunResult(seed, run.folder, **outcome)
            elif (known := known_scores(self.runner, run, self.scorings[drawing])) is not None:
                self.outcomes[run, drawing] = RunResult(seed, run.folder, **vars(known), **outcome)

    def results(self) -> ComparisonResults:
        """What is known by now."""
        rows = [
            Row(method, self._full_settings(method), self._of(method, drawing), drawing)
            for method in self.methods
            for drawing in self._drawings(self.planned[method, 0])
        ]
        missing = sum(not self._known(run) for run in self.runner.runs)
        return ComparisonResults(rows, self.columns, self._training(), missing)

    def _training(self) -> dict[str, Any]:
        """What all runs have in common."""
        config = self.runner.runs[0].config
        return {
            "budget": config.budget,
            "seeds": self.options.seeds,
            "data": str(self.dataset.folder),
            "signature": self.dataset.signature,
            "device": self.device,
            "threads": threads_of(self.options.jobs),
            "generator": self.settings.get("generator") or Config.generator,
            "samples": self.options.count,
            "candidates": self.options.candidates,
            "correct": self.options.correct,
            "options": {
                name: value
                for name, value in self.settings.items()
                if name not in ("generator", "steps", "minutes")
            },
        }

    def _full_settings(self, method: Method) -> dict[str, Any]:
        settings = self.planned[method, 0].settings()
        return {name: value for name, value in settings.items() if name != "seed"}

    def _of(self, method: Method, drawing: Drawing) -> list[RunResult]:
        runs = [(self.planned[method, seed], drawing) for seed in range(self.options.seeds)]
        return [self.outcomes[run] for run in runs if run in self.outcomes]

    def write(self) -> None:
        """Write compare.json."""
        write_json(self.home / RESULT, finite(self.results().to_json()))


def named_comparison(
    data: Path | None,
    methods: Methods | None,
    out: Path | None,
    given: Mapping[str, Any],
    reporter: Reporter,
) -> Comparison:
    """A comparison by the paths of its data and its folder, as a command line gives them.

    Args:
        data: the dataset directory; None for the newest in data/.
        methods: as of `Comparison`.
        out: the folder; None for one in comparisons/, named after the data.
        given: fields of `ComparisonOptions`, and of `Config` for all methods, by name.
        reporter: hears of the progress.
    """
    chosen = data if data is not None else newest_data()
    return Comparison(
        chosen,
        methods,
        out=out if out is not None else Path("comparisons") / chosen.resolve().name,
        options=ComparisonOptions(**{name: value for name, value in given.items() if name in OPTIONS}),
        settings={name: value for name, value in given.items() if name not in OPTIONS},
        reporter=reporter,
    )


def compare(
    data: Data,
    methods: Methods | None = None,
    *,
    out: str | os.PathLike[str],
    options: ComparisonOptions | None = None,
    judges: Judges | None = None,
    callbacks: Sequence[Callback] = (),
    reporter: Reporter = SILENT,
    **settings: Any,
) -> ComparisonResults:
    """Train methods for the same time on the same data, over seeds, and score them side by side.

    The same call continues where an earlier one ended: nothing is trained or scored twice. More seeds or
    methods add to the runs in `out`. A run whose loss is not finite has failed; the others go on. Remove its
    folder to have it tried again.

    Args:
        data: a dataset directory, of text or of images, or its path.
        methods: names such as "importance,rnn:reinforce:prefix" (generator:objective:credit), a sequence of
            names and of dictionaries of `Config` fields, or a dictionary of such dictionaries by name. None
            stands for a few that fit the data.
        out: the folder of the runs and of compare.json.
        options: how to compare.
        judges: the networks that score images.
        callbacks: hooks into every training. If one stops a training, the results so far are returned. With
            several `jobs` they are not called.
        reporter: receives messages and progress.
        **settings: fields of `ComparisonOptions`, which replace those of `options`, and fields of `Config`
            for all methods, such as `minutes`. A setting that a method does not read is for the others.

    Returns:
        A table with a row for each method, and every score of every run.

    Raises:
        UserError: something that was given is not accepted, or `out` holds something else.

    Example:
        >>> results = compare(  # doctest: +SKIP
        ...     "data/poems", ["importance", "rnn:mle"], seeds=3, minutes=5, out="comparisons/poems"
        ... )
        >>> results.to_frame()["js-4"]  # doctest: +SKIP
        >>> draws = {f"{count} draws": {"objective": "importance", "draws": count} for count in (5, 50)}
        >>> compare("data/poems", draws, minutes=5, out="comparisons/draws").rows  # doctest: +SKIP
    """
    changes = {name: value for name, value in settings.items() if name in OPTIONS}
    comparison = Comparison(
        data,
        methods,
        out=out,
        options=replace(options or ComparisonOptions(), **changes),
        settings={name: value for name, value in settings.items() if name not in OPTIONS},
        judges=judges,
        reporter=reporter,
    )
    comparison.go(callbacks)
    return comparison.results()
