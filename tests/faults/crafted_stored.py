"""Runs and dataset directories that are made to do harm. All must be refused."""

import json
import os
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faults.world import TINY, checkpoints, header_of

Words = tuple[object, ...]
SAMPLED: Words = ("sample", "rnn", "--n", 2)
TRAINED: Words = ("train", "--data", "words", "--run", "made", *TINY, "--steps", 1)


def wide_settings(folder: Path, rng: random.Random) -> Words:
    name, value = rng.choice(
        (
            ("width", 9000),
            ("width", 2**40),
            ("blocks", 100_000),
            ("noise", 2**31),
            ("discriminator_width", 60_000),
            ("generator", "\ud800"),
            ("generator", "os:system"),
            ("divergence", "evil:own"),
            ("heads", 0),
            ("seed", 1e20),
            ("batch", 2.5),
            ("precision", ["float32"]),
            ("steps", float("nan")),
        )
    )
    _change(folder / "rnn" / "run.json", "settings", name, value)
    return rng.choice((SAMPLED, ("train", "--run", "rnn", "--resume", "--steps", 6)))


def wide_space(folder: Path, rng: random.Random) -> Words:
    if rng.random() < 0.5:
        _change_space(folder / "rnn" / "run.json", rng)
        return SAMPLED
    _change_space(folder / "words" / "card.json", rng)
    return TRAINED


def _change_space(path: Path, rng: random.Random) -> None:
    """Another value, or another entry, than the space has."""
    space = json.loads(path.read_text())["space"]
    name = rng.choice(("positions", "vocabulary", "end", "pad"))
    values = (0, -1, 2**31, 2**63, 5000, "7", None, 3.5)
    other = [value for value in values if name not in space or value != space[name]]
    _change(path, "space", name, rng.choice(other))


def foreign_data(folder: Path, rng: random.Random) -> Words:
    """Files outside of a directory are listed as its own, or one twice."""
    state = folder / "words" / "train" / "state.json"
    content = json.loads(state.read_text())
    (own,) = content["_data_files"]
    content["_data_files"] = rng.choice(
        (
            [{"filename": "/etc/passwd"}],
            [{"filename": "../test/" + own["filename"]}],
            [own, own],
            [],
            [{"filename": "/dev/zero"}],
        )
    )
    state.write_text(json.dumps(content))
    return TRAINED


def no_file(folder: Path, rng: random.Random) -> Words:
    """A pipe, a device, a folder or a link that never ends, in place of a file."""
    name, words = rng.choice(
        (
            ("rnn/run.json", SAMPLED),
            ("rnn/tokenizer.json", SAMPLED),
            (f"rnn/{checkpoints(folder / 'rnn')[-1].name}", SAMPLED),
            ("rnn/metrics.jsonl", ("show", "rnn")),
            ("words/card.json", TRAINED),
            ("words/tokenizer.json", TRAINED),
            ("words/train/state.json", TRAINED),
            (f"words/train/{next((folder / 'words' / 'train').glob('*.arrow')).name}", TRAINED),
        )
    )
    path = folder / name
    path.unlink()
    how = rng.randrange(4)
    if how == 0:
        os.mkfifo(path)
    elif how == 1:
        path.symlink_to("/dev/zero")
    elif how == 2:
        path.mkdir()
    else:
        path.symlink_to(path)
    return words


def lying_header(folder: Path, rng: random.Random) -> Words:
    """A checkpoint whose header claims sizes, types, places or counters."""
    path = checkpoints(folder / "rnn")[-1]
    header, content = header_of(path)
    name = rng.choice([name for name in header if name != "__metadata__"])
    how = rng.randrange(7)
    if how == 0:
        header[name]["shape"] = [2**40, 2**40]
    elif how == 1:
        header[name]["data_offsets"] = [0, 2**62]
    elif how == 2:
        header[name]["dtype"] = rng.choice(("F64", "BOOL", "F8_E4M3", "X"))
    elif how == 3:
        header["__metadata__"][rng.choice(("step", "elapsed"))] = rng.choice(
            ("999999999", "nan", "inf", "-1", "1e5", "")
        )
    elif how == 4:
        del header[name]
    elif how == 5:
        header["__metadata__"]["sha256"] = "[" * 50_000
    else:
        header["__metadata__"]["device"] = "evil"
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", 2**60 if rng.random() < 0.1 else len(text)) + text + content)
    return SAMPLED


def of_another_run(folder: Path, rng: random.Random) -> Words:
    """A checkpoint of another net."""
    path = checkpoints(folder / "rnn")[-1]
    shutil.copy(checkpoints(folder / "conv")[-1], path)
    return SAMPLED


def endless_tokenizer(folder: Path, rng: random.Random) -> Words:
    path = folder / "rnn" / "tokenizer.json"
    content = json.loads(path.read_text("utf-8"))
    key = next(key for key, value in content.items() if isinstance(value, list))
    content[key] = rng.choice(
        ([], content[key][:-1], content[key] * 2, [1, 2], ["\ud800"] * len(content[key]), None)
    )
    path.write_text(json.dumps(content))
    return SAMPLED


def _change(path: Path, part: str, name: str, value: Any) -> None:
    content = json.loads(path.read_text("utf-8"))
    content[part][name] = value
    path.write_text(json.dumps(content))


CRAFTED: tuple[Callable[[Path, random.Random], Words], ...] = (
    wide_settings,
    wide_space,
    foreign_data,
    no_file,
    lying_header,
    of_another_run,
    endless_tokenizer,
)
"""They change copies of the dataset directory `words` and the runs `conv` and `rnn` in a folder."""
