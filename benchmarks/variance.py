"""Variance of the generator's gradient with normalised importance weights (Hjelm et al. 2018, section 2.3).

    python benchmarks/variance.py            # 6 minutes on one core: tables, docs/variance.json and .png
    python benchmarks/variance.py --quick    # seconds, into the temporary folder: a test of the code only
    python benchmarks/variance.py --draw     # redraw the figure from the saved numbers

Compares objectives and baselines by the gradient of `FactorisedDistribution.weighted_log_prob` with respect
to the logits, for fixed noise and over independent batches of M draws. The weights are those of each
objective. The variance is the trace of the covariance. `relative` is the variance divided by the squared norm
of the expected gradient, as the gradients of the objectives differ in norm.

There are two settings: a space small enough to enumerate, where the bias of the expected gradient is measured
as well, and a conv generator during training.
"""

import argparse
import copy
import itertools
import json
import math
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from bgan_text.config import Config
from bgan_text.corpora.preparation_options import TextPreparation
from bgan_text.corpora.text_preparation import prepare_text
from bgan_text.models.distributions import FactorisedDistribution
from bgan_text.objectives.weights import (
    RunningStatistics,
    coefficients,
    importance_weights,
    partition_weights,
)
from bgan_text.training.score_function import ScoreFunctionUpdate
from bgan_text.training.state import State
from bgan_text.training.trainer import train
from bgan_text.training_options import BASELINES

OBJECTIVES = ("importance", "partition", "reinforce")
DRAWS = (2, 5, 10, 20, 50, 100)
SHARPNESS = (0.25, 1.0, 2.0)
STEPS = (50, 500, 1000)
VOCABULARY, POSITIONS, NOISES = 4, 3, 8
PLANNED_STEPS = 10_000  # length of the run, which determines the learning rate schedule
BLOCKS = 10  # blocks of repetitions for the jackknife standard error
EVERYTHING = torch.tensor(list(itertools.product(range(VOCABULARY), repeat=POSITIONS)))

Measured = dict[str, dict[str, list[Any]]]
Pullback = Callable[[Tensor], Tensor]


def gradients(logits: Tensor, tokens: Tensor, weights: Tensor) -> Tensor:
    """Gradient of the loss in each repetition: (N, L, V), (M, R, N, L), (M, R, N) -> (R, N, L, V)."""
    repetitions = tokens.shape[1]
    repeated = logits.detach().repeat(repetitions, 1, 1).requires_grad_()
    loss = -FactorisedDistribution(repeated).weighted_log_prob(tokens.flatten(1, 2), weights.flatten(1, 2))
    (gradient,) = torch.autograd.grad(loss * repetitions, repeated)  # the loss is a mean over all rows
    return gradient.view(repetitions, *logits.shape)


class Moments:
    """Unbiased estimates of variance and squared mean of a random vector, with jackknife standard errors."""

    def __init__(self) -> None:
        self.blocks: list[tuple[int, Tensor, Tensor]] = []  # count, sum, sum of squared norms

    def add(self, vectors: Tensor) -> None:
        """Add a block of independent repetitions: (R, ...)."""
        flat = vectors.flatten(1).double()
        self.blocks.append((len(flat), flat.sum(0), flat.square().sum()))

    def estimate(self, same_mean: "Moments", exact: Tensor | None = None) -> dict[str, float]:
        """Estimate the moments of the vector with their standard errors.

        Args:
            same_mean: Moments of a vector with the same expectation and less variance, on the same draws.
                They give a more precise estimate of the squared mean.
            exact: Limit of the gradient for many draws, for the estimate of the bias. `None` if it is
                unknown.

        Returns:
            `variance`, `squared_mean` and `relative` (NaN if the estimated squared mean is not positive).
            With `exact` also `bias` and `squared_error`, both squared. The standard error of each is
            `NAME_error`.
        """
        every = self._without(None, same_mean, exact)
        left_out = [self._without(block, same_mean, exact) for block in range(len(self.blocks))]
        errors = {
            f"{name}_error": math.sqrt((len(left_out) - 1) * _spread([each[name] for each in left_out]))
            for name in every
        }
        return every | errors

    def _without(self, block: int | None, same_mean: "Moments", exact: Tensor | None) -> dict[str, float]:
        count, mean, variance = self._of(block)
        _, steady, noise = same_mean._of(block)
        signal = steady.square().sum().item() - noise / count
        found = {
            "variance": variance,
            "squared_mean": signal,
            "relative": variance / signal if signal > 0 else math.nan,
        }
        if exact is not None:
            bias = (mean - exact.flatten()).square().sum().item() - variance / count
            found |= {"bias": bias, "squared_error": variance + bias}
        return found

    def _of(self, block: int | None) -> tuple[int, Tensor, float]:
        """Count, mean and variance of all repetitions except those of a block."""
        kept = [each for place, each in enumerate(self.blocks) if place != block]
        count = sum(n for n, _, _ in kept)
        mean = torch.stack([total for _, total, _ in kept]).sum(0) / count
        square = sum(square for _, _, square in kept) / count
        return count, mean, (square - mean.square().sum()).item() * count / (count - 1)


def _spread(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / len(values)


def measure(
    blocks: Iterator[tuple[Tensor, Tensor]],
    logits: Tensor,
    running: RunningStatistics,
    exact: dict[str, Tensor],
    pullback: Pullback = lambda gradient: gradient,
) -> dict[tuple[str, str], dict[str, float]]:
    """Measure all objectives and baselines on the same draws.

    A block holds (M, R, N, L) tokens and (M, R, N) scores.
    """
    moments = {pair: Moments() for pair in itertools.product(OBJECTIVES, BASELINES)}
    weights: list[tuple[float, float]] = []
    for tokens, scores in blocks:
        flat = scores.flatten(1)
        for (objective, baseline), each in moments.items():
            chosen = coefficients(objective, baseline, flat, running).view_as(scores)
            each.add(pullback(gradients(logits, tokens, chosen)))
        both = len(flat) * importance_weights(flat), partition_weights(flat, running)
        weights.append((both[0].var(correction=0).item(), both[1].var(correction=0).item()))
    found = {}
    for (objective, baseline), each in moments.items():
        scaled = (objective, baseline) == ("importance", "leave-one-out")
        same_mean = each if scaled else moments[objective, "mean"]
        found[objective, baseline] = each.estimate(same_mean, exact.get(objective))
        found[objective, baseline]["repetitions"] = sum(count for count, _, _ in each.blocks)
    for objective, values in zip(OBJECTIVES[:2], zip(*weights, strict=True), strict=True):
        found[objective, "none"]["weight_variance"] = sum(values) / len(values)
    return found


def enumerable(seed: int) -> tuple[Tensor, Tensor]:
    """Random (N, L, V) logits and (V ** L,) log p / q of all sequences, where q is the mixture over noise."""
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(NOISES, POSITIONS, VOCABULARY, generator=rng, dtype=torch.float64)
    log_p = torch.randn(len(EVERYTHING), generator=rng, dtype=torch.float64).log_softmax(0)
    return logits, log_p - log_likelihoods(logits).logsumexp(dim=1) + math.log(NOISES)


def log_likelihoods(logits: Tensor) -> Tensor:
    """log g(x | z) of all sequences: (N, L, V) -> (V ** L, N)."""
    return FactorisedDistribution(logits).log_prob(EVERYTHING.unsqueeze(1).expand(-1, len(logits), -1))


def exact_running(logits: Tensor, score: Tensor) -> RunningStatistics:
    """Exact means under q of the running statistics that `partition` and `reinforce` use."""
    q = log_likelihoods(logits).exp().mean(dim=1)
    return RunningStatistics((q * score.exp()).sum().log(), (q * score).sum(), torch.ones(()))


def exact_gradients(logits: Tensor, score: Tensor) -> dict[str, Tensor]:
    """(N, L, V) gradient of each objective in the limit of many draws, by enumeration of all sequences."""
    g, column = log_likelihoods(logits).exp(), score.unsqueeze(1)
    weights = {
        "importance": (g * column.exp()) / (g * column.exp()).sum(0),  # p~(x | z) of the paper
        "partition": g * (column - exact_running(logits, score).log_partition).exp(),
        "reinforce": g * column,
    }
    tokens = EVERYTHING.view(-1, 1, 1, POSITIONS).expand(-1, 1, len(logits), -1)
    return {name: gradients(logits, tokens, weight.unsqueeze(1))[0] for name, weight in weights.items()}


def exact_setting(sharpness: float, draws: int, repetitions: int) -> dict[tuple[str, str], dict[str, float]]:
    """Measure with F = sharpness * log p / q on the enumerable space."""
    logits, score = enumerable(0)
    score = sharpness * score
    rng = torch.Generator().manual_seed(draws)

    def blocks() -> Iterator[tuple[Tensor, Tensor]]:
        place = torch.tensor([VOCABULARY**power for power in reversed(range(POSITIONS))])
        for _ in range(BLOCKS):
            tokens = FactorisedDistribution(logits).sample(draws * repetitions // BLOCKS, rng)
            tokens = tokens.unflatten(0, (draws, -1))
            yield tokens, score[(tokens * place).sum(-1)]

    return measure(blocks(), logits, exact_running(logits, score), exact_gradients(logits, score))


class Frozen:
    """A snapshot of training: logits of some noise vectors, and a pool of draws with scores for each."""

    def __init__(self, update: ScoreFunctionUpdate, rows: int, pool: int) -> None:
        state, config = update.state, update.config
        self.rng = torch.Generator().manual_seed(state.step)
        # A copy, as a forward pass updates the statistics of batch normalisation.
        self.generator = copy.deepcopy(state.generator)
        noise = torch.randn(config.batch, config.noise, generator=self.rng)
        # Batch normalisation is over the full batch, as in training.
        self.logits = self.generator(noise).logits[:rows]
        self.tokens = FactorisedDistribution(self.logits).sample(pool, self.rng)
        self.scores = torch.cat([update.score(part[0], part) for part in self.tokens.split(100)])
        self.running = RunningStatistics.fresh(self.scores.device)
        self.running.update(self.scores)

    def blocks(self, draws: int, most: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield disjoint repetitions of M draws from the pool."""
        size = max(1, min(most, len(self.tokens) // draws) // BLOCKS)
        for start in range(0, BLOCKS * size * draws, size * draws):
            part = slice(start, start + size * draws)
            yield self.tokens[part].unflatten(0, (draws, size)), self.scores[part].unflatten(0, (draws, size))

    def to_parameters(self, gradient: Tensor) -> Tensor:
        """Map gradients of the logits to gradients of the generator's parameters: (R, ...) -> (R, D)."""
        parameters = list(self.generator.parameters())
        each = (
            torch.autograd.grad(self.logits, parameters, one, retain_graph=True, materialize_grads=True)
            for one in gradient
        )
        return torch.stack([torch.cat([part.flatten() for part in parts]) for parts in each])


def training(config: Config, limit: int, at: tuple[int, ...]) -> Iterator[ScoreFunctionUpdate]:
    """Train on the built-in grammar with the default configuration and yield at the given steps."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = TextPreparation.given("grammar", limit=limit)
        prepared = prepare_text(recipe, Path(folder) / "grammar")
        device = torch.device("cpu")
        state = State.fresh(config, prepared.space, device)
        batches = prepared.batches(config.batch, config.seed, device)
        for report in train(state, config, batches, lambda state: state.step / PLANNED_STEPS):
            if report.step in at:
                yield ScoreFunctionUpdate(state, config)
            if report.step == max(at):
                return


def show(name: str, by_draws: dict[int, dict[tuple[str, str], dict[str, float]]]) -> Measured:
    """Print the table of a setting and return its columns by objective and baseline."""
    exact = "bias" in by_draws[min(by_draws)]["importance", "none"]
    print(f"\n{name}\n{'M':>4s} {'objective':11s}{'baseline':14s}{'variance':>10s}", end="")
    print(f"{'bias^2':>10s}{'  +-':>9s}{'mse':>10s}" if exact else "", end="")
    print(f"{'relative':>11s}{'  +-':>9s}  / importance")
    columns: Measured = {}
    for draws, found in by_draws.items():
        for (objective, baseline), each in found.items():
            ratio = each["relative"] / found["importance", "none"]["relative"]
            print(f"{draws:4d} {objective:11s}{baseline:14s}{each['variance']:10.3g}", end="")
            if exact:
                print(f"{each['bias']:10.2g}{each['bias_error']:9.1g}{each['squared_error']:10.3g}", end="")
            print(f"{each['relative']:11.4g}{each['relative_error']:9.1g}{ratio:10.3f}", flush=True)
            column = columns.setdefault(f"{objective}, {baseline}", {"draws": []})
            column["draws"].append(draws)
            for key, value in each.items():
                column.setdefault(key, []).append(float(f"{value:.5g}") if math.isfinite(value) else None)
        weights = [found[objective, "none"]["weight_variance"] for objective in OBJECTIVES[:2]]
        print(f"     {each['repetitions']:,} repetitions; variance of the weights: ", end="")
        print(f"normalised {weights[0]:.3g}, un-normalised {weights[1]:.3g}")
    return columns


def run(quick: bool) -> dict[str, Measured]:
    """Measure and print both settings."""
    every, repetitions, pool = ((2, 5), 200, 100) if quick else (DRAWS, 2000, 4000)
    found: dict[str, Measured] = {}
    for sharpness in SHARPNESS:
        name = f"exact, F = {sharpness:g} log p/q"
        found[name] = show(name, {draws: exact_setting(sharpness, draws, repetitions) for draws in every})
    at = (2, 3, 4) if quick else STEPS
    config = Config.given(
        {"preset": "bgan", "steps": PLANNED_STEPS} | ({"batch": 16, "width": 8} if quick else {})
    )
    for update in training(config, 500 if quick else 50_000, at):
        frozen = Frozen(update, 16, pool)
        by_draws = {
            draws: measure(frozen.blocks(draws, 1000), frozen.logits, frozen.running, {}) for draws in every
        }
        step = update.state.step
        spread = frozen.scores.std(dim=0).mean()
        print(f"\nstep {step}: the standard deviation of F given z is {spread:.2f}")
        found[f"step {step}, logits"] = show(f"step {step}, logits", by_draws)
    frozen = Frozen(update, config.batch, pool // 4)
    by_draws = {
        draws: measure(frozen.blocks(draws, 100), frozen.logits, frozen.running, {}, frozen.to_parameters)
        for draws in ((2,) if quick else (5, 20, 100))
    }
    found[f"step {step}, parameters"] = show(f"step {step}, parameters", by_draws)
    return found


def draw(found: dict[str, Measured], path: Path) -> None:
    """Draw one panel per setting, with one colour per objective and one line style per baseline."""
    panels = [name for name in found if "parameters" not in name]
    figure, axes = plt.subplots(2, len(panels) // 2, figsize=(7.3, 5), sharex=True, sharey="row")
    for panel, name in zip(axes.flat, panels, strict=True):
        for color, objective in enumerate(OBJECTIVES):
            for baseline, style in zip(BASELINES, ("-", ":", "--"), strict=True):
                columns = found[name][f"{objective}, {baseline}"]
                label = objective if baseline == "none" else f"{objective}, {baseline}"
                panel.loglog(columns["draws"], columns["relative"], style, color=f"C{color}", label=label)
        panel.set_title(name, fontsize=10)
        panel.set_xticks(columns["draws"], map(str, columns["draws"]))
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    for row in axes:
        row[0].set_ylabel("variance / squared gradient", fontsize=9)
    for panel in axes[-1]:
        panel.set_xlabel("M, draws per noise vector", fontsize=9)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, ncols=3, fontsize=8, loc="lower center")
    figure.tight_layout(rect=(0, 0.11, 1, 1))
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--draw", action="store_true")
    parser.add_argument("--out", type=Path, help="folder for the numbers and the figure")
    options = parser.parse_args()
    usual = Path(tempfile.gettempdir()) if options.quick else Path(__file__).parents[1] / "docs"
    kept = (options.out or usual) / "variance.json"
    if not options.draw:
        text = json.dumps(run(options.quick), indent=1)
        columns = re.sub(r"\[[^\]{]*\]", lambda match: " ".join(match[0].split()), text)  # one line each
        kept.write_text(columns + "\n", encoding="utf-8")
    draw(json.loads(kept.read_text("utf-8")), kept.with_suffix(".png"))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
