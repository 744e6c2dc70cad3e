"""Fréchet and kernel Inception distance of images.

The network is that of the library torch-fidelity, which repeats the original one of TensorFlow. It is an
optional dependency, imported only when the network is loaded.
"""

import hashlib
import math
import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.request import urlopen

import torch
from torch import Tensor, nn

from bgan_text.errors import UserError, needs_extra, reason_of
from bgan_text.scores.embedding import Embeddings, matrices
from bgan_text.scores.score import Score
from bgan_text.scores.uncertainty import jackknife

LAYER = "2048"
"""The features: the last pooling layer."""
SECONDS = 10.0
"""Timeout of the first answer of the server of the weights."""
KERNEL_BLOCK = 1 << 20
"""Number of kernel values that are computed at a time: 8 MiB in float64."""


def load_inception(weights: Path | str | None = None, device: torch.device | str = "cpu") -> nn.Module:
    """Load the Inception network of FID.

    Args:
        weights: File of its weights, in the form of torch-fidelity. By default they are downloaded to the
            cache of torch.hub at the first use.
        device: Device of the network.

    Returns:
        A network from (B, 3, height, width) uint8 images to (B, 2048) features.

    Raises:
        UserError: The library is not installed, or the weights cannot be downloaded or loaded.
    """
    library = _library()
    path = _downloaded(library.URL_INCEPTION_V3) if weights is None else Path(weights)
    try:
        torch.load(path, map_location="cpu", weights_only=True)  # the library would run code of the file
        with torch.random.fork_rng(devices=[]):
            network = library.FeatureExtractorInceptionV3(
                "inception", [LAYER], feature_extractor_weights_path=str(path)
            )
    except Exception as error:  # the type depends on what is wrong with the file
        reason = reason_of(error).rstrip(".:")
        raise UserError(
            f"`fid` {path}: weights of torch-fidelity's Inception network are expected ({reason})"
        ) from error
    return _First(network).to(device)


class _First(nn.Module):
    """The first of the features that a network gives."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.network(images)[0]
        return features


@cache
def _library() -> Any:
    """The module of the network alone.

    The package itself would import torchvision, which is not needed, and of which many builds do not fit the
    torch that is installed.
    """
    name = "torch_fidelity"
    try:
        spec = find_spec(name)
    except ValueError:  # it is marked as absent
        spec = None
    if spec is None:
        raise UserError(needs_extra("FID and KID need", "fid"))
    before = {module: sys.modules[module] for module in sys.modules if module.split(".")[0] == name}
    package = ModuleType(name)
    package.__path__ = list(spec.submodule_search_locations or ())
    sys.modules[name] = package
    try:
        return import_module(f"{name}.feature_extractor_inceptionv3")
    finally:
        for module in [module for module in sys.modules if module.split(".")[0] == name]:
            del sys.modules[module]
        sys.modules.update(before)


def _downloaded(url: str) -> Path:
    """The file of the weights in the cache of torch.hub. Its name ends with digits of its SHA-256."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    if path.exists():
        return path
    try:
        urlopen(url, timeout=SECONDS).close()
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), path.stem.rpartition("-")[2], progress=False)
    except Exception as error:  # no network, no such file, another hash, a full disk: no common base class
        reason = reason_of(error).rstrip(".:")
        raise UserError(
            f"the weights of the Inception network cannot be downloaded ({reason}): save {url} as "
            f"{path}, or name the file with `fid`"
        ) from error
    return path


def digest_of(network: nn.Module) -> str:
    """The first digits of the SHA-256 of the weights of a network."""
    digest = hashlib.sha256()
    for value in network.state_dict().values():
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:12]


def kernel_distance(samples: Embeddings, reals: Embeddings) -> Score:
    """Kernel Inception distance (Bińkowski et al. 2018, section 4), of features.

    The unbiased estimate of the squared maximum mean discrepancy with the kernel (x'y / D + 1)^3, of all rows
    together. Libraries give the mean over random subsets: the same expectation with a larger variance.

    Args:
        samples: (S, D) features, see `bgan_text.scores.embedding`.
        reals: (R, D) features.

    Returns:
        A score, lower if samples resemble real images; it may be below 0. `each` (S,) are jackknife
        pseudo-values. NaN for fewer than two rows on either side.

    Raises:
        ValueError: If an array is invalid or the widths differ.
    """
    ours, theirs = matrices(samples, reals)
    size, others = len(ours), len(theirs)
    if min(size, others) < 2:
        return Score(math.nan, torch.empty(0).numpy())
    within, across = _kernel_sums(ours, ours, own=True), _kernel_sums(ours, theirs)
    among_reals = float(_kernel_sums(theirs, theirs, own=True).sum()) / (others * (others - 1))
    value = float(within.sum()) / (size * (size - 1)) - 2 * float(across.sum()) / (size * others)
    if size == 2:
        return Score(value + among_reals, torch.full((size,), math.nan).double().numpy())
    without = (within.sum() - 2 * within) / ((size - 1) * (size - 2))
    without = without - 2 * (across.sum() - across) / ((size - 1) * others) + among_reals
    return Score(value + among_reals, jackknife(value + among_reals, without.cpu().numpy()))


def _kernel_sums(rows: Tensor, others: Tensor, *, own: bool = False) -> Tensor:
    """(A, D), (B, D) -> (A,) sums of the kernel over `others`; without that of a row and itself if `own`."""
    width = rows.shape[1]
    sums = rows.new_empty(len(rows))
    step = max(1, KERNEL_BLOCK // len(others))
    for block, part in zip(rows.split(step), sums.split(step), strict=True):
        part.copy_((block @ others.T / width + 1).pow(3).sum(dim=1))
    return sums - (rows.square().sum(dim=1) / width + 1).pow(3) if own else sums
