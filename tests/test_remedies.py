"""Messages about what users often meet end in the command to try next, and that command is right."""

import json
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import bgan_text as bt
from bgan_text.files import write_sealed

Command = Any


@pytest.fixture
def world(tmp_path: Path, data: bt.DatasetDirectory) -> Path:
    """A folder with a dataset directory, a run of it, and a text file."""
    shutil.copytree(data.folder, tmp_path / "words")
    bt.train(tmp_path / "words", out=tmp_path / "run", steps=2, width=4, batch=4)
    (tmp_path / "texts.txt").write_text("".join(f"line {number} of many\n" for number in range(50)), "utf-8")
    return tmp_path


def remedy(bgan: Command, *words: object) -> list[str]:
    """The command that the line of a refusal names, without the name of the program."""
    made = bgan(*words)
    assert (made.code, made.out) == (1, "")
    lines = made.err.splitlines()
    assert len(lines) == 1
    found = re.findall(
        r"[;,:] (?:.*? with )?bgan-text (.+?)(?: (?:makes|trains|continues|checks|says) .*)?$", lines[0]
    )
    assert found, lines[0]
    return shlex.split(found[-1])


@pytest.mark.usefixtures("world")
def test_the_wrong_kind_of_folder(bgan: Command) -> None:
    assert remedy(bgan, "sample", "words") == ["train", "--data", "words"]
    assert remedy(bgan, "sample", "nowhere") == ["train"]
    assert "nowhere is not a run folder: there is no such folder" in bgan("sample", "nowhere").err
    assert "nowhere is not a dataset directory: there is no such" in bgan("train", "--data", "nowhere").err
    assert "texts.txt is not a run folder: it is a file" in bgan("sample", "texts.txt").err
    assert remedy(bgan, "train", "--data", "texts.txt") == ["prepare", "texts.txt"]
    assert remedy(bgan, "train", "--data", "nowhere") == ["prepare"]
    assert remedy(bgan, "train", "--data", "run") == ["train", "--resume", "--run", "run"]
    assert remedy(bgan, "score", "nowhere") == ["train"]
    assert bgan("prepare", "texts.txt", "--tokenizer", "word").code == 0  # the second of them


@pytest.mark.usefixtures("world")
def test_a_run_that_is_being_trained_has_no_checkpoint_yet(bgan: Command, world: Path) -> None:
    from bgan_text.training.folders import locked

    (world / "run" / "checkpoint-000000002.safetensors").unlink()
    (world / "run" / "metrics.jsonl").unlink()
    record = json.loads((world / "run" / "run.json").read_text())
    del record["sha256"]
    write_sealed(world / "run" / "run.json", record | {"saved": False, "last_line": None})
    with locked(world / "run"):
        for command in (("sample", "run"), ("export", "run", "model")):
            told = bgan(*command).err
            assert told == (
                "bgan-text: run is being trained and has no checkpoint yet: the first comes after 60s "
                "(--save-every)\n"
            )
    assert remedy(bgan, "sample", "run") == ["train", "--resume", "--run", "run"]


@pytest.mark.usefixtures("world")
def test_what_is_no_number_is_told(bgan: Command) -> None:
    for option, given, told in (("--minutes", "five", "a number"), ("--steps", "5.5", "an integer")):
        made = bgan("train", option, given)
        assert (made.code, made.out) == (2, "")
        assert f"{option}': '{given}': {told} is needed (See bgan-text train --help.)" in made.err
    made = bgan("train", "--data", "words", "--minutes", 0, "--run", "none")
    assert "--minutes 0.0: a number above 0 is needed" in made.err
    assert not Path("none").exists()


def test_a_name_with_a_space_is_quoted(bgan: Command, world: Path) -> None:
    (world / "words").rename(world / "my words")
    assert remedy(bgan, "sample", "my words") == ["train", "--data", "my words"]
    (world / "run").rename(world / "my run")
    (world / "my run" / "run.json").write_text("{")
    assert remedy(bgan, "sample", "my run") == ["verify", "my run"]
    assert bgan("verify", "my run").code == 1


@pytest.mark.parametrize("part", ["run.json", "checkpoint-000000002.safetensors", "tokenizer.json"])
def test_damage_of_a_run_leads_to_verify(bgan: Command, world: Path, part: str) -> None:
    file = world / "run" / part
    file.write_bytes(file.read_bytes()[:50]) if part != "tokenizer.json" else file.unlink()
    words = remedy(bgan, "sample", "run")
    assert words == ["verify", "run"]
    found = bgan(*words)
    assert found.code == 1
    assert "wrong: run/" in found.out


def test_damage_of_data_leads_to_verify(bgan: Command, world: Path) -> None:
    file = next((world / "words" / "train").glob("*.arrow"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes(content)
    assert remedy(bgan, "train", "--data", "words", "--run", "new") == ["verify", "words"]
    assert bgan("verify", "words").code == 1
    table = world / "table.json"
    table.write_text("{")  # no part of a run or a dataset directory
    assert "verify" not in bgan("train", "--config", table, "--data", "words").err


def test_a_run_without_a_checkpoint(bgan: Command, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bgan_text.training.run import RunFolder

    monkeypatch.setattr(RunFolder, "save", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        bt.train(world / "words", out=world / "begun", steps=2, width=4, batch=4)
    monkeypatch.undo()
    monkeypatch.chdir(world)
    words = remedy(bgan, "sample", "begun")
    assert words == ["train", "--resume", "--run", "begun"]
    assert bgan(*words).code == 0
    assert bgan("sample", "begun", "--n", 1).code == 0
    next((world / "run").glob("checkpoint*")).unlink()  # this one had one, and cannot go on
    assert "it had one: bring it back" in bgan("sample", "run").err


@pytest.mark.parametrize(
    ("words", "end"),
    [
        (("sample", "run"), "free some space, then give the command again"),
        (
            ("train", "--data", "words", "--run", "new"),
            "free some space, then go on with bgan-text train --resume",
        ),
    ],
)
@pytest.mark.usefixtures("world")
def test_a_full_disk(
    bgan: Command, words: tuple[str, ...], end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bgan_text.training.run import RunFolder

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device", "somewhere")

    for name in ("generator", "create"):
        monkeypatch.setattr(RunFolder, name, full)
    made = bgan(*words)
    assert made.code == 1
    assert made.err.endswith(f"cannot read or write somewhere: No space left on device: {end}\n")


@pytest.mark.parametrize(
    ("module", "option", "extra"),
    [
        ("sentence_transformers", ("--embed", "all-MiniLM-L6-v2"), "embed"),
        ("rdkit", ("--molecules",), "molecules"),
        ("transformers", ("--perplexity", "gpt2"), "perplexity"),
    ],
)
@pytest.mark.usefixtures("world")
def test_missing_extras_are_installed_from_a_clone(
    bgan: Command, monkeypatch: pytest.MonkeyPatch, module: str, option: tuple[str, ...], extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr("bgan_text.evaluation.text_inputs.sample_text", lambda *_: 1 // 0)  # nothing is drawn
    made = bgan("score", "run", "--reference", "texts.txt", "--n", 20, *option)
    assert made.code == 1
    assert made.err.splitlines()[-1].endswith(
        f"pip install -c constraints.txt '.[{extra}]' in a clone of bgan-text"
    )


@pytest.mark.usefixtures("world")
def test_a_device_that_is_not_there(bgan: Command) -> None:
    assert remedy(bgan, "sample", "run", "--device", "cuda:77") == ["doctor"]
