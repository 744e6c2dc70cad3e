"""Quality against diversity: runs as points, and the curves of sweeps over temperatures, as coordinates."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bgan_text.evaluation.inputs import REAL
from bgan_text.evaluation.report import Report
from bgan_text.evaluation.saved_report import read_sweep
from bgan_text.evaluation.sweep import BASELINE, Point, Sweep
from bgan_text.evaluation.sweep_figure import AXES
from bgan_text.html_report.opened import OpenRun
from bgan_text.training.metrics_log import drawable

SCORES, SWEEP = "scores", "sweep"
"""Where points come from."""
SAVED = "sweep.json"
"""Where `score --sweep` writes by itself, in the folder of a run."""
PAIRS = (
    ("bleu-5", "self-bleu-5"),
    ("grammatical", "reverse-log-probability"),
    ("forward-likelihood", "reverse-likelihood"),
)
"""Scores of quality and of diversity that are drawn against each other."""
WIDTH, HEIGHT = 560, 380
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 14, 48
"""The size of a figure, and its margins, in the units of its picture."""
SPARE = 0.08
"""The share of an axis beyond the outermost points."""
TICKS = 5
MOST_DIGITS = 12
"""After the point of a tick."""


Place = tuple[float, float, str]
"""Diversity, quality, and what stands beside the point."""


@dataclass(frozen=True)
class Series:
    """Points that belong together. `run`: its place among the runs; None for others."""

    name: str
    kind: str
    source: str
    run: int | None
    points: list[Place]


def figures(runs: Sequence[OpenRun], scores: dict[str, Report]) -> list[dict[str, Any]]:
    """A figure for each pair of scores that something has.

    Returns:
        Figures, each with `quality` and `diversity`, the names of the axes; `x_ticks`, `y_ticks`; and
        `series`: `name`, `run`, `kind` (run, sweep, baseline or real), and `points` with their places.

    Raises:
        UserError: a sweep is damaged.
    """
    sweeps = [
        (place, one, read_sweep(path))
        for place, one in enumerate(runs)
        if (path := one.run.folder / SAVED).exists()
    ]
    found = []
    for pair in PAIRS:
        series = [*_of_sweeps(sweeps, pair), *_of_scores(runs, scores, pair)]
        if sum(len(one.points) for one in series if one.kind != "real"):
            found.append(_figure(pair, series))
    return found


def _of_sweeps(sweeps: Sequence[tuple[int, OpenRun, Sweep]], pair: tuple[str, str]) -> Iterator[Series]:
    shown = set()
    for place, one, sweep in sweeps:
        for name, points in sweep.curves().items():
            known = [_point(point, pair) for point in points]
            values = [point for point in known if point is not None]
            own = name in (str(one.run.folder), str(one.run.folder.resolve()))
            kind = "real" if name == REAL else "baseline" if name == BASELINE else "sweep"
            called = one.name if own else name
            if values and (own or called not in shown):
                yield Series(called, kind, SWEEP, place if own else None, values)
                shown.add(called)


def _point(point: Point, pair: tuple[str, str]) -> Place | None:
    quality, diversity = (point.scores.get(name, math.nan) for name in pair)
    if not drawable(quality) or not drawable(diversity):
        return None
    label = "" if point.temperature is None else f"{point.temperature:g}"
    return diversity, quality, label


def _of_scores(runs: Sequence[OpenRun], scores: dict[str, Report], pair: tuple[str, str]) -> Iterator[Series]:
    """The columns of the reports; the anchor once."""
    places, real = {one.name: place for place, one in enumerate(runs)}, False
    for report in scores.values():
        for column in report.columns:
            quality, diversity = (column.cells.get(name) for name in pair)
            if quality is None or diversity is None or (column.name == REAL and real):
                continue
            if not drawable(quality.value) or not drawable(diversity.value):
                continue
            real |= column.name == REAL
            kind = "real" if column.name == REAL else "run"
            point = (diversity.value, quality.value, "")
            yield Series(column.name, kind, SCORES, places.get(column.name), [point])


def _figure(pair: tuple[str, str], series: Sequence[Series]) -> dict[str, Any]:
    points = [point for one in series for point in one.points]
    x_low, x_high, x_ticks = axis([x for x, *_ in points])
    y_low, y_high, y_ticks = axis([y for _, y, _ in points])

    def across(value: float) -> float:
        return round(LEFT + (value - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT), 1)

    def up(value: float) -> float:
        return round(HEIGHT - BOTTOM - (value - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM), 1)

    quality, diversity = pair
    both = len({one.source for one in series}) > 1
    shown = [
        {"name": one.name, "run": one.run, "kind": one.kind,
         "source": one.source if both else "",
         "points": [{"x": across(x), "y": up(y), "label": label, "diversity": f"{x:.4g}",
                     "quality": f"{y:.4g}"} for x, y, label in one.points]}
        for one in series
    ]  # fmt: skip
    return {
        "quality": AXES[quality], "diversity": AXES[diversity], "series": shown,
        "both": both, "temperatures": any(label for *_, label in points),
        "better": "up and left is better" if quality == "bleu-5" else "up and right is better",
        "x_ticks": [(across(value), text) for value, text in x_ticks],
        "y_ticks": [(up(value), text) for value, text in y_ticks],
    }  # fmt: skip


def axis(values: Sequence[float]) -> tuple[float, float, list[tuple[float, str]]]:
    """The ends of an axis, and its ticks."""
    from matplotlib.ticker import MaxNLocator

    low, high = min(values), max(values)
    spare = SPARE * (high - low) or 0.05 * abs(high) or 1.0
    low, high = low - spare, high + spare
    places = [float(value) for value in MaxNLocator(TICKS).tick_values(low, high) if low <= value <= high]
    digits = _digits(places, (high - low) / TICKS)
    return low, high, [(value, f"{value:.{digits}f}") for value in places]


def _digits(values: Sequence[float], distance: float) -> int:
    """How many digits after the point tell the values without rounding, which are so far from each other."""
    return next(
        digits
        for digits in range(MOST_DIGITS + 1)
        if digits == MOST_DIGITS
        or all(abs(round(value, digits) - value) < 1e-6 * distance for value in values)
    )
