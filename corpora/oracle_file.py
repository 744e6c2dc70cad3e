"""The weights of an oracle in a dataset directory, checked like all that may come from a stranger.

The weights are stored, not only the seed that they came from: normal numbers from a seed may differ between
versions of torch, and in their last digits between processors. The rows would be those of another oracle.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from bgan_text.corpora.dataset_check import ORACLE_FILE, check_blocks
from bgan_text.corpora.oracle import Oracle, shapes_of
from bgan_text.errors import UserError, reason_of
from bgan_text.files import read_bounded, write_atomically


def write_oracle(folder: Path, oracle: Oracle) -> None:
    """Write the weights into a dataset directory. `write_card` adds their digest to the card."""
    write_atomically(folder / ORACLE_FILE, save(oracle.weights()))


def read_oracle(folder: Path, told: Any, vocabulary: int, settings: Mapping[str, Any]) -> Oracle:
    """The oracle of a dataset directory.

    Args:
        folder: the directory.
        told: what its card tells of the file, its size and digests.
        vocabulary: the number of tokens of its space.
        settings: those of the preparation, with the sizes of the LSTM.

    Raises:
        UserError: the file is missing or damaged, or is not what the card tells of.
    """
    path = folder / ORACLE_FILE
    try:
        check_blocks(path, told, thorough=True)
        weights = load(read_bounded(path))
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: the oracle of the data") from error
    except (SafetensorError, ValueError, KeyError) as error:
        raise UserError(f"{path} is damaged: {reason_of(error)}") from error
    sizes = settings["embedding_size"], settings["hidden_size"]
    if (fault := _fault(weights, shapes_of(vocabulary, *sizes))) is not None:
        raise UserError(f"{path} is damaged: {fault}")
    return Oracle.of(weights)


def _fault(weights: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """What is wrong with the weights, if anything is."""
    if weights.keys() != shapes.keys():
        return f"it has tensors of other names than {', '.join(sorted(shapes))}"
    for name, shape in shapes.items():
        weight = weights[name]
        if tuple(weight.shape) != shape or weight.dtype != torch.float32:
            return f"{name} is {tuple(weight.shape)} of {weight.dtype}, expected {shape} of torch.float32"
        if not torch.isfinite(weight).all():
            return f"{name} is not finite"
    return None
