"""Scores of sentence embeddings."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import torch

from bgan_text.evaluation.inputs import drawn
from bgan_text.evaluation.ngrams import Group, Scores
from bgan_text.evaluation.text_inputs import Real
from bgan_text.reporter import Reporter
from bgan_text.scores.embedding import density_and_coverage, frechet, precision, recall, vendi
from bgan_text.scores.encoder import load
from bgan_text.scores.mauve import SEEDS
from bgan_text.scores.mauve import mauve as mauve_of


def embedding_scores(
    groups: Sequence[Group],
    real: Real,
    model: str,
    *,
    mauve: bool,
    seed: int,
    device: torch.device,
    reporter: Reporter,
) -> tuple[list[Scores], dict[str, Any]]:
    """Scores of each group's embeddings against those of as many references, and the settings.

    The anchor has no scores if there is a single reference, which is the anchor itself.
    """
    encoder = load(model, device)
    measured: list[Scores] = []
    counts = []
    for group in groups:
        references = islice(real.references(), 1, None, 2) if group.alternate else real.references()
        with reporter.task(f"embeddings of {group.name}"):
            ours = encoder.encode(group.texts)
            reals = encoder.encode(drawn(references, len(group.texts), seed))
        counts.append(len(reals))
        if not len(reals):
            measured.append({})
            continue
        density, coverage = density_and_coverage(ours, reals)
        scores = {
            "frechet": frechet(ours, reals),
            "embedding-precision": precision(ours, reals),
            "embedding-recall": recall(ours, reals),
            "embedding-density": density,
            "embedding-coverage": coverage,
            "vendi": vendi(ours),
        }
        if mauve:
            scores["mauve"] = mauve_of(ours, reals, seed)
        measured.append(scores)
    clusterings = {"mauve seeds": SEEDS} if mauve else {}
    return measured, {"model": encoder.fingerprint(), "references": counts} | clusterings
