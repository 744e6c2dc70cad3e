"""Files of text and tables: known by content if compressed, suffixes in any case, tables with a column."""

import bz2
import gzip
import io
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest

import bgan_text as bt
from bgan_text.errors import UserError

Read = Callable[..., list[str]]
Command = Callable[..., Any]
LINES = [f"{number} bottles" for number in range(4000)]
TEXT = "".join(line + "\n" for line in LINES).encode()
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda content: lzma.compress(content, lzma.FORMAT_ALONE),
    "Zstandard": lambda content: bytes(pyarrow.Codec("zstd").compress(content, asbytes=True)),
}
TABLES = {
    "csv": "id,text\n1,one\n2,two\n",
    "tsv": "id\ttext\n1\tone\n2\ttwo\n",
    "jsonl": '{"id": 1, "text": "one"}\n{"id": 2, "text": "two"}\n',
    "json": '[{"id": 1, "text": "one"}, {"id": 2, "text": "two"}]',
}
TABLES |= {"tab": TABLES["tsv"], "ndjson": TABLES["jsonl"]}


def refusal(read: Read, name: str, content: str | bytes, *column: str) -> str:
    with pytest.raises(UserError) as caught:
        read(name, content, *column)
    assert "\n" not in str(caught.value)
    return str(caught.value).partition(f"/{name}")[2]


def parquet(folder: Path, **columns: list[Any]) -> bytes:
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "made.parquet")
    return (folder / "made.parquet").read_bytes()


# Compressed files


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("name", ["t", "t.txt", "t.gz", "t.TXT.ZST", "t.bz2"])
def test_compressed_files_are_known_by_content(read: Read, kind: str, name: str) -> None:
    assert read(name, PACKED[kind](TEXT)) == LINES


@pytest.mark.parametrize("name", ["t.txt.gz", "t.xz", "t.zst"])
def test_a_file_that_is_only_called_compressed_is_read_as_it_is(read: Read, name: str) -> None:
    assert read(name, TEXT) == LINES


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "Zstandard"])
def test_files_of_several_parts_are_read_whole(read: Read, kind: str) -> None:
    pack = PACKED[kind]
    assert read("t.txt", pack(TEXT[:9000]) + pack(TEXT[9000:])) == LINES


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("suffix", TABLES)
def test_tables_of_every_kind_may_be_compressed(read: Read, kind: str, suffix: str) -> None:
    content = PACKED[kind](TABLES[suffix].encode())
    for name in (f"t.{suffix}", f"t.{suffix}.zst", f"T.{suffix.upper()}.GZ"):
        assert read(name, content, "text") == ["one", "two"]


@pytest.mark.parametrize("kind", PACKED)
def test_a_compressed_parquet_file_is_read(read: Read, tmp_path: Path, kind: str) -> None:
    assert read("t.parquet.gz", PACKED[kind](parquet(tmp_path, text=["one", "two"])), "text") == [
        "one",
        "two",
    ]


@pytest.mark.parametrize("kind", PACKED)
def test_a_damaged_compressed_file_is_named(read: Read, kind: str) -> None:
    packed = PACKED[kind](TEXT)
    assert refusal(read, "t.txt", packed[: len(packed) // 2]).startswith(f" is not a whole {kind} file")
    if kind in ("gzip", "bzip2", "xz"):  # which hold a checksum always
        broken = bytearray(packed)
        broken[len(packed) // 2] ^= 0xFF
        assert refusal(read, "t.txt", bytes(broken)).startswith(f" is not a whole {kind} file")


def test_standard_input_may_be_compressed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for pack in (bytes, *PACKED.values()):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pack(TEXT[:200]))))
        made = bt.prepare("lines", path="-", tokenizer="char", out=tmp_path / "out", overwrite=True)
        assert made.counts["read"] == TEXT[:200].count(b"\n") + 1


@pytest.mark.parametrize("suffix", [*TABLES, "parquet"])
def test_standard_input_may_be_a_table(
    suffix: str, read: Read, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from bgan_text.corpora.sources import file_samples

    content = TABLES[suffix].encode() if suffix in TABLES else parquet(tmp_path, text=["one", "two"])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert list(file_samples("-", "text")) == ["one", "two"]


# Suffixes


@pytest.mark.parametrize("suffix", TABLES)
def test_suffixes_of_tables_are_known_in_any_case(read: Read, suffix: str) -> None:
    for name in (f"t.{suffix.upper()}", f"t.{suffix.title()}", f"a.b.{suffix}"):
        assert read(name, TABLES[suffix], "text") == ["one", "two"]
        assert "is a table" in refusal(read, name, TABLES[suffix])


def test_parquet_is_known_by_content(read: Read, tmp_path: Path) -> None:
    content = parquet(tmp_path, text=["one", "two"])
    for name in ("table", "t.PARQUET", "t.pq", "t.txt"):
        assert read(name, content, "text") == ["one", "two"]
        assert refusal(read, name, content) == " is a table: it has the column 'text': give `column` text"


def test_a_column_of_what_is_no_table_is_refused(read: Read) -> None:
    with pytest.raises(UserError, match=r"unknown kind of table '.txt'"):
        read("t.txt", TEXT, "text")


# A table without a column


@pytest.mark.parametrize("suffix", TABLES)
def test_a_table_without_a_column_is_refused_with_those_that_it_has(read: Read, suffix: str) -> None:
    assert refusal(read, f"t.{suffix}", TABLES[suffix]) == (
        " is a table: it has the columns 'id', 'text': name that of the text with `column`"
    )


def test_a_table_of_one_column_names_what_to_type(bgan: Command, tmp_path: Path) -> None:
    (tmp_path / "x.ndjson").write_text("".join(f'{{"t": "text {number}"}}\n' for number in range(9)))
    for words in (
        ("prepare", "lines", "--path", "x.ndjson"),
        ("score", "x.ndjson", "--reference", "x.ndjson"),
    ):
        made = bgan(*words)
        assert (made.code, made.out) == (1, "")
        assert made.err == "bgan-text: x.ndjson is a table: it has the column 't': give --column t\n"
    made = bgan("prepare", "x.ndjson", "--tokenizer", "word", "--column", "t")
    assert made.code == 0, made.err
    assert "9 samples read from 1 file: 0 blank" in made.err


def test_many_columns_are_named_in_part(read: Read) -> None:
    names = [f"c{number}" for number in range(50)]
    message = refusal(read, "t.csv", ",".join(names) + "\n")
    assert "it has the columns 'c0', 'c1'" in message
    assert "'c19' and 30 more: name" in message


def test_a_column_that_is_not_there_is_refused_with_those_that_are(read: Read, tmp_path: Path) -> None:
    for suffix, content in TABLES.items():
        message = refusal(read, f"t.{suffix}", content, "Text")
        assert message == " has no column 'Text': it has 'id', 'text'", suffix
    content = parquet(tmp_path, id=[1], text=["a"])
    assert refusal(read, "t.parquet", content, "Text") == " has no column 'Text': it has 'id', 'text'"


def test_score_reads_what_prepare_reads(bgan: Command, tmp_path: Path) -> None:
    rows = [f"row {number} of it" for number in range(30)]
    (tmp_path / "real.txt").write_text("\n".join(rows))
    (tmp_path / "real.TXT.zst").write_bytes(PACKED["Zstandard"]("\n".join(rows).encode()))
    (tmp_path / "t.CSV").write_text("text,n\n" + "".join(f"{row},1\n" for row in rows))
    (tmp_path / "t.ndjson").write_text("".join(f'{{"text": "{row}"}}\n' for row in rows))
    (tmp_path / "t.pq").write_bytes(parquet(tmp_path, text=rows))
    report = bt.evaluate(
        [tmp_path / name for name in ("t.CSV", "t.ndjson", "t.pq", "real.TXT.zst")],
        reference=tmp_path / "real.txt",
        column="text",
        resamples=0,
    )
    values = [{name: cell.value for name, cell in column.cells.items()} for column in report.columns[:4]]
    assert values[0]["bleu-4"] == 1.0
    assert values == values[:1] * 4
    made = bgan("score", "t.CSV", "t.pq", "--reference", "real.txt", "--column", "text", "--json")
    assert made.code == 0, made.err
