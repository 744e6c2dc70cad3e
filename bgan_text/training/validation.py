"""A look at a run while it trains: a few samples, and how far all of them are from real ones."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.image_grid import grid, write_png
from bgan_text.corpora.labelled import split_of
from bgan_text.scores.distribution import js_of_rows
from bgan_text.scores.patches import SIDES, patch_colours, patch_js
from bgan_text.scores.sequences import Sequences
from bgan_text.space import LabelSpace, TokenSpace
from bgan_text.training.classification import judged
from bgan_text.training.run import GRIDS, RunFolder, sample_rows
from bgan_text.training.state import State

EVALUATION_SAMPLES = 1000
SHOWN_SAMPLES = 3
GRID_SAMPLES = 64


@dataclass(frozen=True)
class Evaluation:
    """What a look saw.

    `values`: by name, against the validation split: Jensen-Shannon divergences, or a classifier's errors.
    `title`: what they are. `samples`: a few, of text. `record`: what else goes into metrics.jsonl.
    """

    values: dict[str, float]
    title: str
    samples: list[str]
    record: dict[str, Any]


class Evaluator:
    """Evaluates states of one run on the validation split."""

    def __call__(self, state: State) -> Evaluation:
        """Look at the weight average; the run's own random stream is not touched."""
        raise NotImplementedError


class ClassifierEvaluator(Evaluator):
    """Counts the wrong labels, and takes the cross-entropy to the right ones."""

    def __init__(self, prepared: DatasetDirectory, run: RunFolder) -> None:
        self.real = split_of(prepared, "validation")

    def __call__(self, state: State) -> Evaluation:
        error, loss = judged(state.sampler(), self.real, state.device)
        values = {"error": error, "cross-entropy": loss}
        return Evaluation(values, "error, cross-entropy", [], {"samples": []})


class SampleEvaluator(Evaluator):
    """Compares samples with real ones, always with the same noise."""

    def __init__(self, prepared: DatasetDirectory, run: RunFolder) -> None:
        self.space, self.seed = prepared.space, run.config.seed

    def __call__(self, state: State) -> Evaluation:
        rows = sample_rows(state.sampler(), EVALUATION_SAMPLES, self.seed, state.device)
        return self.seen(torch.cat(list(rows)), state.step)

    def seen(self, rows: Tensor, step: int) -> Evaluation:
        """What is to be said of samples."""
        raise NotImplementedError


class TextEvaluator(SampleEvaluator):
    """Shows sentences, and JS-1..4 of token n-grams."""

    def __init__(self, prepared: DatasetDirectory, run: RunFolder) -> None:
        super().__init__(prepared, run)
        self.tokenizer = prepared.tokenizer()
        self.real = self._sequences(prepared.rows("validation"))

    def seen(self, rows: Tensor, step: int) -> Evaluation:
        values = js_of_rows(self._sequences(rows), self.real, min(4, rows.shape[1]))
        samples = [self.tokenizer.decode(row) for row in rows[:SHOWN_SAMPLES].tolist()]
        named = {f"js-{order}": value for order, value in values.items()}
        return Evaluation(named, f"JS-1..{len(values)}", samples, {"samples": samples})

    def _sequences(self, rows: Tensor) -> Sequences:
        assert isinstance(self.space, TokenSpace)
        lengths = np.full(len(rows), self.space.positions, dtype=np.int64)
        return Sequences(rows.reshape(-1).numpy(), lengths, self.space.vocabulary)


class ImageEvaluator(SampleEvaluator):
    """Writes a grid of images, and the JS of patches of 1, 2 and 3 pixels a side."""

    def __init__(self, prepared: DatasetDirectory, run: RunFolder) -> None:
        super().__init__(prepared, run)
        self.palette, self.folder = prepared.palette(), run.folder
        # No more of them than samples: an image has as many patches as pixels.
        self.real = patch_colours(prepared.rows("validation")[:EVALUATION_SAMPLES], self.space)

    def seen(self, rows: Tensor, step: int) -> Evaluation:
        sides = [side for side in SIDES if side <= min(self.real.shape[1:])]
        values = patch_js(patch_colours(rows, self.space), self.real, sides)
        name = f"{GRIDS}/{step:09d}.png"
        write_png(self.folder / name, grid([self.palette.decode(row) for row in rows[:GRID_SAMPLES].numpy()]))
        named = {f"patch-js-{side}": score.value for side, score in values.items()}
        return Evaluation(named, f"patch JS-1..{len(values)}", [], {"samples": [], "grid": name})


def evaluator(prepared: DatasetDirectory, run: RunFolder) -> Evaluator:
    """What looks at a run on this data."""
    if isinstance(run.space, LabelSpace):
        return ClassifierEvaluator(prepared, run)
    return ImageEvaluator(prepared, run) if run.images else TextEvaluator(prepared, run)
