"""The curves of a report: which charts there are, and the points of their lines.

A long curve is thinned: of each stretch the smallest and the largest value stay, so that no spike is lost.
All points that stay are values of metrics.jsonl.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bgan_text.curves import LOGARITHMIC, SMOOTHED, Numbers, smoothed
from bgan_text.html_report.opened import OpenRun
from bgan_text.training.metrics_log import Row, drawable, numbers_of
from bgan_text.validation_scores import VALIDATION_SCORES

MOST_POINTS, LEAST_POINTS = 1600, 120
"""Of a line: with one run, and with any number of runs, which share the first."""
DIGITS = 6
"""Significant digits of a value."""
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Chart:
    """One quantity, or a few that belong together.

    Attributes:
        title: what it is.
        unit: of its values.
        metrics: the names of its metrics, each with what its line is called; the name is empty for one alone.
        about: how to read it, in one sentence.
        positive: whether it is a norm or a variance, which may want a logarithmic axis.
        validation: whether it is measured by validation.
    """

    title: str
    unit: str
    metrics: Mapping[str, str]
    about: str = ""
    positive: bool = False
    validation: bool = False


CHARTS = (
    Chart("Bound", "nats", {"bound": ""}, "What the discriminator estimates of the divergence. It falls as "
          "samples become harder to tell from data."),
    Chart("Scores of the discriminator", "log p/q", {"real_score": "real", "fake_score": "generated"},
          "Both are near 0 where real and generated samples cannot be told apart."),
    Chart("Effective sample size", "draws", {"effective_sample_size": ""}, "How many of the draws carry the "
          "weight. Near 1 a single draw decides."),
    Chart("Variance of the weights", "", {"importance_variance": "normalised",
          "partition_variance": "unnormalised"}, "Large where few samples decide the update.", positive=True),
    Chart("Parts of the bound", "nats", {"next_token_bound": "next token", "prefix_bound": "prefix"},
          "The bound after prefixes of data, and that on prefixes of samples."),
    Chart("Gradient norm of the generator", "", {"generator_gradient": ""}, "Before clipping.",
          positive=True),
    Chart("Gradient norm of the discriminator", "", {"discriminator_gradient": ""}, "Before clipping.",
          positive=True),
    Chart("Gradient norm of the critic", "", {"penalty_gradient_norm": ""}, "Near 1, where the penalty keeps "
          "it.", positive=True),
    Chart("Loss of the generator", "", {"generator_loss": ""}, "The loss whose gradient is followed. Of an "
          "adversarial objective its value means little."),
)  # fmt: skip
"""What training logs."""

VALIDATED = {
    "js-": ("Jensen\u2013Shannon divergence", "JS-", "bits", "Of n-grams, between samples and the validation "
            "split. Lower is better."),
    "patch-js-": ("Jensen\u2013Shannon divergence", "patch JS-", "bits", "Between samples and the "
                  "validation split. Lower is better."),
    "nll-": ("Negative log-likelihood", "NLL-", "nats per token", "Of samples under the oracle, and of the "
             "validation split under the generator."),
    "error": ("Error rate", "error", "share", "Of validation images whose label is wrong. Lower is better."),
    "cross-entropy": ("Cross-entropy", "cross-entropy", "nats", "On the validation split. Lower is better."),
}  # fmt: skip
"""What validation measures, by how the names of its scores begin: title, short name, unit, how to read it."""
NO_CURVES = {"step", "seconds"}


@dataclass(frozen=True)
class Curve:
    """The values of one metric of a run. `places`: which of its rows they are in."""

    places: Places
    values: Numbers


def curves_of(rows: Iterable[Row]) -> dict[str, Curve]:
    """The numbers of rows by metric, without those that no curve can hold."""
    found: dict[str, tuple[list[int], list[float]]] = {}
    for place, row in enumerate(rows):
        for name, value in numbers_of(row).items():
            if name not in NO_CURVES and drawable(value):
                places, values = found.setdefault(name, ([], []))
                places.append(place)
                values.append(value)
    return {
        name: Curve(np.array(places), np.array(values, float)) for name, (places, values) in found.items()
    }


def _different(curves: dict[str, Curve]) -> dict[str, Curve]:
    """Without a part of the bound that is all of it."""
    whole = curves.get("bound")
    parts = [name for name in ("next_token_bound", "prefix_bound") if name in curves and whole is not None]
    same = {name for name in parts if whole is not None and np.array_equal(curves[name].values, whole.values)}
    return {name: curve for name, curve in curves.items() if name not in same}


def charts_of(curves: Sequence[Mapping[str, Curve]]) -> list[Chart]:
    """The charts that runs fill, those of validation first."""
    names = list(dict.fromkeys(name for one in curves for name in one))
    known = {name for chart in CHARTS for name in chart.metrics} | {*VALIDATION_SCORES}
    validated = [name for name in names if name in VALIDATION_SCORES]
    others = [
        Chart(name.replace("_", " ").capitalize(), "", {name: ""}) for name in names if name not in known
    ]
    shown = [*_of_validation(validated, several=len(curves) > 1), *CHARTS, *others]
    return [chart for chart in shown if any(name in names for name in chart.metrics)]


def _of_validation(names: Sequence[str], *, several: bool) -> Iterable[Chart]:
    """One chart for the orders of a score of one run, and one for each order of several runs."""
    for kind, (title, short, unit, about) in VALIDATED.items():
        orders = sorted(name for name in names if name.startswith(kind))
        shown = {name: name.replace(kind, short, 1) for name in orders}
        if not several and orders:
            metrics = shown if len(shown) > 1 else dict.fromkeys(shown, "")
            yield Chart(title, unit, metrics, about, validation=True)
        elif several:
            for name in reversed(orders):
                yield Chart(
                    shown[name][:1].upper() + shown[name][1:], unit, {name: ""}, about, validation=True
                )


def thinned(values: Numbers, most: int) -> Places:
    """Which points of a curve stay: all if they are few, else the smallest and largest of each stretch."""
    if len(values) <= most:
        return np.arange(len(values))
    kept = [0, len(values) - 1]
    for stretch in np.array_split(np.arange(len(values)), max(1, most // 2 - 1)):
        part = values[stretch]
        kept += [stretch[part.argmin()], stretch[part.argmax()]]
    return np.unique(kept)


def drawn(runs: Sequence[OpenRun]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The charts of runs, and for each run the steps and seconds that their points refer to.

    Returns:
        Charts, each with `lines`: `run`, its place among the runs; `name` and `label` of the metric; `at`,
        places in the steps of that run; `y`, values; `smooth`, running means or None; `best`, the place of
        the best checkpoint in `at`, or None. And tables, each with `steps` and `seconds`.
    """
    curves = [_different(curves_of(run.rows)) for run in runs]
    most = max(LEAST_POINTS, MOST_POINTS // len(runs))
    used: list[set[int]] = [set() for _ in runs]
    shown = []
    for chart in charts_of(curves):
        logarithmic = chart.positive and _spreads(
            [one[name].values for one in curves for name in chart.metrics if name in one]
        )
        lines = []
        for number, (run, found) in enumerate(zip(runs, curves, strict=True)):
            for name in (name for name in chart.metrics if name in found):
                line = _line(found[name], most, chart, logarithmic)
                best = run.best if name == run.evaluations.score else None
                at_best = [place for place in line["rows"] if run.rows[place]["step"] == best]
                used[number] |= set(line["rows"])
                lines.append(
                    {"run": number, "name": name, "label": chart.metrics[name], "best": at_best[:1], **line}
                )
        shown.append({"title": chart.title, "unit": chart.unit, "about": chart.about, "log": logarithmic,
                      "points": chart.validation, "lines": lines})  # fmt: skip
    tables = [
        _table(run.rows, places, shown, number)
        for number, (run, places) in enumerate(zip(runs, used, strict=True))
    ]
    return shown, tables


def _line(curve: Curve, most: int, chart: Chart, logarithmic: bool) -> dict[str, Any]:
    """The points of a line: the rows they are in, their values, and their running means."""
    kept = thinned(curve.values, most)
    smooth = None
    if not chart.validation and len(curve.values) >= SMOOTHED:
        values = curve.values
        mean = np.exp(smoothed(np.log(values))) if logarithmic else smoothed(values)
        smooth = [rounded(value, 4) for value in mean[kept]]
    return {
        "rows": curve.places[kept].tolist(),
        "y": [rounded(value) for value in curve.values[kept]],
        "smooth": smooth,
    }


def _spreads(values: Sequence[Numbers]) -> bool:
    together = np.concatenate(values)
    return bool(together.min() > 0.0 and together.max() > LOGARITHMIC * together.min())


def _table(rows: Sequence[Row], used: set[int], charts: list[dict[str, Any]], run: int) -> dict[str, Any]:
    """Steps and seconds of the rows that lines use; the lines are made to refer to them."""
    order = {row: place for place, row in enumerate(sorted(used))}
    for line in (line for chart in charts for line in chart["lines"] if line["run"] == run):
        line["at"] = [order[row] for row in line.pop("rows")]
        line["best"] = next((line["at"].index(order[row]) for row in line["best"]), None)
    kept = [rows[row] for row in sorted(used)]
    return {
        "steps": [row["step"] for row in kept],
        "seconds": [rounded(row.get("seconds", 0.0), 7) for row in kept],
    }


def rounded(value: float, digits: int = DIGITS) -> float:
    """A number with so many significant digits."""
    return float(f"{value:.{digits}g}")
