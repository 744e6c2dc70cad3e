"""Small whole files of every kind that a command reads, each with that command."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from faults.world import TEXTS, TINY, World

PLAIN = ("\n".join(TEXTS) + "\n").encode()
Words = tuple[object, ...]
LINES: Words = ("prepare", "FILE", "--tokenizer", "char", "--out", "made")
COLUMN: Words = (*LINES, "--column", "text")
IMAGES: Words = ("prepare", "images", "--path", "FILE", "--out", "made", "--size", 8, "--colors", 2)
SETTINGS: Words = ("train", "--data", "words", "--run", "made", *TINY, "--steps", 1, "--config", "FILE")
SCORED: Words = ("score", "FILE", "--resamples", 20)


@dataclass(frozen=True)
class Given:
    """A file, the command that reads it as FILE or in FOLDER, and what lies beside it."""

    content: bytes
    words: Words
    beside: Mapping[str, bytes] = field(default_factory=dict)


Files = dict[str, Given]


def all_files(world: World) -> Files:
    """The files by name."""
    return {**_texts(), **_tables(), **_images(), **_official(), **_others(world)}


def _texts() -> Files:
    files = {
        "plain.txt": Given(PLAIN, LINES),
        "wide.txt": Given(PLAIN.decode().encode("utf-16"), (*LINES, "--encoding", "utf-16")),
        "samples.txt": Given(PLAIN, (*SCORED, "--data", "words")),
        "reference.txt": Given(PLAIN, (*SCORED, "--reference", "FILE")),
    }
    for suffix, pack in (("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)):
        files[f"plain.txt.{suffix}"] = Given(pack(PLAIN), LINES)
    shards = {"training-monolingual/news.en-1": PLAIN, "heldout-monolingual/news.en-1": PLAIN.upper()}
    words = ("prepare", "lm1b", "--path", "FILE", "--tokenizer", "char", "--out", "made")
    return {**files, "lm1b.tar.gz": Given(_tar(shards), words)}


def _tables() -> Files:
    import pyarrow as pa
    from pyarrow import parquet

    rows = [{"id": number, "text": text} for number, text in enumerate(TEXTS)]
    table = "id,text\n" + "".join(f'{row["id"]},"{row["text"]}"\n' for row in rows)
    columns = io.BytesIO()
    parquet.write_table(pa.table({"text": TEXTS, "id": range(len(TEXTS))}), columns)
    contents = {
        "table.csv": table.encode(),
        "table.tsv": table.replace(",", "\t").encode(),
        "rows.jsonl": "".join(json.dumps(row) + "\n" for row in rows).encode(),
        "rows.json": json.dumps(rows).encode(),
        "table.parquet": columns.getvalue(),
    }
    return {name: Given(content, COLUMN) for name, content in contents.items()}


def _images() -> Files:
    import numpy as np

    pictures = np.random.default_rng(0).integers(0, 256, (12, 8, 8), dtype=np.uint8)
    files = {f"{number}.png": _picture(picture, "PNG") for number, picture in enumerate(pictures)}
    kinds = {"PNG": "png", "JPEG": "jpg", "GIF": "gif", "BMP": "bmp", "WEBP": "webp", "TIFF": "tif"}
    mixed = {f"{n}.{suffix}": _picture(pictures[n], kind) for n in (0, 1) for kind, suffix in kinds.items()}
    arrays = io.BytesIO()
    np.savez(arrays, images=pictures, labels=np.arange(12) % 3)
    contents = {
        "pictures.zip": _zip(files),
        "pictures.tar": _tar(files, ""),
        "mixed.zip": _zip(mixed, zipfile.ZIP_STORED),
        "arrays.npz": arrays.getvalue(),
    }
    made = {name: Given(content, IMAGES) for name, content in contents.items()}
    return {**made, "scored.npz": Given(arrays.getvalue(), (*SCORED, "--data", "digits"))}


def _official() -> Files:
    """The files of MNIST and CIFAR-10, small."""
    import numpy as np

    rng = np.random.default_rng(0)
    digits = rng.integers(0, 256, (12, 28, 28), dtype=np.uint8)
    images, labels = _idx(digits), _idx(np.arange(12, dtype=np.uint8) % 10)
    others = _idx(255 - digits)
    mnist = {"train-images-idx3-ubyte.gz": gzip.compress(images), "train-labels-idx1-ubyte": labels}
    mnist |= {"t10k-images-idx3-ubyte": others, "t10k-labels-idx1-ubyte": labels}
    words: Words = ("prepare", "mnist", "--path", "FOLDER", "--out", "made")
    files = {name: Given(content, words, mnist) for name, content in mnist.items()}
    batch: dict[bytes, Any] = {
        b"data": rng.integers(0, 256, (6, 3072), dtype=np.uint8),
        b"labels": [0, 1, 2, 3, 4, 5],
    }
    cifar = {f"data_batch_{number}": pickle.dumps(batch, 3) for number in range(1, 6)}
    cifar["test_batch"] = pickle.dumps({**batch, b"data": 255 - batch[b"data"]}, 3)
    words = ("prepare", "cifar10", "--path", "FOLDER", "--out", "made")
    return {**files, "data_batch_2": Given(cifar["data_batch_2"], words, cifar)}


def _others(world: World) -> Files:
    settings = {"width": 8, "batch": 4, "seed": 3, "divergence": "kl", "beta1": 0.5}
    toml = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    model = (world.folder / "pieces" / "tokenizer.model").read_bytes()
    words = ("prepare", world.folder / "texts.txt", "--tokenizer", "FILE", "--out", "made")
    return {
        "settings.json": Given(json.dumps(settings).encode(), SETTINGS),
        "settings.toml": Given(toml.encode(), SETTINGS),
        "own.model": Given(model, words),
    }


def _picture(pixels: Any, kind: str) -> bytes:
    from PIL import Image

    made = io.BytesIO()
    Image.fromarray(pixels).save(made, kind)
    return made.getvalue()


def _idx(array: Any) -> bytes:
    head = bytes((0, 0, 8, array.ndim)) + b"".join(struct.pack(">I", size) for size in array.shape)
    return head + bytes(array.tobytes())


def _zip(files: Mapping[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def _tar(files: Mapping[str, bytes], how: str = "gz") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=f"w:{how}") as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()
