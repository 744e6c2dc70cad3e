"""Text and tables of a stranger: what is small on disk and claims, or unpacks to, any size is refused."""

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bgan_text as bt
from bgan_text.corpora import (
    decoding,
    delimited,
    json_rows,
    parquet_rows,
    text_preparation,
    text_spool,
    units,
)
from bgan_text.corpora.parquet_pages import PageError, page_sizes
from bgan_text.corpora.sources import file_samples
from bgan_text.corpora.text_blocks import read_texts
from bgan_text.evaluation.command_judge import CommandJudge

Read = Callable[..., list[str]]
BOMB = (
    " unpacks to more than 200 bytes for each of its own: it may be a decompression bomb; unpack it yourself "
    "if it is not"
)


def zstandard(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as file:
        file.write(content)
    return bytes(sink.getvalue())


PACKERS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "Zstandard": zstandard}


def refusal(read: Read, name: str, content: bytes, *column: str, most: int = 2**26, **more: Any) -> str:
    """The line that refuses a file, in little memory, without its path."""
    tracemalloc.start()
    try:
        with pytest.raises(bt.UserError) as caught:
            read(name, content, *column, **more)
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert len(message) < 600
    return message[message.index(name) + len(name) :]


# Compressed files


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("sign", [b"\0", b"a", b"\n"])
def test_a_bomb_is_refused_before_any_of_it_is_a_sample(read: Read, kind: str, sign: bytes) -> None:
    assert refusal(read, "a.txt", PACKERS[kind](sign * (2**24 + 2**20))) == BOMB


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("damaged", [b"junk", b"second"])
def test_nothing_of_a_compressed_file_is_passed_over(read: Read, kind: str, damaged: bytes) -> None:
    """What follows the first stream is another one, or damage."""
    first, second = PACKERS[kind](b"one\n"), PACKERS[kind](b"two\n")
    assert read("a.txt", first + second) == ["one", "two"]
    rest = damaged if damaged == b"junk" else second[:1] + b"?" + second[2:]
    assert refusal(read, "a.txt", first + rest).startswith(f" is not a whole {kind} file: ")


def test_a_bomb_behind_text_is_refused_too(tmp_path: Path) -> None:
    text = "".join(f"{line} {os.urandom(20).hex()}\n" for line in range(9000)).encode()
    (tmp_path / "a.txt").write_bytes(gzip.compress(text + b"a" * 2**26))
    found = file_samples(str(tmp_path / "a.txt"))
    assert next(found).startswith("0 ")
    with pytest.raises(bt.UserError, match="unpacks to more than 200 bytes"):
        list(found)


@pytest.mark.parametrize("kind", PACKERS)
def test_text_that_compresses_well_is_read(read: Read, kind: str) -> None:
    lines = [f"the same line with the number {number}" for number in range(20_000)]
    assert read("a.txt", PACKERS[kind]("\n".join(lines).encode())) == lines


def test_parts_of_xz_and_zeros_between_them_are_read(read: Read) -> None:
    assert read("a.xz", lzma.compress(b"a\n") + bytes(8) + lzma.compress(b"b\n") + bytes(4)) == ["a", "b"]
    assert read("a.lzma", lzma.compress(b"a\n", lzma.FORMAT_ALONE)) == ["a"]
    whole = lzma.compress(b"a\n" * 9)
    for place in range(12, len(whole) - 1):
        assert " is not a whole xz file: " in refusal(read, "a.xz", whole[:place])


def test_xz_asks_for_bounded_memory(read: Read) -> None:
    content = bytearray(lzma.compress(b"hello\n" * 9, preset=0))
    place = content.index(b"\x21\x01", 12)
    content[place + 2] = 40  # a dictionary of 4 GiB
    end = 12 + 4 * (content[12] + 1)
    content[end - 4 : end] = struct.pack("<I", zlib.crc32(bytes(content[12 : end - 4])))
    assert refusal(read, "a.xz", bytes(content)) == " is not a whole xz file: Memory usage limit exceeded"


# Lines, fields and samples


def test_a_line_has_an_end(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (decoding, delimited, json_rows):
        for name in ("LONGEST_LINE", "LONGEST_FIELD"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, 1000)
    monkeypatch.setattr(decoding.utf8_lines, "__defaults__", (1000,))
    defaults = (*(decoding.decoded_lines.__defaults__ or ())[:2], 1000)
    monkeypatch.setattr(decoding.decoded_lines, "__defaults__", defaults)
    long = "x" * 1000
    assert read("a.txt", f"a\n{long[1:]}\n") == ["a", long[1:]]
    end = "1,000 bytes, the most that is read as one"
    assert refusal(read, "a.txt", f"a\n{long}\n".encode()) == f": line 2 has more than {end}"
    assert refusal(read, "a.csv", f"a,b\n1,{long}\n".encode(), "a") == f": line 2 has more than {end}"
    assert refusal(read, "a.tsv", f"a\tb\n1\t{long}\n".encode(), "a") == f": line 2 has more than {end}"
    row = json.dumps({"a": long}) + "\n"
    assert refusal(read, "a.jsonl", ('{"a": 1}\n' + row).encode(), "a") == f": line 2 has more than {end}"
    wide = ("a\n" + long * 200).encode("utf-16")
    assert "line 2 has more than 1,000 characters" in refusal(read, "a.txt", wide, encoding="utf-16")
    array = ('[{"a": "b"},\n{"a": "' + long * 200 + '"}]').encode()
    assert ": the row in line 2 has more than 1,000 characters" in refusal(read, "a.json", array, "a")


def test_a_row_of_quoted_lines_has_an_end(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "LONGEST_FIELD", 1000)
    content = b"a,b\n" + b'"x\n",' * 1000
    assert ": the row in line 2 has more than 2,000 characters" in refusal(read, "a.csv", content, "a")


@pytest.mark.parametrize("unit", ["file", "paragraph", "sentence"])
def test_a_sample_of_many_lines_has_an_end(read: Read, unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "LONGEST_SAMPLE", 1000)
    monkeypatch.setattr(units, "LONGEST_SENTENCE", 1000)
    monkeypatch.setattr(units, "ENOUGH", 500)
    assert read("b.txt", b"some words.\n\n" * 50, unit=unit)
    message = refusal(read, "a.txt", b"some words\n" * 200, unit=unit)
    assert message.startswith(": a sample has more than 1,000 characters: a smaller `unit`, such as line,")


@pytest.mark.parametrize("depth", [5_000, 50_000, 1_000_000])
@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}")])
def test_deep_json_is_refused(read: Read, depth: int, start: str, end: str) -> None:
    deep = start * depth + "1" + end * depth
    for name, content in (("a.jsonl", f'{{"a":"b"}}\n{{"a":{deep}}}\n'), ("a.json", f'[{{"a":"b"}},{deep}]')):
        assert " is nested too deeply" in refusal(read, name, content.encode(), "a")


def test_names_of_columns_are_shown_in_part(read: Read) -> None:
    csv.field_size_limit(1000)  # what another part of the process may have left
    name = "x" * 200_000 + "\x1b[2J"
    for file, content in (("a.jsonl", json.dumps({name: 1}) + "\n"), ("a.csv", f"{name},b\n1,2\n")):
        assert "has no column 'a': it has 'xxx" in refusal(read, file, content.encode(), "a")


# Parquet


def parquet(values: Any, **more: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"a": values}), file, **more)
    return file.getvalue()


@pytest.mark.parametrize("codec", ["none", "zstd", "gzip", "snappy"])
@pytest.mark.parametrize("page", ["1.0", "2.0"])
def test_the_sizes_of_pages_are_those_that_were_written(codec: str, page: str) -> None:
    texts = [f"text {number}" * (number % 50) for number in range(3000)]
    content = parquet(
        texts,
        compression=codec,
        data_page_version=page,
        data_page_size=5000,
        row_group_size=1000,
        write_batch_size=10,
        use_dictionary=False,
        write_statistics=False,
    )
    file = io.BytesIO(content)
    metadata = pq.ParquetFile(file).metadata
    for group in range(3):
        chunk = metadata.row_group(group).column(0)
        sizes = list(page_sizes(file, chunk))
        assert len(sizes) > 3
        assert 0 < chunk.total_uncompressed_size - sum(sizes) < 200 * len(sizes)  # without the headings


def test_a_damaged_heading_of_a_page_is_seen_or_harmless() -> None:
    content = bytearray(parquet(["a" * 100, None, "b"], compression="zstd"))
    chunk = pq.ParquetFile(io.BytesIO(bytes(content))).metadata.row_group(0).column(0)
    seen = 0
    for place in range(4, chunk.total_compressed_size):
        for change in (0x01, 0x55, 0xFF):
            damaged = bytearray(content)
            damaged[place] ^= change
            try:
                assert all(0 <= size < 2**31 for size in page_sizes(io.BytesIO(bytes(damaged)), chunk))
            except PageError:
                seen += 1
    assert seen


def test_a_page_of_any_size_is_not_unpacked(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_rows, "MOST_BYTES_OF_PAGE", 2**20)
    content = parquet(["a" * 2**21, "b"], compression="zstd", use_dictionary=False, write_statistics=False)
    message = refusal(read, "a.parquet", content, "a", most=2**22)
    assert "column a has a page of 2,097," in message
    assert "at most 1,048,576 are read; write it with smaller pages or as CSV" in message


def test_a_dictionary_does_not_unpack_to_any_size(read: Read) -> None:
    index = pa.array(np.zeros(10_000, np.int32))
    content = parquet(pa.DictionaryArray.from_arrays(index, ["x" * 2**20]), compression="zstd")
    assert len(content) < 2**20
    before = pa.total_allocated_bytes()
    message = refusal(read, "a.parquet", content, "a", most=2**28)
    assert "characters, 200 for each byte of the file: it may be a decompression bomb" in message
    assert pa.total_allocated_bytes() - before < 2**27


def test_rows_that_take_no_space_are_counted(read: Read) -> None:
    message = refusal(read, "a.parquet", parquet(pa.nulls(3_000_000, pa.string()), compression="zstd"), "a")
    assert " announces 3,000,000 rows in " in message


def test_a_table_of_fewer_rows_than_it_announces_is_refused(read: Read) -> None:
    content = parquet([f"text {number}" for number in range(300)], compression="none")
    size = struct.unpack("<I", content[-8:-4])[0]
    footer = content[-8 - size : -8].replace(b"\xd8\x04", b"\xda\x04")  # 300 and 301, as they are written
    for damaged in (footer, content[-8 - size : -8].replace(b"\xd8\x04", b"\xfe\xff\xff\xff\x0f")):
        whole = content[: -8 - size] + damaged + struct.pack("<I", len(damaged)) + b"PAR1"
        message = refusal(read, "a.parquet", whole, "a")
        assert message.startswith((" is not a whole Parquet file: ", " announces 2,147,483,647 rows in "))


# Judges


def test_a_judge_that_prints_without_end_is_ended() -> None:
    for command, what in (("yes 1", "stdout"), ("yes", "words")):
        with pytest.raises(bt.UserError) as caught:
            CommandJudge(command, timeout=60)(["one", "two"])
        assert "printed more than 1,050,576 bytes and was ended" in str(caught.value), what


def test_the_last_words_of_a_judge_are_kept_whatever_it_said_before() -> None:
    code = "import sys; sys.stderr.write('x' * 10**7 + '\\nthe reason'); sys.exit(3)"
    with pytest.raises(bt.UserError, match="ended with exit code 3; it says: the reason"):
        CommandJudge(f'python -c "{code}"')(["one"])


def test_a_judge_may_print_long_numbers() -> None:
    assert CommandJudge("cat")(["0." + "1" * 900] * 5000) == [pytest.approx(1 / 9)] * 5000


def test_long_texts_are_in_memory_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{number:04}" + "ab" * 500 for number in range(60)]
    sizes: list[int] = []
    encode = text_preparation.encode_block

    def noted(encoding: Any, texts: Path, *more: Any) -> Any:
        sizes.append(len(read_texts(texts)))
        return encode(encoding, texts, *more)

    monkeypatch.setattr(text_preparation, "encode_block", noted)
    whole = bt.prepare(texts, tokenizer="char", length=4, overlong="cut", out=tmp_path / "whole")
    monkeypatch.setattr(text_spool, "BLOCK_CHARACTERS", 9000)
    parts = bt.prepare(texts, tokenizer="char", length=4, overlong="cut", out=tmp_path / "parts")
    assert sizes == [60, 9, 9, 9, 9, 9, 9, 6]
    assert whole.card["signature"] == parts.card["signature"]
