"""Validity, uniqueness and novelty of molecules, by RDKit, for `bgan-text score --judge` and for Python.

    pip install -c constraints.txt '.[molecules]'    # in a clone
    bgan-text score runs/smiles --judge 'validity:higher=python judge.py validity' \\
        --judge 'uniqueness:higher=python judge.py uniqueness' \\
        --judge 'novelty:higher=python judge.py novelty data/smiles'

As in MOSES (Polykovskiy et al. 2020), two molecules are the same if their canonical SMILES are. Validity is a
share of all samples, uniqueness of the valid ones, and novelty of the valid ones without repetitions. Samples
that do not count are not rated: their number is nan.
"""

import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from rdkit import Chem, RDLogger

RDLogger.DisableLog("rdApp.*")  # it explains every string that is no molecule


def canonical(smiles: str) -> str | None:
    """The canonical SMILES of a molecule; None if it is none."""
    molecule = Chem.MolFromSmiles(smiles.strip()) if smiles.strip() else None
    return None if molecule is None else Chem.MolToSmiles(molecule)


def validity(samples: Iterable[str]) -> list[float]:
    """1 for a molecule, 0 for a string that is none."""
    return [float(canonical(sample) is not None) for sample in samples]


def uniqueness(samples: Iterable[str]) -> list[float]:
    """1 over the number of times that a molecule occurs, so that the mean is the share of different ones."""
    molecules = [canonical(sample) for sample in samples]
    times = Counter(molecules)
    return [math.nan if molecule is None else 1.0 / times[molecule] for molecule in molecules]


def novelty(samples: Iterable[str], training: Iterable[str]) -> list[float]:
    """1 for a molecule that is not in the training set, 0 for one that is; nan where it is repeated."""
    known, seen, found = set(map(canonical, training)), {None}, []
    for molecule in map(canonical, samples):
        found.append(math.nan if molecule in seen else float(molecule not in known))
        seen.add(molecule)
    return found


def molecules_of(path: Path) -> Iterator[str]:
    """Training molecules: of a dataset directory, or the lines of a text file."""
    if path.is_dir():
        from bgan_text import DatasetDirectory

        yield from DatasetDirectory(path).stream("train")
    else:
        with path.open(encoding="utf-8") as file:
            yield from file


if __name__ == "__main__":
    kinds = {"validity": validity, "uniqueness": uniqueness}
    name, *training = sys.argv[1:] or [""]
    samples = list(sys.stdin)
    if name == "novelty" and len(training) == 1:
        numbers = novelty(samples, molecules_of(Path(training[0])))
    elif name in kinds and not training:
        numbers = kinds[name](samples)
    else:
        sys.exit("validity, uniqueness, or novelty with a dataset directory or a file was expected")
    print(*numbers, sep="\n")
