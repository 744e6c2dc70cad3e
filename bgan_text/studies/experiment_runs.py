"""The runs of an experiment at one scale."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.device import choose_device
from bgan_text.errors import UserError
from bgan_text.reporter import SILENT, Reporter
from bgan_text.space import image_kind
from bgan_text.studies.experiment import Experiment, Scale
from bgan_text.studies.planned_run import PlannedRun
from bgan_text.studies.runner import Runner
from bgan_text.studies.side_by_side import threads_of
from bgan_text.studies.steps import Recipe, prepare_dataset, recipe_of
from bgan_text.training.run import RunFolder

Key = tuple[str, int]
"""A method and a seed."""


class ExperimentRuns:
    """An experiment at one scale in one folder: `data`, and `runs/METHOD-seedN`.

    Args:
        experiment: which.
        scale: how much of it.
        home: the folder of everything.
        paths: the corpus on this machine; by default it comes from the hub.
        device: auto, cpu, cuda or cuda:N.
        jobs: how many runs are trained at a time.
        reporter: receives messages and progress.

    Raises:
        UserError: the folder holds data or runs that were made with other settings.
    """

    def __init__(
        self,
        experiment: Experiment,
        scale: Scale,
        home: Path,
        *,
        paths: Sequence[str] = (),
        device: str = "auto",
        jobs: int = 1,
        reporter: Reporter = SILENT,
    ) -> None:
        self.experiment, self.scale, self.device = experiment, scale, device
        recipe = recipe_of(experiment.corpus, tuple(paths), scale.data)
        self.dataset = _dataset(recipe, home / "data", reporter)
        options_of = experiment.methods_at(scale)
        self.methods, images = list(options_of), image_kind(self.dataset.space)
        self.planned: dict[Key, PlannedRun] = {
            (method, seed): PlannedRun(
                f"{method}, seed {seed}",
                options | {"seed": seed},
                home / "runs" / f"{method}-seed{seed}",
                images,
            )
            for seed in range(scale.seeds)
            for method, options in options_of.items()
        }
        runs = list(self.planned.values())
        self.runner = Runner(runs, self.dataset, device=device, reporter=reporter, jobs=jobs)

    def folder(self, method: str, seed: int = 0) -> RunFolder:
        """The folder of a trained run."""
        return RunFolder(self.planned[method, seed].folder)

    def finished(self) -> dict[Key, PlannedRun]:
        """The runs that have finished and did not fail."""
        finished = set(self.runner.finished())
        return {key: run for key, run in self.planned.items() if run in finished}

    def alive(self) -> list[str]:
        """The methods whose run with seed 0 did not fail."""
        finished = self.finished()
        return [method for method in self.methods if (method, 0) in finished]

    def failed(self) -> set[str]:
        """The methods of which a run failed."""
        return {method for method, _ in self.planned.keys() - self.finished().keys()}

    def to_json(self) -> dict[str, Any]:
        """Data, device and settings, how far each run came, and why it failed if it did."""
        return {
            "data": {
                "from": "files" if self.dataset.settings["paths"] else "the hub",
                "counts": self.dataset.counts,
                "signature": self.dataset.signature,
            },
            "device": choose_device(self.device).type,
            "threads": threads_of(self.runner.jobs),
            "settings": {
                method: {name: value for name, value in run.settings().items() if name != "seed"}
                for (method, seed), run in self.planned.items()
                if seed == 0
            },
            "runs": [
                {"method": method, "seed": seed} | run.outcome()
                for (method, seed), run in self.planned.items()
            ],
        }


def _dataset(recipe: Recipe, folder: Path, reporter: Reporter) -> DatasetDirectory:
    if not (folder / "card.json").exists():
        return prepare_dataset(recipe, folder, reporter)
    made = DatasetDirectory(folder)
    _refuse_other_recipe(made, asdict(recipe) | {"paths": list(recipe.paths)})
    return made


def _refuse_other_recipe(made: DatasetDirectory, asked: dict[str, Any]) -> None:
    """Data that is there is used wherever it came from, unless paths were given."""
    known = asked if asked["paths"] else asked | {name: made.settings[name] for name in ("corpus", "paths")}
    if known | made.settings != known:  # data of before an option was there have its default
        source = ", ".join(made.settings["paths"]) or "the hub"
        raise UserError(
            f"{made.folder} was prepared with other settings, from {source}: give the same `paths`, or "
            "choose another `out`"
        )
