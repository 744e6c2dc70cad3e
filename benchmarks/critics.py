"""Bias and run-to-run spread of the distances that fresh critics estimate, where the exact distance is known.

    python benchmarks/critics.py [SPACES] [SEEDS] [ROWS]        # default: 4 spaces, 3 seeds, 1000 rows a side

Random distributions over all sequences of three of three tokens, and sequences of random letters of which
only the lengths differ. For every distance it prints the error of single critics relative
to the exact value, the median and from lowest to highest, and the standard deviation over seeds relative to
the exact value, the median over pairs. The rows of a pair stay the same for all seeds.
"""

import itertools
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linprog
from torch import Tensor

from bgan_text.scores.critic import critic_distance
from bgan_text.space import TokenSpace

POSITIONS, TOKENS = 3, 3
LONGEST, LETTERS = 16, 5
Floats = NDArray[np.float64]


class Pair(NamedTuple):
    """Samples and real rows whose distances are known."""

    kind: str
    space: TokenSpace
    samples: Tensor
    reals: Tensor
    exact: dict[str, float]


def divergences(q: Floats, p: Floats) -> dict[str, float]:
    """Jensen-Shannon divergence in bits, and KL(q || p) in nats; q of the samples."""
    middle = (p + q) / 2
    js = (p @ np.log2(p / middle) + q @ np.log2(q / middle)) / 2
    return {"js": float(js), "reverse-kl": float(q @ np.log(q / p))}


def wasserstein(q: Floats, p: Floats, points: NDArray[np.int64]) -> float:
    """The cost of the best transport plan; points that differ in k positions are sqrt(2 k) apart."""
    costs = np.sqrt(2.0 * (points[:, None] != points[None]).sum(axis=-1))
    count = len(points)
    rows, columns = np.kron(np.eye(count), np.ones(count)), np.kron(np.ones(count), np.eye(count))
    plan = linprog(costs.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([p, q]))
    return float(plan.fun)


def pairs(spaces: int, rows: int) -> Iterator[Pair]:
    """Small spaces, then as many pairs of length distributions."""
    points = np.array(list(itertools.product(range(TOKENS), repeat=POSITIONS)))
    for seed in range(spaces):
        rng = np.random.default_rng(seed)
        q, p = rng.dirichlet(np.full(len(points), 0.7), size=2)
        samples, reals = (torch.from_numpy(points[rng.choice(len(points), rows, p=side)]) for side in (q, p))
        exact = divergences(q, p) | {"wasserstein": wasserstein(q, p, points)}
        yield Pair("small", TokenSpace(POSITIONS, TOKENS), samples, reals, exact)
    for seed in range(spaces):
        rng = np.random.default_rng(seed)
        q, p = (np.exp(-0.5 * ((np.arange(1, LONGEST + 1) - middle) / 2.5) ** 2) for middle in (8.5, 7.5))
        q, p = q / q.sum(), p / p.sum()
        samples, reals = (lettered(rng, rng.choice(LONGEST, rows, p=side) + 1) for side in (q, p))
        space = TokenSpace(LONGEST, LETTERS + 1, end=LETTERS)
        yield Pair("lengths", space, samples, reals, divergences(q, p))


def lettered(rng: np.random.Generator, lengths: NDArray[np.int64]) -> Tensor:
    """Random letters, then end tokens."""
    tokens = rng.integers(LETTERS, size=(len(lengths), LONGEST))
    return torch.from_numpy(np.where(np.arange(LONGEST) < lengths[:, None], tokens, LETTERS))


def main(spaces: int, seeds: int, rows: int) -> None:
    """Print one row per kind and distance."""
    errors: dict[tuple[str, str], list[float]] = {}
    spreads: dict[tuple[str, str], list[float]] = {}
    begin, trained = time.process_time(), 0
    for pair in pairs(spaces, rows):
        for distance, exact in pair.exact.items():
            found = [
                critic_distance(pair.samples, pair.reals, pair.space, distance, seed=seed).value
                for seed in range(seeds)
            ]
            trained += seeds
            errors.setdefault((pair.kind, distance), []).extend(value / exact - 1 for value in found)
            spreads.setdefault((pair.kind, distance), []).append(float(np.std(found, ddof=1)) / exact)
    cost = (time.process_time() - begin) / trained
    print(f"{spaces} pairs of {rows} rows a side, {seeds} seeds; {cost:.1f} s a critic")
    print(f"{'kind':8s} {'distance':12s} {'error':>7s} {'lowest':>8s} {'highest':>8s} {'over seeds':>10s}")
    for (kind, distance), error in errors.items():
        spread, middle = np.median(spreads[kind, distance]), np.median(error)
        print(f"{kind:8s} {distance:12s} {middle:+7.0%} {min(error):+8.0%} {max(error):+8.0%} {spread:10.0%}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*(int(word) for word in sys.argv[1:]) if len(sys.argv) > 3 else (4, 3, 1000))
