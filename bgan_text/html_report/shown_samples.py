"""Samples of text by step beside real text, with the n-grams that the training text lacks."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from bgan_text.corpora.dataset_directory import BLOCK, DatasetDirectory
from bgan_text.corpora.ngram_units import UNITS, WITHOUT_SPACES
from bgan_text.html_report.opened import OpenRun
from bgan_text.scores.memorisation import copied
from bgan_text.scores.sequences import Numbering, chunks
from bgan_text.training.metrics_log import Row

MOST_EVALUATIONS = 60
"""Evaluations of a run that are shown: evenly spaced, with the first, the best and the last."""
LONGEST = 5
"""The n of the longest n-grams that are marked."""
MOST_UNITS = 1_500_000
"""Words or characters of training text that samples are compared with."""


def text_samples(run: OpenRun) -> dict[str, Any] | None:
    """The samples of the validations of a run, and real ones; None of images and labels.

    Returns:
        `evaluations`, each with `step`, `seconds`, `scores`, and `texts`; `real`, texts of the validation
        split; `units`, what n-grams consist of; `compared`, the number of training texts, and `of`, how many
        there are. A text has its `units`, and `new`: for each n a string with a 1 for each n-gram, by its
        first unit, that no training text has; empty without data.
    """
    rows = [row for row in run.evaluated if row["samples"]]
    if not rows:
        return None
    chosen = spread(rows, run.best, MOST_EVALUATIONS)
    kind = run.run.data["tokenizer"].partition(":")[0]
    units = kind if kind in WITHOUT_SPACES else "whitespace"
    split = UNITS[units]()
    count = max(len(row["samples"]) for row in chosen)
    real = list(_texts(run.data, "validation", count)) if run.data is not None else []
    texts = [split(text) for row in chosen for text in row["samples"]] + [split(text) for text in real]
    compared, marks = _new(texts, run.data, units)
    shown = iter([{"units": one, "new": new} for one, new in zip(texts, marks, strict=True)])
    evaluations = [
        evaluated(row, run) | {"texts": list(islice(shown, len(row["samples"])))} for row in chosen
    ]
    among = run.data.counts["train"] if run.data is not None else 0
    joined = "" if units in WITHOUT_SPACES else " "
    return {"evaluations": evaluations, "real": list(shown), "units": _called(units), "joined": joined,
            "compared": compared, "of": among}  # fmt: skip


def evaluated(row: Row, run: OpenRun) -> dict[str, Any]:
    """What is told of a validation: its step, its time and its scores."""
    numbers = ((name, value) for name, value in row.items() if isinstance(value, float) and name != "seconds")
    scores = {name: float(f"{value:.4g}") for name, value in numbers}
    return {"step": row["step"], "seconds": row.get("seconds", 0.0), "scores": scores,
            "best": row["step"] == run.best}  # fmt: skip


def spread(rows: Sequence[Row], best: int | None, most: int) -> list[Row]:
    """At most so many rows, evenly spaced, among them the first, the last and that of the step `best`."""
    if len(rows) <= most:
        return list(rows)
    kept = set(np.linspace(0, len(rows) - 1, max(1, most - 1)).round().astype(int).tolist())
    kept |= {place for place, row in enumerate(rows) if row["step"] == best}
    return [rows[place] for place in sorted(kept)]


def _called(units: str) -> str:
    return {"char": "characters", "smiles": "atoms"}.get(units, "words")


def _texts(data: DatasetDirectory, split: str, most: int | None = None) -> Iterator[str]:
    """Texts of a split; of rows of tokens what they decode to."""
    if "text" in data.split(split).column_names:
        yield from islice(data.stream(split), most)
        return
    tokenizer, rows = data.tokenizer(), data.tokens(split)
    for start in range(0, len(rows), BLOCK):
        for row in rows[start : min(start + BLOCK, most or len(rows))].tolist():
            yield tokenizer.decode(row)
        if most is not None and start + BLOCK >= most:
            return


def _new(
    texts: Sequence[list[str]], data: DatasetDirectory | None, units: str
) -> tuple[int, list[list[str]]]:
    """How many training texts there were to compare with, and the marks of each text."""
    if data is None:
        return 0, [[] for _ in texts]
    split, compared = UNITS[units](), 0

    def cased(text: list[str]) -> list[str]:
        return list(map(str.lower, text)) if data.lowercase else text

    def training() -> Iterator[list[str]]:
        nonlocal compared
        seen = 0
        for text in _texts(data, "train"):
            found = cased(split(text))
            seen, compared = seen + len(found), compared + 1
            yield found
            if seen >= MOST_UNITS:
                return

    numbering = Numbering()
    numbered = numbering.add(map(cased, texts))
    known = copied(numbered, map(numbering.look_up, chunks(training())), LONGEST).starts
    return compared, list(_marks(map(len, texts), known))


def _marks(lengths: Iterable[int], known: "np.ndarray[Any, np.dtype[np.bool_]]") -> Iterator[list[str]]:
    start = 0
    for length in lengths:
        part = known[:, start : start + length]
        yield [
            "".join("01"[not found] for found in part[order, : max(0, length - order)].tolist())
            for order in range(LONGEST)
        ]
        start += length
