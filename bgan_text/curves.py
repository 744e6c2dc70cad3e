"""The training curves of runs as a figure."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bgan_text.errors import UserError
from bgan_text.evaluation.formats import short_names
from bgan_text.runs import Run
from bgan_text.training.evaluations import is_evaluation
from bgan_text.training.metrics_log import drawable
from bgan_text.training.run import RunFolder
from bgan_text.validation_scores import ORACLE, scores_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RunLike = Run | RunFolder | str | os.PathLike[str]
Numbers = NDArray[np.float64]

SMOOTHED = 30
"""A curve of fewer points is shown as it is."""
SPIKE = 2
"""So many steps in a row that are far off do not count in the mean."""
STYLES: tuple[Literal["-", "--"], ...] = ("-", "--")
LOGARITHMIC = 30.0
"""How many times the smallest value the largest is where a norm or a variance has a logarithmic axis."""
MARKED = 40
"""A validation curve of more points shows no marks."""


@dataclass(frozen=True)
class Panel:
    """One quantity over steps.

    Attributes:
        title: what it is, with its unit if that is the same for all objectives.
        metrics: the names of its metrics, each with what its line is called.
        without: a metric whose runs are left out, since another panel shows them.
        positive: whether it is a norm or a variance, which may want a logarithmic axis.
        validation: whether it is measured by validation.
    """

    title: str
    metrics: Mapping[str, str]
    without: str | None = None
    positive: bool = False
    validation: bool = False

    def shows(self, curves: "Curves") -> bool:
        """Whether a run has something to show here."""
        hidden = self.without is not None and self.without in curves.values
        return not hidden and any(name in curves.values for name in self.metrics)


PANELS = (
    Panel("bound", {"bound": ""}),
    Panel("loss", {"generator_loss": ""}, without="bound"),
    Panel("score of the discriminator", {"real_score": "real", "fake_score": "fake"}),
    Panel("effective sample size (draws)", {"effective_sample_size": ""}),
    Panel(
        "variance of the weights", {"importance_variance": ""}, without="effective_sample_size", positive=True
    ),
    Panel("gradient norm of the generator", {"generator_gradient": ""}, positive=True),
    Panel("gradient norm of the discriminator", {"discriminator_gradient": ""}, positive=True),
    Panel("gradient norm of the critic at samples", {"penalty_gradient_norm": ""}, positive=True),
)


VALIDATED = (
    ("bits", "js-"),
    ("bits", "patch-js-"),
    ("nats per token", "nll-"),
    ("share", "error"),
    ("nats", "cross-entropy"),
)
"""Units of the validation scores, by how their names begin."""


class Curves:
    """The metrics of a run over its steps.

    Attributes:
        name: the path of the run folder.
        values: for each metric its steps and values.
        scores: the validation scores that it has.
        score: the one that decides which checkpoint is the best.
        best: the step of that checkpoint.
    """

    def __init__(self, run: RunFolder) -> None:
        self.name = str(run.folder)
        self.score, self.best = run.evaluations().score, run.best()
        found: dict[str, list[tuple[float, float]]] = {}
        rows = run.metrics()
        for row in rows:
            for name, value in row.items():
                if drawable(value):
                    found.setdefault(name, []).append((row["step"], value))
        self.values: dict[str, tuple[Numbers, Numbers]] = {
            name: (np.array(points)[:, 0], np.array(points)[:, 1]) for name, points in found.items()
        }
        self.scores = [name for name in (*scores_on(run.space), *ORACLE) if name in self.values]
        if not any(is_evaluation(row) or "generator_loss" in row for row in rows):
            raise UserError(f"{run.folder} has no metrics yet: there is nothing to plot")


def plot(runs: RunLike | Sequence[RunLike]) -> "Figure":
    """Draw the metrics of runs over their steps, a panel for each quantity that they have.

    Raw values are shown faintly under a running mean; an outlier may lie outside the axis. A star marks the
    best checkpoint.

    Args:
        runs: a run or its folder, or several, which are drawn over each other.

    Returns:
        A matplotlib figure, which belongs to no window: `savefig` writes it, and a notebook shows it.

    Raises:
        UserError: something is no run folder, or has no metrics yet.

    Example:
        >>> figure = plot("runs/poems")
        >>> [panel.get_title(loc="left") for panel in figure.axes][-1]
        'validation (bits)'
    """
    from matplotlib.figure import Figure

    several = [runs] if isinstance(runs, Run | RunFolder | str | os.PathLike) else list(runs)
    if not several:
        raise UserError("`runs` is empty: name at least one run")
    found = [Curves(run_folder(run)) for run in several]
    panels = [panel for panel in _panels(found) if any(panel.shows(curves) for curves in found)]
    if not panels:
        raise UserError(f"{found[0].name} has no numbers that can be plotted")
    columns = 3 if len(panels) > 4 else 2
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(4.3 * columns, 2.6 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True).reshape(-1)
    for panel, place in zip(panels, axes, strict=False):
        _draw(panel, place, found)
    for empty in axes[len(panels) :]:
        empty.remove()
    for place in axes[max(0, len(panels) - columns) : len(panels)]:  # the lowest of each column
        place.set_xlabel("step")
        place.tick_params(labelbottom=True)
    _name(figure, found)
    return figure


def run_folder(run: RunLike) -> RunFolder:
    """The folder of a run, opened.

    Raises:
        UserError: it is neither a run nor a run folder.
    """
    if isinstance(run, RunFolder):
        return run
    if not isinstance(run, Run | str | os.PathLike):
        raise UserError(f"`runs` holds a {type(run).__name__}: a run or its folder is needed")
    return RunFolder(Path(run))


def _panels(found: Sequence[Curves]) -> Iterator[Panel]:
    """The panels of steps, then those of validation scores: one for all orders of one run, else one each."""
    yield from PANELS
    for unit, kind in VALIDATED:
        names = [name for name in _scores(found) if name.startswith(kind)]
        if len(names) > 1 and len(found) == 1:
            labels = {name: name.removeprefix("patch-").upper() for name in reversed(names)}
            yield Panel(f"validation ({unit})", labels, validation=True)
        else:
            for name in names:
                title = name.replace("js", "JS").replace("nll", "NLL")
                yield Panel(f"{title} ({unit})", {name: ""}, validation=True)


def _scores(found: Iterable[Curves]) -> list[str]:
    return list(dict.fromkeys(name for curves in found for name in curves.scores))


def _draw(panel: Panel, place: "Axes", found: Sequence[Curves]) -> None:
    positive, single = panel.positive, len(found) == 1
    values = [
        curves.values[name][1]
        for curves in found
        if panel.shows(curves)
        for name in panel.metrics
        if name in curves.values
    ]
    together = np.concatenate(values)
    logarithmic = positive and together.min() > 0.0 and together.max() > LOGARITHMIC * together.min()
    held: list[Numbers] = []
    for number, curves in enumerate(found):
        if not panel.shows(curves):
            continue
        for order, name in enumerate(panel.metrics):
            if name not in curves.values:
                continue
            by_order = single and len(panel.metrics) > 2
            color = f"C{(order if by_order else number) % 10}"
            style = "-" if by_order else STYLES[order]
            held.append(_line(place, *curves.values[name], color, style, logarithmic, panel.validation))
            steps, scores = curves.values[name]
            if name == curves.score and curves.best is not None and curves.best in steps:
                place.plot(curves.best, scores[steps == curves.best][-1], "*", color=color, markersize=10)
    if logarithmic:
        place.set_yscale("log")
    _fit(place, np.concatenate(held), logarithmic)
    place.set_title(panel.title, loc="left", fontsize=10)
    place.grid(alpha=0.3)
    place.margins(x=0.02)
    place.tick_params(labelsize=8)
    if len(panel.metrics) > 1:
        _explain(panel, place, by_color=single and len(panel.metrics) > 2)


def _line(
    place: "Axes", steps: Numbers, values: Numbers, color: str, style: str, logarithmic: bool, points: bool
) -> Numbers:
    """A curve: faint raw values under their running mean, or as it is if it is short.

    Returns:
        The values that the axis has to hold: one outlier must not flatten the curve.
    """
    if points or len(values) < SMOOTHED:
        mark = "o" if len(values) <= MARKED else None
        place.plot(steps, values, style, color=color, linewidth=1.4, marker=mark, markersize=3)
        return values
    place.plot(steps, values, color=color, linewidth=0.7, alpha=0.25)
    mean = np.exp(smoothed(np.log(values))) if logarithmic else smoothed(values)
    place.plot(steps, mean, style, color=color, linewidth=1.4)
    return np.concatenate([mean, np.quantile(values, [0.01, 0.99])])


def _fit(place: "Axes", values: Numbers, logarithmic: bool) -> None:
    """Let the axis hold some values and a margin."""
    low, high = values.min(), values.max()
    if logarithmic:
        margin = (high / low) ** 0.05
        place.set_ylim(low / margin, high * margin)
    elif high > low:
        place.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))


def smoothed(values: Numbers) -> Numbers:
    """The running mean, triangular, over two thirtieths of the curve, with fewer values at its ends.

    Single steps that are far off are left out, by a running median.
    """
    width = max(1, len(values) // SMOOTHED)
    window = np.bartlett(2 * width + 1)  # its ends are 0
    values = np.median(sliding_window_view(np.pad(values, SPIKE, "edge"), 2 * SPIKE + 1), axis=1)
    mean: Numbers = np.convolve(values, window, "same") / np.convolve(np.ones(len(values)), window, "same")
    return mean


def _explain(panel: Panel, place: "Axes", *, by_color: bool) -> None:
    """Say above a panel which line is which."""
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=f"C{order}")
        if by_color
        else Line2D([], [], color="0.3", linestyle=STYLES[order])
        for order in range(len(panel.metrics))
    ]
    place.legend(
        lines, list(panel.metrics.values()), loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=len(lines),
        fontsize=8, frameon=False, handlelength=1.6, columnspacing=1.0, borderaxespad=0.0,
    )  # fmt: skip


def _title(folder: Path) -> str:
    """A run's folder from here, or its name where it lies elsewhere: the rest of the path says nothing."""
    if folder.is_absolute():
        return str(folder.relative_to(Path.cwd())) if folder.is_relative_to(Path.cwd()) else folder.name
    return str(folder)


def _name(figure: "Figure", found: Sequence[Curves]) -> None:
    """Say above the figure which run is which."""
    from matplotlib.lines import Line2D

    if len(found) == 1:
        figure.suptitle(_title(Path(found[0].name)), fontsize=11)
        return
    names: dict[str, Any] = short_names([curves.name for curves in found])
    lines = [Line2D([], [], color=f"C{number % 10}") for number in range(len(found))]
    labels = [names[curves.name] for curves in found]
    figure.legend(
        lines, labels, loc="outside upper center", ncols=min(5, len(found)), fontsize=9, frameon=False
    )
