"""Open a run to train: a new folder, or one that is there already."""

import os
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import torch

from bgan_text.cli.console import newest_data, newest_run
from bgan_text.config import Config
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.device import choose_device
from bgan_text.errors import UserError
from bgan_text.objective_table import OBJECTIVES
from bgan_text.presets import CLASSIFIER
from bgan_text.space import image_kind
from bgan_text.training.classification import space_of
from bgan_text.training.loop import Training
from bgan_text.training.run import RunFolder
from bgan_text.training.state import State
from bgan_text.training.update import resolve_precision


def start(data: Path | None, folder: Path | None, device: str, given: Mapping[str, Any]) -> Training:
    """A new run on a dataset directory."""
    if folder is not None:
        _refuse_other_content(folder)
    chosen = choose_device(device)
    prepared = DatasetDirectory(data if data is not None else newest_data())
    config = Config.given(given, image_kind(prepared.space))
    _refuse_layers(prepared, given)
    space = space_of(prepared, config)
    codec = prepared.codec()
    if config.precision == "auto":
        dtype = resolve_precision("auto", chosen)
        config = Config.from_json(config.to_json() | {"precision": str(dtype).removeprefix("torch.")})
    State.fresh(config, space, torch.device("cpu"))  # refuses what no net fits before anything is written
    home = folder if folder is not None else _claim_folder(prepared, config)
    trained_on = {
        "folder": os.path.relpath(prepared.folder, home),
        "corpus": prepared.corpus,
        "signature": prepared.signature,
        "tokenizer": prepared.tokenizer_signature,
    }
    files = {codec.file: codec.content()}
    run = RunFolder.create(home, config, space, trained_on, files)
    return Training(run, prepared, chosen)


def _refuse_layers(prepared: DatasetDirectory, given: Mapping[str, Any]) -> None:
    """Nets for images have no choice of layers."""
    if not prepared.images:
        return
    unread = {"preset", "plain_nets"}
    if given.get("generator") != "rnn":
        unread.add("blocks")
    if given.get("generator") == CLASSIFIER:
        unread.add("noise")
    if given.get("credit") != "prefix":
        unread.add("discriminator_blocks")
    for name in sorted(unread):
        if given.get(name) is not None:
            raise UserError(
                f"`{name}` {given[name]} means nothing to nets for images: they have as many layers as "
                "halve a side to 7 pixels or fewer"
            )


def _refuse_other_content(folder: Path) -> None:
    """A new run may go to a folder that is absent or free; `RunFolder.create` refuses one with a run."""
    if not (folder / "run.json").exists() and not is_free(folder):
        raise UserError(f"{folder} exists and is not a run folder: name another --run")


def refuse_foreign(home: Path, known: Iterable[str], what: str) -> None:
    """Refuse an --out that is neither free nor the folder of such a `what`, which has a file so known."""
    if home.exists() and not home.is_dir():
        raise UserError(f"--out {home} is a file: a folder was expected")
    if home.exists() and not is_free(home) and not any((home / name).exists() for name in known):
        raise UserError(f"--out {home} holds something else than a {what}: name another folder")


def is_free(folder: Path) -> bool:
    """Whether a folder is absent, empty, or holds no more than a run that was killed as it was made."""
    beginnings = {"tokenizer.json", "tokenizer.model", "palette.json"}
    if not folder.exists():
        return True
    return folder.is_dir() and all(
        path.name.startswith(".") or path.name in beginnings for path in folder.iterdir()
    )


def _claim_folder(prepared: DatasetDirectory, config: Config) -> Path:
    """Make runs/DATA-GENERATOR-OBJECTIVE-DIVERGENCE, numbered if that is taken."""
    parts = [prepared.folder.name, config.generator, config.objective]
    if OBJECTIVES[config.objective].no_divergence is None:
        parts.append(config.divergence)
    name = "-".join(parts)
    for number in count(1):
        folder = Path("runs") / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise AssertionError("unreachable: there is always a next number")


def go_on(data: Path | None, folder: Path | None, device: str, given: Mapping[str, Any]) -> Training:
    """A run that is there already, from its last checkpoint on."""
    chosen = choose_device(device)
    run = RunFolder(folder if folder is not None else newest_run("run.json"))
    run.config = run.config.resumed(given)
    home = data if data is not None else run.data_folder()
    if data is None and not home.exists():
        raise UserError(f"the run's dataset directory {home} is gone: name it with --data")
    prepared = DatasetDirectory(home)
    if prepared.signature != run.data["signature"]:
        raise UserError(
            f"{run.folder} was trained on another corpus: its data has signature {run.data['signature']}, "
            f"{prepared.folder} has {prepared.signature}"
        )
    return Training(run, prepared, chosen)
