"""The runs of a report: opened, each with a name, its metrics and its data."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.curves import RunLike, run_folder
from bgan_text.errors import UserError
from bgan_text.evaluation.formats import short_names
from bgan_text.outputs import is_exported
from bgan_text.training.evaluations import Evaluations, is_evaluation
from bgan_text.training.metrics_log import Row
from bgan_text.training.run import RunFolder


@dataclass(frozen=True)
class OpenRun:
    """A run of a report.

    Attributes:
        run: the run folder.
        name: what tells it from the others.
        rows: of metrics.jsonl.
        evaluations: the validations among them.
        best: the step of the best checkpoint; None if there is none.
        data: the dataset directory; None if it is gone or changed.
        missing: why it is, in one line; empty if it is there.
    """

    run: RunFolder
    name: str
    rows: list[Row]
    evaluations: Evaluations
    best: int | None
    data: DatasetDirectory | None
    missing: str = ""

    @property
    def last(self) -> Row:
        """The last row."""
        return self.rows[-1]

    @property
    def best_before_last(self) -> bool:
        """Whether there is a best checkpoint that is not the last one."""
        return self.best is not None and self.best != max(self.run.checkpoints())

    @property
    def evaluated(self) -> list[Row]:
        """The rows of validations."""
        return [row for row in self.rows if is_evaluation(row)]


def opened(several: Sequence[RunLike]) -> list[OpenRun]:
    """Open runs, each once.

    Raises:
        UserError: something is no run folder, such as an exported model, is damaged, or has no metrics yet.
    """
    if not several:
        raise UserError("`runs` is empty: name at least one run")
    for one in several:
        if isinstance(one, str | os.PathLike) and is_exported(Path(one)):
            raise UserError(
                f"{os.fspath(one)} is an exported model, without the history of its training: "
                "name the run that it was exported from"
            )
    folders = {folder.folder.resolve(): folder for folder in map(run_folder, several)}
    names = short_names([str(folder.folder) for folder in folders.values()])
    return [_open(folder, names[str(folder.folder)]) for folder in folders.values()]


def _open(run: RunFolder, name: str) -> OpenRun:
    rows = run.metrics()
    if not rows:
        raise UserError(f"{run.folder} has no metrics yet: there is nothing to report")
    evaluations = run.evaluations(rows)
    data, missing = _data_of(run)
    return OpenRun(run, name, rows, evaluations, evaluations.best(run.checkpoints()), data, missing)


def _data_of(run: RunFolder) -> tuple[DatasetDirectory | None, str]:
    """The data of a run, or why it cannot be shown."""
    folder: Path = run.data_folder()
    try:
        found = DatasetDirectory(folder)
    except UserError as error:
        return None, str(error)
    if found.signature != run.data["signature"]:
        return None, f"{folder} is no longer the data that the run was trained on"
    return found, ""
