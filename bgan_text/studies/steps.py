"""What the studies use of preparing, training, sampling and scoring, gathered behind a few functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.image_preparation import prepare_images
from bgan_text.corpora.image_sources import IMAGE_CORPORA
from bgan_text.corpora.images import Pixels
from bgan_text.corpora.preparation_options import ImagePreparation, TextPreparation
from bgan_text.corpora.text_preparation import prepare_text
from bgan_text.device import choose_device
from bgan_text.evaluation.evaluate import evaluate
from bgan_text.evaluation.judges import Judges
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.evaluation.report import Report
from bgan_text.reporter import Reporter
from bgan_text.sampling import sample_images, sample_text
from bgan_text.sampling_options import SamplingOptions
from bgan_text.start import new_training, resume_training, settled_config
from bgan_text.training.callbacks import Callback
from bgan_text.training.drawing import Drawing
from bgan_text.training.loop import NonFiniteLossError
from bgan_text.training.run import RunFolder
from bgan_text.training.validation import classification_error

Recipe = TextPreparation | ImagePreparation


def recipe_of(corpus: str, paths: tuple[str, ...], options: Mapping[str, Any]) -> Recipe:
    """How a corpus is prepared. Text files replace a text corpus, with one sample per line."""
    if corpus in IMAGE_CORPORA:
        return ImagePreparation.given(corpus, paths=paths, **options)
    files = bool(paths) and all(Path(path).is_file() and ".tar" not in path for path in paths)
    return TextPreparation.given("lines" if files else corpus, paths=paths, **options)


def prepare_dataset(recipe: Recipe, folder: Path, reporter: Reporter) -> DatasetDirectory:
    """Make a dataset directory."""
    if isinstance(recipe, ImagePreparation):
        return prepare_images(recipe, folder, reporter=reporter)
    return prepare_text(recipe, folder, reporter=reporter)


def refuse_unfit(options: Mapping[str, Any], dataset: DatasetDirectory) -> None:
    """Raise a `UserError` if no generator or discriminator with these settings fits the data."""
    settled_config(dataset, options, torch.device("cpu"))


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
    callbacks: Sequence[Callback],
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
        training = resume_training(
            folder, changes, data=dataset, device=device, callbacks=callbacks, reporter=reporter
        )
    else:
        training = new_training(
            dataset, options, out=folder, device=device, callbacks=callbacks, reporter=reporter
        )
    failed = None
    try:
        training.go()
    except NonFiniteLossError as error:
        failed = str(error)
    seconds = round(training.state.elapsed, 3)
    return TrainingEnd(training.state.step, seconds, training.stopped, failed)


def score_runs(
    folders: Sequence[Path],
    dataset: DatasetDirectory,
    *,
    samples: int,
    drawing: Drawing,
    reference: Path | None,
    column: str | None,
    encoding: str,
    critic: bool,
    judges: Judges,
    device: str,
    reporter: Reporter,
) -> Report:
    """Score runs by their folders, without bootstrap intervals: they say nothing of another training."""
    options = EvaluationOptions(
        count=samples,
        candidates=drawing.candidates,
        correct=drawing.correct,
        column=column,
        encoding=encoding,
        critic=critic,
        resamples=0,
        device=device,
    )
    models = list(map(str, folders))
    return evaluate(
        models, data=dataset, reference=reference, options=options, judges=judges, reporter=reporter
    )


def sample_texts(run: RunFolder, count: int, seed: int, device: str) -> list[str]:
    """Samples of a run on text."""
    options = SamplingOptions(count=count, seed=seed)
    return [text for text, _ in sample_text(run, options, choose_device(device))]


def sample_pixels(run: RunFolder, count: int, seed: int, device: str) -> list[Pixels]:
    """Samples of a run on images, each (height, width, channels)."""
    options = SamplingOptions(count=count, seed=seed)
    return [pixels for pixels, _ in sample_images(run, options, choose_device(device))]


def error_of(run: RunFolder, dataset: DatasetDirectory, device: str) -> float:
    """The share of test images that a classifier labels wrongly."""
    return classification_error(run, dataset, choose_device(device))
