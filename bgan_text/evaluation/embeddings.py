"""Scores of sentence embeddings."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch

from bgan_text.cli.progress import Work
from bgan_text.evaluation.inputs import Real, drawn
from bgan_text.evaluation.ngrams import Group, Scores
from bgan_text.scores.embedding import frechet, precision, recall, vendi
from bgan_text.scores.encoder import load
from bgan_text.scores.score import Score


def embedding_scores(
    groups: Sequence[Group],
    real: Real,
    model: str,
    *,
    mauve: bool,
    seed: int,
    device: torch.device,
    work: Work,
) -> tuple[list[Scores], dict[str, Any]]:
    """Scores of every group's embeddings beside those of as many references, if there are; and settings."""
    if mauve:
        from bgan_text.scores.mauve import mauve as mauve_of
    encoder = load(model, device)
    measured: list[Scores] = []
    counts = []
    for group in groups:
        references = islice(real.references(), 1, None, 2) if group.alternate else real.references()
        with work.part(f"embeddings of {group.name}"):
            ours = encoder.encode(group.texts)
            reals = encoder.encode(drawn(references, len(group.texts), seed))
        counts.append(len(reals))
        if not len(reals):  # a single reference, which is all that the anchor is
            measured.append({})
            continue
        scores = {
            "frechet": frechet(ours, reals),
            "embedding-precision": precision(ours, reals),
            "embedding-recall": recall(ours, reals),
            "vendi": vendi(ours),
        }
        if mauve:
            scores["mauve"] = Score(mauve_of(ours, reals, seed), np.empty(0))
        measured.append(scores)
    return measured, {"model": encoder.fingerprint(), "references": counts}
