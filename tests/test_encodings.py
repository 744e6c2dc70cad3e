"""Text of any encoding: read as declared, or refused by the name of what it is and with the remedy."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bgan_text as bt
from bgan_text.errors import UserError

Read = Callable[..., list[str]]
Command = Callable[..., Any]
LINES = [f"{number} grüne Flaschen, “schön”" for number in range(30)]
TEXT = "".join(line + "\n" for line in LINES)
CHINESE = "你好世界\n春眠不觉晓。\n"
RUSSIAN = "Добрый день, Жужа\nЖук\n"  # noqa: RUF001
HINDI = "यह एक वाक्य है।\nदूसरा\n"
WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]


def refusal(read: Read, content: bytes, name: str = "t.txt", **more: Any) -> str:
    with pytest.raises(UserError) as caught:
        read(name, content, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value).partition(name)[2]


def remedy(message: str) -> str:
    """The encoding that a message names."""
    found = re.search(r"give (?:`encoding`|--encoding) (\S+?),?(?: |$)", message)
    assert found is not None, message
    return found[1]


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("text", [TEXT, "plain words\n" * 9, CHINESE, RUSSIAN, HINDI])
def test_wide_text_without_its_mark_is_named_and_the_remedy_works(
    read: Read, encoding: str, ends: str, text: str
) -> None:
    content = text.replace("\n", ends).encode(encoding)
    message = refusal(read, content)
    assert (
        message
        == f" is {encoding[:6].upper()} without a byte order mark, not UTF-8: give `encoding` {encoding}"
    )
    assert read("t.txt", content, encoding=remedy(message)) == text.splitlines()


@pytest.mark.parametrize("encoding", WIDE)
def test_wide_text_with_its_mark_is_named_and_the_remedy_works(read: Read, encoding: str) -> None:
    content = ("\ufeff" + TEXT).encode(encoding)
    message = refusal(read, content)
    assert message == f" is {encoding[:6].upper()}, not UTF-8: give `encoding` {encoding[:6]}"
    assert read("t.txt", content, encoding=remedy(message)) == LINES
    assert read("t.txt", content, encoding=encoding) == LINES


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize(
    ("name", "content"), [("t.txt", TEXT), ("t.jsonl", '{"t": "a"}\n'), ("t.csv", "t\na\n")]
)
def test_an_encoding_that_needs_a_mark_is_refused_without_one(
    read: Read, encoding: str, name: str, content: str
) -> None:
    column = [] if name == "t.txt" else ["t"]
    with pytest.raises(UserError) as caught:
        read(name, content.encode(f"{encoding}-be"), *column, encoding=encoding)
    assert f"has no byte order mark of {encoding}: give `encoding` {encoding}-be" in str(caught.value)
    with pytest.raises(UserError, match=r"has no byte order mark.* give the `encoding` that it has"):
        read(name, content, *column, encoding=encoding)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_latin_1_is_named_with_its_line_and_the_remedy_works(read: Read, encoding: str) -> None:
    content = "ein Wort\nein Häuschen im Grünen\n".encode(encoding)
    message = refusal(read, content)
    assert message.startswith(" is not UTF-8: line 2, byte 6 is 0xe4; if it is cp1252 (latin-1) and reads")
    assert "'ein Häuschen im" in message
    assert read("t.txt", content, encoding=remedy(message)) == ["ein Wort", "ein Häuschen im Grünen"]


@pytest.mark.parametrize("encoding", ["shift_jis", "gb18030", "koi8-r", "iso8859-15", "utf-8-sig", "utf-7"])
def test_an_encoding_that_is_declared_is_read(read: Read, encoding: str) -> None:
    texts = {"shift_jis": "今日は\n良い天気\n", "gb18030": "你好\n世界\n", "koi8-r": "день\nЖюль\n"}
    text = texts.get(encoding, "für\nzwei\n")
    assert read("t.txt", text.encode(encoding), encoding=encoding) == text.split()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "id,text\n1,grün\n2,schön\n"),
        ("t.tsv", "id\ttext\n1\tgrün\n2\tschön\n"),
        ("t.jsonl", '{"text": "grün"}\n{"text": "schön"}\n'),
        ("t.json", '[{"text": "grün"},\n {"text": "schön"}]'),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp1252", "utf-8-sig"])
def test_tables_have_an_encoding_too(read: Read, name: str, content: str, encoding: str) -> None:
    if encoding != "utf-8-sig":  # UTF-8 with its mark needs no option
        with pytest.raises(UserError, match="give `encoding`"):
            read(name, content.encode(encoding), "text")
    assert read(name, content.encode(encoding), "text", encoding=encoding) == ["grün", "schön"]


def test_text_in_another_encoding_than_declared_is_refused_with_its_line(read: Read) -> None:
    wrong = refusal(read, "one\n\x81two\n".encode("latin-1"), encoding="cp1252")
    assert wrong.startswith(" is not cp1252: line 2 cannot be decoded")
    assert "`encoding`" in wrong
    cut = refusal(read, "one\ntwo\n".encode("utf-16")[:-1], encoding="utf-16")
    assert cut.startswith(" is not utf-16: line 2 cannot be decoded")
    late = refusal(read, ("word\n" * 50_000 + "é\n").encode("latin-1"), encoding="ascii")
    assert late.startswith(" is not ascii: line 50001 cannot be decoded")


def test_utf8_that_is_declared_as_latin_1_is_warned_of(read: Read, heard: Any) -> None:
    read("t.txt", TEXT.encode(), encoding="latin-1")
    (warning,) = heard.warnings
    assert "looks like UTF-8; it is read as `encoding` latin-1" in warning
    read("t.txt", b"plain\n", encoding="latin-1")
    assert len(heard.warnings) == 1
    read("t.txt", b"word\n" * 2, encoding="utf-16-le")
    assert "looks like UTF-8; it is read as `encoding` utf-16-le" in heard.warnings[1]
    read("t.txt", TEXT.encode("utf-16-le"), encoding="utf-16-le")
    read("t.txt", TEXT.encode("utf-16"), encoding="utf-16")
    assert len(heard.warnings) == 2


@pytest.mark.parametrize("encoding", ["utf8", "UTF-8", "utf_8"])
def test_utf8_has_many_names(read: Read, encoding: str) -> None:
    assert read("t.txt", TEXT, encoding=encoding) == LINES


@pytest.mark.parametrize("name", ["", "utf-9", "rot13", "hex", "\0"])
def test_an_encoding_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "t.txt").write_text(TEXT, "utf-8")
    with pytest.raises(UserError, match="the name of an encoding, such as utf-16"):
        bt.prepare(tmp_path / "t.txt", encoding=name, out=tmp_path / "out")
    with pytest.raises(UserError, match="the name of an encoding, such as utf-16"):
        bt.evaluate([tmp_path / "t.txt"], reference=tmp_path / "t.txt", encoding=name)


# Line ends


def test_lines_that_end_in_carriage_returns_alone_are_named_with_the_remedy(
    bgan: Command, tmp_path: Path
) -> None:
    (tmp_path / "cr only.txt").write_bytes(TEXT.replace("\n", "\r").encode())
    made = bgan("prepare", "lines", "--path", "cr only.txt", "--tokenizer", "word")
    assert (made.code, made.out) == (1, "")
    assert made.err == (
        "bgan-text: cr only.txt ends its lines in carriage returns (CR) alone, as files of old Macs do: make "
        "them line feeds, as with tr '\\r' '\\n' < 'cr only.txt' > NEW\n"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_carriage_returns_alone_are_named_in_any_encoding(read: Read, encoding: str) -> None:
    content = "one\rtwo\rthree\r".encode(encoding)
    assert "ends its lines in carriage returns (CR) alone" in refusal(read, content, encoding=encoding)


def test_a_stray_carriage_return_is_named_with_its_line(read: Read) -> None:
    message = refusal(read, b"one\r\ntwo\rthree\r\n")
    assert message.startswith(": line 2 has a carriage return (CR) after 3 characters")


def test_lf_and_crlf_may_be_mixed_and_no_other_sign_ends_a_line(read: Read) -> None:
    content = "one\r\ntwo\nthree\x0bx\x0cy\x85z\u2028w\r\n\r\r\nlast"
    assert read("t.txt", content) == ["one", "two", "three\x0bx\x0cy\x85z\u2028w", "", "last"]


# What is no text


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
        (b"PK\x03\x04\x14\0", "a zip archive, as .docx and .xlsx are, too"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a PNG image"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document"),
        (b"x" * 257 + b"ustar\x0000", "a tar archive"),
    ],
)
def test_a_file_that_is_no_text_is_named(read: Read, content: bytes, kind: str) -> None:
    assert refusal(read, content) == f" is {kind}: text, or a table, was expected"


def test_binary_bytes_are_named_with_their_line(read: Read) -> None:
    assert " is not UTF-8 text but binary: line 2, byte 3 is NUL" in refusal(read, b"one\nab\0c\n")
    assert " is not UTF-8 text but binary: line 1" in refusal(read, b"a b\0 c\nd\n" + b"text\n" * 9)
    assert "line 2, a character is NUL" in refusal(read, "a\nb\0c\n".encode("utf-16"), encoding="utf-16")


# Through the commands and the API


def test_the_encoding_that_a_refusal_names_works_on_the_command_line(bgan: Command, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes(TEXT.encode("utf-16-le"))
    words = ("prepare", "t.txt", "--tokenizer", "word")
    made = bgan(*words)
    assert (made.code, made.out, made.err.count("\n")) == (1, "", 1)
    assert "t.txt is UTF-16 without a byte order mark" in made.err
    assert "give --encoding utf-16-le" in made.err
    made = bgan(*words, "--encoding", remedy(made.err.strip()))
    assert made.code == 0, made.err
    assert "30 samples read from 1 file: 0 blank" in made.err
    scored = bgan("score", "t.txt", "--reference", "t.txt", "--encoding", "utf-16-le", "--json")
    assert scored.code == 0, scored.err
    assert '"encoding": "utf-16-le"' in scored.out
    assert "--encoding utf-16-le" in bgan("score", "t.txt", "--reference", "t.txt").err


def test_text_of_any_encoding_becomes_the_same_data(tmp_path: Path) -> None:
    signatures = set()
    for encoding in ("utf-8", "utf-16", "utf-16-be", "cp1252"):
        path = tmp_path / f"{encoding}.txt"
        path.write_bytes(TEXT.encode(encoding))
        made = bt.prepare(path, encoding=encoding, tokenizer="word", out=tmp_path / encoding)
        signatures.add(made.signature)
    assert len(signatures) == 1
