"""What an experiment of the paper is: methods on one corpus at three scales, and what is read off them.

Hjelm et al., "Boundary-Seeking Generative Adversarial Networks", ICLR 2018, section 4 and appendices.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bgan_text.corpora.image_sources import IMAGE_CORPORA
from bgan_text.corpora.preparation_options import ImagePreparation, TextPreparation
from bgan_text.objective_table import unused_options

if TYPE_CHECKING:
    from bgan_text.studies.runner import Runner

SCALES = ("smoke", "small", "paper")


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much of an experiment is made.

    `data`: options of `prepare`. `options`: of `train`, for every method. `seeds`: runs of each method.
    `samples`: of each run, that are scored. `critics`: fresh ones for each distance and run. `lasts`: how
    long it takes, and on what. `quick`: whether the nets that score learn next to nothing, too. `methods`:
    which of the experiment's, all if none is named.
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
    """A statement of the paper, and whether it holds of what was measured here; None: it cannot be told."""

    text: str
    holds: bool | None


def lower(ours: float, theirs: float) -> bool | None:
    """Whether one number is lower than another; None where either is not known (NaN)."""
    return None if math.isnan(ours) or math.isnan(theirs) else ours < theirs


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """What came of an experiment.

    `headings` and `rows`: the table, cell by cell. `images`: PNG files by name. `samples`: a few, of text.
    `numbers`: all that was measured, as JSON values.
    """

    headings: list[str]
    rows: list[list[str]]
    claims: list[Claim] = field(default_factory=list)
    images: Mapping[str, bytes] = field(default_factory=dict)
    samples: list[str] = field(default_factory=list)
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """An experiment by name.

    `compares`: what is held against what. `paper`: what the paper reports. `found`: what came of it
    here, at small scale. `corpus`: of `prepare`. `methods`: options of `train` by method. `conclude`: reads
    the result off the finished runs.
    """

    name: str
    compares: str
    paper: str
    found: str
    corpus: str
    methods: Mapping[str, dict[str, Any]]
    scales: Mapping[str, Scale]
    conclude: "Callable[[Runner], Conclusion]"

    def methods_at(self, scale: Scale) -> dict[str, dict[str, Any]]:
        """Options of `train` of each method that is compared at a scale.

        An option for all methods is left out where a method does not read it.
        """
        chosen = {}
        for name in scale.methods or self.methods:
            own = self.methods[name]
            unread = unused_options(own["objective"])
            chosen[name] = {key: value for key, value in scale.options.items() if key not in unread} | own
        return chosen

    def recipe(self, scale: Scale, paths: tuple[str, ...]) -> TextPreparation | ImagePreparation:
        """How its data are prepared; of text files, where the corpus is text, each line is a sample."""
        if self.corpus in IMAGE_CORPORA:
            return ImagePreparation.given(self.corpus, paths=paths, **scale.data)
        files = bool(paths) and all(Path(path).is_file() and ".tar" not in path for path in paths)
        return TextPreparation.given("lines" if files else self.corpus, paths=paths, **scale.data)
