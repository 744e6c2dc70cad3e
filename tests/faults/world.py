"""Small dataset directories, runs and input files that the attacks damage copies of."""

import json
import os
import random
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors import safe_open

from faults.process import run

TINY = ("--width", 8, "--discriminator-width", 8, "--noise", 4, "--batch", 4, "--precision", "float32")
OFTEN = ("--log-every", 1, "--save-every", 2, "--evaluate-every", 2)
RUNS: dict[str, Sequence[object]] = {
    "conv": ("--data", "words", "--generator", "conv"),
    "rnn": ("--data", "words", "--generator", "rnn", "--credit", "token"),
    "transformer": ("--data", "pieces", "--generator", "transformer", "--credit", "prefix"),
    "images": ("--data", "digits", "--divergence", "kl"),
}
"""The runs of the world by name, with what they are made of."""
EXPORTED = {"conv-model": "conv", "rnn-model": "rnn", "images-model": "images"}
"""Its exported models by name, with the runs that they come from."""
DATA = ("words", "pieces", "digits")
"""Its dataset directories."""
TEXTS = [
    f"{a} {b} {c}"
    for a in ("the", "a", "one")
    for b in ("cat", "dog", "é", "sun")
    for c in ("sat", "ran", "is")
]


class World:
    """A folder that holds them, made by `make`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def make(cls, folder: Path) -> None:
        """Fill an empty folder.

        Raises:
            RuntimeError: a command failed.
        """
        self = cls(folder)
        (folder / "texts.txt").write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
        self._make("prepare", "texts.txt", "--tokenizer", "word", "--out", "words")
        self._make("prepare", "texts.txt", "--vocabulary", 20, "--out", "pieces")
        write_digits(folder / "digits.npz")
        self._make("prepare", "images", "--path", "digits.npz", "--colors", 2, "--out", "digits")
        for name, made_of in RUNS.items():
            self._make("train", "--run", name, *made_of, *TINY, *OFTEN, "--steps", 4)
        for name, run_folder in EXPORTED.items():
            self._make("export", run_folder, name)

    def scratch(self, name: str) -> Path:
        """A new folder beside it, for this process."""
        folder = self.folder.parent / f"{name}-{os.getpid()}"
        folder.mkdir()
        return folder

    def link_data(self, folder: Path) -> None:
        """Make the dataset directories reachable in a folder."""
        for name in DATA:
            (folder / name).symlink_to(self.folder / name)

    def link_all(self, folder: Path) -> None:
        """Make everything reachable in a folder."""
        for path in self.folder.iterdir():
            (folder / path.name).symlink_to(path)

    def _make(self, *words: object) -> None:
        ended = run(words, self.folder)
        if ended.code:
            raise RuntimeError(f"{' '.join(map(str, words))}: {ended.err}")


def write_digits(path: Path) -> None:
    """40 images of 8 x 8 pixels with labels."""
    import numpy as np

    bits = np.random.default_rng(0).integers(0, 2, (40, 8, 8), dtype=np.uint8)
    np.savez(path, images=bits * 255, labels=np.arange(40) % 4)


def checkpoints(run_folder: Path) -> list[Path]:
    return sorted(run_folder.glob("checkpoint-*.safetensors"))


def result_of(run_folder: Path) -> Any:
    """What a training ended with: the digests of its last checkpoint but for the clock, and its metrics."""
    with safe_open(str(checkpoints(run_folder)[-1]), "pt") as file:
        told = json.loads(file.metadata()["sha256"])
    told.pop("counters")
    lines = (run_folder / "metrics.jsonl").read_text("utf-8").splitlines()
    return told, [without_times(json.loads(line)) for line in lines]


def without_times(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in TIMES}


TIMES = ("seconds", "check")  # the check is of a whole line, with its time


def header_of(path: Path) -> tuple[dict[str, Any], bytes]:
    """The JSON header of a safetensors file, and the bytes after it."""
    content = path.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def rng_of(seed: int, kind: str, number: int) -> random.Random:
    """The random numbers of one case."""
    return random.Random(f"{seed} {kind} {number}")
