"""--unit: what one sample of a text is, a line, a sentence, a paragraph or a file; each is one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bgan_text as bt
from bgan_text.corpora import units
from bgan_text.corpora.units import UNITS
from bgan_text.errors import UserError

Read = Callable[..., list[str]]
Command = Callable[..., Any]
PROSE = """Mr. Smith went to
Washington. He came back!  Did he?

  "No," she said.
No. 5 was closed.\r
\r
   \r

The end
"""
SAMPLES = {
    "line": [
        "Mr. Smith went to", "Washington. He came back!  Did he?", "", '  "No," she said.',
        "No. 5 was closed.", "", "   ", "", "The end",
    ],
    "paragraph": [
        "Mr. Smith went to Washington. He came back!  Did he?", '"No," she said. No. 5 was closed.',
        "The end",
    ],
    "sentence": [
        "Mr. Smith went to Washington.", "He came back!", "Did he?", '"No," she said.', "No. 5 was closed.",
        "The end",
    ],
    "file": [
        'Mr. Smith went to Washington. He came back!  Did he? "No," she said. No. 5 was closed. The end',
    ],
}  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_samples_of_a_text_of_several_lines(read: Read, unit: str) -> None:
    assert read("t.txt", PROSE, unit=unit) == SAMPLES[unit]


def test_every_unit_has_a_case() -> None:
    assert set(SAMPLES) == set(UNITS)


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. No met Prof. Hill at 5 p.m. in the U.S. Senate.", "It rained."],
        ["It cost $ 3.50.", "That is e.g. cheap."],
        ["J. R. Smith spoke.", "Nobody heard."],
        ['"Really?" he asked.', "(Yes!) she wrote."],
        ["Wait... what?", "Yes!!!", "No?!", "Well..."],
        ["He said 'no!!'", "She left.", "It's 3 p.m.", "Really??"],
        ["Das ist ein Satz.", "Noch einer?", "Ja."],
        ["Él llegó.", "¿Cuándo?", "Ayer."],
    ],
)
def test_sentences_end_where_a_reader_ends_them(read: Read, sentences: list[str]) -> None:
    for gap in (" ", "  ", "\n"):
        assert read("t.txt", gap.join(sentences), unit="sentence") == sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["今日は良い。", "「そうですか\uff1f」", "はい\uff01"],
        ["यह एक वाक्य है।", "दूसरा।"],
        ["کیا حال ہے؟", "اچھا\u06d4"],
    ],
)
def test_full_stops_of_other_scripts_end_sentences(read: Read, sentences: list[str]) -> None:
    for gap in ("", " ", "\n") if sentences[0][0] == "今" else (" ", "\n"):
        assert read("t.txt", gap.join(sentences), unit="sentence") == sentences


def test_long_paragraphs_are_split_in_parts(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    sentences = [f"Sentence {number} has an end." for number in range(500)]
    lines = [" ".join(sentences[start : start + 3]) for start in range(0, 500, 3)]
    monkeypatch.setattr(units, "ENOUGH", 100)
    assert read("t.txt", "\n".join(lines), unit="sentence") == sentences


@pytest.mark.parametrize("unit", ["paragraph", "sentence"])
@pytest.mark.parametrize("content", ["\n\n", "", "  \r\n"])
def test_blank_lines_alone_hold_no_paragraph(read: Read, unit: str, content: str) -> None:
    assert read("t.txt", content, unit=unit) == []


# Tables


def test_values_of_a_table_have_units_too(read: Read) -> None:
    content = 'text\n"One. Two\nlines."\n""\n"A first\n\nand a second. Third."\n'
    assert read("t.csv", content, "text") == ["One. Two lines.", "", "A first and a second. Third."]
    assert read("t.csv", content, "text", unit="paragraph") == [
        "One. Two lines.", "", "A first", "and a second. Third.",
    ]  # fmt: skip
    assert read("t.csv", content, "text", unit="sentence") == [
        "One.", "Two lines.", "", "A first", "and a second.", "Third.",
    ]  # fmt: skip


def test_a_row_of_a_table_is_no_file(bgan: Command, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text\none\ntwo\nthree\n")
    made = bgan("prepare", "t.csv", "--column", "text", "--unit", "file")
    assert (made.code, made.out) == (1, "")
    assert made.err == (
        "bgan-text: --unit file: a row of a table is one sample, or a paragraph or sentence of it is\n"
    )


# Through the commands and the API


def test_a_folder_of_files_is_one_sample_each(bgan: Command, tmp_path: Path) -> None:
    (tmp_path / "poems").mkdir()
    for number in range(5):
        ends = "\r\n" if number % 2 else "\n"
        text = ends.join(["roses are red", "", f"violets are {number}", ""])
        (tmp_path / f"poems/{number}.txt").write_bytes(text.encode())
    (tmp_path / "poems/blank.txt").write_text("\n\n")
    made = bgan("prepare", "poems", "--unit", "file", "--tokenizer", "word", "--length", 20, "--json")
    assert made.code == 0, made.err
    assert "6 samples read from 6 files: 1 blank" in made.err
    card = json.loads(made.out)
    assert card["settings"]["unit"] == "file"
    data = bt.DatasetDirectory(tmp_path / "data/poems")
    found = [text for split in ("train", "validation", "test") for text in data.texts(split)]
    assert sorted(found) == [f"roses are red violets are {number}" for number in range(5)]


@pytest.mark.parametrize("unit", ["paragraph", "sentence", "file"])
def test_strings_from_python_have_units_too(unit: str, tmp_path: Path) -> None:
    texts = [f"One {number}.\nTwo {number}! Three.\n\nFour {number}?" for number in range(4)]
    if unit == "file":
        with pytest.raises(UserError, match="`unit` file"):
            bt.prepare(texts, unit=unit, tokenizer="word", out=tmp_path / "out")
        return
    made = bt.prepare(texts, unit=unit, tokenizer="word", out=tmp_path / "out")
    found = {text for split in ("train", "validation", "test") for text in made.texts(split)}
    expected = {
        "paragraph": {text for n in range(4) for text in (f"One {n}. Two {n}! Three.", f"Four {n}?")},
        "sentence": {text for n in range(4) for text in (f"One {n}.", f"Two {n}!", "Three.", f"Four {n}?")},
    }
    assert found == expected[unit]


def test_samples_from_python_are_one_line_each(tmp_path: Path) -> None:
    made = bt.prepare(["a\nb", "c\r\nd\r\n", "e\rf", "g"], tokenizer="word", out=tmp_path / "out")
    found = {text for split in ("train", "validation", "test") for text in made.texts(split)}
    assert found == {"a b", "c d", "e f", "g"}


@pytest.mark.parametrize("unit", ["lines", "word", ""])
def test_an_unknown_unit_is_refused_with_those_there_are(unit: str, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(PROSE)
    with pytest.raises(UserError, match=r"unknown unit .*(choose from line, sentence|did you mean 'line')"):
        bt.prepare(tmp_path / "t.txt", unit=unit, out=tmp_path / "out")


def test_units_are_for_files_of_ones_own(bgan: Command) -> None:
    for option in (("--unit", "sentence"), ("--encoding", "utf-16"), ("--column", "t")):
        made = bgan("prepare", "grammar", *option)
        assert (made.code, made.out) == (1, "")
        assert f"{' '.join(option)} has no meaning for the corpus grammar" in made.err
