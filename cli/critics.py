"""Distances that fresh critics find between samples and real text."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from bgan_text.errors import UserError
from bgan_text.scores.critic import CRITIC_DISTANCES, LEAST_ROWS, critic_distances
from bgan_text.scores.critic_training import CriticSettings
from bgan_text.scores.score import Score

from .ngram_scores import Group, Scores
from .progress import Work
from .token_rows import TokenRows

SEEDS = 3
SETTINGS = CriticSettings()


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
    means: list[Scores] = []
    deviations: list[dict[str, float]] = []
    for group in groups:
        samples, found = rows.of(group.texts), {}
        reals = rows.training if group.alternate else rows.held_out
        for name in CRITIC_DISTANCES:
            with work.part(f"{SEEDS} critics of {group.name}, {name}") as progress:
                found[f"critic-{name}"] = critic_distances(
                    samples,
                    reals,
                    rows.space,
                    name,
                    seeds=range(seed, seed + SEEDS),
                    settings=SETTINGS,
                    device=device,
                    progress=progress,
                )
        means.append({name: Score(one.mean, np.empty(0)) for name, one in found.items()})
        deviations.append({name: one.deviation for name, one in found.items()})
    space = {"vocabulary": rows.space.vocabulary, "positions": rows.space.positions, "texts cut": rows.cut}
    return means, deviations, {"seeds": SEEDS} | space | asdict(SETTINGS)
