"""Columns of Parquet: text, bytes as text, other values in their written form, and what is no text."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bgan_text as bt
from bgan_text.errors import UserError

Command = Callable[..., Any]
Values = Callable[..., list[str]]


@pytest.fixture
def values(tmp_path: Path) -> Values:
    """Writes a column of Parquet and reads its samples."""
    from bgan_text.corpora.sources import file_samples

    def call(column: list[Any], kind: Any = None, **more: Any) -> list[str]:
        table = pa.table({"i": list(range(len(column))), "t": pa.array(column, kind)})
        pq.write_table(table, tmp_path / "t.parquet", row_group_size=2)
        return list(file_samples(str(tmp_path / "t.parquet"), "t", **more))

    return call


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_text_is_read_as_it_is_and_null_as_blank(values: Values, kind: Any) -> None:
    texts = ["grün", "007", "", "NA", "a b", 'say "x"']
    assert values([*texts, None], kind) == [*texts, ""]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.dictionary(pa.int32(), pa.binary())])
def test_bytes_are_decoded(values: Values, kind: Any) -> None:
    texts = ["the quiet market", "grün", "你好", ""]
    assert values([*(text.encode() for text in texts), None], kind) == [*texts, ""]
    assert values([text.encode("utf-16") for text in texts], kind, encoding="utf-16") == texts


def test_bytes_of_a_fixed_width_are_decoded(values: Values) -> None:
    assert values([b"abc", b"xyz"], pa.binary(3)) == ["abc", "xyz"]


def test_bytes_of_another_encoding_are_refused_with_their_row(values: Values) -> None:
    with pytest.raises(UserError, match=r"column t is not utf-8 in row 3: give the `encoding` that it has"):
        values([b"a", b"b", b"gr\xfcn"])
    assert values([b"a", b"b", b"gr\xfcn"], encoding="cp1252") == ["a", "b", "grün"]


def test_text_of_bytes_is_prepared_as_text(bgan: Command, tmp_path: Path) -> None:
    texts = [f"wörd {number}" for number in range(20)]
    pq.write_table(pa.table({"text": [text.encode() for text in texts]}), tmp_path / "binary.parquet")
    made = bgan("prepare", "binary.parquet", "--column", "text", "--tokenizer", "char", "--out", "out")
    assert made.code == 0, made.err
    data = bt.DatasetDirectory(Path("out"))
    found = [text for split in ("train", "validation", "test") for text in data.texts(split)]
    assert sorted(found) == sorted(texts)


@pytest.mark.parametrize(
    ("column", "kind", "written"),
    [
        ([True, False], None, ["true", "false"]),
        ([1, -7], None, ["1", "-7"]),
        ([1.5, 0.1], None, ["1.5", "0.1"]),
        ([Decimal("1.50"), Decimal("2.00")], None, ["1.50", "2.00"]),
        ([date(2020, 1, 1)], None, ["2020-01-01"]),
        ([datetime(2020, 1, 1, 10, 30)], pa.timestamp("us"), ["2020-01-01 10:30:00"]),
        ([datetime(2020, 1, 1, 10, 30, 1, 500_000)], pa.timestamp("ms"), ["2020-01-01 10:30:01.500"]),
        ([datetime(2020, 1, 1, tzinfo=UTC)], pa.timestamp("s", "UTC"), ["2020-01-01 00:00:00Z"]),
        ([None, None], pa.null(), ["", ""]),
    ],
)  # fmt: skip
def test_other_values_come_in_their_written_form(
    values: Values, column: list[Any], kind: Any, written: list[str]
) -> None:
    assert values(column, kind) == written


@pytest.mark.parametrize(
    ("column", "kind", "name"),
    [
        ([["C", "Cl"], ["N"]], None, "lists"),
        ([[1.0, 2.0]], pa.list_(pa.float32(), 2), "lists"),
        ([["C"]], pa.large_list(pa.string()), "lists"),
        ([{"a": "x"}], None, "structs"),
        ([[("a", "x")]], pa.map_(pa.string(), pa.string()), "maps"),
        ([timedelta(seconds=90)], None, r"duration\[us\]"),
    ],
)
def test_values_that_are_no_text_are_refused_by_the_name_of_their_type(
    values: Values, column: list[Any], kind: Any, name: str
) -> None:
    with pytest.raises(UserError, match=rf"t\.parquet: column t holds {name}.*, text was expected") as caught:
        values(column, kind)
    assert "\n" not in str(caught.value)


def test_a_struct_column_is_one_line_for_prepare_and_score(bgan: Command, tmp_path: Path) -> None:
    pq.write_table(pa.table({"t": [{"a": "x"}] * 9}), tmp_path / "t.parquet")
    words = ("t.parquet", "--column", "t")
    for made in (bgan("prepare", *words), bgan("score", *words, "--reference", "t.parquet")):
        assert (made.code, made.out, made.err.count("\n")) == (1, "", 1)
        assert made.err.startswith("bgan-text: t.parquet: column t holds structs")


def test_the_column_asked_for_may_not_be_there_twice(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["t", "t"])
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(UserError, match="has 2 columns 't': rename one of them"):
        bt.prepare(tmp_path / "t.parquet", column="t", out=tmp_path / "out")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"t": [f"text {number}" for number in range(5000)]}), tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    for content in (whole[:-9], whole[:4] + b"\xff" * 200 + whole[204:], b"PAR1", b"text", b""):
        (tmp_path / "t.parquet").write_bytes(content)
        with pytest.raises(UserError, match=r"t\.parquet is not a whole Parquet file") as caught:
            bt.prepare(tmp_path / "t.parquet", column="t", out=tmp_path / "out")
        assert "\n" not in str(caught.value)


def test_times_have_no_fraction_that_they_do_not_need(values: Values) -> None:
    assert values([3_000_000, 3_500_000], pa.time64("us")) == ["00:00:03", "00:00:03.500000"]


def test_a_string_that_is_not_utf8_is_damaged_and_needs_no_encoding(values: Values, tmp_path: Path) -> None:
    from bgan_text.corpora.parquet_rows import _texts

    wrong = pa.array([b"fine", b"\xff"]).view(pa.string())
    with pytest.raises(UserError, match=r"column t is damaged: it is not UTF-8 in row 8$"):
        list(_texts("t.parquet", "t", wrong, 7, "cp1252"))
