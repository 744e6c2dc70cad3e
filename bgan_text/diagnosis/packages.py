"""Which packages are installed, and which extras are missing."""

import importlib.metadata
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from packaging.requirements import Requirement

from bgan_text import __version__
from bgan_text.diagnosis.problem import Problem

NAME = "bgan-text"
EXTRAS = {
    "embed": "scores from sentence embeddings (score --embed)",
    "mauve": "MAUVE (score --mauve), GPL-3",
    "perplexity": "scores by a causal language model (score --perplexity)",
    "molecules": "validity and Fréchet ChemNet distance of SMILES (score --molecules)",
    "tensorboard": "a training in TensorBoard (train --tensorboard)",
    "wandb": "a training in Weights & Biases (train --wandb)",
    "fid": "FID and KID by Inception (score --fid inception)",
}
"""What the extras are for."""
FOR_DEVELOPERS = ("docs", "test")


@dataclass(frozen=True)
class Extra:
    """An extra of the package.

    Attributes:
        name: as in `pip install '.[NAME]'`.
        purpose: what it is for.
        missing: the requirements that are not met.
    """

    name: str
    purpose: str
    missing: tuple[str, ...]

    @property
    def installation(self) -> str:
        """The command that installs it, in a clone."""
        return install(f".[{self.name}]")


def install(what: str) -> str:
    """The command that installs from a clone with the tested versions.

    Example:
        >>> install(".[embed]")
        "pip install -c constraints.txt '.[embed]'"
    """
    return f"pip install -c constraints.txt {what if what == '.' else repr(what)}"


def versions() -> dict[str, str | None]:
    """The versions of Python, of this package and of what it needs; None for what is not installed.

    Example:
        >>> list(versions())[:3]
        ['bgan-text', 'python', 'torch']
    """
    needed = [requirement.name for requirement in requirements(None)]
    python = ".".join(map(str, sys.version_info[:3]))
    return {NAME: __version__, "python": python, **{name: version_of(name) for name in needed}}


def version_of(package: str) -> str | None:
    """The version of an installed package; None if there is none."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def requirements(extra: str | None) -> list[Requirement]:
    """What the package needs, or what one of its extras needs beside that, as its metadata say.

    An extra that takes in another one has the requirements of both.
    """
    try:
        declared = [Requirement(line) for line in importlib.metadata.requires(NAME) or ()]
    except importlib.metadata.PackageNotFoundError:  # it runs from a folder that was never installed
        return []
    if extra is None:
        return [one for one in declared if one.marker is None or one.marker.evaluate({"extra": ""})]
    found = []
    for one in declared:
        if (
            one.marker is None
            or one.marker.evaluate({"extra": ""})
            or not one.marker.evaluate({"extra": extra})
        ):
            continue
        found += (
            [two for other in sorted(one.extras) for two in requirements(other)]
            if one.name == NAME
            else [one]
        )
    return found


def unmet(needed: Iterable[Requirement]) -> list[str]:
    """The requirements that no installed version meets, each with what there is.

    Example:
        >>> unmet([Requirement("torch>=1"), Requirement("torch>=99"), Requirement("no-such-package")])[1]
        'no-such-package'
    """
    found = []
    for one in needed:
        version = version_of(one.name)
        if version is None:
            found.append(one.name)
        elif not one.specifier.contains(version, prereleases=True):
            found.append(f"{one.name} {version}, and {one.specifier} is needed")
    return found


def extras() -> list[Extra]:
    """The extras, and what is missing of each."""
    try:
        declared = importlib.metadata.metadata(NAME).get_all("Provides-Extra") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    names = [name for name in declared if name not in FOR_DEVELOPERS]
    return [Extra(name, EXTRAS.get(name, ""), tuple(unmet(requirements(name)))) for name in names]


def package_problems(failed: ImportError | None = None) -> list[Problem]:
    """What is missing of the packages that are always needed.

    Args:
        failed: an import that has failed, for a package that is there and does not work.
    """
    lacking = unmet(requirements(None))
    if lacking:
        return [Problem(f"packages are missing or too old: {'; '.join(lacking)}", install("."), broken=True)]
    if failed is not None:
        return [
            Problem(
                f"a package cannot be imported: {failed}", f"{install('.')} --force-reinstall", broken=True
            )
        ]
    return []
