"""Whether runs and dataset directories are whole: everything that could be wrong is looked at."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.dataset_verification import Check, dataset_checks, stored_codec
from bgan_text.corpora.tokenizer import signature
from bgan_text.errors import UserError, reason_of
from bgan_text.files import read_sealed
from bgan_text.training.checkpoint import check_checkpoint
from bgan_text.training.folders import checkpoints_in
from bgan_text.training.metrics_log import MetricsLog
from bgan_text.training.run import RunFolder
from bgan_text.training.run_records import NO_LINE

KEPT = ("scores*.json", "error.json", "failed.json")
"""What studies keep in a run folder."""
RUN, DATASET = "run", "dataset directory"


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
        kind: "run" or "dataset directory".
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


def verify(path: str | os.PathLike[str]) -> Verification:
    """Check all of a run or a dataset directory. It goes on after a fault, and finds all of them.

    Of a dataset directory: the card, the tokenizer or palette, SHA-256 of every block of every file, and
    every row. Of a run: run.json, the tokenizer or palette, all of every checkpoint, every line of
    metrics.jsonl, what comparisons keep in it, and the dataset directory that it was trained on if that is
    where it was. A digest tells damage, not who wrote a file.

    Args:
        path: the folder.

    Raises:
        UserError: it is neither a run nor a dataset directory.

    Example:
        >>> found = verify("data/poems")
        >>> found.sound, found.findings[0]
        (True, Finding(part='data/poems/card.json', problem=None))
    """
    folder = Path(path)
    kind = kind_of(folder)
    checks = _run_checks(folder) if kind == RUN else dataset_checks(folder)
    return Verification(str(folder), kind, list(_findings(checks)))


def kind_of(folder: Path) -> str:
    """Whether a folder is a "run" or a "dataset directory".

    Raises:
        UserError: it is neither.
    """
    for file, kind in (("run.json", RUN), ("card.json", DATASET)):
        if os.path.lexists(folder / file):
            return kind
    what = "is neither a run nor a dataset directory" if folder.exists() else "does not exist"
    raise UserError(f"{folder} {what}: give one that bgan-text train or prepare has made")


def refuse_others(folders: Iterable[Path], kind: type[Exception] = UserError) -> None:
    """Refuse folders that are neither runs nor dataset directories, before the others are checked.

    Args:
        folders: their paths.
        kind: the error to raise.
    """
    for folder in folders:
        try:
            kind_of(folder)
        except UserError as error:
            raise kind(str(error)) from error


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
