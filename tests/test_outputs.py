"""What is written appears whole or not at all, and never over what is read."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bgan_text.errors import UserError
from bgan_text.files import UNFINISHED, replacing, write_atomically
from bgan_text.outputs import refuse_output
from bgan_text.sample_files import destination

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
Command = Callable[..., Any]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def killed_while_writing(path: Path) -> Path:
    """The file that a process leaves which is killed in the middle of writing."""
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom bgan_text.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half')\n    file.flush()\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    before = set(path.parent.iterdir())
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    (left,) = set(path.parent.iterdir()) - before
    return left


@POSIX
@pytest.mark.parametrize("name", ["s.txt", "[a]*?.txt", "n" * 255, "né水.txt"])
def test_what_a_kill_left_is_removed_by_the_next_to_write_there(name: str, tmp_path: Path) -> None:
    left = killed_while_writing(tmp_path / name)
    assert left.read_bytes() == b"half"
    other = killed_while_writing(tmp_path / "other.txt")
    with destination(tmp_path / name) as file:
        file.write("whole\n")
    assert (tmp_path / name).read_bytes() == b"whole\n"
    assert names(tmp_path) == sorted([name, other.name])


@POSIX
def test_the_file_of_a_living_writer_stays(tmp_path: Path) -> None:
    path = tmp_path / "s.txt"
    with replacing(path) as first:
        first.write(b"first")
        write_atomically(path, b"second")
        assert path.read_bytes() == b"second"
        assert len(names(tmp_path)) == 2
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == ["s.txt"]


def test_files_that_look_alike_are_left_alone(tmp_path: Path) -> None:
    alike = [
        ".s.txt.123.tmp", ".s.txt.tmp", ".s.txt.0123456.bgan-text-unfinished",
        "s.txt.01234567.bgan-text-unfinished",
        ".t.txt.01234567.bgan-text-unfinished", ".s.txt.0123456X.bgan-text-unfinished",
    ]  # fmt: skip
    for name in alike:
        (tmp_path / name).write_text("mine")
    (tmp_path / ".s.txt.01234567.bgan-text-unfinished").mkdir()
    write_atomically(tmp_path / "s.txt", b"whole")
    assert names(tmp_path) == sorted([*alike, "s.txt", ".s.txt.01234567.bgan-text-unfinished"])
    assert UNFINISHED.fullmatch(".s.txt.01234567.bgan-text-unfinished")


def test_an_error_while_writing_leaves_nothing_and_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("old")

    def fail() -> None:
        with destination(tmp_path / "s.txt") as file:
            file.write("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert names(tmp_path) == ["s.txt"]
    assert (tmp_path / "s.txt").read_text() == "old"


def test_text_that_no_encoding_has_is_written_as_escapes(tmp_path: Path) -> None:
    with destination(tmp_path / "s.txt") as file:
        file.write("a\ud800b\n")
    assert (tmp_path / "s.txt").read_text() == "a\\ud800b\n"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for folder, mark in {"run": "run.json", "data": "card.json", "images": "1.png"}.items():
        Path(folder).mkdir()
        Path(folder, mark).touch()
    Path("in.txt").write_text("mine")
    Path("link.txt").symlink_to("in.txt")
    os.link("in.txt", "hard.txt")
    Path("into").symlink_to("run", target_is_directory=True)
    Path("deep").symlink_to("run/run.json")
    return tmp_path


@POSIX
@pytest.mark.parametrize(
    "out",
    [
        "in.txt", "./in.txt", "run/../in.txt", "link.txt", "hard.txt", "images", "images/2.png",
        "images/new/2.png", "run/new.txt", "run/grids/x.png", "data/card.json", "data/train/x", "into/x.txt",
        "deep", "data/../run/x",
    ],
)  # fmt: skip
def test_an_input_a_run_and_a_dataset_are_no_place_for_results(out: str, places: Path) -> None:
    with pytest.raises(UserError, match=r"`out` .*(which is read|in the run or dataset directory)"):
        refuse_output("out", Path(out), ["in.txt", places / "images", None, ["text"]])


def test_other_places_and_the_usual_one_are_accepted(places: Path) -> None:
    for out in ("new.txt", "run.txt", "images.png", "new/x", "run/../other.txt"):
        refuse_output("out", Path(out), ["in.txt", "images", "nowhere", "-"])
    refuse_output("out", Path("into/curves.png"), ["run"], usual=Path("run/curves.png"))


def test_every_command_refuses_to_write_over_a_run(bgan: Command, places: Path) -> None:
    """Before it opens one: what is there is no run."""
    (places / "lines.txt").write_text("one\ntwo\nthree\n" * 5)
    for words in (
        ("prepare", "lines.txt", "--tokenizer", "word", "--out", "run/new"),
        ("prepare", "lines.txt", "--tokenizer", "word", "--out", "into/new"),
        ("train", "--data", "data", "--run", "data/new"),
        ("score", "lines.txt", "--reference", "lines.txt", "--neighbours", "lines.txt"),
        ("score", "lines.txt", "--reference", "in.txt", "--neighbours", "run/x.png"),
        ("score", "lines.txt", "--reference", "in.txt", "--sweep", "--out", "run"),
        ("plot", "run", "--out", "run/x.png"),
        ("report", "run", "--out", "run/x.html"),
        ("report", "images", "--out", "data/x.html"),
        ("plot", "images", "--out", "data/x.png"),
        ("reproduce", "mnist-distances", "--out", "run/new"),
    ):
        made = bgan(*words)
        assert made.code == 1, words
        assert "which is read" in made.err or "in the run or dataset directory" in made.err, made.err
    assert names(places / "run") == ["run.json"]
    assert names(places / "data") == ["card.json"]
    assert (places / "lines.txt").read_text() == "one\ntwo\nthree\n" * 5


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_an_output_that_leads_to_a_pipe_of_the_process_is_written_to(tmp_path: Path) -> None:
    """As `/dev/stdout` does in a pipeline: the path behind the link does not exist."""
    read, write = os.pipe()
    (tmp_path / "out").symlink_to(f"/dev/fd/{write}")
    with destination(tmp_path / "out") as file:
        file.write("a\n")
    os.close(write)
    with os.fdopen(read) as pipe:
        assert pipe.read() == "a\n"
