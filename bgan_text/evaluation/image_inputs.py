"""The images that `score` compares: of runs, of files, and real ones of a dataset directory."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bgan_text.cli.console import say
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.image_files import read_images
from bgan_text.corpora.images import Corrupt, Pixels, Shape, read
from bgan_text.corpora.palette import Palette, levels, numbers
from bgan_text.device import choose_device
from bgan_text.errors import UserError
from bgan_text.evaluation.inputs import REAL, Request, data_of, drawn
from bgan_text.sampling import sample_tensors
from bgan_text.sampling_options import SamplingOptions
from bgan_text.space import PixelSpace, TokenSpace
from bgan_text.training.run import RunFolder

SAMPLES = 1000
CORRUPT = 10
REFERENCES = 10_000
TRAINING = 60_000
MOST_BYTES = 1 << 29
"""That the training images, or the references, may take in memory."""
ANCHOR_PART = 2
"""The anchor takes no more than one in so many training images: the others are its training images."""


@dataclass(frozen=True)
class Samples:
    """Samples under a name: (S, L) int64 tokens or (S, channels, height, width) float32 pixels."""

    name: str
    images: Tensor


@dataclass(frozen=True)
class RealImages:
    """Real images of a dataset directory, as samples are.

    `references`: of the test split. `training`: of the train split, a random choice if there are many;
    the first of them are the `anchor`'s. Labels are None where images have none.
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
    request: Request, names: tuple[str, ...], runs: dict[str, RunFolder]
) -> tuple[list[Samples], RealImages]:
    """The models' samples, the anchor's as the last of them, and the real images to hold them against."""
    if request.data is not None:
        _refuse_other_palettes(DatasetDirectory(request.data), runs)
    data = data_of(request, runs)
    assert data is not None
    palette = data.palette()
    models = [
        Samples(name, _of_run(runs[name], request) if name in runs else _of_files(name, request, palette))
        for name in names
    ]
    real = _real(request, data, palette, max(len(model.images) for model in models))
    return [*models, Samples(REAL, real.training[: real.anchor])], real


def _refuse_other_palettes(data: DatasetDirectory, runs: dict[str, RunFolder]) -> None:
    for name, run in runs.items():
        if run.data["tokenizer"] != data.tokenizer_signature:
            raise UserError(
                f"{name} makes images of another size or in other colours than {data.folder} holds: name "
                "the --data that it was trained on"
            )


def _of_run(run: RunFolder, request: Request) -> Tensor:
    device, count = choose_device(request.device), request.count or SAMPLES
    options = SamplingOptions(count=count, seed=request.seed, temperature=request.temperature)
    return torch.cat(list(sample_tensors(run, options, device)))


def _of_files(name: str, request: Request, palette: Palette) -> Tensor:
    """A random choice of the images of a folder, an archive or an .npz, in the colours of the data."""
    shape = Shape(grey=palette.channels == 1)
    images = read(read_images(Path(name)), shape, Corrupt(CORRUPT, say))
    fitting = (_fitting(name, pixels, palette) for _, pixels in images)
    chosen = drawn(fitting, request.count or SAMPLES, request.seed)
    if not chosen:
        raise UserError(f"{name} holds no image that can be read")
    return tokens_of(np.stack(chosen), palette)


def _fitting(name: str, pixels: Pixels, palette: Palette) -> Pixels:
    height, width, _ = pixels.shape
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
    """Samples as (S, height * width * channels) bytes of what they look like."""
    if palette.colors is None:
        return levels(images).permute(0, 2, 3, 1).flatten(1)
    return torch.from_numpy(palette.colors)[images].flatten(1)


def _real(request: Request, data: DatasetDirectory, palette: Palette, count: int) -> RealImages:
    references, reference_labels = _some(data, "test", REFERENCES, request.seed)
    training, training_labels = _some(data, "train", TRAINING, request.seed)
    anchor = min(count, len(training) // ANCHOR_PART)
    if not anchor:
        raise UserError(f"{data.folder} has {len(training)} training images: {ANCHOR_PART} are needed")
    return RealImages(data, palette, references, reference_labels, training, training_labels, anchor)


def _some(data: DatasetDirectory, split: str, most: int, seed: int) -> tuple[Tensor, Tensor | None]:
    """Images of a split in random order, `most` and `MOST_BYTES` at most; and their labels."""
    one = data.chosen(split, np.zeros(1, dtype=np.int64))
    most = max(1, min(most, MOST_BYTES // one.nbytes))
    places = np.random.default_rng(seed).permutation(data.counts[split])[:most]
    labels = data.labels(split)
    return data.chosen(split, places), None if labels is None else labels[torch.from_numpy(places)]


def named_images(runs: dict[str, RunFolder]) -> bool | None:
    """Whether runs make images; None without runs, a `UserError` where some do and some do not."""
    kinds = {name: run.images for name, run in runs.items()}
    if len(set(kinds.values())) > 1:
        text, image = (next(name for name in kinds if kinds[name] is kind) for kind in (False, True))
        raise UserError(f"{text} makes text and {image} makes images: score one kind at a time")
    return next(iter(kinds.values()), None)
