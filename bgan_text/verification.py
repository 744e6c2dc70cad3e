"""Whether runs and dataset directories are whole: everything that could be wrong is looked at."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.dataset_verification import Check, dataset_checks, stored_codec
from bgan_text.corpora.tokenizer import signature
from bgan_text.errors import UserError, reason_of
from bgan_text.files import MOST_BYTES, read_sealed
from bgan_text.outputs import MODEL_CONFIG, is_exported
from bgan_text.reporter import SILENT, Reporter
from bgan_text.sharing.hub import is_hub, located
from bgan_text.training.checkpoint import check_checkpoint
from bgan_text.training.exported import ExportedRun, check_file
from bgan_text.training.exported_record import (
    CODEC_FILES,
    DISCRIMINATOR_FILE,
    GENERATOR_FILE,
    StoredFile,
)
from bgan_text.training.folders import checkpoints_in
from bgan_text.training.metrics_log import MetricsLog
from bgan_text.training.run import RunFolder
from bgan_text.training.run_records import NO_LINE

KEPT = ("scores*.json", "error.json", "failed.json")
"""What studies keep in a run folder."""
RUN, DATASET, MODEL = "run", "dataset directory", "exported model"


@dataclass(frozen=True)
class Finding:
    """What was found of one part of a run or a dataset directory.

    Attributes:
        part: the path of a file or a split.
        problem: what is wrong with it in one line; None if it is sound.
    """

    part: str
    problem: str | None = None


@dataclass(frozen=True)
class Verification:
    """What `verify` has found.

    Attributes:
        path: the folder.
        kind: "run", "dataset directory" or "exported model".
        findings: one for each part, and for each line of metrics.jsonl that is damaged.

    Example:
        >>> Verification("data/poems", "dataset directory", [Finding("card.json", "it is not JSON")]).lines()
        ['wrong: card.json: it is not JSON']
    """

    path: str
    kind: str
    findings: list[Finding]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return all(finding.problem is None for finding in self.findings)

    def lines(self) -> list[str]:
        """A line for each part."""
        return [
            f"ok: {finding.part}" if finding.problem is None else f"wrong: {finding.part}: {finding.problem}"
            for finding in self.findings
        ]

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        parts = [vars(finding) for finding in self.findings]
        return {"path": self.path, "kind": self.kind, "sound": self.sound, "parts": parts}


def verify(path: str | os.PathLike[str], *, reporter: Reporter = SILENT) -> Verification:
    """Check all of a run, a dataset directory or an exported model. It finds all faults.

    Of a dataset directory: the card, the tokenizer or palette, SHA-256 of every block of every file, and
    every row. Of a run: run.json, the tokenizer or palette, all of every checkpoint, every line of
    metrics.jsonl, what comparisons keep in it, and the dataset directory that it was trained on if that is
    where it was. Of an exported model: config.json, and size, digest and content of every file but the card.
    A digest tells damage, not who wrote a file.

    Args:
        path: the folder, or `hf:user/name` of the Hugging Face hub.
        reporter: hears of a download.

    Raises:
        UserError: it is none of these.

    Example:
        >>> found = verify("data/poems")
        >>> found.sound, found.findings[0]
        (True, Finding(part='data/poems/card.json', problem=None))
    """
    folder = located(path, reporter=reporter)
    kind = kind_of(folder)
    checks = {RUN: _run_checks, DATASET: dataset_checks, MODEL: _model_checks}[kind](folder)
    return Verification(str(folder), kind, list(_findings(checks)))


def kind_of(folder: Path) -> str:
    """Whether a folder is a "run", a "dataset directory" or an "exported model".

    Raises:
        UserError: it is none of these.
    """
    for file, kind in (("run.json", RUN), ("card.json", DATASET)):
        if os.path.lexists(folder / file):
            return kind
    if is_exported(folder):
        return MODEL
    what = "is no run, dataset directory or exported model" if folder.exists() else "does not exist"
    raise UserError(f"{folder} {what}: give one that bgan-text train, prepare or export has made")


def refusals(folders: Iterable[Path]) -> dict[Path, str]:
    """Why folders cannot be checked: those that are no run, dataset directory or exported model.

    Example:
        >>> list(refusals([Path("runs/poems"), Path("nowhere")]))
        [PosixPath('nowhere')]
    """
    found = {}
    for folder in folders:
        try:
            if not is_hub(folder):
                kind_of(folder)
        except UserError as error:
            found[folder] = str(error)
    return found


def counted(found: Sequence[Verification], refused: int = 0) -> str:
    """How many folders were checked, are damaged, and could not be checked.

    Example:
        >>> counted([Verification("data/poems", "dataset directory", [Finding("card.json")])], refused=1)
        '1 checked, 0 damaged, 1 not checked'
    """
    damaged = sum(not one.sound for one in found)
    return f"{len(found)} checked, {damaged} damaged" + (f", {refused} not checked" if refused else "")


def _findings(checks: Iterator[Check]) -> Iterator[Finding]:
    for part, check in checks:
        name, problems = str(part), []
        try:
            told = check()
            problems = told if isinstance(told, list) else []
        except (UserError, OSError) as error:
            problems = [" ".join(reason_of(error).split()).removeprefix(f"{name} ")]
        yield from [Finding(name, problem) for problem in problems] or [Finding(name)]


def _run_checks(folder: Path) -> Iterator[Check]:
    """The checks of a run folder; those that need the settings are left out where these are damaged."""
    opened: list[RunFolder] = []
    yield folder / "run.json", lambda: opened.append(RunFolder(folder))
    run = opened[0] if opened else None
    file, read = stored_codec(folder)
    yield file, partial(_check_codec, read, run)
    known = run if run is not None and not run.custom_nets else None
    config, space = (known.config, known.space) if known is not None else (None, None)
    for path in checkpoints_in(folder).values():
        yield path, partial(check_checkpoint, path, config, space)
    yield folder / "metrics.jsonl", partial(_metrics, folder, run)
    for path in sorted(path for names in KEPT for path in folder.glob(names)):
        yield path, partial(read_sealed, path, dict[str, Any])
    if run is not None and run.data_folder().exists():
        yield from dataset_checks(run.data_folder())
        if other := _other_data(run):
            yield folder / "run.json", lambda: other


def _model_checks(folder: Path) -> Iterator[Check]:
    """The checks of an exported model. The card is for people, who may edit it."""
    opened: list[ExportedRun] = []
    yield folder / MODEL_CONFIG, lambda: opened.append(ExportedRun(folder))
    if not opened:
        return
    model = opened[0]
    for name, told in model.files.items():
        if name in (GENERATOR_FILE, DISCRIMINATOR_FILE):
            yield folder / name, partial(model.check_weights, name)
        elif name in CODEC_FILES:
            yield folder / name, partial(_check_model_codec, model, folder / name, told)
        else:
            yield folder / name, partial(_check_small, folder / name, told)


def _check_model_codec(model: ExportedRun, path: Path, told: StoredFile) -> None:
    _check_small(path, told)
    _check_codec(stored_codec(path.parent)[1], model)


def _check_small(path: Path, told: StoredFile) -> None:
    """Check a file that is read whole. Nothing but zeros takes no room on a disk, but hours to read."""
    if told.bytes > MOST_BYTES:
        raise UserError(f"{path} is damaged: it has {told.bytes:,} bytes, more than {MOST_BYTES:,}")
    check_file(path, told)


def _check_codec(read: Callable[[], Any], run: RunFolder | None) -> None:
    found = signature(read())
    if run is not None and found != run.data["tokenizer"]:
        raise UserError(f"it is {found}, the run was trained with {run.data['tokenizer']}")


def _metrics(folder: Path, run: RunFolder | None) -> list[str]:
    log = MetricsLog(folder / "metrics.jsonl")
    told = [] if run is None else run.logged()
    if set(told) - {NO_LINE} and not log.path.exists():
        return ["is missing: it was there at the last checkpoint"]
    faults = [fault.removeprefix(str(log.path)).strip() for fault in log.faults(told)]
    if run is not None and run.last_line is not None and not log.is_whole():
        faults.append("does not end as it did when training ended")
    if not faults and run is not None and not run.checkpoints():
        run.refuse_lost_checkpoints()
    return faults


def _other_data(run: RunFolder) -> list[str]:
    """Whether the data is no longer that of the run; a card that is damaged is told already."""
    try:
        found = DatasetDirectory(run.data_folder()).signature
    except UserError:
        return []
    if found == run.data["signature"]:
        return []
    return [f"it was trained on data of signature {run.data['signature']}, {run.data_folder()} has {found}"]
