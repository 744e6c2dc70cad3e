"""Columns of JSON Lines, of an array, and of objects one after the other: values as they are written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bgan_text as bt
from bgan_text.corpora import json_rows
from bgan_text.errors import UserError

Read = Callable[..., list[str]]
Command = Callable[..., Any]
SHAPES = ["lines", "array", "indented", "crammed"]


def shaped(rows: list[str], shape: str) -> str:
    """Objects, written as JSON, in one of the shapes of a file."""
    if shape == "lines":
        return "".join(row + "\n" for row in rows)
    if shape == "array":
        return "[" + ", ".join(rows) + "]"
    if shape == "indented":
        return "[\n" + ",\n".join(row.replace("{", "{\n  ").replace("}", "\n}") for row in rows) + "\n]\n"
    return "".join(row.replace("{", "{\n") for row in rows)


def of_values(values: list[str]) -> list[str]:
    return [f'{{"i": 1, "t": {value}}}' for value in values]


def refusal(read: Read, content: str | bytes, name: str = "t.jsonl") -> str:
    with pytest.raises(UserError) as caught:
        read(name, content, "t")
    assert "\n" not in str(caught.value)
    return str(caught.value).partition(f"/{name}")[2]


# Values


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "values",
    [
        ["2020-01-01", "2021-02-03", "2022-03-04"],
        ["2020-01-01T00:00:00", "2020-01-01 10:00", "01/02/2020"],
        ["007", "1e5", "true", "null", "NA", "nan", "[1]", "a, b"],
        ["grün", "你好", "🎉", 'he said "no"', "back\\slash", "tab\there"],
    ],
)
def test_strings_are_read_as_they_are_written(read: Read, shape: str, values: list[str]) -> None:
    for ascii_only in (True, False):
        rows = of_values([json.dumps(value, ensure_ascii=ascii_only) for value in values])
        assert read("t.json", shaped(rows, shape), "t") == values


@pytest.mark.parametrize("shape", SHAPES)
def test_numbers_true_and_false_are_read_as_they_are_written(read: Read, shape: str) -> None:
    values = [
        "1",
        "1.0",
        "1.50",
        "-0",
        "1e5",
        "1E-3",
        "12345678901234567890123",
        "0.1000000000000000055511151231",
    ]
    values += ["true", "false"]
    assert read("t.jsonl", shaped(of_values(values), shape), "t") == values


@pytest.mark.parametrize("shape", SHAPES)
def test_null_and_a_row_without_the_column_are_blank(read: Read, shape: str) -> None:
    rows = ['{"i":1}', '{"t":"a"}', '{"t":null}', '{"t":"b"}', '{"t":"c"}', '{"i":1}', "{}"]
    assert read("t.jsonl", shaped(rows, shape), "t") == ["", "a", "", "b", "c", "", ""]


def test_null_and_missing_rows_are_counted_as_blank(bgan: Command, tmp_path: Path) -> None:
    (tmp_path / "null.jsonl").write_text('{"t":"a"}\n{"t":null}\n{"t":"b"}\n{"t":"c"}\n{"i":1}\n')
    made = bgan("prepare", "null.jsonl", "--column", "t", "--tokenizer", "word", "--json")
    assert made.code == 0, made.err
    assert "5 samples read from 1 file: 2 blank" in made.err
    assert sum(json.loads(made.out)["counts"][split] for split in ("train", "validation", "test")) == 3


def test_dates_stay_dates(bgan: Command, tmp_path: Path) -> None:
    dates = ["2020-01-01", "2021-02-03", "2022-03-04"]
    (tmp_path / "date.jsonl").write_text("".join(json.dumps({"t": date}) + "\n" for date in dates))
    made = bt.prepare(tmp_path / "date.jsonl", column="t", tokenizer="word", out=tmp_path / "out")
    found = [text for split in ("train", "validation", "test") for text in made.texts(split)]
    assert sorted(found) == dates


def test_line_ends_within_a_value_become_spaces(read: Read) -> None:
    assert read("t.jsonl", '{"t": "a\\nb\\r\\n\\r\\nc\\n"}\n', "t") == ["a b c"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("value", "kind"), [('["C", "Cl"]', "lists"), ("[]", "lists"), ('{"a": 1}', "objects"), ("{}", "objects")]
)
def test_values_that_are_no_text_are_refused_by_the_name_of_their_type(
    read: Read, shape: str, value: str, kind: str
) -> None:
    message = refusal(read, shaped(of_values(['"one"', value, '"two"']), shape))
    assert message.endswith(f": column t holds {kind}, text was expected")
    if shape == "lines":
        assert message.startswith(": line 2: ")


def test_lists_are_one_line_for_prepare_and_score(bgan: Command, tmp_path: Path) -> None:
    (tmp_path / "list.jsonl").write_text('{"t":["C","Cl"]}\n{"t":["N"]}\n{"t":["Br","C"]}\n')
    words = ("list.jsonl", "--column", "t")
    for made in (bgan("prepare", *words), bgan("score", *words, "--reference", "list.jsonl")):
        assert (made.code, made.out) == (1, "")
        assert made.err == "bgan-text: list.jsonl: line 1: column t holds lists, text was expected\n"
    assert not list(tmp_path.glob("data/*"))


def test_half_a_character_is_refused_with_its_line(read: Read) -> None:
    assert refusal(read, '{"t": "fine"}\n{"t": "x\\ud83d"}\n').startswith(": line 2 has half a character")
    assert read("t.jsonl", '{"t": "\\ud83c\\udf89"}\n', "t") == ["🎉"]


def test_nul_is_refused_with_its_line(read: Read) -> None:
    assert refusal(read, '{"t": "fine"}\n{"t": "a\\u0000b"}\n').startswith(": line 2 has a NUL character")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"t": "a"},, {"t": "b"}]', ": line 1 is not JSON: there is a comma too many"),
        ('[{"t": "a"}\n{"t": "b"}]', ": line 2 is not JSON: a comma is missing"),
        ('[{"t": "a"},\n]', ": line 2 is not JSON: there is a comma too many"),
        ('{\n"t": "a"},\n{"t": "b"}', ": line 3 is not JSON: there is a comma too many"),
    ],
)
def test_commas_of_json_are_where_they_belong(read: Read, content: str, message: str) -> None:
    assert refusal(read, content) == message


# Columns


def test_no_row_with_the_column_is_refused_with_those_there_are(read: Read) -> None:
    assert refusal(read, '{"a": 1}\n{"b": 1, "a": 2}\n') == " has no column 't': it has 'a', 'b'"


def test_a_column_that_comes_late_is_found(read: Read) -> None:
    assert read("t.jsonl", '{"a": 1}\n' * 3000 + '{"t": "x"}\n', "t") == [""] * 3000 + ["x"]


def test_the_column_asked_for_may_not_be_there_twice(read: Read) -> None:
    assert refusal(read, '{"t": "x"}\n{"t": "a", "t": "b"}\n') == ": line 2 has 2 columns 't'"
    assert read("t.jsonl", '{"t": "t", "u": "a", "u": "b", "n": {"t": 1}}\n', "t") == ["t"]


def test_blank_lines_are_blank_rows(read: Read) -> None:
    assert read("t.jsonl", '{"t": "a"}\n\n{"t": "b"}\r\n  \n', "t") == ["a", "", "b", ""]


@pytest.mark.parametrize("content", ["", "\n\n", "[]"])
def test_a_file_without_rows_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(UserError, match=r"t\.json is an empty table"):
        bt.prepare(tmp_path / "t.json", out=tmp_path / "out")
    with pytest.raises(UserError, match=r"is empty|has no text|has no column"):
        bt.prepare(tmp_path / "t.json", column="t", out=tmp_path / "out")


# Faults


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"t": "a"}\n{"t": "b"\n', ": line 2, character 10 is not JSON: expecting ',' delimiter"),
        ('{"t": "a"}\n{"t": \'b\'}\n', ": line 2, character 7 is not JSON: expecting value"),
        ('{"t": "a"}\n["b"]\n', ': line 2 is no object such as {"t": "text"}'),
        ('{"t": "a"}\n"b"\n', ': line 2 is no object such as {"t": "text"}'),
        ("plain text\n", ": line 1 is not JSON: expecting value"),
        ('[{"t": "a"},\n {"t": "b"', ": line 2 is not JSON: expecting ',' delimiter"),
        ('[{"t": "a"},\n', " ends in line 2, within its array"),
        ('[{"t": "a"}]\n{"t": "b"}\n', ": line 2 has more after the end of the array"),
        ('[\n{"t": "a"},\n7]\n', ': line 3 is no object such as {"t": "text"}'),
        ("[" * 100_000, " is nested too deeply"),
    ],
)
def test_what_is_not_json_is_refused_with_its_line(read: Read, content: str, message: str) -> None:
    assert message in refusal(read, content)


def test_a_long_array_is_read_in_parts(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_rows, "HEAD", 50)
    values = [f'text {number} "é" ' + "x" * (number % 97) for number in range(500)]
    for shape in SHAPES:
        content = shaped(of_values([json.dumps(value) for value in values]), shape)
        assert read("t.json", content, "t") == values
    broken = shaped(of_values(['"a"'] * 400 + ["oops"]), "indented")
    assert f": line {2 + 3 * 400 + 1} is not JSON: expecting value" in refusal(read, broken, "t.json")


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("column", ["t", "é", "文", 'a"b', "a/b"])
def test_a_column_twice_in_an_object_is_refused_however_it_is_spelled(
    read: Read, column: str, ascii_only: bool
) -> None:
    name = json.dumps(column, ensure_ascii=ascii_only)
    escaped = "".join(f"\\u{ord(sign):04x}" for sign in column)
    for other in (name, f'"{escaped}"'):
        with pytest.raises(UserError, match=r"line 2 has 2 columns "):
            read("t.jsonl", f'{{{name}: "fine"}}\n{{{name}: "first", {other}: "second"}}\n', column)
    assert read("t.jsonl", f'{{"other": {name}, {name}: "\\u0074 {escaped}"}}\n', column) == [f"t {column}"]


@pytest.mark.parametrize("shape", SHAPES)
def test_nan_is_a_missing_value_as_python_writes_it(read: Read, shape: str) -> None:
    assert read("t.json", shaped(of_values(["NaN", '"NaN"', "-Infinity"]), shape), "t") == [
        "",
        "NaN",
        "-Infinity",
    ]


def test_objects_one_after_the_other_may_stand_on_a_single_line(read: Read) -> None:
    assert read("t.json", '{"t": "a"} {"t": "b"}{"t": "c"}', "t") == ["a", "b", "c"]
    assert refusal(read, '{"t": "a"} {"t": ') != ""
