"""Reads the pickles of CIFAR-10, which hold dictionaries, lists, bytes and arrays of numbers, and no others.

A pickle is a program. This one may load nothing but what makes arrays, which are made here and not by numpy,
and cannot ask for more memory or time than its own size explains.
"""

import io
import math
import pickle
import pickletools
from typing import Any

import numpy as np

MOST_BYTES = 2**26
"""Bytes of a pickle. A batch of CIFAR-10 has 31 million."""
MOST_OPERATIONS = 1_000_000
"""Steps of a pickle; each can make an object of 64 bytes and more. A batch of CIFAR-10 has 60,000."""
MOST_TUPLES = 1000
"""Tuples that are made: deep ones, as keys, would overflow the stack of the interpreter."""
LONGEST_CODE = 10
"""Characters of the code of a type of numbers, such as u1."""
EMPTY = (0,)
"""The shape in which numpy's pickles make an array; its state gives it another."""


class _Class:
    """Stands for numpy's array where a pickle names it. It cannot be called, and so makes none."""

    __slots__ = ()


class _Type:
    """A type of numbers, without numpy's own way to restore one."""

    def __init__(self, code: Any, *_: Any) -> None:
        code = _text(code)
        dtype = np.dtype(code) if len(code) < LONGEST_CODE else None
        if dtype is None or dtype.kind not in "biuf":
            raise pickle.UnpicklingError(f"it has an array of type {code!r:.40}: numbers were expected")
        self.dtype = dtype

    def __setstate__(self, state: Any) -> None:
        order = _text(state[1]) if isinstance(state, tuple) and len(state) > 1 else None
        if order not in ("<", ">", "|", "="):
            raise pickle.UnpicklingError("it has a type of numbers that numpy's pickles do not have")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """An array that its state has yet to fill."""

    array: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise pickle.UnpicklingError("it has an array without a state")
        _, shape, kind, fortran, content = state
        sizes = isinstance(shape, tuple) and all(type(size) is int and size >= 0 for size in shape)
        if not sizes or not isinstance(kind, _Type) or not isinstance(content, bytes):
            raise pickle.UnpicklingError("it has an array of something else than numbers")
        if math.prod(shape) * kind.dtype.itemsize != len(content):
            raise pickle.UnpicklingError(f"it has an array of shape {shape} in {len(content):,} bytes")
        self.array = np.frombuffer(content, kind.dtype).reshape(shape, order="F" if fortran else "C")


def _text(value: Any) -> str:
    """A text of Python 3, or of Python 2, which is read as bytes."""
    if not isinstance(value, str | bytes):
        raise pickle.UnpicklingError("it has a type of numbers without a name")
    return value if isinstance(value, str) else value.decode("latin-1")


def _reconstruct(kind: Any, shape: Any, code: Any) -> _Array:
    if kind is not _ARRAY or shape != EMPTY:
        raise pickle.UnpicklingError("it makes an array in a way that numpy's pickles do not")
    return _Array()


_ARRAY = _Class()
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _ARRAY,
    ("numpy", "dtype"): _Type,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it wants to load {module}.{name}"[:100])
        return ALLOWED[module, name]


def read_numbers(content: bytes) -> Any:
    """The value of a pickle; texts of Python 2 are bytes. Arrays are values of a dictionary, or the value.

    Raises:
        pickle.UnpicklingError: it is too large or has too many steps, names something else, or refers to
            places that a pickle of its size does not have.
        EOFError, ValueError, TypeError, AttributeError, KeyError, IndexError: it is damaged.

    Example:
        >>> read_numbers(pickle.dumps({b"labels": [1, 2]}))
        {b'labels': [1, 2]}
    """
    if len(content) > MOST_BYTES:
        raise pickle.UnpicklingError(f"it has more than the {MOST_BYTES:,} bytes that were expected")
    tuples = 0
    for step, (operation, value, _) in enumerate(pickletools.genops(content)):  # it checks promised lengths
        if "PUT" in operation.name and isinstance(value, int) and value > len(content):
            raise pickle.UnpicklingError(f"it notes place {value} in {len(content):,} bytes")
        tuples += operation.name.startswith("TUPLE")
        if step >= MOST_OPERATIONS or tuples > MOST_TUPLES:
            raise pickle.UnpicklingError(
                f"it has more than {MOST_OPERATIONS:,} steps or {MOST_TUPLES:,} tuples"
            )
    value = _Unpickler(io.BytesIO(content), encoding="bytes").load()
    if isinstance(value, dict):
        return {key: _array_of(item) for key, item in value.items()}
    return _array_of(value)


def _array_of(value: Any) -> Any:
    return value.array if isinstance(value, _Array) else value
