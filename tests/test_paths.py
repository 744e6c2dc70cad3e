"""A path that exists is a name, never a pattern; patterns, folders and several paths are read in order."""

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

import bgan_text as bt
from bgan_text.corpora.card_lines import card_lines
from bgan_text.encoding import visible
from bgan_text.errors import UserError

Command = Callable[..., Any]
NAMES = [
    "poems[1]", "poems*", "poems?", "a::b", "zip::x", "poems[!1]", "{a,b}", "a b", "100%", "a#b", "~",
    "$HOME", "file:x", "s3::c", "'", '"', "é", "-x", "a\\b",
]  # fmt: skip
DECOYS = ["poems1", "poemsx", "poems", "poems2", "a", "b"]
KINDS = ["txt", "csv", "tsv", "jsonl", "json", "parquet"]


def write(path: Path, texts: list[str]) -> None:
    """A file of the kind that its suffix says, with a column `text`."""
    path.parent.mkdir(exist_ok=True, parents=True)
    rows = [json.dumps({"text": text}) for text in texts]
    if path.suffix == ".parquet":
        with path.open("wb") as file:
            pyarrow.parquet.write_table(pyarrow.table({"text": texts}), file)
        return
    lines = {
        ".txt": texts,
        ".csv": ["id,text", *(f"1,{text}" for text in texts)],
        ".tsv": ["id\ttext", *(f"1\t{text}" for text in texts)],
        ".jsonl": rows,
        ".json": ["[" + ",".join(rows) + "]"],
    }[path.suffix]
    path.write_text("".join(line + "\n" for line in lines), "utf-8")


def rows_of(word: str) -> list[str]:
    return [f"{word} {number}" for number in range(4)]


def texts(data: Any) -> list[str]:
    """All samples of a dataset directory."""
    return sorted(text for split in ("train", "validation", "test") for text in data.texts(split))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


needs_odd_names = pytest.mark.skipif(sys.platform == "win32", reason="Windows forbids these names")


# Names with special characters


@needs_odd_names
@pytest.mark.parametrize("kind", KINDS)
def test_a_path_is_a_name_whatever_characters_it_has(kind: str, here: Path) -> None:
    from bgan_text.corpora.corpus import Request
    from bgan_text.corpora.sources import read_lines

    for decoy in DECOYS:
        write(here / f"{decoy}.{kind}", rows_of("decoy"))
    for number, name in enumerate(NAMES):
        write(here / f"{name}.{kind}", rows_of(f"named {number}"))
    column = None if kind == "txt" else "text"
    for number, name in enumerate(NAMES):
        for path in (f"{name}.{kind}", str(here / f"{name}.{kind}")):
            read = [sample.text for sample in read_lines(Request((path,), column=column))]
            assert read == rows_of(f"named {number}"), path


@needs_odd_names
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["poems[1]", "a::b", "poems?"])
def test_the_file_named_is_prepared_and_scored(kind: str, name: str, here: Path) -> None:
    column = {} if kind == "txt" else {"column": "text"}
    for decoy in DECOYS:
        write(here / f"{decoy}.{kind}", rows_of("decoy"))
    write(here / f"{name}.{kind}", rows_of("named"))
    made = bt.prepare(f"{name}.{kind}", tokenizer="word", out=f"out {name}", **column)
    assert texts(made) == rows_of("named")
    assert bt.DatasetDirectory(Path(f"out {name}")).signature == made.signature
    report = bt.evaluate([f"{name}.{kind}"], reference=f"{name}.{kind}", resamples=0, **column)
    assert report.columns[0].cells["bleu-2"].value == 1.0
    report = bt.evaluate([f"poems1.{kind}"], reference=f"{name}.{kind}", resamples=0, **column)
    assert report.columns[0].cells["bleu-2"].value < 1.0


@needs_odd_names
@pytest.mark.parametrize("folder", ["data[1]", "data*", "a::b", "what?"])
@pytest.mark.parametrize("kind", KINDS)
def test_files_in_folders_of_such_names_are_read(folder: str, kind: str, here: Path) -> None:
    column = {} if kind == "txt" else {"column": "text"}
    for decoy in ("data1", "data2", "a", "whatx"):
        write(here / decoy / f"x.{kind}", rows_of("decoy"))
    write(here / folder / f"x.{kind}", rows_of("named"))
    for path in (f"{folder}/x.{kind}", folder):
        made = bt.prepare("lines", path=path, tokenizer="word", out="out", overwrite=True, **column)
        assert texts(made) == rows_of("named")
        assert made.counts["files"] == 1


@needs_odd_names
def test_the_csv_named_on_the_command_line_is_the_one_that_is_read(bgan: Command, here: Path) -> None:
    write(here / "poems[1].csv", rows_of("named"))
    write(here / "poems1.csv", rows_of("decoy"))
    for words in (("lines", "--path", "poems[1].csv"), ("poems[1].csv",)):
        made = bgan(
            "prepare", *words, "--column", "text", "--tokenizer", "word", "--out", "out", "--overwrite"
        )
        assert made.code == 0, made.err
        assert "4 samples read from 1 file:" in made.err
        assert texts(bt.DatasetDirectory(Path("out"))) == rows_of("named")


@needs_odd_names
def test_a_dataset_directory_of_any_name_is_trained_on(here: Path) -> None:
    write(here / "poems.txt", [f"text {number}" for number in range(30)])
    for name in ("a::b", "data[1]"):
        data = bt.prepare("poems.txt", tokenizer="word", out=f"{name}/c")
        run = bt.train(data, out=f"runs/{name}", steps=1, width=8, batch=4)
        assert len(bt.load_run(f"runs/{name}").sample(2, seed=1)) == 2
        assert run.dataset().signature == data.signature


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have names of characters")
def test_a_name_of_bytes_that_are_no_text_is_read(bgan: Command, here: Path) -> None:
    name = os.fsdecode(b"gr\xfcn.txt")
    write(here / name, rows_of("named"))
    made = bgan("prepare", name, "--tokenizer", "word", "--out", "out")
    assert made.code == 0, made.err
    assert texts(bt.DatasetDirectory(Path("out"))) == rows_of("named")


# Patterns


def test_a_pattern_in_quotes_stands_for_the_files_that_fit_in_sorted_order(bgan: Command, here: Path) -> None:
    for name in ("b.txt", "a.txt", "c.csv", "d/e.txt", "d/f/g.txt"):
        write(here / name, rows_of(name))
    found = {
        "*.txt": ["a.txt", "b.txt"],
        "[ab].txt": ["a.txt", "b.txt"],
        "?.txt": ["a.txt", "b.txt"],
        "d/*.txt": ["d/e.txt"],
        "**/*.txt": ["a.txt", "b.txt", "d/e.txt", "d/f/g.txt"],
    }
    for pattern, names in found.items():
        for words in ((pattern,), ("lines", "--path", pattern)):
            made = bgan("prepare", *words, "--out", "out", "--tokenizer", "word", "--overwrite", "--json")
            assert made.code == 0, made.err
            assert f"from {len(names)} file{'s' * (len(names) > 1)}:" in made.err
            assert json.loads(made.out)["counts"]["files"] == len(names)
            assert texts(bt.DatasetDirectory(Path("out"))) == [
                text for name in names for text in rows_of(name)
            ]


def test_files_that_fit_a_pattern_come_in_sorted_order(here: Path) -> None:
    from bgan_text.corpora.paths import named

    names = [f"{number:03}.txt" for number in range(60)]
    for name in sorted(names, key=lambda name: name[::-1]):
        (here / name).touch()
    assert list(named(["*.txt"])) == names
    assert list(named(["05?.txt", "00?.txt"])) == names[50:60] + names[:10]


@pytest.mark.parametrize(
    "path", ["none*.txt", "poems[1].csv", "nowhere/?", "a::b.txt", "no.txt", "x" * 300, "a\0"]
)
def test_a_path_of_nothing_is_refused(path: str, here: Path) -> None:
    write(here / "poems.txt", rows_of("decoy"))
    write(here / "nowhere1.txt", rows_of("decoy"))
    with pytest.raises(UserError, match="there is no file or folder") as caught:
        bt.prepare("lines", path=path, out="out")
    assert str(caught.value).startswith(f"there is no file or folder {visible(path)[:80]}")
    assert ("pattern" in str(caught.value)) == any(sign in path for sign in "*?[")
    assert not Path("out").exists()


# Folders


def test_a_folder_is_read_file_by_file_in_sorted_order_and_what_is_skipped_is_said(
    here: Path, heard: Any
) -> None:
    from bgan_text.corpora.paths import text_files

    for name in ("t/b.txt", "t/a", "t/c/d.TXT", "t/.hidden.txt", "t/.git/x.txt"):
        (here / name).parent.mkdir(exist_ok=True, parents=True)
        (here / name).write_bytes(b"one\r\ntwo\r\n")
    write(here / "t/table.csv", ["x"])
    (here / "t/p.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (here / "t/z.bin").write_bytes(b"\0\1\2\0")
    assert list(text_files(["t"], None, heard)) == ["t/a", "t/b.txt", "t/c/d.TXT"]
    assert heard.messages == [
        "Skipped in t: p.png (a PNG image), table.csv (a table, which needs `column`), z.bin (binary)."
    ]
    assert list(text_files(["t"], "text")) == ["t/table.csv"]


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes and links there")
def test_what_is_no_file_is_skipped_and_named(here: Path, heard: Any) -> None:
    write(here / "d/a.txt", rows_of("a"))
    (here / "d/gone.txt").symlink_to("nowhere")
    (here / "d/linked.txt").symlink_to("a.txt")
    os.mkfifo(here / "d/pipe.txt")
    made = bt.prepare("d", tokenizer="word", keep_duplicates=True, out="out", reporter=heard)
    assert texts(made) == sorted(rows_of("a") * 2)
    assert "Skipped in d: gone.txt (a link to nothing), pipe.txt (no file)." in heard.messages


@needs_odd_names
def test_linked_folders_are_read_and_links_in_circles_end(here: Path, heard: Any) -> None:
    write(here / "other/b.txt", rows_of("b"))
    write(here / "d/a.txt", rows_of("a"))
    (here / "d/link").symlink_to(here / "other")
    (here / "d/up").symlink_to(here / "d")
    (here / "other/back").symlink_to(here / "d")
    made = bt.prepare("d", tokenizer="word", out="out", reporter=heard)
    assert texts(made) == [*rows_of("a"), *rows_of("b")]
    assert "8 samples read from 2 files" in "\n".join(card_lines(made.card))


def test_a_file_that_is_given_twice_is_read_once(here: Path, heard: Any) -> None:
    for name in ("a", "b"):
        write(here / f"{name}.txt", rows_of(name))
    made = bt.prepare("lines", path=["a.txt", "*.txt"], tokenizer="word", out="out", reporter=heard)
    assert (made.counts["read"], made.counts["duplicates"]) == (8, 0)
    assert "a.txt was given twice: it is read once." in heard.messages


def test_a_list_of_paths_with_a_name_that_is_not_there_is_refused(here: Path) -> None:
    write(here / "a.txt", rows_of("a"))
    for paths in (["a.txt", "typo.txt"], [here / "a.txt", "typo"], [Path("typo")]):
        with pytest.raises(UserError, match="there is no file or folder typo"):
            bt.prepare(paths, tokenizer="char", out="out")
    made = bt.prepare(["a.txt", "is a file", "but", "this is a text"], tokenizer="char", out="out")
    assert made.counts["read"] == 4


def test_a_folder_of_texts_is_prepared_as_one_corpus(bgan: Command, here: Path) -> None:
    for name in ("b", "a"):
        write(here / f"poems/{name}.txt", rows_of(name))
    (here / "poems/c.txt").write_bytes(b"c 0\r\nc 1\r\n\r\n")
    (here / "poems/p.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (here / "poems/p.jpg").unlink()
    for words in (("poems",), ("poems/",), ("lines", "--path", "poems")):
        made = bgan("prepare", *words, "--tokenizer", "word", "--out", "out", "--overwrite")
        assert made.code == 0, made.err
        assert "11 samples read from 3 files: 1 blank" in made.err
        assert texts(bt.DatasetDirectory(Path("out"))) == [*rows_of("a"), *rows_of("b"), "c 0", "c 1"]
    assert bgan("prepare", "poems", "--tokenizer", "word").code == 0
    assert Path("data/poems/card.json").exists()


@pytest.mark.parametrize("column", [None, "text"])
def test_a_folder_without_text_is_refused(column: str | None, here: Path) -> None:
    Path("empty").mkdir()
    what = "texts" if column is None else "tables"
    with pytest.raises(UserError, match=f"^the folder empty has no {what}$"):
        bt.prepare("lines", path="empty", column=column, out="out")
    (here / "empty/p.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(UserError, match=f"has no {what}, but p.png"):
        bt.prepare("lines", path="empty", column=column, out="out")


def test_a_folder_of_tables_is_read_by_their_column(bgan: Command, here: Path) -> None:
    for kind in KINDS[1:]:
        write(here / f"t/x.{kind}", rows_of(kind))
    write(here / "t/readme.txt", ["no table"])
    made = bgan("prepare", "t", "--column", "text", "--tokenizer", "word", "--out", "out")
    assert made.code == 0, made.err
    assert "20 samples read from 5 files" in made.err
    assert "Skipped in t: readme.txt (no table)" in made.err


# Several paths


def test_several_paths_after_one_option_are_read_in_sorted_order(bgan: Command, here: Path) -> None:
    for name in "cab":
        write(here / f"{name}.txt", rows_of(name))
    ways = [
        ("lines", "--path", "c.txt", "a.txt", "b.txt"),
        ("--path", "c.txt", "a.txt", "b.txt"),
        ("c.txt", "a.txt", "b.txt"),
        ("lines", "b.txt", "--path", "c.txt", "--path", "a.txt"),
    ]
    signatures = set()
    for words in ways:
        made = bgan("prepare", *words, "--tokenizer", "word", "--out", "out", "--overwrite", "--json")
        assert made.code == 0, made.err
        assert "12 samples read from 3 files" in made.err
        card = json.loads(made.out)
        assert card["settings"]["paths"] == ["a.txt", "b.txt", "c.txt"]
        signatures.add(card["signature"])
    assert len(signatures) == 1


def test_paths_are_read_in_the_order_in_which_python_gives_them(here: Path) -> None:
    for name in "ab":
        write(here / f"{name}.txt", rows_of(name))
    made = bt.prepare("lines", path=["b.txt", "a.txt"], tokenizer="word", limit=4, out="out")
    assert texts(made) == rows_of("b")
    assert made.counts["files"] == 1


def test_a_list_of_paths_is_files_and_a_list_of_texts_is_texts(here: Path) -> None:
    for name in ("a", "b"):
        write(here / f"{name}.txt", rows_of(name))
    for paths in (["a.txt", "b.txt"], [here / "a.txt", here / "b.txt"]):
        made = bt.prepare(paths, tokenizer="word", out="out", overwrite=True)
        assert texts(made) == [*rows_of("a"), *rows_of("b")]
    made = bt.prepare(["a.txt", "b.txt", "c.txt", "", "."], tokenizer="whitespace", out="out", overwrite=True)
    assert texts(made) == [".", "a.txt", "b.txt", "c.txt"]


def test_an_empty_path_is_not_the_working_folder(bgan: Command, here: Path) -> None:
    """As a variable of a shell that is not set gives it."""
    write(here / "a.txt", rows_of("a"))
    for words in (("prepare", ""), ("prepare", "lines", "--path", ""), ("prepare", "images", "--path", "")):
        made = bgan(*words, "--out", "out")
        assert (made.code, len(made.err.splitlines())) == (1, 1), made.err
        assert not Path("out").exists()


def test_a_hyphen_stands_for_standard_input(
    bgan: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("\n".join(rows_of("a")).encode())))
    made = bgan("prepare", "-", "--tokenizer", "word", "--out", "out")
    assert made.code == 0, made.err
    assert texts(bt.DatasetDirectory(Path("out"))) == rows_of("a")


def test_the_number_of_files_is_shown_again(bgan: Command, here: Path) -> None:
    for name in "ab":
        write(here / f"{name}.txt", rows_of(name))
    assert bgan("prepare", "a.txt", "b.txt", "--tokenizer", "word").code == 0
    assert "read from 2 files" in bgan("show", "data/lines").out


# Images


@needs_odd_names
def test_images_have_names_and_patterns_too(bgan: Command, here: Path) -> None:
    from PIL import Image

    for folder, count in {"pictures[1]": 4, "pictures1": 3}.items():
        Path(folder).mkdir()
        for number in range(count):
            picture = Image.new("L", (8, 8))
            picture.putpixel((number, 0), 255)
            picture.save(Path(folder) / f"{number}.png")
    for words, count in {("pictures[1]",): 4, ("images", "--path", "pictures[12]/*.png"): 3}.items():
        made = bgan("prepare", *words, "--size", 8, "--colors", 2, "--out", "out", "--overwrite")
        assert made.code == 0, made.err
        assert f"{count} images read: 0 unreadable" in made.err
