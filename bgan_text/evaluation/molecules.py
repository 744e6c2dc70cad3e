"""Scores of molecules of each model and of the anchor."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import torch

from bgan_text.errors import UserError
from bgan_text.evaluation.inputs import drawn
from bgan_text.evaluation.ngrams import Group, Scores
from bgan_text.evaluation.text_inputs import Real
from bgan_text.reporter import Reporter
from bgan_text.scores.molecules import (
    ChemNet,
    chemnet_frechet,
    drug_likeness,
    read_molecules,
    synthetic_accessibility,
    validity,
    versions,
)


def molecule_scores(
    groups: Sequence[Group], real: Real, *, seed: int, device: torch.device, reporter: Reporter
) -> tuple[list[Scores], dict[str, Any]]:
    """Scores of the molecules of each group, the distance to as many references, and the settings."""
    if real.lowercase:
        raise UserError("`molecules` reads SMILES, where case has a meaning: leave out `lowercase`")
    net = ChemNet(device)
    measured: list[Scores] = []
    counts = []
    for group in groups:
        with reporter.task(f"molecules of {group.name}"):
            references = islice(real.references(), 1, None, 2) if group.alternate else real.references()
            reals = read_molecules(drawn(references, len(group.texts), seed))
            counts.append(len(reals.valid))
            if not reals.valid and len(reals.smiles):
                raise UserError(
                    f"`molecules`: none of {len(reals.smiles):,} texts of {real.name} is a molecule; SMILES, "
                    "one a text, are expected"
                )
            ours = read_molecules(group.texts)
            measured.append(
                {
                    "valid-molecules": validity(ours),
                    "qed": drug_likeness(ours),
                    "synthetic-accessibility": synthetic_accessibility(ours),
                    "chemnet-frechet": chemnet_frechet(ours, reals, net),
                }
            )
    return measured, versions() | {"references": counts}
