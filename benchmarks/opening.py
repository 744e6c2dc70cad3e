"""Time to open a dataset directory of 30 million rows, and the share of training that checkpoints take.

    OMP_NUM_THREADS=1 python benchmarks/opening.py [FOLDER]

The rows are short texts, as `prepare` writes them: record batches of 1,000 rows in files of 500 MB. They
need 1.4 GB in FOLDER, by default the folder for temporary files, and are removed. Opening is what `train`
does before its first step: the card, the tokenizer, digests of some blocks, the types and counts of the
splits for training and validation, and a batch. A checkpoint is written every 60 seconds, with digests of all
that it holds. Processor time is shown beside the time of the clock, which other programs make longer.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import torch

import bgan_text as bt
from bgan_text.config import Config
from bgan_text.corpora.dataset_directory import write_card
from bgan_text.corpora.dataset_records import FORMAT
from bgan_text.corpora.text_preparation import row_features
from bgan_text.corpora.tokenizer import IntegerTokenizer, signature
from bgan_text.interval import interval
from bgan_text.space import TokenSpace
from bgan_text.training.checkpoint import save_checkpoint
from bgan_text.training.state import State
from bgan_text.training.trainer import train

ROWS, LENGTH, VOCABULARY = 30_000_000, 8, 100
SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
BATCH, FILE = 1000, 11_000_000
"""Rows of a record batch and of a file."""
ROUNDS = 5


def made(folder: Path) -> Path:
    """Write a dataset directory of many short rows."""
    rng, schema = np.random.default_rng(0), row_features(LENGTH).arrow_schema
    counts = {split: int(ROWS * share) for split, share in SHARES.items()}
    for split, count in counts.items():
        (folder / split).mkdir(parents=True)
        names = []
        for number, start in enumerate(range(0, count, FILE)):
            names.append(f"data-{number:05d}.arrow")
            with (
                pa.OSFile(str(folder / split / names[-1]), "wb") as sink,
                pa.ipc.new_stream(sink, schema) as writer,
            ):
                for table in batches(rng, min(FILE, count - start), schema):
                    writer.write_table(table, BATCH)
        state = {"_data_files": [{"filename": name} for name in names]}
        (folder / split / "state.json").write_text(json.dumps(state))
    tokenizer = IntegerTokenizer(VOCABULARY, 0)
    (folder / tokenizer.file).write_bytes(tokenizer.content())
    settings = {"corpus": "tokens", "paths": [], "limit": None, "keep_duplicates": True, "seed": 0}
    write_card(
        folder,
        {
            "format": FORMAT,
            "version": bt.__version__,
            "settings": settings | {"vocabulary": VOCABULARY, "end": 0},
            "space": {"positions": LENGTH, "vocabulary": VOCABULARY, "end": 0},
            "tokenizer": signature(tokenizer),
            "counts": {"read": ROWS, "duplicates": 0, **counts},
            "signature": "opening",
        },
    )
    return folder


def batches(rng, count, schema):
    text = "12 34 5"
    offsets = np.arange(1_000_001, dtype=np.int32) * len(text)
    letters = pa.py_buffer(text.encode() * 1_000_000)
    for start in range(0, count, 1_000_000):
        rows = min(1_000_000, count - start)
        tokens = rng.integers(0, VOCABULARY, rows * LENGTH, dtype=np.int32)
        columns = {
            "tokens": pa.FixedSizeListArray.from_arrays(pa.array(tokens), LENGTH),
            "text": pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), letters),
        }
        yield pa.table([columns[name] for name in schema.names], schema=schema)


def opened(folder: Path) -> None:
    data = bt.DatasetDirectory(folder)
    data.codec()
    data.split("validation")
    data.batches(128, 0, torch.device("cpu"))(0, 0)


def seconds(action: Callable[[], object]) -> tuple[float, float]:
    """Median time of the clock and of the processor."""
    times = []
    for _ in range(ROUNDS):
        begun, used = time.perf_counter(), time.process_time()
        action()
        times.append((time.perf_counter() - begun, time.process_time() - used))
    return median(clock for clock, _ in times), median(used for _, used in times)


def checkpoint_seconds(folder: Path) -> tuple[float, float]:
    """Time of a checkpoint of the default conv nets on text, with Adam's moments."""
    space, config = (
        TokenSpace(positions=32, vocabulary=8000, end=0),
        Config.given({"generator": "conv", "steps": 2}),
    )
    state = State.fresh(config, space, torch.device("cpu"))
    real = torch.randint(0, 8000, (config.batch, 32))
    for _ in train(state, config, lambda step, index: real, lambda state: state.step / 2):
        pass
    path = folder / "checkpoint-000000002.safetensors"
    found = seconds(lambda: save_checkpoint(path, state))
    print(f"a checkpoint has {path.stat().st_size / 2**20:.1f} MiB")
    return found


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as place:
        folder = made(Path(place) / "data")
        clock, used = seconds(lambda: opened(folder))
        print(f"opening {ROWS:,} rows: {clock:.2f} s ({used:.2f} s of the processor)")
        clock, used = checkpoint_seconds(Path(place))
    every = interval("save_every", Config.given({}).save_every).seconds or 0.0
    print(f"a checkpoint: {clock:.3f} s ({used:.3f} s of the processor)")
    print(f"share of training, one every {every:.0f} s: {clock / every:.2%}")


if __name__ == "__main__":
    main()
