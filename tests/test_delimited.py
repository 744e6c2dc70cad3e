"""CSV and TSV: every row is read as it was written, or the line that is wrong is named."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bgan_text as bt
from bgan_text.corpora import delimited
from bgan_text.errors import UserError

Read = Callable[..., list[str]]
Command = Callable[..., Any]
ROWS = "1,one\n2,two\n3,three\n"


def refusal(read: Read, name: str, content: str | bytes, column: str = "text", **more: Any) -> str:
    """The message about a file, without its name."""
    with pytest.raises(UserError) as caught:
        read(name, content, column, **more)
    message = str(caught.value)
    assert "\n" not in message
    assert name in message
    return message.partition(name)[2]


# Rows with more or fewer fields than the heading


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "id,text,note\n1,hello there,n1,\n2,good day,n2,\n",
            ": line 2 has 4 fields, the heading 3",
        ),
        (
            "id,text\n1,one\n2,yes, please\n",
            ": line 3 has 3 fields, the heading 2; a field that holds the separator needs quotes",
        ),
        ("id,text\n1,one\n2\n", ": line 3 has 1 field, the heading 2"),
        (
            "text\none\ntwo, three\n",
            ": line 3 has 2 fields, the heading 1; a field that holds the separator needs quotes",
        ),
        (
            'id,text\n1,"a\nb"\n2,yes, please\n',
            ": line 4 has 3 fields, the heading 2; a field that holds the separator needs quotes",
        ),
        (
            "id,text\r\n1,one\r\n2,yes, please\r\n",
            ": line 3 has 3 fields, the heading 2; a field that holds the separator needs quotes",
        ),
        (
            "\ufeffid,text\n1,one,\n",
            ": line 2 has 3 fields, the heading 2",
        ),
        (
            "\n\nid,text\n1,one,\n",
            ": line 4 has 3 fields, the heading 2",
        ),
    ],
)
def test_a_row_of_another_width_is_refused_with_its_line_and_both_counts(
    read: Read, content: str, message: str
) -> None:
    assert refusal(read, "t.csv", content) == message


def test_a_row_of_another_width_in_tsv_is_refused_too(read: Read) -> None:
    assert refusal(read, "t.tsv", "id\ttext\n1\tone\t\n") == ": line 2 has 3 fields, the heading 2"
    assert refusal(read, "t.tsv", "id\ttext\n1\n") == ": line 2 has 1 field, the heading 2"


def test_a_heading_with_the_delimiter_at_its_end_fits_rows_like_it(read: Read) -> None:
    assert read("t.csv", "id,text,\n1,one,\n2,two,\n", "text") == ["one", "two"]


def test_a_shifted_table_is_one_line_and_makes_nothing(bgan: Command, tmp_path: Path) -> None:
    rows = "".join(f"{number},text {number},n,\n" for number in range(9))
    (tmp_path / "shift.csv").write_text("id,text,note\n" + rows)
    words = ("shift.csv", "--column", "text")
    prepared = bgan("prepare", *words, "--tokenizer", "word")
    scored = bgan("score", *words, "--reference", "shift.csv")
    for made in (prepared, scored):
        assert (made.code, made.out) == (1, "")
        assert made.err.startswith("bgan-text: shift.csv: line 2 has 4 fields, the heading 3")
        assert len(made.err.splitlines()) == 1
    assert not list(tmp_path.glob("data/*"))


# Quotes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('id,text\n1,"one\n2,two\n', ": the row in line 2 has a quote that is never closed"),
        ('id,text\n1,"one" or so\n2,two\n', ": line 2 has text after the end of a quote"),
        (
            'id,text\n1,"one\n2,two\n3,"three, or so"\n',
            ": line 4 has text after the end of a quote that opens",
        ),
        ("id,text\n1,one\r2,two\n", ": line 2 has a carriage return (CR) outside quotes"),
    ],
)
def test_a_stray_quote_swallows_no_rows_of_csv(read: Read, content: str, message: str) -> None:
    assert refusal(read, "t.csv", content).startswith(message)


def test_a_field_may_be_long_but_not_without_end(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a long poem " * 20_000
    assert read("t.csv", f"id,text\n1,{text}\n", "text") == [text]
    monkeypatch.setattr(delimited, "LONGEST_FIELD", 150_000)
    csv.field_size_limit(1000)
    message = refusal(read, "t.csv", 'id,text\n1,one\n2,"two\n' + ROWS * 20_000)
    assert (
        message == ": the row in line 3 has a field of more than 150,000 characters: is a quote not closed?"
    )


def test_quotes_within_fields_of_csv_are_kept(read: Read) -> None:
    content = 'id,text\n1,a 5" disk\n2,"he said ""no"""\n3,"yes, please"\n4,""\n5,\'tis\n'
    assert read("t.csv", content, "text") == ['a 5" disk', 'he said "no"', "yes, please", "", "'tis"]


def test_a_quoted_field_that_spans_lines_is_one_sample_and_no_suspect(read: Read, heard: Any) -> None:
    content = 'id,text,n\n1,"roses are red,\nviolets are blue",x\n2,"a\r\nb\r\n\r\nc",x\n'
    assert read("t.csv", content, "text") == ["roses are red, violets are blue", "a b c"]
    assert heard.warnings == []


def test_a_quoted_field_that_holds_rows_is_warned_of(read: Read, heard: Any) -> None:
    swallowed = '1,"one\n2,two\n3,three"\n'
    assert read("t.csv", "id,text\n" + swallowed * 3 + "4,four\n", "text")[-1] == "four"
    first, rest = heard.warnings
    assert "a quoted field spans lines 2 to 4 and holds as many fields as rows would" in first
    assert "3 rows were read as one" in first
    assert "2 more quoted fields like that" in rest


@pytest.mark.parametrize(
    "swallowed",
    [
        'c,"stray\nd, one\nd, two\nd, three\nc, and another"\n',  # commas as in prose, but in every line
        'c,"stray\nd,one\n\nd,two\nc,another"\n',  # a blank line among the rows
        'c,"stray\nd,one,\nc,another"\n',  # a row with a delimiter too many, which would be refused
        'c,"stray\nd,good, day\nd,two\nd,three\nc,another"\n',
    ],
)
def test_rows_with_spaces_or_blank_lines_are_warned_of_too(read: Read, heard: Any, swallowed: str) -> None:
    read("t.csv", "id,text\n1,one\n" + swallowed + "2,two\n", "text")
    assert len(heard.warnings) == 1


def test_blank_lines_and_excels_line_of_the_separator_come_before_the_heading(read: Read) -> None:
    assert read("t.csv", "\n  \nid;text\n1;one\n", "text") == ["one"]
    for first in ("sep=;", '"sep=;"'):
        assert read("t.csv", f"{first}\r\nid;text\r\n1;one, two\r\n", "text") == ["one, two"]
    assert refusal(read, "t.csv", "sep=;\nid;text\n1;a;b\n").startswith(
        ": line 3 has 3 fields, the heading 2"
    )


def test_the_columns_of_another_delimiter_are_named(read: Read) -> None:
    assert refusal(read, "t.csv", "id;text\n1;one\n", "Text") == " has no column 'Text': it has 'id', 'text'"
    assert refusal(read, "t.csv", "id, text\n1, one\n") == " has no column 'text': it has 'id', ' text'"


def test_the_warning_of_a_quoted_field_that_holds_rows_is_shown(bgan: Command, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('id,text\n1,"one\n2,two"\n' + "".join(f"{n},t{n}\n" for n in range(9)))
    made = bgan("prepare", "t.csv", "--column", "text", "--tokenizer", "word")
    assert made.code == 0
    assert "t.csv: a quoted field spans lines 2 to 3" in made.err
    (tmp_path / "samples.txt").write_text("t1\nt2\n")
    made = bgan("score", "samples.txt", "--column", "text", "--reference", "t.csv")
    assert made.code == 0
    assert made.err.count("a quoted field spans lines 2 to 3") == 1  # though the file is read more than once


def test_quotes_in_tsv_are_characters(read: Read, heard: Any) -> None:
    content = 'id\ttext\n1\t"hello\n2\tgood day\n3\tsee you"\n4\tone\n5\ttwo\n6\tthree\n'
    assert read("quote.tsv", content, "text") == ['"hello', "good day", 'see you"', "one", "two", "three"]
    assert heard.warnings == []
    assert read("t.TSV", 'id\ttext\n1\ta 5" disk\n2\t"so" and "so"\n', "text") == [
        'a 5" disk',
        '"so" and "so"',
    ]


def test_a_whole_field_of_tsv_in_quotes_keeps_them_with_a_warning(read: Read, heard: Any) -> None:
    assert read("t.tsv", 'id\ttext\n1\t"hello"\n2\t"there"\n', "text") == ['"hello"', '"there"']
    (warning,) = heard.warnings
    assert "line 2 has a text in quotes, which are kept" in warning


def test_fields_of_tsv_that_a_program_put_in_quotes_are_taken_out(read: Read, heard: Any) -> None:
    assert read("t.tsv", 'id\ttext\n1\t"he said ""no"""\n2\t"a\tb"\n3\tc\n', "text") == [
        'he said "no"',
        "a\tb",
        "c",
    ]
    assert read("t.tsv", '"id"\t"text"\n"1"\t"a\nb"\n"2"\t"c"\n', "text") == ["a b", "c"]
    assert heard.warnings == []


# Headings


@pytest.mark.parametrize("sign", [";", "|", "\t"])
def test_other_signs_may_separate_the_fields_of_csv(read: Read, sign: str) -> None:
    content = f'id{sign}text\n1{sign}"one, two"\n2{sign}three, four\n3{sign}five\n'
    assert read("t.csv", content, "text") == ["one, two", "three, four", "five"]
    message = refusal(read, "t.csv", content + f"4{sign}a{sign}b\n")
    assert message == ": line 5 has 3 fields, the heading 2; a field that holds the separator needs quotes"


def test_the_column_asked_for_may_not_be_there_twice(read: Read) -> None:
    content = "text,id,text\none,1,two\n"
    assert refusal(read, "t.csv", content) == " has 2 columns 'text': rename one of them"
    assert refusal(read, "t.tsv", content.replace(",", "\t")) == " has 2 columns 'text': rename one of them"
    assert read("t.csv", content, "id") == ["1"]


def test_headings_are_read_out_of_their_quotes_and_after_a_mark(read: Read) -> None:
    assert read("t.csv", '\ufeff"text",id\none,1\n', "text") == ["one"]
    assert read("t.csv", "\ufefftext,id\none,1\n", "text") == ["one"]
    assert read("t.csv", '"te,xt",id\none,1\n', "te,xt") == ["one"]


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_a_table_without_a_heading_is_refused(read: Read, content: str) -> None:
    assert "is empty: a heading that names the columns was expected" in refusal(read, "t.csv", content)


def test_blank_lines_and_blank_values_are_counted_as_blank(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('id,text\n1,one\n\n2,\n3,""\n4,"  "\n5,two\n6,three\n')
    made = bt.prepare(tmp_path / "t.csv", column="text", tokenizer="word", out=tmp_path / "out")
    assert (made.counts["read"], made.counts["blank"]) == (7, 4)
