"""What TensorBoard and Weights & Biases are given is what metrics.jsonl holds, also after a resumption."""

import json
import os
import struct
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bgan_text as bt
from bgan_text.training import tracking

SMALL: dict[str, Any] = {"batch": 8, "width": 8, "precision": "float32", "device": "cpu"}
OFTEN: dict[str, Any] = {"log_every": 1, "evaluate_every": "4", "save_every": "3"}
Curves = dict[str, list[tuple[int, float]]]


def curves_of(run: bt.Run) -> Curves:
    """The numbers of metrics.jsonl, read line by line."""
    found: Curves = defaultdict(list)
    for line in (run.folder / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line)
        kind = "validation" if "samples" in row else "train"
        for name, value in row.items():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if number and name != "step" and (kind, name) != ("validation", "seconds"):
                found[f"{kind}/{name}"].append((row["step"], np.float32(value)))
    return found


def events(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0, "images": 0})
    return read.Reload()


def curves_in(folder: Path) -> Curves:
    read = events(folder)
    return {
        tag: [(one.step, np.float32(one.value)) for one in read.Scalars(tag)]
        for tag in read.Tags()["scalars"]
    }


class KilledError(Exception):
    pass


class KillAt(bt.Callback):
    """Ends a run without a checkpoint, as a kill does."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, training: Any, report: Any) -> None:
        if report.step == self.step:
            raise KilledError


class StopAt(KillAt):
    """Ends a run in order, as Ctrl-C does."""

    def on_step_end(self, training: Any, report: Any) -> None:
        if report.step == self.step:
            training.stop()


def test_tensorboard_has_the_numbers_samples_and_settings(data: bt.DatasetDirectory, tmp_path: Path) -> None:
    draws = {"credit": "sequence", "draws": 5}
    watch = [bt.TensorBoard()]
    run = bt.train(data, draws, steps=8, out=tmp_path / "run", callbacks=watch, **SMALL, **OFTEN)
    told = curves_of(run)
    assert len(told["train/bound"]) == 8
    assert [step for step, _ in told["validation/js-4"]] == [4, 8]
    assert "train/effective_sample_size" in told
    assert curves_in(run.folder / "tensorboard") == told
    read = events(run.folder / "tensorboard")
    texts = [one.tensor_proto.string_val[0].decode() for one in read.Tensors("samples/text_summary")]
    samples = [row["samples"] for row in run.metrics() if "samples" in row]
    assert texts == ["\n".join(f"    {text}" for text in three) for three in samples]
    settings = read.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    assert b"objective" in settings
    assert b"importance" in settings
    assert str(data.folder).encode() not in settings


def test_images_are_shown_as_images(digits: Any, tmp_path: Path) -> None:
    import io

    from PIL import Image

    images, _ = digits["train"]
    data = bt.prepare(images[:200], colors=2, out=tmp_path / "digits")
    nets = {"width": 4, "discriminator_width": 4, "batch": 8, "device": "cpu"}
    run = bt.train(data, steps=2, out=tmp_path / "run", callbacks=[bt.TensorBoard()], **nets)
    (shown,) = events(run.folder / "tensorboard").Images("samples")
    with Image.open(run.folder / "grids" / "000000002.png") as grid:
        ours = np.asarray(grid.convert("RGB"))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(shown.encoded_image_string))), ours)


@pytest.mark.parametrize("end", [KillAt(5), StopAt(5)])
def test_a_resumed_run_goes_on_with_its_curves(
    data: bt.DatasetDirectory, tmp_path: Path, end: KillAt
) -> None:
    """A killed run made steps after its last checkpoint, and a stopped one a validation that goes again."""
    folder = tmp_path / "run"
    try:
        bt.train(data, steps=8, out=folder, callbacks=[bt.TensorBoard(), end], **SMALL, **OFTEN)
    except KilledError:
        assert max(bt.load_run(folder).checkpoints()) < 5
        assert curves_in(folder / "tensorboard")["train/bound"][-1][0] == 5
    run = bt.load_run(folder, device="cpu").resume(callbacks=[bt.TensorBoard()])
    told = curves_of(run)
    assert [step for step, _ in told["train/bound"]] == list(range(1, 9))
    assert curves_in(folder / "tensorboard") == told


def test_a_run_that_began_without_is_shown_from_its_beginning(
    data: bt.DatasetDirectory, tmp_path: Path
) -> None:
    run = bt.train(data, steps=4, out=tmp_path / "run", **SMALL, **OFTEN)
    run.resume(steps=6, callbacks=[bt.TensorBoard(tmp_path / "elsewhere")])
    assert curves_in(tmp_path / "elsewhere") == curves_of(run)
    assert not (run.folder / "tensorboard").exists()


class Failing(tracking.Tracker):
    title = "Failing"

    def open(self, training: Any) -> bool:
        return False

    def numbers(self, step: int, values: Any) -> None:
        if step == 3:
            raise OSError("no space left")


def test_a_tracker_that_fails_changes_nothing_of_the_run(
    data: bt.DatasetDirectory, tmp_path: Path, heard: Any
) -> None:
    plain = bt.train(data, steps=6, out=tmp_path / "plain", **SMALL, **OFTEN)
    run = bt.train(
        data, steps=6, out=tmp_path / "run", callbacks=[Failing()], reporter=heard, **SMALL, **OFTEN
    )
    said = [line for line in heard.warnings if "Failing" in line]
    assert said == ["Failing is left out from here on, the run goes on: no space left"]
    assert run.steps == 6
    assert run.sample(5) == plain.sample(5)


def test_a_link_of_a_stranger_is_not_followed(data: bt.DatasetDirectory, tmp_path: Path, heard: Any) -> None:
    run = bt.train(data, steps=1, out=tmp_path / "run", **SMALL)
    (tmp_path / "elsewhere").mkdir()
    (run.folder / "tensorboard").symlink_to(tmp_path / "elsewhere")
    run.resume(steps=2, callbacks=[bt.TensorBoard()], reporter=heard)
    assert any("is a link to another folder" in line for line in heard.warnings)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_an_extra_that_is_missing_is_named_first(
    data: bt.DatasetDirectory, bgan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "find_spec", lambda name: None)
    for option, title in (("tensorboard", "TensorBoard"), ("wandb", "Weights & Biases")):
        ended = bgan("train", "--data", data.folder, "--run", "run", "--steps", 1, f"--{option}")
        assert (ended.code, ended.err) == (
            1,
            f"bgan-text: {title} needs an extra: pip install -c constraints.txt '.[{option}]' "
            "in a clone of bgan-text\n",
        )
    assert not Path("run").exists()


def test_a_folder_of_that_name_is_not_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "only_a_folder").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(bt.UserError, match="needs an extra"):
        tracking.refuse_without("only_a_folder", "It", "it")


def test_the_command_writes_events(data: bt.DatasetDirectory, bgan: Any) -> None:
    words = ["train", "--data", data.folder, "--run", "run", "--steps", 2, "--batch", 8, "--log-every", 1]
    ended = bgan(*words, "--tensorboard")
    assert ended.code == 0, ended.err
    assert curves_in(Path("run/tensorboard")) == curves_of(bt.load_run("run"))


def test_processes_write_one_file(data: bt.DatasetDirectory, tmp_path: Path) -> None:
    words = ["train", "--data", data.folder, "--run", "run", "--steps", 2, "--batch", 8, "--log-every", 1]
    line = [sys.executable, "-m", "bgan_text.cli", *map(str, words), "--tensorboard", "--processes", "2"]
    ended = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert len(list((tmp_path / "run/tensorboard").iterdir())) == 1
    assert curves_in(tmp_path / "run/tensorboard") == curves_of(bt.load_run(tmp_path / "run"))


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")


def records(path: Path) -> Iterator[Any]:
    """The records of a .wandb file: protobufs in the blocks of a LevelDB log, after a header of 7 bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place, parts = path.read_bytes(), 7, b""
    assert content[:4] == b":W&B"
    while place + 7 <= len(content):
        if 32768 - place % 32768 < 7:
            place += 32768 - place % 32768
            continue
        _, size, kind = struct.unpack("<IHB", content[place : place + 7])
        parts += content[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):  # a whole record, or the last part of one
            record = Record()
            record.ParseFromString(parts)
            yield record
            parts = b""


def passed_on(folder: Path) -> tuple[Curves, dict[str, Any], set[str]]:
    """The numbers, the settings and the ids in all .wandb files of a run."""
    found: dict[str, dict[int, Any]] = defaultdict(dict)
    settings: dict[str, Any] = {}
    ids = set()
    for path in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        for record in records(path):
            kind = record.WhichOneof("record_type")
            if kind == "run":
                ids.add(record.run.run_id)
                settings |= {one.key: json.loads(one.value_json) for one in record.run.config.update}
            if kind == "history":
                row = {
                    one.key or "/".join(one.nested_key): json.loads(one.value_json)
                    for one in record.history.item
                }
                for name, value in row.items():
                    if name.startswith(("train/", "validation/")):
                        assert row["_step"] not in found[name], "a point is there twice"
                        found[name][row["_step"]] = np.float32(value)
    return {name: sorted(points.items()) for name, points in found.items()}, settings, ids


@pytest.mark.usefixtures("offline")
def test_wandb_has_the_numbers_and_settings_also_after_a_kill(
    data: bt.DatasetDirectory, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import wandb

    folder = tmp_path / "run"
    with pytest.raises(KilledError):
        bt.train(data, steps=8, out=folder, callbacks=[bt.Wandb(), KillAt(5)], **SMALL, **OFTEN)
    run = bt.load_run(folder, device="cpu").resume(callbacks=[bt.Wandb()])
    wandb.teardown()  # waits for the process that writes
    numbers, settings, ids = passed_on(folder)
    told = curves_of(run)
    for curves in (told, numbers):  # steps that are made again take another time
        del curves["train/seconds"]
    assert numbers == told
    assert settings["objective"] == "importance"
    assert str(data.folder) not in json.dumps(settings)
    assert len(ids) == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", ["wandb/settings", ".wandb/settings"])
def test_a_server_that_a_stranger_names_is_not_used(
    data: bt.DatasetDirectory, tmp_path: Path, heard: Any, name: str
) -> None:
    run = bt.train(data, steps=1, out=tmp_path / "run", **SMALL)
    (run.folder / name).parent.mkdir()
    (run.folder / name).write_text("[default]\nbase_url = http://127.0.0.1:9\n")
    run.resume(steps=2, callbacks=[bt.Wandb()], reporter=heard)
    assert any("may hold settings of wandb" in line for line in heard.warnings)
    assert not list(run.folder.rglob("offline-*"))


def test_wandb_asks_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("WANDB_MODE", "WANDB_API_KEY", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(bt.UserError, match="nobody is logged in: use wandb login"):
        bt.Wandb()
    (Path(os.environ["HOME"]) / ".netrc").write_text("machine api.wandb.ai login user password key\n")
    bt.Wandb()
