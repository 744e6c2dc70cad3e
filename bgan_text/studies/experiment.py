"""An experiment of the paper: methods on one corpus at three scales, and what is concluded from the runs.

Hjelm et al., "Boundary-Seeking Generative Adversarial Networks", ICLR 2018, section 4 and appendices.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bgan_text.objective_table import unused_options

if TYPE_CHECKING:
    from bgan_text.studies.experiment_runs import ExperimentRuns


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The size of an experiment.

    Attributes:
        data: options of `prepare`.
        options: fields of `Config` for every method.
        seeds: runs of each method.
        samples: of each run, to be scored.
        critics: fresh critics for each distance and run.
        lasts: how long it takes, and on what.
        quick: whether even the networks that score learn next to nothing.
        methods: the names of the methods; all if empty.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    options: dict[str, Any]
    seeds: int = 1
    samples: int = 1000
    critics: int = 1
    lasts: str
    quick: bool = False
    methods: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, and whether it holds of what was measured; None if that is inconclusive."""

    text: str
    holds: bool | None


def lower(ours: float, theirs: float) -> bool | None:
    """Whether one number is lower than another; None if one of them is NaN."""
    return None if math.isnan(ours) or math.isnan(theirs) else ours < theirs


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """The outcome of an experiment.

    Attributes:
        headings: of the table.
        rows: of the table, cell by cell.
        claims: of the paper.
        figures: PNG files by name.
        samples: some generated texts.
        numbers: everything that was measured, as JSON values.
    """

    headings: list[str]
    rows: list[list[str]]
    claims: list[Claim] = field(default_factory=list)
    figures: Mapping[str, bytes] = field(default_factory=dict)
    samples: list[str] = field(default_factory=list)
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """An experiment.

    Attributes:
        name: what `reproduce` calls it.
        compares: what is compared, in a sentence.
        paper: what the paper reports.
        found: what came out here, at small scale.
        corpus: the name that `prepare` knows.
        methods: fields of `Config` by method.
        scales: by name.
        conclude: reads the outcome off the runs.
    """

    name: str
    compares: str
    paper: str
    found: str
    corpus: str
    methods: Mapping[str, dict[str, Any]]
    scales: Mapping[str, Scale]
    conclude: "Callable[[ExperimentRuns], Conclusion]"

    def methods_at(self, scale: Scale) -> dict[str, dict[str, Any]]:
        """Fields of `Config` of each method at a scale, without those that the method does not read."""
        chosen = {}
        for name in scale.methods or self.methods:
            own = self.methods[name]
            unread = unused_options(
                own["objective"], own.get("credit", "sequence"), own.get("divergence", "js")
            )
            chosen[name] = {key: value for key, value in scale.options.items() if key not in unread} | own
        return chosen
