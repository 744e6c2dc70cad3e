"""Samples of text by step beside real text, with the n-grams that the training text lacks."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from bgan_text.corpora.dataset_directory import BLOCK, DatasetDirectory
from bgan_text.corpora.ngram_units import UNITS, WITHOUT_SPACES
from bgan_text.html_report.charts import NO_CURVES
from bgan_text.html_report.opened import OpenRun
from bgan_text.scores.memorisation import copied
from bgan_text.scores.sequences import Numbering, chunks
from bgan_text.training.metrics_log import Row, drawable

MOST_EVALUATIONS, LEAST_EVALUATIONS, ALL_EVALUATIONS = 60, 12, 240
"""Evaluations of a run that are shown, evenly spaced, with the first, the best and the last: at most, and at
least of many runs, which share the third number."""
LONGEST = 5
"""The n of the longest n-grams that are marked."""
LEAST_N, FEW = 2, 1 / 3
"""What is marked by default: the longest n-grams of which at most this share is new in real text, but not
single units, of which a generator makes no new ones."""
MOST_UNITS = 1_500_000
"""Words or characters of training text that samples are compared with."""


Read = dict[tuple[str, str], list[list[str]]]
"""The units of training texts that were read, by the signature of their data and what the units are."""


def text_samples(run: OpenRun, runs: int, read: Read) -> dict[str, Any] | None:
    """The samples of the validations of a run, and real ones; None of images and labels.

    Args:
        run: of text.
        runs: how many runs the report has.
        read: what was read for other runs; what is read now is added.

    Returns:
        `evaluations`, each with `step`, `seconds`, `scores`, and `texts`; `real`, texts of the validation
        split; `units`, what n-grams consist of; `compared`, the number of training texts, and `of`, how many
        there are; `n`, of the n-grams that are marked by default, and `why`. A text has its `units`, and
        `new`: for each n a string with a 1 for each n-gram, by its first unit, that no training text has;
        empty without data.
    """
    rows = [row for row in run.evaluated if row["samples"]]
    if not rows:
        return None
    most = min(MOST_EVALUATIONS, max(LEAST_EVALUATIONS, ALL_EVALUATIONS // runs))
    chosen = spread(rows, run.best, most)
    kind = run.run.data["tokenizer"].partition(":")[0]
    units = kind if kind in WITHOUT_SPACES else "whitespace"
    split = UNITS[units]()
    count = max(len(row["samples"]) for row in chosen)
    real = list(_texts(run.data, "validation", count)) if run.data is not None else []
    texts = [split(text) for row in chosen for text in row["samples"]] + [split(text) for text in real]
    compared, marks = _new(texts, run.data, units, read)
    shown = iter([{"units": one, "new": new} for one, new in zip(texts, marks, strict=True)])
    evaluations = [
        evaluated(row, run) | {"texts": list(islice(shown, len(row["samples"])))} for row in chosen
    ]
    among = run.data.counts["train"] if run.data is not None else 0
    joined = "" if units in WITHOUT_SPACES else " "
    held_out = list(shown)
    n, why = usual_n([one["new"] for one in held_out])
    return {"evaluations": evaluations, "real": held_out, "units": _called(units), "joined": joined,
            "compared": compared, "of": among, "n": n, "why": why}  # fmt: skip


def usual_n(marks: Sequence[list[str]]) -> tuple[int, str]:
    """The n of the n-grams to mark by the marks of real texts, and why: `LEAST_N` and `FEW` say how.

    Example:
        >>> usual_n([["0000", "001", "01", "1", ""]])[0]
        2
        >>> usual_n([["0000", "000", "00", "1", ""]])[0]
        3
    """
    together = ["".join(text[order] for text in marks if text) for order in range(LONGEST)]
    shares = [flags.count("1") / len(flags) if flags else 1.0 for flags in together]
    if not any(together):
        return LEAST_N, ""
    found = [n for n in range(LEAST_N, LONGEST + 1) if shares[n - 1] <= FEW]
    if not found:
        return LEAST_N, f"Longer ones would mark even more of the real samples, so n is {LEAST_N} at first."
    n = max(found)
    return n, f"At first n is {n}, the largest at which at most a third of those of the real samples are new."


def evaluated(row: Row, run: OpenRun) -> dict[str, Any]:
    """What is told of a validation: its step, its time and its scores."""
    numbers = ((name, value) for name, value in row.items() if name not in NO_CURVES and drawable(value))
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
    texts: Sequence[list[str]], data: DatasetDirectory | None, units: str, read: Read
) -> tuple[int, list[list[str]]]:
    """How many training texts there were to compare with, and the marks of each text."""
    if data is None:
        return 0, [[] for _ in texts]
    training = read.get((data.signature, units))
    if training is None:
        training = read[data.signature, units] = list(_training(data, units))
    numbering = Numbering()
    numbered = numbering.add(_cased(text, data) for text in texts)
    known = copied(numbered, map(numbering.look_up, chunks(training)), LONGEST).starts
    return len(training), list(_marks(map(len, texts), known))


def _training(data: DatasetDirectory, units: str) -> Iterator[list[str]]:
    """The units of training texts, up to `MOST_UNITS`."""
    split, seen = UNITS[units](), 0
    for text in _texts(data, "train"):
        found = _cased(split(text), data)
        seen += len(found)
        yield found
        if seen >= MOST_UNITS:
            return


def _cased(units: list[str], data: DatasetDirectory) -> list[str]:
    return list(map(str.lower, units)) if data.lowercase else units


def _marks(lengths: Iterable[int], known: "np.ndarray[Any, np.dtype[np.bool_]]") -> Iterator[list[str]]:
    start = 0
    for length in lengths:
        part = known[:, start : start + length]
        yield [
            "".join("01"[not found] for found in part[order, : max(0, length - order)].tolist())
            for order in range(LONGEST)
        ]
        start += length
