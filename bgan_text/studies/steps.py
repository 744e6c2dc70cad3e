"""What the studies use of preparing, training, sampling and scoring, gathered behind a few functions."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT
from typing import Any

import torch

from bgan_text.config import Config
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.image_preparation import ImagePreparation, prepare_images
from bgan_text.corpora.image_sources import IMAGE_SOURCES
from bgan_text.corpora.images import Pixels
from bgan_text.corpora.text_preparation import TextPreparation, prepare
from bgan_text.device import choose_device
from bgan_text.evaluation.evaluate import evaluate
from bgan_text.evaluation.judges import Judges
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.evaluation.report import Report
from bgan_text.opening import _refuse_layers, go_on, start
from bgan_text.opening import is_free as is_free
from bgan_text.opening import refuse_foreign as refuse_foreign
from bgan_text.reporter import Reporter
from bgan_text.runs import Draw, sampled, sampled_images
from bgan_text.training.classification import error_on_test, space_of
from bgan_text.training.loop import NonFiniteLossError, Training
from bgan_text.training.run import RunFolder
from bgan_text.training.state import State

Data = DatasetDirectory | str | os.PathLike[str]
Recipe = TextPreparation | ImagePreparation


def open_dataset(data: Data) -> DatasetDirectory:
    """A dataset directory, opened if it is given by its path."""
    return data if isinstance(data, DatasetDirectory) else DatasetDirectory(Path(data))


def recipe_of(corpus: str, paths: tuple[str, ...], options: Mapping[str, Any]) -> Recipe:
    """How a corpus is prepared. Text files replace a text corpus, with one sample per line."""
    if corpus in IMAGE_SOURCES:
        return ImagePreparation.given(corpus, paths=paths, **options)
    files = bool(paths) and all(Path(path).is_file() and ".tar" not in path for path in paths)
    return TextPreparation.given("lines" if files else corpus, paths=paths, **options)


def prepare_dataset(recipe: Recipe, folder: Path, reporter: Reporter) -> DatasetDirectory:
    """Make a dataset directory."""
    if isinstance(recipe, ImagePreparation):
        with _stages(reporter, "images") as progress:
            return prepare_images(recipe, folder, progress, say=reporter.message)
    with _stages(reporter, "sentences") as progress:
        return prepare(recipe, folder, progress)


@contextmanager
def _stages(reporter: Reporter, unit: str) -> Iterator[Callable[[str, int], None]]:
    """Report stages by name, each as a task of its own."""
    with ExitStack() as stack:
        tasks: dict[str, Callable[[int, int | None], None]] = {}

        def progress(stage: str, done: int) -> None:
            if stage not in tasks:
                tasks[stage] = stack.enter_context(reporter.task(stage, unit))
            tasks[stage](done, None)

        yield progress


def refuse_unfit(options: Mapping[str, Any], config: Config, dataset: DatasetDirectory) -> None:
    """Raise a `UserError` if no generator or discriminator with these settings fits the data."""
    _refuse_layers(dataset, options)
    State.fresh(config, space_of(dataset, config), torch.device("cpu"))


@dataclass(frozen=True)
class TrainingEnd:
    """How a training ended: where, whether it was asked to stop, and why it failed, if it did."""

    steps: int
    seconds: float
    stopped: bool
    failed: str | None = None


def train_run(
    folder: Path,
    options: Mapping[str, Any],
    changes: Mapping[str, Any],
    *,
    dataset: DatasetDirectory,
    device: str,
    callbacks: Sequence[Any],
    reporter: Reporter,
) -> TrainingEnd:
    """Train a run in `folder` from its last checkpoint, or from the start.

    Args:
        folder: the run folder.
        options: the settings of a new run.
        changes: the settings that change when the run is resumed.
        dataset: the training data.
        device: auto, cpu, cuda or cuda:N.
        callbacks: hooks into the training.
        reporter: receives warnings.
    """
    if (folder / "run.json").exists():
        training = go_on(dataset.folder, folder, device, changes)
    else:
        training = start(dataset.folder, folder, device, options)
    training.advises = False
    _hook(training, callbacks)
    failed = None
    try:
        training.go()
    except NonFiniteLossError as error:
        failed = str(error)
    seconds = round(training.state.elapsed, 3)
    return TrainingEnd(training.state.step, seconds, training.signal is not None, failed)


def _hook(training: Training, callbacks: Sequence[Any]) -> None:
    """Call the hooks of a training, which leaves signals to them."""

    @contextmanager
    def hooks() -> Iterator[None]:
        for callback in callbacks:
            callback.on_train_start(training)
        try:
            yield
        finally:
            for callback in callbacks:
                callback.on_train_end(training)

    setattr(training, "_signals", hooks)  # noqa: B010
    setattr(training, "stop", lambda: setattr(training, "signal", SIGINT))  # noqa: B010


def score_runs(
    folders: Sequence[Path],
    dataset: DatasetDirectory,
    *,
    samples: int,
    reference: Path | None,
    critic: bool,
    judges: Judges,
    device: str,
    reporter: Reporter,
) -> Report:
    """Score runs by their folders, without bootstrap intervals: they say nothing of another training."""
    options = EvaluationOptions(count=samples, critic=critic, resamples=0, device=device)
    models = list(map(str, folders))
    return evaluate(
        models, data=dataset, reference=reference, options=options, judges=judges, reporter=reporter
    )


def sample_texts(run: RunFolder, count: int, seed: int, device: str) -> list[str]:
    """Samples of a run on text."""
    draw = Draw(count=count, seed=seed, device=choose_device(device))
    return [text for text, _ in sampled(run, draw)]


def sample_pixels(run: RunFolder, count: int, seed: int, device: str) -> list[Pixels]:
    """Samples of a run on images, each (height, width, channels)."""
    draw = Draw(count=count, seed=seed, device=choose_device(device))
    return [pixels for pixels, _ in sampled_images(run, draw)]


def error_of(run: RunFolder, dataset: DatasetDirectory, device: str) -> float:
    """The share of test images that a classifier labels wrongly."""
    return error_on_test(run, dataset, choose_device(device))
