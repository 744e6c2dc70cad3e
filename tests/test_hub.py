"""Models go to the Hugging Face hub and come back, through huggingface_hub and a stand-in for the hub."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from hub_server import READ_ONLY, TOKEN, Hub, hub_server
from huggingface_hub import constants

import bgan_text as bt
from bgan_text.files import digest_of
from bgan_text.overview import at_a_glance

NAME = "ann/sentences"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, data: bt.DatasetDirectory) -> bt.Run:
    folder = tmp_path_factory.mktemp("run")
    return bt.train(data, steps=3, batch=8, width=16, precision="float32", out=folder / "run", device="cpu")


@pytest.fixture(scope="module")
def folder(run: bt.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(run.export(tmp_path_factory.mktemp("exported") / "model", license="mit"))


def set_endpoint(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """What HF_ENDPOINT does where it is set before huggingface_hub is imported."""
    usual = constants.HUGGINGFACE_CO_URL_TEMPLATE.removeprefix(constants.ENDPOINT)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + usual)
    monkeypatch.setattr(constants, "ENDPOINT", url)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The client as another process would have it: online, with an empty cache and a token that may write."""
    with hub_server() as hub:
        set_endpoint(monkeypatch, hub.url)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield hub


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def changed(folder: Path, **changes: Any) -> dict[str, bytes]:
    """The files of a model with another config.json, whose digest is right, as a stranger can make it."""
    files = contents(folder)
    config = json.loads(files["config.json"]) | changes
    files["config.json"] = json.dumps(config | {"sha256": digest_of(config)}).encode()
    return files


def test_a_run_goes_to_the_hub_and_comes_back(run: bt.Run, hub: Hub, heard: Any) -> None:
    url = run.push_to_hub(NAME, private=True, license="mit", reporter=heard)
    assert url == f"{hub.url}/{NAME}/commit/{hub.repositories[NAME].branches['main']}"
    assert hub.repositories[NAME].private
    assert "Uploading" in heard.messages[0]
    assert any("/info/lfs/objects/batch" in line for line in hub.requests)
    assert {"README.md", "config.json", "model.safetensors", "tokenizer.json"} <= set(hub.files(NAME))
    there = bt.load_run(f"hf:{NAME}", device="cpu")
    assert there.sample(5, candidates=3) == run.sample(5, candidates=3, step="best")
    assert bt.verify(there.folder).sound
    assert f"bgan-text sample hf:{NAME} --n 10" in hub.files(NAME)["README.md"].decode()


def test_the_card_has_what_the_hub_reads(run: bt.Run, hub: Hub) -> None:
    run.push_to_hub(NAME, license="mit", language=("en",), dataset=("ann/texts",))
    card = huggingface_hub.ModelCard(hub.files(NAME)["README.md"].decode())
    assert (card.data.license, card.data.language, card.data.datasets) == ("mit", ["en"], ["ann/texts"])
    assert (card.data.library_name, card.data.pipeline_tag) == ("bgan-text", "text-generation")
    measured = {result.metric_type: result.metric_value for result in card.data.eval_results}
    (row,) = (row for row in run.metrics() if "samples" in row and row["step"] == run.best)
    assert measured == {name: row[name] for name in ("js-1", "js-2", "js-3", "js-4")}


def test_a_second_push_is_a_second_commit_and_removes_what_is_gone(folder: Path, hub: Hub) -> None:
    bt.push_to_hub(folder, NAME)
    first = hub.repositories[NAME].branches["main"]
    hub.add(NAME, {**hub.files(NAME), "palette.json": b"{}", "notes.txt": b"mine"})
    bt.push_to_hub(folder, NAME)
    assert "palette.json" not in hub.files(NAME)
    assert hub.files(NAME)["notes.txt"] == b"mine"
    assert bt.load_run(f"hf:{NAME}@{first}").folder.name == first
    hub.repositories[NAME].branches["v1"] = first
    assert bt.load_run(f"hf:{NAME}@v1").folder.name == first


@pytest.mark.parametrize(
    "others", [{"pytorch_model.bin": b"x"}, {"README.md": b"---\nlibrary_name: other\n---\n", "x": b""}]
)
def test_a_model_of_another_library_is_not_written_over(folder: Path, hub: Hub, others: Any) -> None:
    hub.add(NAME, others)
    with pytest.raises(bt.UserError, match="is no model of bgan-text: it holds"):
        bt.push_to_hub(folder, NAME)
    assert hub.files(NAME) == others
    bt.push_to_hub(folder, NAME, overwrite=True)
    assert "config.json" in hub.files(NAME)


def test_a_private_model_is_not_pushed_to_a_public_one(folder: Path, hub: Hub) -> None:
    hub.add(NAME, {})
    with pytest.raises(bt.UserError, match="is public already"):
        bt.push_to_hub(folder, NAME, private=True)
    assert hub.files(NAME) == {}


def test_every_download_is_told(folder: Path, data: bt.DatasetDirectory, hub: Hub, tmp_path: Path) -> None:
    hub.add(NAME, contents(folder))

    class Tasks(bt.Reporter):
        def __init__(self) -> None:
            self.titles: list[str] = []

        def task(self, title: str, unit: str = "") -> Any:
            self.titles.append(title)
            return super().task(title, unit)

    ways: list[Callable[[bt.Reporter], object]] = [
        lambda reporter: bt.load_run(f"hf:{NAME}", reporter=reporter),
        lambda reporter: bt.verify(f"hf:{NAME}", reporter=reporter),
        lambda reporter: at_a_glance(Path(f"hf:{NAME}"), reporter),
        lambda reporter: bt.push_to_hub(f"hf:{NAME}", "ann/again", reporter=reporter),
        lambda reporter: bt.train(
            data, start_from=f"hf:{NAME}", steps=1, batch=8, out=tmp_path / "begun", reporter=reporter
        ),
    ]
    for way in ways:
        told = Tasks()
        way(told)
        assert f"reading hf:{NAME}" in told.titles


def test_a_run_starts_from_a_model_of_the_hub(
    folder: Path, data: bt.DatasetDirectory, hub: Hub, tmp_path: Path
) -> None:
    hub.add(NAME, contents(folder))
    begun = bt.train(data, start_from=f"hf:{NAME}", steps=1, batch=8, out=tmp_path / "begun", device="cpu")
    record = json.loads((begun.folder / "run.json").read_text())["started_from"]
    assert record == {"folder": f"hf:{NAME}@{hub.repositories[NAME].branches['main']}", "step": 3}
    before = bt.load_run(f"hf:{NAME}", device="cpu")._run.generator(torch.device("cpu")).state_dict()
    step_one = begun._run.generator(torch.device("cpu"), average=False).state_dict()
    assert before.keys() == step_one.keys()
    assert all((before[name] - step_one[name]).abs().max() < 0.1 for name in before)


def test_a_model_of_the_hub_is_scored_under_its_name(
    folder: Path, data: bt.DatasetDirectory, hub: Hub
) -> None:
    hub.add(NAME, contents(folder))
    report = bt.evaluate(f"hf:{NAME}", data=data, count=20, resamples=0)
    assert [column.name for column in report.columns] == [f"hf:{NAME}", "real"]


def test_a_model_of_the_hub_is_explored_under_its_name(run: bt.Run, folder: Path, hub: Hub) -> None:
    bt.push_to_hub(folder, NAME)
    explorer = bt.Explorer(f"hf:{NAME}")
    assert explorer.draw(count=3, seed=2).samples == run.sample(3, seed=2, step="best")
    assert explorer.name == f"hf:{NAME}@{hub.repositories[NAME].branches['main']}"


def test_what_was_downloaded_does_without_the_hub(
    folder: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(NAME, contents(folder))
    once = bt.load_run(f"hf:{NAME}").sample(2)
    set_endpoint(monkeypatch, "http://127.0.0.1:9")
    assert bt.load_run(f"hf:{NAME}").sample(2) == once
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert bt.load_run(f"hf:{NAME}").sample(2) == once
    with pytest.raises(bt.UserError, match=r"cannot be reached \(HF_HUB_OFFLINE is set\)"):
        bt.load_run("hf:ann/another")


ERRORS = [
    ("hf:ann/none", TOKEN, "the hub has no such model, or it is private"),
    (f"hf:{NAME}@v9", TOKEN, "the model has no revision v9"),
    (f"hf:{NAME}", "hf_wrong", r"does not accept the token \(401\): log in with hf auth login"),
    ("hf:ann", TOKEN, "hf:user/name or hf:user/name@revision is expected"),
    ("hf:../etc@x y", TOKEN, "is expected"),
]


@pytest.mark.parametrize(("name", "token", "message"), ERRORS)
def test_what_cannot_be_read_is_one_line(
    folder: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch, name: str, token: str, message: str
) -> None:
    hub.add(NAME, contents(folder))
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(bt.UserError, match=message):
        bt.load_run(name)


def test_what_cannot_be_written_is_one_line(folder: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(bt.UserError, match="user/name is expected"):
        bt.push_to_hub(folder, "ann")
    monkeypatch.setenv("HF_TOKEN", READ_ONLY)
    with pytest.raises(bt.UserError, match=r"may not write there \(403\)"):
        bt.push_to_hub(folder, NAME)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(bt.UserError, match=r"does not accept the token \(401\)"):
        bt.push_to_hub(folder, NAME)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(bt.UserError, match="there is no token of the hub: log in with hf auth login"):
        bt.push_to_hub(folder, NAME)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    set_endpoint(monkeypatch, "http://127.0.0.1:9")
    with pytest.raises(bt.UserError, match="cannot be reached"):
        bt.push_to_hub(folder, NAME)
    assert hub.repositories == {}


def test_a_card_that_the_hub_refuses_is_one_line(run: bt.Run, hub: Hub) -> None:
    with pytest.raises(bt.UserError, match="the hub refuses the model"):
        run.push_to_hub(NAME, license="refused")


def hostile(folder: Path) -> dict[str, tuple[dict[str, bytes], str]]:
    """Models of strangers by what is wrong with them, and what is said."""
    whole = contents(folder)
    config = json.loads(whole["config.json"])
    listed = config["files"]
    wide = config["settings"] | {"width": 4096}
    return {
        "no config": ({"model.safetensors": b""}, "no model of bgan-text: it has no config.json"),
        "another library": (whole | {"config.json": b"{}"}, "library_name"),
        "pickle": (whole | {"model.safetensors": b"\x80\x04."}, "model.safetensors has 3 bytes"),
        "larger file": (
            whole | {"model.safetensors": whole["model.safetensors"] + b"\0"},
            "config.json tells",
        ),
        "large and listed": (
            changed(folder, files=listed | {"model.safetensors": {"bytes": 2**45, "sha256": "0" * 64}}),
            "config.json tells of",
        ),
        "other names": (changed(folder, files=listed | {"../x": listed["tokenizer.json"]}), "damaged"),
        "other nets": (changed(folder, settings=wide), "does not fit its settings"),
        "endless rows": (
            changed(folder, space=config["space"] | {"positions": 2**16 + 1}),
            "65,537 positions: at most 65,536 are supported",
        ),
        "unknown field": (changed(folder, code="import os"), "code is not known to this version"),
    }


HOSTILE = (
    "no config",
    "another library",
    "pickle",
    "larger file",
    "large and listed",
    "other names",
    "other nets",
    "endless rows",
    "unknown field",
)


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_model_is_refused(folder: Path, hub: Hub, case: str) -> None:
    files, message = hostile(folder)[case]
    hub.add(NAME, files)
    with pytest.raises(bt.UserError, match=message):
        bt.load_run(f"hf:{NAME}").sample(1)


def test_nothing_large_is_downloaded_that_cannot_be_right(folder: Path, hub: Hub) -> None:
    """A file that is as large as config.json tells, and larger than a net of its settings can be."""
    size = 40 << 20
    listed = json.loads((folder / "config.json").read_text())["files"]
    files = changed(folder, files=listed | {"model.safetensors": {"bytes": size, "sha256": "0" * 64}})
    hub.add(NAME, files | {"model.safetensors": bytes(size)})
    with pytest.raises(bt.UserError, match="a net of its settings at most"):
        bt.load_run(f"hf:{NAME}")
    assert not any("model.safetensors" in line for line in hub.requests)


def test_a_model_of_a_stranger_imports_nothing(folder: Path, hub: Hub) -> None:
    settings = json.loads((folder / "config.json").read_text())["settings"]
    sys.modules.pop("this", None)
    hub.add(NAME, changed(folder, settings=settings | {"generator": "this:s"}))
    with pytest.raises(bt.UserError, match="never imports code"):
        bt.load_run(f"hf:{NAME}").sample(1)
    assert "this" not in sys.modules


def test_the_commands_use_the_address_of_the_environment(
    run: bt.Run, folder: Path, hub: Hub, tmp_path: Path
) -> None:
    """As a user has it: another process, with HF_ENDPOINT, and the answers on their streams."""
    online = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "HF_TOKEN": TOKEN}

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "bgan_text.cli", *words]
        environment = os.environ | online | {"HF_HOME": str(tmp_path / "home")}
        return subprocess.run(line, env=environment, cwd=tmp_path, capture_output=True, text=True)

    pushed = call("export", str(folder), "--push", NAME)
    assert (pushed.returncode, pushed.stdout.startswith(f"{hub.url}/{NAME}/commit/")) == (0, True), (
        pushed.stderr
    )
    assert f"Next: bgan-text sample hf:{NAME} --n 3" in pushed.stderr
    both = call("export", str(run.folder), "both", "--push", "ann/both", "--license", "mit")
    assert both.stdout.startswith(f"{hub.url}/ann/both/commit/"), both.stderr
    assert contents(tmp_path / "both").items() <= hub.files("ann/both").items()
    assert "bgan-text sample hf:ann/both --n 10" in (tmp_path / "both" / "README.md").read_text()
    assert call("verify", f"hf:{NAME}").returncode == 0
    assert "samples" in call("show", f"hf:{NAME}").stdout
    drawn = call("sample", f"hf:{NAME}", "--n", "2", "--seed", "3")
    assert drawn.stdout.splitlines() == bt.load_run(folder).sample(2, seed=3), drawn.stderr
    absent = call("sample", "hf:ann/none")
    assert absent.returncode == 1
    assert absent.stderr.splitlines() == [
        "bgan-text: hf:ann/none: the hub has no such model, or it is private: check the name, or log in with "
        "hf auth login, or set HF_TOKEN"
    ]
