"""Distances that fresh critics find between samples and real ones."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from bgan_text.cli.progress import Work
from bgan_text.errors import UserError
from bgan_text.evaluation.ngrams import Group, Scores
from bgan_text.evaluation.token_rows import TokenRows
from bgan_text.scores.critic import CRITIC_DISTANCES, LEAST_ROWS, critic_distances
from bgan_text.scores.critic_training import CriticSettings
from bgan_text.scores.score import Score
from bgan_text.space import PixelSpace, TokenSpace

SEEDS = 3
"""Critics for each distance, unless another number is asked for."""
SETTINGS = CriticSettings()


class Sides(NamedTuple):
    """What critics are to tell apart: samples under a name, and real ones."""

    name: str
    samples: Tensor
    reals: Tensor


def critic_scores(
    groups: Sequence[Group], rows: TokenRows, seed: int, device: torch.device, work: Work
) -> tuple[list[Scores], list[dict[str, float]], dict[str, Any]]:
    """For every group the mean distances over several critics, and their deviations; and the settings.

    Text that was trained on, the anchor's included, is held against text that was not.
    """
    for group in groups:
        if len(group.texts) < LEAST_ROWS:
            raise UserError(
                f"{group.name} has {len(group.texts)} texts: --critic needs at least {LEAST_ROWS}"
            )
    sides = [
        Sides(group.name, rows.of(group.texts), rows.training if group.alternate else rows.held_out)
        for group in groups
    ]
    means, deviations = critics_of(sides, rows.space, SETTINGS, range(seed, seed + SEEDS), device, work)
    space = {"vocabulary": rows.space.vocabulary, "positions": rows.space.positions, "texts cut": rows.cut}
    return means, deviations, {"seeds": SEEDS} | space | asdict(SETTINGS)


def critics_of(
    sides: Sequence[Sides],
    space: TokenSpace | PixelSpace,
    settings: CriticSettings,
    seeds: Sequence[int],
    device: torch.device,
    work: Work,
) -> tuple[list[Scores], list[dict[str, float]]]:
    """For every pair of sides the mean distances over a critic for each seed, and their deviations."""
    means: list[Scores] = []
    deviations: list[dict[str, float]] = []
    for name, samples, reals in sides:
        found = {}
        for distance in CRITIC_DISTANCES:
            with work.part(f"{len(seeds)} critics of {name}, {distance}") as progress:
                found[f"critic-{distance}"] = critic_distances(
                    samples,
                    reals,
                    space,
                    distance,
                    seeds=seeds,
                    settings=settings,
                    device=device,
                    progress=progress,
                )
        means.append({name: Score(one.mean, np.empty(0)) for name, one in found.items()})
        deviations.append({name: one.deviation for name, one in found.items()})
    return means, deviations
