"""The rows of a split as one array are those that `datasets` reads, wherever they lie in the files."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

import bgan_text as bt
from bgan_text.corpora import token_array
from bgan_text.corpora.arrow_files import load
from bgan_text.corpora.token_array import TokenArray

LENGTH = 5
COUNTS = ([7, 1, 30], [], [2, 90])
"""Rows of the record batches of three files."""


def table(rows: np.ndarray, *nulls: int) -> pa.Table:
    mask = pa.array(np.isin(np.arange(len(rows)), nulls)) if nulls else None
    tokens = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), LENGTH, mask=mask)
    return pa.table({"text": pa.array([str(row) for row in rows], pa.string()), "tokens": tokens})


def written(folder: Path, kind: str, counts: Any = COUNTS, **options: Any) -> tuple[list[Path], np.ndarray]:
    rng, files, every = np.random.default_rng(0), [], []
    for number, batches in enumerate(counts):
        files.append(folder / f"{number}.arrow")
        schema = table(np.zeros((0, LENGTH), kind)).schema
        with pa.OSFile(str(files[-1]), "wb") as sink, pa.ipc.new_stream(sink, schema, **options) as writer:
            for count in batches:
                rows = rng.integers(0, 100, (count, LENGTH)).astype(kind)
                every.append(rows)
                writer.write_table(table(rows))
    return files, np.concatenate(every)


@pytest.mark.parametrize("kind", ["uint8", "int16", "int32", "int64"])
@pytest.mark.parametrize(("soon", "most"), [(1 << 26, 1 << 14), (0, 1 << 14), (0, 10)])
def test_rows_are_those_that_datasets_reads(
    kind: str, soon: int, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_array, "SOON_IN_MEMORY", soon)
    monkeypatch.setattr(token_array, "MOST_EXPECTED", most)
    files, expected = written(tmp_path, kind)
    by_datasets = load(files).with_format("numpy", columns=["tokens"])
    np.testing.assert_array_equal(by_datasets[:]["tokens"], expected)
    tokens = TokenArray(files, LENGTH, 100, tmp_path)
    assert tokens.shape == expected.shape == (len(tokens), LENGTH)
    assert tokens.dtype == np.dtype(kind)
    rng = np.random.default_rng(1)
    for places in (
        rng.integers(0, len(tokens), 300),
        [129, 0, 37, 38, 39, 40, 41],
        slice(30, 60),
        slice(None),
    ):
        np.testing.assert_array_equal(tokens[places], by_datasets[places]["tokens"])
    assert tokens[[]].shape == (0, LENGTH)
    np.testing.assert_array_equal(np.concatenate(list(tokens.blocks(13))), expected)
    assert tokens.tensor().dtype == torch.uint8
    np.testing.assert_array_equal(tokens.tensor().numpy(), expected)
    for places in ([130], [-1], [3, 130]):
        with pytest.raises(IndexError):
            tokens[places]


@pytest.mark.parametrize(("most", "kind"), [(256, torch.uint8), (257, torch.int16), (32_769, torch.int32)])
def test_a_tensor_has_the_narrowest_type_that_holds_the_tokens(
    most: int, kind: torch.dtype, tmp_path: Path
) -> None:
    files, expected = written(tmp_path, "int32")
    found = TokenArray(files, LENGTH, most, tmp_path).tensor()
    assert found.dtype == kind
    np.testing.assert_array_equal(found.numpy(), expected)


def test_a_change_of_what_was_read_leaves_the_file(tmp_path: Path) -> None:
    files, expected = written(tmp_path, "int32")
    tokens = TokenArray(files, LENGTH, 100, tmp_path)
    for places in (slice(None), slice(2, 3), [3]):
        found = tokens[places]
        found += 1
    np.testing.assert_array_equal(tokens[:], expected)


def test_rows_that_no_split_has_are_refused(tmp_path: Path) -> None:
    files, _ = written(tmp_path, "int32")
    with pytest.raises(bt.UserError, match=r"a row has tokens outside 0\.\.98"):
        TokenArray(files, LENGTH, 99, tmp_path)[:]
    without = table(np.ones((4, LENGTH), np.int32), 1)
    with pa.OSFile(str(files[0]), "wb") as sink, pa.ipc.new_stream(sink, without.schema) as writer:
        writer.write_table(without)
    with pytest.raises(bt.UserError, match="a row has no tokens"):
        TokenArray(files, LENGTH, 100, tmp_path)
    packed, _ = written(tmp_path, "int32", ([900],), options=pa.ipc.IpcWriteOptions(compression="zstd"))
    with pytest.raises(bt.UserError, match="not stored as they are"):
        TokenArray(packed, LENGTH, 100, tmp_path)


def test_batches_are_those_of_the_rows_that_datasets_reads(tmp_path: Path) -> None:
    data = bt.prepare(
        [f"{a}{b}" for a in "abcdefgh" for b in "ijklmnop"], tokenizer="char", out=tmp_path / "data"
    )
    train = data.split("train").with_format("numpy", columns=["tokens"])
    batches = data.batches(9, 4, torch.device("cpu"))
    for step, index in ((0, 0), (3, 1)):
        rng = np.random.default_rng((4, step, index))
        expected = train[rng.integers(0, len(train), 9)]["tokens"]
        assert batches(step, index).dtype == torch.int64
        np.testing.assert_array_equal(batches(step, index).numpy(), expected)


def test_the_rows_of_the_next_step_are_expected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{a}{b}" for a in "abcdefgh" for b in "ijklmnop"]
    data = bt.prepare(texts, tokenizer="char", out=tmp_path / "data")
    expected: list[list[int]] = []
    read: list[list[int]] = []
    indexed = TokenArray.__getitem__
    monkeypatch.setattr(TokenArray, "expect", lambda self, places: expected.append(places.tolist()))

    def noted(self: TokenArray, places: Any) -> Any:
        read.append(places.tolist())
        return indexed(self, places)

    monkeypatch.setattr(TokenArray, "__getitem__", noted)
    monkeypatch.setattr(token_array, "SOON_IN_MEMORY", 0)
    batches = data.batches(9, 4, torch.device("cpu"))
    for step in range(3):
        batches(step, 0)
    assert expected[:2] == read[1:]
