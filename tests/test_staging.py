"""A dataset directory is replaced in one move: a kill at any moment loses neither the old nor the new one."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import bgan_text as bt
from bgan_text.corpora import staging
from bgan_text.corpora.staging import LOCK, staged

TEXTS = [f"{a} {b}" for a in "abcdef" for b in "abcdef"]
CARD = json.dumps(dict.fromkeys(("format", "settings", "space", "tokenizer", "counts", "signature")))
TINY: dict[str, Any] = {"width": 8, "discriminator_width": 8, "noise": 4, "batch": 4, "precision": "float32"}


@pytest.fixture
def data(tmp_path: Path) -> bt.DatasetDirectory:
    return bt.prepare(TEXTS, tokenizer="word", out=tmp_path / "data[1]")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def again(data: bt.DatasetDirectory) -> bt.DatasetDirectory:
    return bt.prepare(TEXTS[:20], tokenizer="word", out=data.folder, overwrite=True)


@pytest.mark.parametrize("name", ["weights.bin", "train/mine.txt", "train/mine.arrow", "notes", ".hidden"])
def test_a_directory_with_files_of_someone_else_is_not_replaced(data: bt.DatasetDirectory, name: str) -> None:
    (data.folder / name).write_text("mine")
    with pytest.raises(bt.UserError, match=f"it also holds {name}, which no dataset directory has"):
        again(data)
    assert (data.folder / name).read_text() == "mine"
    assert bt.DatasetDirectory(data.folder).signature == data.signature


def test_a_card_of_something_else_is_no_licence(tmp_path: Path) -> None:
    """Not even beside files that are called as ours are."""
    (tmp_path / "model" / "train").mkdir(parents=True)
    mine = tmp_path / "model" / "train" / "data-00000-of-00001.arrow"
    mine.write_text("mine")
    (tmp_path / "model" / "tokenizer.json").write_text("{}")
    for card in ("{}", '{"format": 1, "name": "a"}', "[]", "\xff"):
        (tmp_path / "model" / "card.json").write_text(card, encoding="latin-1")
        with pytest.raises(bt.UserError, match=r"its card\.json is no whole card of a dataset directory"):
            bt.prepare(TEXTS, tokenizer="word", out=tmp_path / "model", overwrite=True)
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("place", [".", "train"])
def test_the_working_folder_is_not_replaced(
    data: bt.DatasetDirectory, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Once it is moved, `..` is another folder, and neither the old nor the new one gets its place."""
    monkeypatch.chdir(data.folder / place)
    before = names(data.folder.parent)
    for out in (data.folder, Path(*[".."] * len(Path(place).parts), "..", data.folder.name)):
        with pytest.raises(bt.UserError, match="the working folder is in it"):
            bt.prepare(TEXTS[:20], tokenizer="word", out=out, overwrite=True)
    assert bt.DatasetDirectory(data.folder).signature == data.signature
    assert names(data.folder.parent) == before


def test_nothing_is_left_behind_and_the_new_directory_is_there(data: bt.DatasetDirectory) -> None:
    made = again(data)
    assert made.signature != data.signature
    assert names(data.folder.parent) == [data.folder.name]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("how", ["SIGKILL", "SIGINT"])
def test_a_process_ended_between_any_two_moves_loses_nothing(tmp_path: Path, how: str) -> None:
    """It ends itself before or after the n-th rename. The next command finds the old or the new folder."""
    code = """if True:
        import os, signal, sys
        from pathlib import Path
        from bgan_text.corpora.staging import LOCK, staged
        signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell may ignore
        moves, after = int(sys.argv[1]), sys.argv[2] == "after"
        rename = Path.rename
        def counted(self, target):
            global moves
            moves -= 1
            if moves == 0 and not after:
                os.kill(os.getpid(), getattr(signal, sys.argv[3]))
            made = rename(self, target)
            if moves == 0 and after:
                os.kill(os.getpid(), getattr(signal, sys.argv[3]))
            return made
        Path.rename = counted
        with staged(Path("data"), overwrite=True) as stage:
            (stage / "card.json").write_text("new")
    """
    for moves in (1, 2):
        for when in ("before", "after"):
            folder = tmp_path / f"{moves}-{when}"
            (folder / "data").mkdir(parents=True)
            (folder / "data" / "card.json").write_text(CARD)
            ended = subprocess.run(
                [sys.executable, "-c", code, str(moves), when, how],
                cwd=folder,
                capture_output=True,
                check=False,
            )
            assert ended.returncode == -getattr(signal, how), ended.stderr
            if how == "SIGINT":
                assert (folder / "data" / "card.json").read_text() in (CARD, "new")
                assert names(folder) == ["data"]
            with (
                pytest.raises(bt.UserError, match="exists already"),
                staged(folder / "data", overwrite=False),
            ):
                pass
            assert (folder / "data" / "card.json").read_text() == (
                "new" if (moves, when) == (2, "after") else CARD
            )
            assert names(folder) == ["data"]


def test_what_another_process_writes_is_left_alone(tmp_path: Path) -> None:
    with staged(tmp_path / "data", overwrite=False) as first:
        (first / "card.json").write_text("first")
        with staged(tmp_path / "data", overwrite=False) as second:
            (second / "card.json").write_text("second")
        assert (first / "card.json").exists()
        (tmp_path / "data" / "card.json").rename(tmp_path / "kept")
        (tmp_path / "data").rmdir()
    assert (tmp_path / "data" / "card.json").read_text() == "first"


def test_folders_of_others_are_neither_put_back_nor_removed(tmp_path: Path) -> None:
    """One whose name begins as that of `a`, and one of someone else beside it."""
    for name in (".a.b.abcdefgh", ".a.cache", ".a.ABCDEFGH"):
        (tmp_path / name / "old").mkdir(parents=True)
        (tmp_path / name / LOCK).touch()
    (tmp_path / ".a.abcdefgh").mkdir()
    (tmp_path / ".a.abcdefgh" / "lock").write_text("mine")
    before = names(tmp_path)
    with staged(tmp_path / "a", overwrite=False) as stage:
        (stage / "card.json").write_text("new")
    assert names(tmp_path) == sorted([*before, "a"])
    assert (tmp_path / "a" / "card.json").read_text() == "new"


# Runs


def test_resume_keeps_a_damaged_log_aside_and_uses_its_other_lines(
    data: bt.DatasetDirectory, tmp_path: Path
) -> None:
    heard: list[str] = []

    class Heard(bt.Reporter):
        def warning(self, text: str) -> None:
            heard.append(text)

    run = bt.train(data, out=tmp_path / "run", steps=6, log_every=1, evaluate_every="3", **TINY)
    path = tmp_path / "run" / "metrics.jsonl"
    before = path.read_bytes()
    rows = run.metrics()
    damaged = before.replace(b"{", b"[", 1)
    path.write_bytes(damaged)
    bt.load_run(run.folder).resume(steps=8, reporter=Heard())
    assert (tmp_path / "run" / "metrics.damaged-6.jsonl").read_bytes() == damaged
    found = bt.load_run(run.folder).metrics()
    assert found[: len(rows) - 1] == rows[1:]
    assert found[-1]["step"] == 8
    told = "line 1 is damaged: it is not JSON. It is kept as metrics.damaged-6.jsonl"
    assert any(told in one for one in heard)


def test_a_run_that_lost_its_checkpoints_does_not_begin_again(
    data: bt.DatasetDirectory, tmp_path: Path
) -> None:
    run = bt.train(data, out=tmp_path / "run", steps=6, log_every=1, evaluate_every="3", **TINY)
    for path in run.checkpoints().values():
        path.unlink()
    log = (tmp_path / "run" / "metrics.jsonl").read_bytes()
    with pytest.raises(bt.UserError, match="has no checkpoint, but it had one"):
        bt.load_run(run.folder).resume(steps=8)
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == log


@pytest.mark.parametrize("moment", ["on_step_end", "on_evaluation_start", "on_checkpoint_saved"])
def test_a_run_folder_that_is_removed_ends_the_run(
    data: bt.DatasetDirectory, tmp_path: Path, moment: str
) -> None:
    class Remover(bt.Callback):
        pass

    def remove(self: Any, *arguments: Any) -> None:
        shutil.rmtree(tmp_path / "run", ignore_errors=True)

    setattr(Remover, moment, remove)
    settings: dict[str, Any] = {
        "width": 8,
        "discriminator_width": 8,
        "noise": 4,
        "batch": 4,
        "precision": "float32",
    }
    with pytest.raises(bt.UserError, match="was removed, or emptied, while it was trained"):
        bt.train(
            data,
            out=tmp_path / "run",
            steps=9,
            evaluate_every="3",
            save_every="2",
            callbacks=[Remover()],
            **settings,
        )
    assert not (tmp_path / "run").exists()


def test_the_old_directory_stays_if_it_cannot_be_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a second Ctrl-C: what was moved aside is not removed, and the next command puts it back."""
    out = tmp_path / "data"
    out.mkdir()
    (out / "card.json").write_text(CARD)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(staging, "_put_back", interrupted)
        with pytest.raises(KeyboardInterrupt), staged(out, overwrite=True) as stage:
            stage.rmdir()  # so that it cannot take the place of the old one
    with pytest.raises(bt.UserError, match="exists already"), staged(out, overwrite=False):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert (out / "card.json").read_text() == CARD


def test_a_folder_that_was_left_before_its_lock_or_while_it_was_removed_goes(tmp_path: Path) -> None:
    (tmp_path / ".data.abcdefgh").mkdir()
    (tmp_path / ".data.a_cdefgh" / "new").mkdir(parents=True)
    (tmp_path / ".data.a_cdefgh" / LOCK).touch()
    with staged(tmp_path / "data", overwrite=False) as stage:
        (stage / "card.json").write_text(CARD)
    assert names(tmp_path) == ["data"]


def test_the_lock_of_a_folder_goes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "place" / "new").mkdir(parents=True)
    (tmp_path / "place" / LOCK).touch()
    removed: list[tuple[str, bool]] = []
    remove = shutil.rmtree

    def told(path: Path, ignore_errors: bool = False) -> None:
        removed.append((path.name, (tmp_path / "place" / LOCK).exists()))
        remove(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(staging.shutil, "rmtree", told)
    staging._discard(tmp_path / "place")
    assert removed == [("new", True), ("old", True), ("place", True)]
    assert not (tmp_path / "place").exists()
