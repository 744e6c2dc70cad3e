"""Reads the pickles of CIFAR-10, which hold dictionaries, lists, bytes and arrays of numbers, and no others.

A pickle is a program. This one may load nothing but what makes arrays, and cannot ask for more memory than
its own size explains.
"""

import io
import pickle
import pickletools
from typing import Any

import numpy as np

MOST_BYTES = 2**28
"""A batch of CIFAR-10 has 30 million."""
EMPTY = (0,)
"""The shape in which numpy's pickles make an array; its state gives it another."""


class _Array:
    """Stands for numpy's array where a pickle names it. It cannot be called, and so makes none."""


def _reconstruct(kind: Any, shape: Any, code: Any) -> np.ndarray:
    if kind is not _ARRAY or shape != EMPTY:
        raise pickle.UnpicklingError("it makes an array in a way that numpy's pickles do not")
    return np.ndarray(EMPTY, dtype=np.int8)


_ARRAY = _Array()
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _ARRAY,
    ("numpy", "dtype"): np.dtype,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it wants to load {module}.{name}"[:100])
        return ALLOWED[module, name]


def read_numbers(content: bytes) -> Any:
    """The value of a pickle; texts of Python 2 are bytes.

    Raises:
        pickle.UnpicklingError: it is too large, names something else, or refers to places that a pickle of
            its size does not have.
        EOFError, ValueError, TypeError, AttributeError, KeyError, IndexError: it is damaged.

    Example:
        >>> read_numbers(pickle.dumps({b"labels": [1, 2]}))
        {b'labels': [1, 2]}
    """
    if len(content) > MOST_BYTES:
        raise pickle.UnpicklingError(f"it has {len(content):,} bytes, at most {MOST_BYTES:,} were expected")
    for operation, value, _ in pickletools.genops(content):  # reads lengths as promises, and checks them
        if "PUT" in operation.name and isinstance(value, int) and value > len(content):
            raise pickle.UnpicklingError(f"it notes place {value} in {len(content):,} bytes")
    return _Unpickler(io.BytesIO(content), encoding="bytes").load()
