"""A prepared folder: tokens in Arrow files that training maps into memory, a tokenizer and a card.

    FOLDER/train, validation, test    Arrow data written with `datasets`: columns `tokens`, `text`
    FOLDER/tokenizer.json | .model    the tokenizer
    FOLDER/card.json                  counts, settings, signature

`corpora/preparing.py` makes it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch

from bgan_text import __version__
from bgan_text.errors import UserError
from bgan_text.files import read_json
from bgan_text.space import Space

from .tokenizer import Tokenizer, load_tokenizer, signature

FORMAT = 1
SPLITS = ("train", "validation", "test")


@dataclass
class Counts:
    """What became of the sentences that were read. Rows are samples of the model's length."""

    read: int = 0
    blank: int = 0
    dropped: int = 0
    cut: int = 0
    windowed: int = 0
    duplicates: int = 0
    tokens: int = 0
    unknown: int = 0
    train: int = 0
    validation: int = 0
    test: int = 0


class Prepared:
    """A prepared folder, opened. Nothing but the card is read until it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "card.json").exists():
            raise UserError(f"{folder} is not a prepared folder: make one with bgan-text prepare")
        self.card = read_json(folder / "card.json")
        try:
            if self.card["format"] > FORMAT:
                raise UserError(
                    f"{folder} was prepared by bgan-text {self.card['version']} in format "
                    f"{self.card['format']}: this version {__version__} reads up to {FORMAT}; upgrade it"
                )
            self.space = Space(**self.card["space"])
            self.signature: str = self.card["signature"]
            self.settings: dict[str, Any] = self.card["settings"]
            self.corpus: str = self.settings["corpus"]
            self.lowercase: bool = self.settings["lowercase"]
            self.tokenizer_signature: str = self.card["tokenizer"]
            self.counts = Counts(**self.card["counts"])
        except (KeyError, TypeError) as error:
            raise UserError(f"{folder / 'card.json'} is damaged: {error}") from error

    def tokenizer(self) -> Tokenizer:
        """The folder's tokenizer, checked against the card."""
        tokenizer = load_tokenizer(self.folder)
        if signature(tokenizer) != self.tokenizer_signature:
            raise UserError(
                f"the tokenizer in {self.folder} is {signature(tokenizer)}, its card says "
                f"{self.tokenizer_signature}: the folder was changed, prepare it again"
            )
        return tokenizer

    def split(self, name: str) -> datasets.Dataset:
        """One of the splits, mapped into memory: columns `tokens` (length L) and `text`."""
        try:
            return datasets.load_from_disk(str(self.folder / name))
        except Exception as error:  # datasets and pyarrow raise errors of many kinds for damaged files
            raise UserError(f"{self.folder / name} is missing or damaged: {error}") from error

    def texts(self, name: str, limit: int | None = None) -> list[str]:
        """The texts of a split, at most `limit` of them."""
        return list(islice(self.stream(name), limit))

    def stream(self, name: str) -> Iterator[str]:
        """The texts of a split, one after the other."""
        data = self.split(name)
        for start in range(0, len(data), 1000):
            yield from data[start : start + 1000]["text"]

    def rows(self, name: str) -> torch.Tensor:
        """All rows of a split, (count, L) int64; for splits that are bounded in size."""
        return _rows(_numeric(self.split(name)), slice(None))

    def batches(self, batch: int, seed: int, device: torch.device) -> Callable[[int, int], torch.Tensor]:
        """(step, index) -> an (N, L) int64 batch of training rows, drawn with replacement.

        A batch follows from the seed, step and index alone.
        """
        data = _numeric(self.split("train"))

        def at(step: int, index: int) -> torch.Tensor:
            chosen = np.random.default_rng((seed, step, index)).integers(0, len(data), batch)
            rows = _rows(data, chosen)
            if device.type == "cuda":
                return rows.pin_memory().to(device, non_blocking=True)
            return rows

        return at


def _numeric(data: datasets.Dataset) -> datasets.Dataset:
    return data.with_format("numpy", columns=["tokens"])


def _rows(data: datasets.Dataset, chosen: Any) -> torch.Tensor:
    return torch.as_tensor(np.asarray(data[chosen]["tokens"])).long()
