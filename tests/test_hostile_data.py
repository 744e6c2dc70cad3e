"""Dataset directories that are damaged or made to do harm are refused in one line before Arrow reads them."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

import bgan_text as bt
from bgan_text.corpora import dataset_check
from bgan_text.corpora.dataset_check import check_blocks, files_of
from bgan_text.corpora.dataset_records import DataFile
from bgan_text.files import digest_of

TEXTS = [f"{a} {b} {c}" for a in "abcdefgh" for b in "abcdefgh" for c in "abcd"]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bt.prepare(TEXTS, tokenizer="word", out=tmp_path_factory.mktemp("data") / "data").folder


@pytest.fixture
def data(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "data")
    return tmp_path / "data"


def arrow(data: Path, split: str = "train") -> Path:
    return next((data / split).glob("*.arrow"))


def forge(data: Path, **changes: Any) -> None:
    """Change the card and write digests that fit, as someone who means harm would."""
    card = json.loads((data / "card.json").read_text()) | {
        "files": files_of(data, ("train", "validation", "test"))
    }
    card |= changes
    (data / "card.json").write_text(json.dumps(card | {"sha256": digest_of(card)}))


def uses(data: Path) -> list[Callable[[], Any]]:
    return [
        lambda: list(bt.DatasetDirectory(data).stream("train")),
        lambda: bt.DatasetDirectory(data).rows("train"),
        lambda: bt.DatasetDirectory(data).batches(64, 0, CPU)(0, 0),
    ]


def refused(data: Path, part: str, which: slice = slice(None)) -> None:
    for use in uses(data)[which]:
        with pytest.raises(bt.UserError, match=part) as caught:
            use()
        assert len(str(caught.value).splitlines()) == 1
        assert len(str(caught.value)) < 500


def rewrite(data: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Replace the training rows by others, with a card that agrees."""
    path = arrow(data)
    with pa.memory_map(str(path)) as source:
        table = change(pa.ipc.open_stream(source).read_all())
        content = pa.BufferOutputStream()
        with pa.ipc.new_stream(content, table.schema) as writer:
            writer.write_table(table)
    path.write_bytes(content.getvalue())
    forge(data)


def column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)


def tokens_of(table: pa.Table) -> np.ndarray:
    return np.array(table.column("tokens").to_pylist(), dtype=np.int32)


def rows(values: np.ndarray) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])


def test_every_flipped_byte_is_refused(data: Path) -> None:
    path, rng = arrow(data), random.Random(0)
    content = path.read_bytes()
    for _ in range(60):
        damaged = bytearray(content)
        damaged[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        refused(data, "is not as it was written", slice(1))
    path.write_bytes(content)
    assert len(list(bt.DatasetDirectory(data).stream("train"))) > 0


def test_every_change_of_the_card_is_refused(data: Path) -> None:
    card = json.loads((data / "card.json").read_text())
    for change in (
        {"space": card["space"] | {"end": 5}},
        {"counts": card["counts"] | {"train": 3}},
        {"files": {}},
    ):
        (data / "card.json").write_text(json.dumps(card | change))
        with pytest.raises(bt.UserError, match=r"card\.json is damaged: it is not as it was written"):
            bt.DatasetDirectory(data)


def test_a_space_that_the_rows_do_not_have_is_refused(data: Path) -> None:
    space = json.loads((data / "card.json").read_text())["space"]
    forge(data, space=space | {"positions": 7})
    refused(data, "its card tells of rows of 7 tokens")
    forge(data, space=space | {"vocabulary": 5})
    refused(data, r"a row has tokens outside 0\.\.4", slice(1, None))


@pytest.mark.parametrize("count", [0, 3, 10**9])
def test_other_counts_are_refused(data: Path, count: int) -> None:
    counts = json.loads((data / "card.json").read_text())["counts"]
    forge(data, counts=counts | {"train": count})
    refused(data, f"its card says {count:,}")


@pytest.mark.parametrize("place", [1, 50, -1])
@pytest.mark.parametrize("offset", [1_000_000, -1, 2**31 - 1])
def test_offsets_of_texts_are_checked_before_they_are_followed(data: Path, place: int, offset: int) -> None:
    path = arrow(data)
    with pa.memory_map(str(path)) as source:
        texts = pa.ipc.open_stream(source).read_all().column("text").combine_chunks()
        numbers = np.frombuffer(texts.buffers()[1], dtype=np.int32)[: len(texts) + 1].copy()
    content = path.read_bytes()
    before = numbers.tobytes()
    assert content.count(before) == 1
    numbers[place] = offset
    path.write_bytes(content.replace(before, numbers.tobytes()))
    forge(data)
    refused(data, "is damaged", slice(1))


def test_texts_that_are_not_utf8_or_absent_are_refused(data: Path) -> None:
    rewrite(data, lambda table: column(table, "text", pa.array([b"\xff"] * len(table)).view(pa.string())))
    refused(data, "is damaged", slice(1))
    rewrite(data, lambda table: column(table, "text", pa.array([None] * len(table), pa.string())))
    refused(data, "a row has no text", slice(1))


@pytest.mark.parametrize("token", [-1, 10**6, 2**31 - 1])
def test_tokens_outside_the_vocabulary_are_refused(data: Path, token: int) -> None:
    def change(table: pa.Table) -> pa.Table:
        values = tokens_of(table)
        values[:, 0] = token
        return column(table, "tokens", rows(values))

    rewrite(data, change)
    refused(data, "a row has tokens outside", slice(1, None))


def test_rows_of_other_types_and_lengths_are_refused(data: Path, original: Path) -> None:
    kinds: list[Callable[[pa.Table], pa.Table]] = [
        lambda table: column(table, "tokens", rows(tokens_of(table)[:, 1:])),
        lambda table: column(table, "tokens", rows(tokens_of(table).astype(np.float32))),
        lambda table: column(table, "tokens", pa.array(tokens_of(table).tolist())),
        lambda table: table.drop_columns(["tokens"]),
    ]
    for kind in kinds:
        shutil.rmtree(data)
        shutil.copytree(original, data)
        rewrite(data, kind)
        refused(data, "its card tells of rows of")


def test_only_files_of_the_directory_are_read_and_once_each(data: Path, tmp_path: Path) -> None:
    path = data / "train" / "state.json"
    state = json.loads(path.read_text())
    (name,) = (part["filename"] for part in state["_data_files"])
    (tmp_path / "other.arrow").write_bytes(arrow(data).read_bytes())
    for listed in (
        [name] * 1000,
        [f"../train/{name}"],
        [str(tmp_path / "other.arrow")],
        [],
        [3],
        [name, "x.arrow"],
    ):
        path.write_text(json.dumps(state | {"_data_files": [{"filename": one} for one in listed]}))
        refused(data, "state.json is damaged")
    for content in ("", "[", "[" * 100_000, "{}", " " * 2**21, '{"_data_files": 3}'):
        path.write_text(content)
        refused(data, "state.json is damaged")
    path.unlink()
    refused(data, "is missing or damaged")


def test_of_large_files_some_blocks_are_compared_and_all_of_them_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_check, "BLOCK_BYTES", 64)
    monkeypatch.setattr(dataset_check, "ALWAYS_BYTES", 256)
    file = tmp_path / "file"
    content = random.Random(0).randbytes(64 * 200 + 5)
    file.write_bytes(content)
    told = DataFile(len(content), dataset_check.block_digests(file))
    assert len(told.sha256) == 201
    check_blocks(file, told, thorough=True)
    check_blocks(file, told, thorough=False)
    for place in (0, 6_400, len(content) - 1):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(bt.UserError, match="is not as it was written"):
            check_blocks(file, told, thorough=True)
    found = 0
    for _ in range(400):  # 4 of 201 blocks are looked at each time
        try:
            check_blocks(file, told, thorough=False)
        except bt.UserError:
            found += 1
    assert 1 <= found <= 40
