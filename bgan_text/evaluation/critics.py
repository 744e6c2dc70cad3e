"""Distances between samples and real ones that freshly trained critics estimate."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bgan_text.errors import UserError
from bgan_text.evaluation.judges import Judges
from bgan_text.evaluation.ngrams import Group, Scores
from bgan_text.evaluation.token_rows import TokenRows
from bgan_text.reporter import Reporter
from bgan_text.scores.critic import CRITIC_DISTANCES, LEAST_ROWS, critic_distances
from bgan_text.scores.critic_training import CriticSettings
from bgan_text.space import PixelSpace, TokenSpace


class Sides(NamedTuple):
    """Samples under a name, and the real samples that critics tell them from."""

    name: str
    samples: Tensor
    reals: Tensor


def critic_scores(
    groups: Sequence[Group],
    rows: TokenRows,
    seed: int,
    device: torch.device,
    judges: Judges,
    reporter: Reporter,
) -> tuple[list[Scores], dict[str, Any]]:
    """The distances by group, means over several critics, and the settings.

    An anchor of training text is compared with text that is not training text.
    """
    for group in groups:
        if len(group.texts) < LEAST_ROWS:
            raise UserError(
                f"{group.name} has {len(group.texts)} texts: `critic` needs at least {LEAST_ROWS}"
            )
    for split, kept in (("training", rows.training), ("held-out", rows.held_out)):
        if len(kept) < LEAST_ROWS:
            raise UserError(f"the data has {len(kept)} {split} texts: `critic` needs at least {LEAST_ROWS}")
    sides = [
        Sides(group.name, rows.of(group.texts), rows.training if group.alternate else rows.held_out)
        for group in groups
    ]
    settings, seeds = judges.text_critic, range(seed, seed + judges.critics)
    scores = critics_of(sides, rows.space, settings, seeds, device, reporter)
    space = {"vocabulary": rows.space.vocabulary, "positions": rows.space.positions, "texts cut": rows.cut}
    return scores, {"seeds": judges.critics} | space | asdict(settings)


def critics_of(
    sides: Sequence[Sides],
    space: TokenSpace | PixelSpace,
    settings: CriticSettings,
    seeds: Sequence[int],
    device: torch.device,
    reporter: Reporter,
) -> list[Scores]:
    """The distances of each pair of sides, each a mean over one critic per seed."""
    measured: list[Scores] = []
    for name, samples, reals in sides:
        scores: Scores = {}
        for distance in CRITIC_DISTANCES:
            with reporter.task(f"{len(seeds)} critics of {name}, {distance}", "steps") as progress:
                scores[f"critic-{distance}"] = critic_distances(
                    samples,
                    reals,
                    space,
                    distance,
                    seeds=seeds,
                    settings=settings,
                    device=device,
                    progress=progress,
                )
        measured.append(scores)
    return measured
