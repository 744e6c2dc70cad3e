"""Scores of molecules, by RDKit and by ChemNet of the library fcd-torch, which carries its weights.

Both libraries are optional dependencies, which are imported only when a function is called. Molecules are
SMILES, one a text.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bgan_text.errors import UserError, needs_extra
from bgan_text.scores.embedding import frechet
from bgan_text.scores.score import SHARE, Floats, Score, mean
from bgan_text.scores.uncertainty import ratio

Features = NDArray[np.float32]
FEATURES = 512
"""Width of the features of ChemNet."""


@dataclass(frozen=True)
class Molecules:
    """Texts as molecules.

    Attributes:
        smiles: (S,) canonical SMILES; None for a text that is no molecule.
        found: (S,) molecules of RDKit, likewise.
    """

    smiles: list[str | None]
    found: list[Any]

    @property
    def valid(self) -> list[str]:
        """The canonical SMILES of those that are molecules."""
        return [one for one in self.smiles if one is not None]

    @property
    def is_valid(self) -> Floats:
        """(S,) 1.0 for a molecule, 0.0 for a text that is none."""
        return np.array([float(one is not None) for one in self.smiles])


def read_molecules(texts: Sequence[str]) -> Molecules:
    """Read SMILES with RDKit. A text is a molecule if RDKit parses and sanitises it; a blank one is none.

    Raises:
        UserError: RDKit is not installed.

    Example:
        >>> read_molecules(["OCC", "C1CC", "C O", ""]).smiles
        ['CCO', None, None, None]
    """
    require()
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():  # it explains every text that is no molecule
        stripped = [text.strip() for text in texts]
        # RDKit takes what follows a space for the name of the molecule.
        found = [Chem.MolFromSmiles(text) if len(text.split()) == 1 else None for text in stripped]
        smiles = [None if one is None else Chem.MolToSmiles(one) for one in found]
    return Molecules(smiles, found)


def require() -> None:
    """Raise a `UserError` unless both libraries are installed."""
    try:
        import fcd_torch
        import rdkit

        del fcd_torch, rdkit
    except ModuleNotFoundError as error:
        raise UserError(needs_extra("scores of molecules need", "molecules")) from error


def versions() -> dict[str, str]:
    """The versions of the libraries."""
    from rdkit import rdBase

    return {"rdkit": rdBase.rdkitVersion, "fcd-torch": version("fcd-torch")}


def validity(molecules: Molecules) -> Score:
    """Share of the texts that are molecules. NaN without texts."""
    return mean(molecules.is_valid, SHARE)


def drug_likeness(molecules: Molecules) -> Score:
    """Quantitative estimate of drug-likeness, QED (Bickerton et al. 2012), of RDKit.

    Returns:
        A score in [0, 1], the mean over valid molecules, with the linearised contribution of every text. NaN
        without valid molecules.
    """
    from rdkit.Chem import QED

    return _mean(molecules, QED.qed)


def synthetic_accessibility(molecules: Molecules) -> Score:
    """Synthetic accessibility score, SA (Ertl and Schuffenhauer 2009), of RDKit's contributed code.

    Returns:
        A score from 1, easy to make, to 10, the mean over valid molecules, with the linearised contribution
        of every text. NaN without valid molecules.
    """
    return _mean(molecules, _sa_scorer().calculateScore)


@cache
def _sa_scorer() -> Any:
    """The module sascorer, which is part of RDKit's wheel but of no package."""
    from rdkit import RDConfig

    path = Path(RDConfig.RDContribDir) / "SA_Score" / "sascorer.py"
    spec = spec_from_file_location("sascorer", path)
    if spec is None or spec.loader is None or not path.exists():
        raise UserError(f"this RDKit has no {path}, which synthetic accessibility needs: install its wheel")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _mean(molecules: Molecules, property_of: Callable[[Any], float]) -> Score:
    """The mean of a property over the valid molecules, each of them computed once."""
    from rdkit import rdBase

    known: dict[str, float] = {}
    values = np.zeros(len(molecules.smiles))
    with rdBase.BlockLogs():
        for place, (smiles, molecule) in enumerate(zip(molecules.smiles, molecules.found, strict=True)):
            if smiles is not None:
                if smiles not in known:
                    known[smiles] = float(property_of(molecule))
                values[place] = known[smiles]
    return ratio(values, molecules.is_valid)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave the global generator as it is, from which the library draws, and suppress its warnings."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class ChemNet:
    """The network whose features the Fréchet ChemNet distance compares (Preuer et al. 2018).

    Example:
        >>> ChemNet("cpu").features(["CCO", "CCN"]).shape
        (2, 512)
    """

    def __init__(self, device: torch.device | str) -> None:
        require()
        from fcd_torch import FCD

        with _quiet():
            self._net = FCD(device=str(device), canonize=False)
        self._known: dict[str, Features] = {}

    def features(self, smiles: Sequence[str]) -> Features:
        """(S, 512) features of canonical SMILES. Each molecule is seen once, however often it occurs."""
        new = [one for one in dict.fromkeys(smiles) if one not in self._known]
        with _quiet():
            self._known |= dict(zip(new, self._net.get_predictions(new), strict=True))
        return np.array([self._known[one] for one in smiles], dtype=np.float32).reshape(-1, FEATURES)


def chemnet_frechet(samples: Molecules, reals: Molecules, net: ChemNet) -> Score:
    """Fréchet ChemNet distance (Preuer et al. 2018) between the valid molecules of both sides.

    Returns:
        A score of at least 0, lower if the samples resemble the real molecules, with the first-order
        influence of every text. It is biased upwards, more so for fewer molecules. NaN for fewer than two on
        either side.
    """
    ours, theirs = samples.valid, reals.valid
    if min(len(ours), len(theirs)) < 2:
        return Score(math.nan, np.empty(0), note="fewer than two valid molecules")
    score = frechet(net.features(ours), net.features(theirs))
    # Only valid ones count, so each of them weighs more; one that is not leaves the mean as it is.
    influence = np.zeros(len(samples.smiles))
    influence[samples.is_valid > 0] = (score.each - score.each.mean()) * len(influence) / len(ours)
    return replace(score, each=influence)
