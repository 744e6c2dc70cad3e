"""`verify` looks at all of a run or a dataset directory, and finds every fault."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import bgan_text as bt
from bgan_text.corpora.dataset_check import files_of
from bgan_text.files import digest_of

TINY: dict[str, Any] = {"width": 8, "discriminator_width": 8, "noise": 4, "batch": 4, "precision": "float32"}
TEXTS = [f"{a}{b}" for a in "abcdef" for b in "abcdef"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    data = bt.prepare(TEXTS, tokenizer="char", out=folder / "data")
    settings = TINY | {"steps": 4, "save_every": "2", "evaluate_every": "2", "log_every": 1}
    bt.train(data, out=folder / "run", **settings)
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("data", "run"):
        shutil.copytree(made / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems(path: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in bt.verify(path).findings:
        if finding.problem is not None:
            found.setdefault(finding.part, []).append(finding.problem)
    return found


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def rewrite(column: str, change: Any) -> None:
    """Change a column of the training rows, with a card that agrees."""
    (path,) = Path("data/train").glob("*.arrow")
    table = pa.ipc.open_stream(path.read_bytes()).read_all()
    values = change(table.column(column).combine_chunks())
    table = table.set_column(table.schema.get_field_index(column), column, values)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data = Path("data")
    card = json.loads((data / "card.json").read_text())
    card["files"] = files_of(data, ("train", "validation", "test"))
    (data / "card.json").write_text(json.dumps(card | {"sha256": digest_of(card)}))


def test_all_parts_of_sound_ones_are_named(here: Path) -> None:
    run = bt.verify("run")
    assert run.sound
    assert run.kind == "run"
    parts = [finding.part for finding in run.findings]
    assert len(parts) == len(set(parts))
    checkpoints = [f"run/checkpoint-{step:09d}.safetensors" for step in bt.load_run("run").checkpoints()]
    data = [finding.part for finding in bt.verify("data").findings]
    assert parts == ["run/run.json", "run/tokenizer.json", *checkpoints, "run/metrics.jsonl", *data]
    assert {"data/card.json", "data/tokenizer.json", "data/train/state.json", "data/train"} <= set(data)
    assert run.lines() == [f"ok: {part}" for part in parts]


def test_every_fault_is_found(here: Path) -> None:
    first, last = sorted(Path("run").glob("checkpoint-*"))
    flip(first, -1)
    last.write_bytes(b"")
    with Path("run/metrics.jsonl").open("a") as log:
        log.write('{"step": -1}\n{"step": 5, "bound": "x"}\n[]\n{"step": 6}\n')
    (arrow,) = Path("data/test").glob("*.arrow")
    flip(arrow, -40)
    Path("data/validation/state.json").write_text("{}")
    Path("data/tokenizer.json").write_text('{"kind": "char", "symbols": ["a"]}')
    found = problems("run")
    assert set(found) == {
        str(first), str(last), "run/metrics.jsonl", "data/tokenizer.json", "data/validation/state.json",
        str(arrow),
    }  # fmt: skip
    assert [problem.partition("is damaged")[2] for problem in found["run/metrics.jsonl"]] == [
        ": step: at least 0 is needed",
        ": bound: a number or None is needed",
        ": an object is needed",
        ": it is not as it was written",
    ]
    assert found.items() >= problems("data").items()


def test_what_no_digest_tells_is_found(here: Path) -> None:
    def outside(tokens: pa.FixedSizeListArray) -> pa.Array:
        values = tokens.flatten().to_numpy().copy()
        values[-1] = 10**6
        return pa.FixedSizeListArray.from_arrays(pa.array(values), tokens.type.list_size)

    rewrite("tokens", outside)
    assert problems("data") == {"data/train": ["is damaged: a row has tokens outside 0..7"]}


def test_texts_are_validated(here: Path) -> None:
    def broken(texts: pa.StringArray) -> pa.Array:
        return pa.array([b"\xff"] * len(texts), pa.binary()).view(pa.string())

    rewrite("text", broken)
    (problem,) = problems("data")["data/train"]
    assert "Invalid UTF8" in problem

    def offsets(texts: pa.StringArray) -> pa.Array:
        places = np.arange(len(texts) + 1, dtype=np.int32)
        places[5] = 10**6
        return pa.Array.from_buffers(
            pa.string(), len(texts), [None, pa.py_buffer(places), texts.buffers()[2]]
        )

    rewrite("text", offsets)
    assert "offset" in problems("data")["data/train"][0]


def test_settings_and_cards_that_are_damaged_leave_the_rest_to_be_checked(here: Path) -> None:
    last = max(Path("run").glob("checkpoint-*"))
    flip(last, -1)
    Path("run/run.json").write_text("{")
    assert set(problems("run")) == {"run/run.json", str(last)}
    Path("data/card.json").write_text("{")
    Path("data/test/state.json").unlink()
    assert set(problems("data")) == {"data/card.json", "data/test/state.json"}


def test_other_data_and_lost_checkpoints_are_told(here: Path) -> None:
    shutil.rmtree("data")
    assert bt.verify("run").sound  # the data may be anywhere
    bt.prepare(TEXTS[:30], tokenizer="char", out="data")
    (problem,) = problems("run")["run/run.json"]
    assert problem.startswith("it was trained on data of signature")
    for path in Path("run").glob("checkpoint-*"):
        path.unlink()
    assert "has no checkpoint, but it had one" in problems("run")["run/metrics.jsonl"][0]


def test_metrics_that_are_missing_are_told(here: Path) -> None:
    Path("run/metrics.jsonl").unlink()
    assert problems("run") == {"run/metrics.jsonl": ["is missing: it was there at the last checkpoint"]}


def test_the_exit_code_tells(here: Path, bgan: Any) -> None:
    made = bgan("verify", "data", "run")
    assert made.code == 0
    assert all(line.startswith("ok: ") for line in made.out.splitlines())
    Path("run/run.json").write_text("{}")
    made = bgan("verify", "data", "run")
    assert made.code == 1
    assert "wrong: run/run.json: is damaged: format is missing" in made.out
    made = bgan("verify", "run", "data", "--json")
    assert made.code == 1
    found = json.loads(made.out)
    assert [one["sound"] for one in found["paths"]] == [False, True]
    assert made.err.splitlines() == ["2 checked, 1 damaged"]
    made = bgan("verify", "nothing", "data", "run")
    assert made.code == 2
    assert "ok: data/card.json" in made.out.splitlines()
    assert made.err.startswith("2 checked, 1 damaged, 1 not checked\n")
    assert "nothing does not exist" in made.err
    assert not json.loads(bgan("verify", "nothing", "data", "--json").out)["sound"]
    assert bgan("verify", "nothing", "--json").out == ""
    assert bgan("verify").code == 2


def test_a_run_whose_data_lies_elsewhere_is_sound(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path from the one to the other then has parts that lead upwards."""
    (here / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(here / "deep" / "er")
    assert bt.verify("../../run").sound
    assert bt.verify("../../data").sound


def test_bytes_behind_the_last_line_of_a_training_that_has_ended_are_told(here: Path) -> None:
    with Path("run/metrics.jsonl").open("ab") as log:
        log.write(b"\0")
    assert problems("run") == {"run/metrics.jsonl": ["does not end as it did when training ended"]}
