"""The classes of images, checked wherever they come from."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bgan_text.errors import UserError, reason_of, shortened, shown

LARGEST_LABEL = 2**31 - 1
EXPECTED = f"a whole number from 0 to {LARGEST_LABEL} at most was expected"


def check_labels_fit(name: str, count: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise a `UserError` unless there is an integer for each of `count` images."""
    if shape != (count,) or dtype.kind not in "iu":
        raise UserError(
            f"{name} has {count:,} images and labels of shape {shortened(str(shape))} and type {dtype}: an "
            "integer for each was expected"
        )


def check_labels(name: str, labels: NDArray[Any]) -> None:
    """Raise a `UserError` if an integer among them is no class."""
    if not labels.size:
        return
    least, most = int(labels.min()), int(labels.max())
    if least < 0 or most > LARGEST_LABEL:
        raise UserError(f"{name} has a label {least if least < 0 else most}: {EXPECTED}")


def label_array(name: str, labels: ArrayLike, count: int) -> NDArray[Any]:
    """Labels that were given as any sequence: (count,) integers.

    Raises:
        UserError: they are others, such as words, None, NaN, 2.5 or True, or there are more or fewer.

    Example:
        >>> label_array("images", [0, 2, 1], 3)
        array([0, 2, 1])
    """
    try:
        array = np.asarray(labels)
    except (ValueError, TypeError, OverflowError) as error:  # of rows of several lengths
        raise UserError(f"{name} has no row of labels: {reason_of(error)}") from error
    if array.size == 0 == count:
        array = array.astype(np.int64)
    check_labels_fit(name, count, array.shape, array.dtype)
    check_labels(name, array)
    return array


def label_of(name: str, value: Any) -> int:
    """The class of one image.

    Raises:
        UserError: it is no whole number, or none from 0 up.

    Example:
        >>> label_of("images[3]", 7)
        7
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise UserError(f"{name} has a label {shown(value)}: {EXPECTED}")
    check_labels(name, np.array([value], dtype=object))
    return int(value)
