import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.files import write_atomically
from bgan_text.space import TokenSpace
from bgan_text.training.checkpoint_check import digests
from bgan_text.training.folders import locked
from bgan_text.training.run import RunFolder
from bgan_text.training.samples import sample_rows
from bgan_text.training.state import State

CPU = torch.device("cpu")
SPACE = TokenSpace(5, 7, end=0)
DATA = {"folder": "x", "corpus": "lines", "signature": "s", "tokenizer": "t"}


def make(folder: Path, **more: Any) -> tuple[RunFolder, State]:
    small = {"steps": 3, "width": 8, "discriminator_width": 8, "noise": 4, "precision": "float32"}
    config = Config.given(small | more)
    run = RunFolder.create(folder, config, SPACE, DATA, {"tokenizer.json": b"{}"})
    return run, State.fresh(config, SPACE, CPU)


def test_a_run_folder_opens_as_it_was_made(tmp_path: Path) -> None:
    run, _ = make(tmp_path / "run")
    opened = RunFolder(tmp_path / "run")
    assert (opened.config, opened.space, opened.data) == (run.config, run.space, run.data)
    assert (tmp_path / "run" / "tokenizer.json").read_bytes() == b"{}"


@pytest.mark.parametrize(("written", "advice"), [(3, "train the run again"), (5, "upgrade it")])
def test_a_run_of_another_format_is_refused_with_advice(written: int, advice: str, tmp_path: Path) -> None:
    make(tmp_path / "run")
    card = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    (tmp_path / "run" / "run.json").write_text(json.dumps(card | {"format": written}), "utf-8")
    with pytest.raises(UserError, match=f"in format {written}: version .* reads format 4; {advice}"):
        RunFolder(tmp_path / "run")


def test_the_last_checkpoints_are_kept_and_loaded(tmp_path: Path) -> None:
    run, state = make(tmp_path / "run")
    for step in (1, 2, 3):
        state.step, state.elapsed = step, step / 2
        run.save(state)
    assert list(run.checkpoints()) == [2, 3]
    loaded, device = run.state(CPU)
    assert device == "cpu"
    assert (loaded.step, loaded.elapsed) == (3, 1.5)
    for key, tensor in state.generator.state_dict().items():
        assert torch.equal(loaded.generator.state_dict()[key], tensor)


def test_nothing_in_a_run_folder_is_pickled(tmp_path: Path) -> None:
    run, state = make(tmp_path / "run")
    run.save(state)
    files = list((tmp_path / "run").iterdir())
    assert {".safetensors", ".json"} <= {path.suffix for path in files}
    for path in files:
        content = path.read_bytes()
        if path.suffix == ".safetensors":
            size = int.from_bytes(content[:8], "little")
            json.loads(content[8 : 8 + size])
        elif path.suffix == ".json":
            json.loads(content)
        else:
            assert content == b""


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
def test_a_damaged_checkpoint_is_named_with_the_way_back(keep: int, tmp_path: Path) -> None:
    run, state = make(tmp_path / "run")
    run.save(state)
    state.step = 1
    run.save(state)
    path = run.checkpoints()[1]
    path.write_bytes(path.read_bytes()[:keep])
    for load in (lambda: run.state(CPU), lambda: run.generator(CPU)):
        with pytest.raises(UserError, match=r"damaged or cut short.*checkpoint of step 0 is still there"):
            load()
    path.unlink()
    assert run.state(CPU)[0].step == 0


def test_a_checkpoint_of_other_nets_is_refused(tmp_path: Path) -> None:
    run, _ = make(tmp_path / "run")
    _, other = make(tmp_path / "other", width=16)
    run.save(other)
    for load in (lambda: run.state(CPU), lambda: run.generator(CPU)):
        with pytest.raises(UserError, match="does not fit the run's settings"):
            load()


def test_a_state_that_is_not_finite_is_not_saved(tmp_path: Path) -> None:
    run, state = make(tmp_path / "run")
    run.save(state)
    with torch.no_grad():
        next(state.generator.parameters())[:] = float("inf")
    state.step = 1
    with pytest.raises(UserError, match="not finite"):
        run.save(state)
    assert list(run.checkpoints()) == [0]


def test_a_run_in_use_is_refused_and_freed_with_its_process(tmp_path: Path) -> None:
    run, _ = make(tmp_path / "run")
    code = (
        "import sys, time; from pathlib import Path; from bgan_text.training.folders import locked\n"
        "with locked(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="in use by another training"), locked(run.folder):
            pass
        other.kill()
    with locked(run.folder):
        pass


@pytest.mark.parametrize("line", ["[1]", "3", '{"bound": 1}', '{"step": "x"}'])
def test_metrics_that_are_not_ours_are_refused(line: str, tmp_path: Path) -> None:
    run, _ = make(tmp_path / "run")
    run.append_metrics({"step": 1})
    path = tmp_path / "run" / "metrics.jsonl"
    path.write_text(path.read_text() + line + "\n")
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"metrics\.jsonl line 2 is damaged: .*; repair or remove it"):
        run.metrics()
    assert path.read_bytes() == before
    run.rewind(9)
    assert run.metrics() == [{"step": 1}]
    assert (tmp_path / "run" / "metrics.damaged-9.jsonl").read_bytes() == before


def test_any_change_of_the_metrics_is_seen(tmp_path: Path) -> None:
    """Of each byte, and lines that are missing, repeated or in another order."""
    run, _ = make(tmp_path / "run")
    for step in (1, 2, 3, 4):
        run.append_metrics({"step": step, "bound": 0.5, "samples": ["é"]})
    path = tmp_path / "run" / "metrics.jsonl"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    orders = ((0, 2, 3), (0, 0, 1, 2, 3), (1, 0, 2, 3))
    changed = [b"".join(lines[place] for place in order) for order in orders]
    for place in range(len(whole)):
        changed.append(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
    for content in changed:
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"metrics\.jsonl line \d is damaged"):
            run.metrics()
    path.write_bytes(whole)
    assert [row["step"] for row in run.metrics()] == [1, 2, 3, 4]


@pytest.mark.parametrize("left", [0, 1, 2])
def test_metrics_that_were_cut_short_are_seen(left: int, tmp_path: Path, heard: Any) -> None:
    run, state = make(tmp_path / "run")
    for step in (1, 2, 3):
        run.append_metrics({"step": step})
    state.step = 3
    run.save(state)
    path = tmp_path / "run" / "metrics.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:left]))
    with pytest.raises(UserError, match="it lacks lines that it had; repair or"):
        run.metrics()
    run.rewind(3, run.logged(), heard)
    assert len(heard.warnings) == 1
    run.append_metrics({"step": 4})
    assert [row["step"] for row in run.metrics()] == [*range(1, left + 1), 4]
    path.unlink()
    assert run.metrics() == []


def test_the_last_line_of_a_training_that_has_ended_is_missed(tmp_path: Path) -> None:
    run, _ = make(tmp_path / "run")
    run.append_metrics({"step": 1})
    run.append_metrics({"step": 2})
    run.end()
    path = tmp_path / "run" / "metrics.jsonl"
    whole = path.read_bytes()
    for left in (whole.splitlines(keepends=True)[0], whole[:-5]):
        path.write_bytes(left)
        with pytest.raises(UserError, match="it lacks lines that it had"):
            RunFolder(tmp_path / "run").metrics()
    path.write_bytes(whole)
    run.begin()
    run.append_metrics({"step": 3})
    assert len(RunFolder(tmp_path / "run").metrics()) == 3


def test_metrics_of_an_earlier_version_have_no_checks(tmp_path: Path) -> None:
    run, _ = make(tmp_path / "run")
    path = tmp_path / "run" / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 2, "bound": NaN}\n')
    assert run.metrics() == [{"step": 1}, {"step": 2, "bound": None}]
    run.rewind(2)
    assert path.read_text().count("check") == 2
    assert len(run.metrics()) == 2


def test_any_change_of_the_settings_is_seen(tmp_path: Path) -> None:
    make(tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    card = json.loads(path.read_text("utf-8"))
    card["settings"]["seed"] += 1
    path.write_text(json.dumps(card))
    with pytest.raises(UserError, match=r"run\.json is damaged: it is not as it was written"):
        RunFolder(tmp_path / "run")


def test_a_folder_with_a_run_is_not_written_over(tmp_path: Path) -> None:
    make(tmp_path / "run")
    with pytest.raises(UserError, match="holds a run already"):
        make(tmp_path / "run", width=16)
    assert RunFolder(tmp_path / "run").config.width == 8


def test_unfinished_files_of_a_killed_process_are_swept(tmp_path: Path) -> None:
    run, _ = make(tmp_path / "run")
    (run.folder / ".checkpoint-000000009.safetensors.1.tmp").write_bytes(b"half")
    with locked(run.folder):
        assert not list(run.folder.glob(".*.tmp"))


def test_a_run_that_moves_to_another_device_starts_a_new_random_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if it had been saved on a GPU, whose streams have another size."""
    run, state = make(tmp_path / "run")
    state.step = 5
    run.save(state)
    (path,) = run.checkpoints().values()
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    tensors["rng"] = torch.zeros(16, dtype=torch.uint8)
    counters = {"step": "5", "elapsed": "0.0", "device": "cuda", "log": "00000000"}
    header = {"format": "bgan-text", **counters, "sha256": json.dumps(digests(tensors, counters))}
    save_file(tensors, path, header)
    moved, device = run.state(CPU)
    assert (moved.step, device) == (5, "cuda")
    again, _ = run.state(CPU)
    assert torch.equal(moved.rng.get_state(), again.rng.get_state())


def test_metrics_are_cut_back_to_the_checkpoint(tmp_path: Path) -> None:
    run, _ = make(tmp_path / "run")
    for step in (1, 2, 3):
        run.append_metrics({"step": step, "samples": ["a\u2028b\x85"]})
    with (tmp_path / "run" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "bou')
    assert [row["step"] for row in run.metrics()] == [1, 2, 3]
    run.rewind(2)
    run.append_metrics({"step": 3})
    assert [row["step"] for row in run.metrics()] == [1, 2, 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99, "version": "9.9"}, "by bgan-text 9.9 in format 99"),
        ({"space": {}}, "run.json is damaged"),
        ({"settings": {"widht": 1}}, "settings.widht is not known to this version"),
        ({"data": None}, "run.json is damaged"),
        ({"data": {"folder": "x"}}, "run.json is damaged"),
        ({"settings": []}, "run.json is damaged"),
    ],
)
def test_run_files_that_cannot_be_trusted(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    make(tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError, match=message):
        RunFolder(tmp_path / "run")
    path.write_text('{"format": 1, "sett')
    with pytest.raises(UserError, match="is damaged: it is not JSON"):
        RunFolder(tmp_path / "run")
    path.unlink()
    with pytest.raises(UserError, match="not a run folder"):
        RunFolder(tmp_path / "run")


def test_a_file_is_replaced_not_written_over(tmp_path: Path) -> None:
    """Who reads the old file while the new one comes goes on reading the old one."""
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with path.open("rb") as reader:
        write_atomically(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new content")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_sample_i_follows_from_the_seed_and_i_alone(tmp_path: Path) -> None:
    run, state = make(tmp_path / "run")
    run.save(state)
    generator = run.generator(CPU)
    few, many, other = (
        torch.cat(list(sample_rows(generator, count, seed, CPU)))
        for count, seed in ((3, 1), (600, 1), (3, 2))
    )
    assert many.shape == (600, 5)
    assert torch.equal(few, many[:3])
    assert not torch.equal(few, other)


def test_nothing_stands_behind_the_end_of_a_sample(tmp_path: Path) -> None:
    run, state = make(tmp_path / "run")
    run.save(state)
    rows = torch.cat(list(sample_rows(run.generator(CPU), 300, 1, CPU)))
    behind = (rows == 0).cumsum(-1) - (rows == 0).long() > 0
    assert behind.any()
    assert (rows[behind] == 0).all()
    assert (rows[:, 0] != 0).any()


def test_both_kinds_of_weights_can_be_sampled(tmp_path: Path) -> None:
    run, state = make(tmp_path / "run")
    with torch.no_grad():
        state.generator.logits.bias += 1.0
    run.save(state)
    last, average = (run.generator(CPU, average=average) for average in (False, True))
    torch.testing.assert_close(last.logits.bias, average.logits.bias + 1.0)
    with pytest.raises(UserError, match="no checkpoint of step 9: it has 0"):
        run.generator(CPU, step=9)


def test_a_run_without_a_checkpoint_cannot_be_sampled(tmp_path: Path) -> None:
    run, _ = make(tmp_path / "run")
    with pytest.raises(UserError, match="no checkpoint yet"):
        run.generator(CPU)
