"""The images of an evaluation: of runs, files and arrays, and real ones of a dataset directory."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.image_files import read_images
from bgan_text.corpora.images import Corrupt, Pixels, Shape, read
from bgan_text.corpora.palette import Palette, levels, numbers
from bgan_text.corpora.transparency import WHITE
from bgan_text.device import choose_device
from bgan_text.errors import UserError
from bgan_text.evaluation.candidate_settings import sampling_of
from bgan_text.evaluation.inputs import REAL, Inputs, Source, drawn
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.reporter import Reporter
from bgan_text.sampling import sample_tensors
from bgan_text.space import PixelSpace, TokenSpace
from bgan_text.training.run import RunFolder

SAMPLES = 1000
CORRUPT = 10
REFERENCES = 10_000
TRAINING = 60_000
MOST_BYTES = 1 << 29
"""Memory that the training images, or the references, may take."""
ANCHOR_PART = 2
"""At most one in this many training images is in the anchor: the others are its training images."""


@dataclass(frozen=True)
class Samples:
    """Samples under a name: (S, L) int64 tokens or (S, channels, height, width) float32 pixels.

    `effective`: how many candidates carried the weight, if samples of a run had several. `obstacle`: why they
    were drawn plainly though something else was asked for. `step`: of the checkpoint of the run.
    """

    name: str
    images: Tensor
    effective: float | None = None
    obstacle: str | None = None
    step: int | None = None


@dataclass(frozen=True)
class RealImages:
    """Real images of a dataset directory, in the same form as samples.

    `references`: of the test split. `training`: of the train split, a random choice if there are many; the
    first `anchor` of them are the anchor. Labels are None if the images have none.
    """

    data: DatasetDirectory
    palette: Palette
    references: Tensor
    reference_labels: Tensor | None
    training: Tensor
    training_labels: Tensor | None
    anchor: int

    @property
    def space(self) -> TokenSpace | PixelSpace:
        return self.data.space


def gather_images(
    inputs: Inputs, options: EvaluationOptions, reporter: Reporter
) -> tuple[list[Samples], RealImages]:
    """The models' samples, those of the anchor last, and the real images they are compared with."""
    inputs.refuse_options_of_runs(options)
    if inputs.data is not None:
        _refuse_other_palettes(inputs.data, inputs.runs)
    data = inputs.dataset(reporter)
    if data is None:
        raise UserError("`reference` has no meaning for images: it belongs to scores of text")
    palette = data.palette()
    background = data.settings.get("background", WHITE)
    shape = partial(Shape, grey=palette.channels == 1, background=background)
    models = [_samples(source, options, palette, shape(), reporter) for source in inputs.models]
    real = _real(options, data, palette, max(len(model.images) for model in models))
    return [*models, Samples(REAL, real.training[: real.anchor])], real


def _refuse_other_palettes(data: DatasetDirectory, runs: dict[str, RunFolder]) -> None:
    for name, run in runs.items():
        if run.data["tokenizer"] != data.tokenizer_signature:
            raise UserError(
                f"{name} makes images of another size or in other colours than {data.folder} holds: give the "
                "`data` that it was trained on"
            )


def _samples(
    source: Source, options: EvaluationOptions, palette: Palette, shape: Shape, reporter: Reporter
) -> Samples:
    content = source.content
    if isinstance(content, RunFolder):
        return _of_run(source.name, content, options)
    if isinstance(content, str):
        found = read(read_images(Path(content)), shape, Corrupt(CORRUPT, reporter.message))
        pixels: Iterable[Pixels] = (image for _, image in found)
    else:
        assert isinstance(content, np.ndarray)  # lists are texts
        pixels = content
    fitting = (_fitting(source.name, image, palette) for image in pixels)
    chosen = drawn(fitting, options.count or SAMPLES, options.seed)
    if not chosen:
        raise UserError(f"{source.name} holds no image that can be read")
    return Samples(source.name, tokens_of(np.stack(chosen), palette))


def _of_run(name: str, run: RunFolder, options: EvaluationOptions) -> Samples:
    how, obstacle = sampling_of(run, options, SAMPLES, options.temperature)
    samples = sample_tensors(run, how, choose_device(options.device))
    return Samples(name, torch.cat(list(samples)), samples.effective.mean, obstacle, samples.step)


def _fitting(name: str, pixels: Pixels, palette: Palette) -> Pixels:
    height, width, channels = pixels.shape
    if channels != palette.channels:
        raise UserError(f"{name} has images of {channels} channels, the data of {palette.channels}")
    if (height, width) != (palette.height, palette.width):
        raise UserError(
            f"{name} has images of {width} x {height} pixels, the data of {palette.width} x "
            f"{palette.height}: images of one size were expected"
        )
    return pixels


def tokens_of(pixels: Pixels, palette: Palette) -> Tensor:
    """(S, height, width, channels) uint8 pixels as samples of the palette's space."""
    if palette.colors is None:
        return numbers(torch.from_numpy(pixels).permute(0, 3, 1, 2))
    return torch.from_numpy(np.stack([palette.encode(image) for image in pixels])).long()


def shown(images: Tensor, palette: Palette) -> Tensor:
    """Samples as (S, height * width * channels) uint8 pixels, rounded if they are real numbers."""
    if palette.colors is None:
        return levels(images).permute(0, 2, 3, 1).flatten(1)
    return torch.from_numpy(palette.colors)[images].flatten(1)


def _real(options: EvaluationOptions, data: DatasetDirectory, palette: Palette, count: int) -> RealImages:
    references, reference_labels = _some(data, "test", REFERENCES, options.seed)
    training, training_labels = _some(data, "train", TRAINING, options.seed)
    anchor = min(count, len(training) // ANCHOR_PART)
    if not anchor:
        raise UserError(f"{data.folder} has {len(training)} training images: {ANCHOR_PART} are needed")
    return RealImages(data, palette, references, reference_labels, training, training_labels, anchor)


def _some(data: DatasetDirectory, split: str, most: int, seed: int) -> tuple[Tensor, Tensor | None]:
    """Images of a split in random order, at most `most` and `MOST_BYTES`, and their labels."""
    one = data.chosen(split, np.zeros(1, dtype=np.int64))
    most = max(1, min(most, MOST_BYTES // one.nbytes))
    places = np.random.default_rng(seed).permutation(data.counts[split])[:most]
    labels = data.labels(split)
    return data.chosen(split, places), None if labels is None else labels[torch.from_numpy(places)]
