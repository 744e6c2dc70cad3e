"""The pictures that `score` compares: of runs, of files, and real ones of a prepared folder."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bgan_text.corpora.palette import Palette, levels, numbers
from bgan_text.corpora.picture_files import read_pictures
from bgan_text.corpora.pictures import Corrupt, Pixels, Shape, read
from bgan_text.corpora.prepared import Prepared
from bgan_text.errors import UserError
from bgan_text.run import Run
from bgan_text.space import Canvas, Space

from .console import say
from .device import choose_device
from .sampling import Draw, sampled_tensors
from .texts import REAL, Request, data_of, drawn

SAMPLES = 1000
CORRUPT = 10
REFERENCES = 10_000
TRAINING = 60_000
MOST_BYTES = 1 << 29
"""That the training pictures, or the references, may take in memory."""
ANCHOR_PART = 2
"""The anchor takes no more than one in so many training pictures: the others are its training pictures."""


@dataclass(frozen=True)
class Samples:
    """Samples under a name: (S, L) int64 tokens or (S, channels, height, width) float32 pixels."""

    name: str
    pictures: Tensor


@dataclass(frozen=True)
class RealPictures:
    """Real pictures of a prepared folder, as samples are.

    `references`: of the test split. `training`: of the train split, a random choice if there are many;
    the first of them are the `anchor`'s. Labels are None where pictures have none.
    """

    data: Prepared
    palette: Palette
    references: Tensor
    reference_labels: Tensor | None
    training: Tensor
    training_labels: Tensor | None
    anchor: int

    @property
    def space(self) -> Space | Canvas:
        return self.data.space


def gather_pictures(
    request: Request, names: tuple[str, ...], runs: dict[str, Run]
) -> tuple[list[Samples], RealPictures]:
    """The models' samples, the anchor's as the last of them, and the real pictures to hold them against."""
    if request.data is not None:
        _refuse_other_palettes(Prepared(request.data), runs)
    data = data_of(request, runs)
    assert data is not None
    palette = data.palette()
    models = [
        Samples(name, _of_run(runs[name], request) if name in runs else _of_files(name, request, palette))
        for name in names
    ]
    real = _real(request, data, palette, max(len(model.pictures) for model in models))
    return [*models, Samples(REAL, real.training[: real.anchor])], real


def _refuse_other_palettes(data: Prepared, runs: dict[str, Run]) -> None:
    for name, run in runs.items():
        if run.data["tokenizer"] != data.tokenizer_signature:
            raise UserError(
                f"{name} makes pictures of another size or in other colours than {data.folder} holds: name "
                "the --data that it was trained on"
            )


def _of_run(run: Run, request: Request) -> Tensor:
    device, count = choose_device(request.device), request.count or SAMPLES
    draw = Draw(count=count, seed=request.seed, device=device, temperature=request.temperature)
    return torch.cat(list(sampled_tensors(run, draw)))


def _of_files(name: str, request: Request, palette: Palette) -> Tensor:
    """A random choice of the pictures of a folder, an archive or an .npz, in the colours of the data."""
    shape = Shape(grey=palette.channels == 1)
    pictures = read(read_pictures(Path(name)), shape, Corrupt(CORRUPT, say))
    fitting = (_fitting(name, pixels, palette) for _, pixels in pictures)
    chosen = drawn(fitting, request.count or SAMPLES, request.seed)
    if not chosen:
        raise UserError(f"{name} holds no picture that can be read")
    return tokens_of(np.stack(chosen), palette)


def _fitting(name: str, pixels: Pixels, palette: Palette) -> Pixels:
    height, width, _ = pixels.shape
    if (height, width) != (palette.height, palette.width):
        raise UserError(
            f"{name} has pictures of {width} x {height} pixels, the data of {palette.width} x "
            f"{palette.height}: pictures of one size were expected"
        )
    return pixels


def tokens_of(pixels: Pixels, palette: Palette) -> Tensor:
    """(S, height, width, channels) uint8 pixels as samples of the palette's space."""
    if palette.colors is None:
        return numbers(torch.from_numpy(pixels).permute(0, 3, 1, 2))
    return torch.from_numpy(np.stack([palette.encode(picture) for picture in pixels])).long()


def shown(pictures: Tensor, palette: Palette) -> Tensor:
    """Samples as (S, height * width * channels) bytes of what they look like."""
    if palette.colors is None:
        return levels(pictures).permute(0, 2, 3, 1).flatten(1)
    return torch.from_numpy(palette.colors)[pictures].flatten(1)


def _real(request: Request, data: Prepared, palette: Palette, count: int) -> RealPictures:
    references, reference_labels = _some(data, "test", REFERENCES, request.seed)
    training, training_labels = _some(data, "train", TRAINING, request.seed)
    anchor = min(count, len(training) // ANCHOR_PART)
    if not anchor:
        raise UserError(f"{data.folder} has {len(training)} training pictures: {ANCHOR_PART} are needed")
    return RealPictures(data, palette, references, reference_labels, training, training_labels, anchor)


def _some(data: Prepared, split: str, most: int, seed: int) -> tuple[Tensor, Tensor | None]:
    """Pictures of a split in random order, `most` and `MOST_BYTES` at most; and their labels."""
    one = data.chosen(split, np.zeros(1, dtype=np.int64))
    most = max(1, min(most, MOST_BYTES // one.nbytes))
    places = np.random.default_rng(seed).permutation(data.counts[split])[:most]
    labels = data.labels(split)
    return data.chosen(split, places), None if labels is None else labels[torch.from_numpy(places)]


def named_pictures(runs: dict[str, Run]) -> bool | None:
    """Whether runs make pictures; None without runs, a `UserError` where some do and some do not."""
    kinds = {name: run.pictures for name, run in runs.items()}
    if len(set(kinds.values())) > 1:
        text, picture = (next(name for name in kinds if kinds[name] is kind) for kind in (False, True))
        raise UserError(f"{text} makes text and {picture} makes pictures: score one kind at a time")
    return next(iter(kinds.values()), None)
