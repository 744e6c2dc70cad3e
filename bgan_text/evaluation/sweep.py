"""Quality against diversity over sampling temperatures.

Caccia et al. 2020, "Language GANs falling short": a model that is better at one temperature may be worse at
every level of diversity, so whole curves are compared, with that of maximum likelihood as the baseline.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas
import torch

from bgan_text.device import choose_device
from bgan_text.errors import UserError
from bgan_text.evaluation.candidate_settings import EFFECTIVE
from bgan_text.evaluation.custom import CustomScore, CustomScores, Function
from bgan_text.evaluation.evaluate import own_scores, resolved
from bgan_text.evaluation.inputs import REAL, Inputs
from bgan_text.evaluation.judges import Judges
from bgan_text.evaluation.likelihoods import LanguageModels, Likelihoods
from bgan_text.evaluation.ngrams import Group, Numbered, Scores, anchor_group
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.evaluation.sweep_figure import figure_of, write_figure
from bgan_text.evaluation.text import bleu_tokenizer, grammar_scores, settings_of, units_of
from bgan_text.evaluation.text_inputs import Model, Real, gather, samples_of
from bgan_text.evaluation.token_rows import TokenRows
from bgan_text.files import finite
from bgan_text.reporter import SILENT, Reporter
from bgan_text.sampling_options import TEMPERATURES
from bgan_text.scores.threads import one_thread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BASELINE = "mle baseline"
Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Point:
    """One model at one temperature; `temperature` is None for a file, a list and real text."""

    model: str
    temperature: float | None
    scores: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """The scores by name."""
        return {"model": self.model, "temperature": self.temperature, "scores": self.scores}


@dataclass(frozen=True)
class Sweep:
    """Points model by model, real text last.

    `pairs`: the (quality, diversity) scores that are drawn against each other. `settings`: everything that
    the numbers depend on.
    """

    points: list[Point]
    pairs: Pairs
    settings: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Points, pairs and settings; undefined numbers are None."""
        return dict(
            finite(
                {
                    "points": [point.to_json() for point in self.points],
                    "pairs": [list(pair) for pair in self.pairs],
                    "settings": self.settings,
                }
            )
        )

    def to_frame(self) -> pandas.DataFrame:
        """A row per model, temperature and score: model, temperature, score, value."""
        rows = [
            (point.model, point.temperature, name, value)
            for point in self.points
            for name, value in point.scores.items()
        ]
        return pandas.DataFrame(rows, columns=["model", "temperature", "score", "value"])

    def curves(self) -> dict[str, list[Point]]:
        """The points of each model."""
        found: dict[str, list[Point]] = {}
        for point in self.points:
            found.setdefault(point.model, []).append(point)
        return found

    def figure(self) -> "Figure":
        """A matplotlib figure: a panel per pair of scores, a curve per model, real text as a star."""
        return figure_of(self)

    def save_figure(self, path: Path | str) -> None:
        """Write the figure as a PNG."""
        write_figure(self.figure(), Path(path))


@dataclass(frozen=True)
class Drawn:
    """Samples of a model at a temperature. `effective`: candidates that carried the weight, if several."""

    model: str
    temperature: float | None
    group: Group
    effective: float | None = None


def sweep(
    models: Any,
    temperatures: Sequence[float] = TEMPERATURES,
    *,
    data: Any = None,
    reference: Any = None,
    train: Any = None,
    options: EvaluationOptions | None = None,
    scores: Mapping[str, Function | CustomScore] | None = None,
    judges: Judges | None = None,
    reporter: Reporter = SILENT,
    **changes: Any,
) -> Sweep:
    """Score runs at several temperatures, files and lists as they are, real text, and a baseline.

    The baseline is a language model trained here by maximum likelihood, with the budget of the likelihood
    scores. It is left out if one of the runs was trained with the objective mle.

    Args:
        models: of text, as in `evaluate`.
        temperatures: of the samples of runs and of the baseline.
        options: as in `evaluate`, which explains the others, too; `likelihood` is on unless it is False.

    Raises:
        UserError: a temperature that is no number above 0, images, and what `evaluate` raises.

    Example:
        >>> quick = Judges.quick()
        >>> curve = sweep("runs/poems", [0.7, 1.3], count=20, likelihood=False, judges=quick)
        >>> curve.save_figure("sweep.png")
    """
    temperatures = _checked(temperatures)
    inputs, options = Inputs.of(models, data, reference, train), resolved(options, changes)
    custom = own_scores(scores, options)
    if inputs.images():
        raise UserError("`sweep` has no meaning for images: it belongs to scores of text")
    sources, real = gather(inputs, options, reporter)
    units, judges = units_of(options, sources, real), judges or Judges()
    rows = TokenRows(options, real, units, judges.vocabulary)
    language_models = LanguageModels(
        rows, judges.language_model, options.seed, choose_device(options.device), reporter
    )
    with one_thread():
        drawn = [one for model in sources for one in _of_model(model, options, temperatures, reporter)]
        networks: dict[str, Any] = {}
        if not any(model.run is not None and model.run.config.objective == "mle" for model in sources):
            count = options.count or max(len(model.texts) for model in sources)
            drawn += _of_baseline(language_models, temperatures, count)
            networks[BASELINE] = language_models.budget()
        drawn.append(Drawn(REAL, None, anchor_group(real.anchor)))
        groups = [one.group for one in drawn]
        tokenizer = bleu_tokenizer(options, units, real)
        numbered = Numbered.read(groups, real.references, None, units, tokenizer, options.window)
        scored = list(_scored(numbered, custom, reporter))
        pairs, more = _second_pair(groups, real, options, language_models, scored)
    settings = settings_of(options, sources, real, numbered)
    settings[EFFECTIVE] = {one.group.name: one.effective for one in drawn if one.effective is not None}
    return Sweep(_points(drawn, scored), pairs, settings | {"temperature": temperatures} | networks | more)


def _points(drawn: Sequence[Drawn], scored: Sequence[Scores]) -> list[Point]:
    return [
        Point(one.model, one.temperature, {name: score.value for name, score in scores.items()})
        for one, scores in zip(drawn, scored, strict=True)
    ]


def _checked(temperatures: Sequence[float]) -> list[float]:
    values = sorted(set(temperatures))
    if not values or not all(0.0 < value < math.inf for value in values):
        shown = ",".join(f"{value:g}" for value in temperatures)
        raise UserError(f"`temperatures` {shown}: numbers above 0 are expected")
    return values


def _of_model(
    model: Model, options: EvaluationOptions, temperatures: Sequence[float], reporter: Reporter
) -> Iterator[Drawn]:
    if model.run is None:
        yield Drawn(model.name, None, Group(model.name, model.texts))
        return
    with reporter.task(f"samples of {model.name}", "temperatures") as progress:
        for done, temperature in enumerate(temperatures, start=1):
            same = temperature == options.temperature
            pinned = replace(options, step=model.step)  # the run may be training on meanwhile
            made = model if same else samples_of(model.name, model.run, pinned, temperature)
            progress(done, len(temperatures))
            group = Group(f"{model.name} at {temperature:g}", made.texts)
            yield Drawn(model.name, temperature, group, made.effective)


def _of_baseline(models: LanguageModels, temperatures: Sequence[float], count: int) -> Iterator[Drawn]:
    # Its seed differs from that of the judge, which would otherwise be the same model and judge itself.
    model = models.fit("the mle baseline", models.rows.training, seed=models.seed + 1)
    rng = torch.Generator(models.device).manual_seed(models.seed)
    for temperature in temperatures:
        texts = models.rows.texts(model.sample(count, rng, temperature))
        yield Drawn(BASELINE, temperature, Group(f"{BASELINE} at {temperature:g}", texts))


def _scored(numbered: Numbered, custom: CustomScores, reporter: Reporter) -> Iterator[Scores]:
    """The n-gram scores, and those of the user's own, of each group."""
    with reporter.task("n-grams", "curve points") as progress:
        for done, scores in enumerate(numbered.scores(), start=1):
            progress(done, len(numbered.groups))
            group, _ = numbered.groups[done - 1]
            yield scores | custom.of(list(group.texts), group.name, reporter)


def _second_pair(
    groups: Sequence[Group],
    real: Real,
    options: EvaluationOptions,
    models: LanguageModels,
    scored: list[Scores],
) -> tuple[Pairs, dict[str, Any]]:
    """Add exact scores by the grammar, or else likelihoods, to those of n-grams; all pairs, and settings."""
    pairs = [("bleu-5", "self-bleu-5")]
    if real.grammar is not None:
        for group, scores in zip(groups, scored, strict=True):
            scores |= grammar_scores(group.texts, real.grammar)
        return [*pairs, ("grammatical", "reverse-log-probability")], {}
    if options.likelihood is False:
        return pairs, {}
    judge = Likelihoods(models)
    for group, scores in zip(groups[:-1], scored, strict=False):
        scores |= judge.of(group)
    scored[-1] |= judge.of_real(max(len(group.texts) for group in groups[:-1]))
    return [*pairs, ("forward-likelihood", "reverse-likelihood")], {"likelihood": judge.settings()}
