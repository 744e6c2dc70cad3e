"""A run at a glance: what it was trained on, its checkpoints, and the settings that its objective reads.

And a dataset directory: what it holds, and a few examples.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bgan_text.corpora.card_lines import card_lines
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.described import Settings, described, read_settings
from bgan_text.newest import newest_folder
from bgan_text.reporter import SILENT, Reporter
from bgan_text.sharing.hub import located
from bgan_text.space import LabelSpace
from bgan_text.training.evaluations import is_evaluation
from bgan_text.training.exported import ExportedRun, open_run
from bgan_text.training.metrics_log import numbers_of
from bgan_text.training.run import RunFolder
from bgan_text.verification import DATASET, kind_of

WIDTH = 66
"""Columns for the numbers of a step, which follow a title."""
UNBROKEN = "\xa0"
"""Stands for a space at which no line ends."""


@dataclass(frozen=True)
class Overview:
    """What `bgan-text show` shows of a run.

    Attributes:
        facts: everything, as JSON values.
        about: what it is, each a name and a value.
        checkpoints: a row for each: step, score, and whether it is the best.
        settings: the settings that the objective reads, by group, each a name and a value.
        samples: a few samples of text.
        score: the name of the score of the checkpoints.
    """

    facts: dict[str, Any]
    about: list[tuple[str, str]]
    checkpoints: list[tuple[str, str, str]]
    settings: Settings
    samples: list[str]
    score: str

    def lines(self) -> list[str]:
        """All of it as lines of text."""
        checkpoints = self.checkpoints or [("none yet", "", "")]
        settings = [
            (group if place == 0 else "", name, value)
            for group, named in self.settings.items()
            for place, (name, value) in enumerate(named)
        ]
        return [
            *_aligned(self.about),
            *(f"  {text}" for text in self.samples),
            "",
            *_aligned([("checkpoint", self.score, ""), *checkpoints], right=2),
            "",
            *_aligned([("settings", "", ""), *settings]),
        ]


def overview(run: RunFolder, samples: int = 3) -> Overview:
    """Look at a run.

    Args:
        run: the run folder.
        samples: how many samples of the last validation are shown.

    Example:
        >>> from pathlib import Path
        >>> list(overview(RunFolder(Path("runs/poems"))).settings)[:2]
        ['Data and run', 'Method']
    """
    rows, evaluations = run.metrics(), run.evaluations()
    evaluated: dict[str, Any] = next((row for row in reversed(rows) if is_evaluation(row)), {})
    last: dict[str, Any] = next((row for row in reversed(rows) if not is_evaluation(row)), {})
    best, values = run.best(), evaluations.values
    facts = {
        "run": str(run.folder),
        "settings": run.config.to_json(),
        "data": run.data,
        "checkpoints": list(run.checkpoints()),
        "best": best,
        "best_by": evaluations.score,
        "scores": {step: values[step] for step in run.checkpoints() if step in values},
        "last": last,
        "evaluation": evaluated,
    }
    about = [
        ("run", str(run.folder)),
        ("trained on", f"{_data_of(run)}({run.data['corpus']}, signature {run.data['signature']})"),
        ("samples", described(run.space)),
    ]
    about += [*_numbers("last step", last), *_numbers("validation", evaluated)]
    if any(row.get("stopped_early") and row["step"] == max(run.checkpoints(), default=-1) for row in rows):
        waited = evaluations.without_improvement()
        about.append(("stopped early", f"after {waited} evaluation{'s' * (waited > 1)} no better"))
    checkpoints = [
        (f"{step:,}", f"{values[step]:.4f}" if step in values else "-", "best" if step == best else "")
        for step in run.checkpoints()
    ]
    shown = evaluated.get("samples", [])[:samples]
    settings = read_settings(run.config, image_nets=run.images or isinstance(run.space, LabelSpace))
    return Overview(facts, about, checkpoints, settings, shown, evaluations.score)


def _data_of(run: RunFolder) -> str:
    """Where its data are, if that is known."""
    return "" if isinstance(run, ExportedRun) else f"{run.data_folder()} "


def dataset_overview(dataset: DatasetDirectory, examples: int = 3) -> tuple[dict[str, Any], list[str]]:
    """What `bgan-text show` shows of a dataset directory: everything, as JSON values, and the facts as lines.

    Args:
        dataset: the dataset directory.
        examples: how many texts of the training split are shown.
    """
    texts = [] if dataset.images else dataset.texts("train", examples)
    facts = {"data": str(dataset.folder), **dataset.card, "examples": texts}
    about = f"{dataset.folder}: {dataset.corpus}, signature {dataset.signature}"
    return facts, [about, *card_lines(dataset.card), *(f"  {text}" for text in texts)]


def at_a_glance(folder: Path | None = None, reporter: Reporter = SILENT) -> tuple[dict[str, Any], list[str]]:
    """What there is to know of a run, an exported model or a dataset directory.

    Args:
        folder: its path, or `hf:user/name` of the hub; None for the newest run, or the newest dataset
            directory where there is no run.
        reporter: hears of a download.

    Returns:
        Everything as JSON values, and a summary in lines of text.

    Raises:
        UserError: it is none of these, or damaged.
    """
    chosen = newest_folder() if folder is None else located(folder, reporter=reporter)
    if kind_of(chosen) == DATASET:
        return dataset_overview(DatasetDirectory(chosen))
    shown = overview(open_run(chosen))
    return shown.facts, shown.lines()


def _aligned(rows: Sequence[tuple[str, ...]], right: int = 0) -> list[str]:
    """Rows of cells as lines, the cells of a column under each other; the first `right` columns end alike."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place < right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _numbers(title: str, row: dict[str, Any]) -> list[tuple[str, str]]:
    """The numbers of a row of metrics, in as many lines as they need."""
    numbers = (f"{name}{UNBROKEN}{value:.4g}" for name, value in numbers_of(row).items())
    lines = textwrap.wrap(", ".join(numbers), WIDTH, break_long_words=False, break_on_hyphens=False)
    return [(title if place == 0 else "", line.replace(UNBROKEN, " ")) for place, line in enumerate(lines)]
