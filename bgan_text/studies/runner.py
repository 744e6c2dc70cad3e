"""Makes what an experiment needs, data, runs and scores, as far as it is not there already."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from bgan_text import __version__
from bgan_text.cli.console import finite, say
from bgan_text.cli.progress import RichReporter
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.image_preparation import prepare_images
from bgan_text.corpora.preparation_options import ImagePreparation
from bgan_text.corpora.text_preparation import prepare_text
from bgan_text.device import choose_device
from bgan_text.errors import UserError
from bgan_text.files import read_json, write_json
from bgan_text.space import image_kind
from bgan_text.studies.experiment import Experiment, Scale
from bgan_text.studies.planned_run import PlannedRun
from bgan_text.training.run import RunFolder


class Runner:
    """An experiment at one scale in one folder: `data`, `runs/METHOD-seedN`, and what is measured.

    Raises:
        UserError: what is in the folder was made with other settings.
    """

    def __init__(
        self, experiment: Experiment, scale: Scale, home: Path, paths: tuple[str, ...], device: str
    ) -> None:
        self.experiment, self.scale, self.home, self.device = experiment, scale, home, device
        chosen = choose_device(device).type
        self.prepared = self._prepared(paths)
        pixels = image_kind(self.prepared.space)
        # Seed by seed, so that an interrupted experiment has done as much of each method.
        self.attempts = {
            (method, seed): PlannedRun(
                f"{method}, seed {seed}",
                options | {"seed": seed},
                home / "runs" / f"{method}-seed{seed}",
                pixels,
            )
            for seed in range(scale.seeds)
            for method, options in experiment.methods_at(scale).items()
        }
        for attempt in self.attempts.values():
            attempt.refuse_other(self.prepared, chosen)

    def _prepared(self, paths: tuple[str, ...]) -> DatasetDirectory:
        recipe, folder = self.experiment.recipe(self.scale, paths), self.home / "data"
        if (folder / "card.json").exists():
            made = DatasetDirectory(folder)
            _refuse_other_recipe(made, asdict(recipe) | {"paths": list(recipe.paths)})
            return made
        if isinstance(recipe, ImagePreparation):
            return prepare_images(recipe, folder, reporter=RichReporter())
        return prepare_text(recipe, folder, reporter=RichReporter())

    def train(self) -> int | None:
        """Train what is not trained; returns the signal that interrupted it, if one did.

        A run whose numbers stop being finite has failed, which is a result; the others go on.
        """
        for number, attempt in enumerate(self.attempts.values(), 1):
            if attempt.finished() or attempt.failure() is not None:
                continue
            say(f"Run {number} of {len(self.attempts)}: {attempt.name}")
            if (stopped := attempt.train(self.prepared.folder, self.device)) is not None:
                return stopped
        return None

    def run(self, method: str, seed: int = 0) -> RunFolder:
        """A trained run."""
        return RunFolder(self.attempts[method, seed].folder)

    def finished(self) -> dict[tuple[str, int], PlannedRun]:
        """The runs that did not fail."""
        return {key: attempt for key, attempt in self.attempts.items() if attempt.failure() is None}

    def made(self) -> dict[str, Any]:
        """What the runs were trained on and with, how far each came, and why it failed if it did."""
        return {
            "data": {
                "from": "files" if self.prepared.settings["paths"] else "the hub",
                "counts": self.prepared.counts,
                "signature": self.prepared.signature,
            },
            "device": choose_device(self.device).type,
            "threads": torch.get_num_threads(),
            "settings": {
                method: {name: value for name, value in attempt.settings().items() if name != "seed"}
                for (method, seed), attempt in self.attempts.items()
                if seed == 0
            },
            "runs": [
                {"method": method, "seed": seed} | attempt.outcome()
                for (method, seed), attempt in self.attempts.items()
            ],
        }

    def measured(self, name: str, measure: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """What `measure` gives, a JSON object, kept in the folder as long as the runs are the same."""
        path = self.home / name
        stamp = {
            "version": __version__,
            "data": self.prepared.signature,
            "steps": {attempt.name: attempt.reached()[0] for attempt in self.attempts.values()},
            "samples": self.scale.samples,
            "critics": self.scale.critics,
        }
        if path.exists() and (kept := read_json(path)).get("of") == stamp:
            return dict(kept["measured"])
        values = finite(measure())
        write_json(path, {"of": stamp, "measured": values})
        return dict(values)


def _refuse_other_recipe(made: DatasetDirectory, asked: dict[str, Any]) -> None:
    """Without a --path, data that lie there are taken from wherever they came."""
    known = asked if asked["paths"] else asked | {name: made.settings[name] for name in ("corpus", "paths")}
    if made.settings != known:
        source = ", ".join(made.settings["paths"]) or "the hub"
        raise UserError(
            f"{made.folder} was prepared in another way, from {source}: name that --path, or another --out"
        )
