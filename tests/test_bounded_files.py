"""Files of runs and dataset directories are read only if they are files of a reasonable size."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import bgan_text as bt
from bgan_text import files
from bgan_text.files import read_bounded, read_json

TINY: dict[str, Any] = {"width": 8, "discriminator_width": 8, "noise": 4, "batch": 4, "precision": "float32"}
posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of POSIX")


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """A dataset directory `data` and a run `run`."""
    texts = [f"{a}{b}" for a in "abcdef" for b in "abcdef"]
    data = bt.prepare(texts, tokenizer="char", out=tmp_path / "data")
    bt.train(data, steps=2, out=tmp_path / "run", **TINY)
    return tmp_path


NAMES = [
    "data/card.json",
    "data/tokenizer.json",
    "data/train/state.json",
    "run/run.json",
    "run/tokenizer.json",
]


def use(folders: Path, name: str) -> None:
    if name.startswith("data"):
        data = bt.DatasetDirectory(folders / "data")
        data.tokenizer()
        list(data.stream("train"))
    else:
        bt.load_run(folders / "run").sample(1)


def refused(folders: Path, name: str, part: str) -> None:
    with pytest.raises(bt.UserError) as caught:
        use(folders, name)
    message = str(caught.value)
    assert Path(name).name in message
    assert part in message
    assert len(message.splitlines()) == 1
    assert len(message) < 500


@posix
@pytest.mark.parametrize("name", NAMES)
def test_pipes_devices_and_folders_are_refused_before_they_are_read(folders: Path, name: str) -> None:
    path = folders / name
    path.unlink()
    os.mkfifo(path)
    refused(folders, name, "is no file")
    path.unlink()
    path.symlink_to("/dev/zero")
    refused(folders, name, "is no file")
    path.unlink()
    path.mkdir()
    refused(folders, name, "is no file")


@pytest.mark.parametrize("name", NAMES)
def test_files_that_are_too_large_are_refused_before_they_are_read(folders: Path, name: str) -> None:
    with (folders / name).open("r+b") as file:
        file.truncate(files.MOST_BYTES + 1)  # a sparse file
    refused(folders, name, "67,108,865 bytes")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[",
        b"[1]",
        b"3",
        b"\xff\xfe",
        b'{"a": ' + b"[" * 100_000,
        b"[" * 100_000,
        b'{"a": ' + b"9" * 10_000 + b"}",
    ],
    ids=["empty", "cut", "list", "number", "bytes", "deep object", "deep", "digits"],
)
def test_what_is_no_json_object_is_one_line(folders: Path, name: str, content: bytes) -> None:
    (folders / name).write_bytes(content)
    refused(folders, name, "is damaged")


def test_fields_of_other_types_are_one_line(folders: Path) -> None:
    for name in NAMES[:2] + NAMES[3:]:
        path = folders / name
        whole = path.read_text()
        record = json.loads(whole)
        for field in record:
            for value in (None, 3, 2.5, 10**20, "x", "\ud800", [], {}, True, [[[]]]):
                if (
                    field in ("summary", "sha256", "version", "started_from", "files", "counts")
                    or value == record[field]
                ):
                    continue
                path.write_text(json.dumps(record | {field: value}))
                try:
                    use(folders, name)
                except bt.UserError as error:
                    assert len(str(error).splitlines()) == 1, (name, field, value)  # noqa: PT017
        path.write_text(whole)
    use(folders, "run")


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": "é"}', "utf-8")
    assert read_json(tmp_path / "a.json", dict[str, str]) == {"a": "é"}
    assert read_bounded(tmp_path / "a.json") == '{"a": "é"}'.encode()
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "b.json", dict[str, str])


@posix
@pytest.mark.parametrize("known", [True, False])
def test_rows_are_refused_before_they_are_opened_where_they_are_no_file(folders: Path, known: bool) -> None:
    """Also where the card, as that of an earlier version, has no digests, or has those of an empty file."""
    (path,) = (folders / "data/train").glob("*.arrow")
    path.unlink()
    card = json.loads((folders / "data/card.json").read_text("utf-8"))
    told = card.pop("files") | {f"train/{path.name}": {"bytes": 0, "sha256": []}}
    del card["sha256"]
    (folders / "data/card.json").write_text(json.dumps(card | ({"files": told} if known else {})), "utf-8")
    for target in (None, "/dev/zero", "nothing"):
        os.mkfifo(path) if target is None else path.symlink_to(target)
        refused(folders, f"data/train/{path.name}", "is no file" if path.exists() else "is missing")
        assert not bt.verify(folders / "data").sound
        path.unlink()
