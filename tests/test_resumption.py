"""A large preparation that was ended goes on where it was, and gives what an uninterrupted one gives."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bgan_text as bt
from bgan_text.corpora import block_encoding, resumption, text_preparation, text_spool
from bgan_text.corpora.corpus import Request
from bgan_text.corpora.sources import TEXT_CORPORA
from bgan_text.corpora.worker_pool import EndedError
from bgan_text.reporter import Reporter

LINES = [f"{a} {b}{c} {a}" for a in ("red", "blue", "green") for b in "abcdef" for c in "vwxyz"] + [
    "",
    "red av red",
]
OPTIONS: dict[str, Any] = {"tokenizer": "word", "overlong": "cut", "length": 2, "processes": 1}
GOES_ON = "The same preparation was ended before: it goes on from what was done."
ANEW = "Options or files have changed since a preparation was ended: it begins anew."
KEPT = "What was done is kept: the same command goes on from there."


class Heard(Reporter):
    """Keeps messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of text that is large enough, in blocks of ten lines."""
    monkeypatch.setattr(resumption, "LARGE", 0)
    monkeypatch.setattr(text_spool, "BLOCK", 10)
    (tmp_path / "text.txt").write_text("\n".join(LINES) + "\n")
    return tmp_path / "text.txt"


def prepared(text: Any, name: str, heard: Heard, **more: Any) -> bt.DatasetDirectory:
    options = OPTIONS | {"out": Path(getattr(text, "parent", "")) / name} | more
    return bt.prepare(text, reporter=heard, **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()
    }


def interrupted(text: Any, moves: int, heard: Heard, **more: Any) -> bool:
    """Whether a preparation was still at work when Ctrl-C came.

    It comes before so many renames: of blocks of texts and of rows, then of the files of the splits.
    """
    rename, left = Path.rename, moves

    def counted(self: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return rename(self, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", counted)
        try:
            prepared(text, "data", heard, **more)
        except KeyboardInterrupt:
            return True
    return False


def left(text: Path) -> list[Path]:
    return sorted(text.parent.glob(".data.*"))


@pytest.mark.parametrize("options", [{}, {"tokenizer": "sentencepiece", "length": None}])
def test_it_goes_on_wherever_it_was_ended(
    options: dict[str, Any], text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = contents(prepared(text, "whole", Heard(), **options).folder)
    for moves in range(0, 40, 3):
        if not interrupted(text, moves, heard := Heard(), **options) or not heard.messages:
            break  # it was done, but for the last moves
        assert heard.messages[-1] == KEPT
        assert len(left(text)) == 1
        data = prepared(text, "data", heard := Heard(), **options)
        assert heard.messages[0] == GOES_ON
        assert contents(data.folder) == whole
        assert left(text) == []
        shutil.rmtree(data.folder)
    assert moves > 20


def test_what_was_done_is_not_done_again(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    lines = TEXT_CORPORA["lines"].read

    def noted(request: Request) -> Iterator[Any]:
        read.append("read")
        yield from lines(request)

    monkeypatch.setitem(vars(TEXT_CORPORA["lines"]), "read", noted)
    encoded: list[str] = []
    encode = block_encoding.row_digests

    def counted(rows: Any) -> Any:
        encoded.append("block")
        return encode(rows)

    monkeypatch.setattr(block_encoding, "row_digests", counted)
    blocks = -(-len([line for line in LINES if line]) // 10)
    assert interrupted(text, blocks + 3, Heard())
    assert (len(read), len(encoded)) == (1, 4)
    prepared(text, "data", Heard())
    assert (len(read), len(encoded)) == (1, 4 + blocks - 3)


def test_a_change_of_the_text_or_of_an_option_begins_anew(
    text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: list[Any] = [
        lambda: {"vocabulary": 10},
        lambda: text.write_text("\n".join(LINES[::-1]) + "\n") and {},
    ]
    for change in changes:
        assert interrupted(text, 5, Heard(), overwrite=True)
        options = change()
        data = prepared(text, "data", heard := Heard(), overwrite=True, **options)
        assert heard.messages[0] == ANEW
        assert left(text) == []
        expected = prepared(text, "expected", Heard(), overwrite=True, **options)
        assert contents(data.folder) == contents(expected.folder)


def test_the_number_of_processes_may_change(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = contents(prepared(text, "whole", Heard()).folder)
    assert interrupted(text, 13, Heard())
    data = prepared(text, "data", heard := Heard(), processes=2)
    assert heard.messages[0] == GOES_ON
    assert contents(data.folder) == whole


def test_what_a_worker_that_was_ended_leaves_is_kept(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(*arguments: Any) -> None:
        raise EndedError("a worker process ended")

    with monkeypatch.context() as patch:
        patch.setattr(text_preparation, "encode_block", ended)
        with pytest.raises(bt.UserError, match="a worker process ended"):
            prepared(text, "data", Heard())
    prepared(text, "data", heard := Heard())
    assert heard.messages[0] == GOES_ON


def test_little_text_and_text_that_cannot_be_read_again_leave_nothing(
    text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source, large in ((text, 1 << 26), (LINES, 0)):
        monkeypatch.setattr(resumption, "LARGE", large)
        assert interrupted(source, 5, Heard(), out=text.parent / "data")
        assert left(text) == []
    (text.parent / "bad.txt").write_bytes(b"one\n\xff\n")
    monkeypatch.setattr(resumption, "LARGE", 0)
    with pytest.raises(bt.UserError, match="line 2"):
        prepared(text.parent / "bad.txt", "data", Heard())
    assert left(text) == []


def test_an_existing_directory_stays_until_the_new_one_is_whole(
    text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(prepared(text, "data", Heard(), vocabulary=9).folder)
    assert interrupted(text, 5, Heard(), overwrite=True)
    assert contents(text.parent / "data") == before
    with pytest.raises(bt.UserError, match="exists already"):
        prepared(text, "data", Heard())
    data = prepared(text, "data", heard := Heard(), overwrite=True)
    assert heard.messages[0] == GOES_ON
    assert contents(data.folder) == contents(prepared(text, "whole", Heard()).folder)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_it_goes_on_after_a_kill(text: Path) -> None:
    """SIGKILL while two workers encode; they end with it, and the next command goes on."""
    code = """if True:
        import json, os, signal, sys
        import bgan_text as bt
        from bgan_text.corpora import resumption, text_preparation, text_spool
        resumption.LARGE, text_spool.BLOCK = 0, 10
        add, blocks = text_preparation.Encoded.add, []
        def counted(self, other):
            blocks.append(other)
            if len(blocks) == 4:
                os.kill(os.getpid(), signal.SIGKILL)
            add(self, other)
        text_preparation.Encoded.add = counted
        bt.prepare("text.txt", out="data", **json.loads(sys.argv[1]))
    """
    options = json.dumps(OPTIONS | {"processes": 2})
    command = [sys.executable, "-c", code, options]
    ended = subprocess.run(command, cwd=text.parent, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert len(left(text)) == 1
    whole = contents(prepared(text, "whole", Heard()).folder)
    folder = left(text)[0] / "new" / "work"
    assert sorted(folder.glob("rows-*.arrow"))
    heard = Heard()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(text.parent)
        data = contents(text.parent / bt.prepare("text.txt", out="data", reporter=heard, **OPTIONS).folder)
    assert heard.messages[0] == GOES_ON
    del data["card.json"], whole["card.json"]  # the path of the text differs
    assert data == whole
