"""The device on which nets run, and how it multiplies."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from bgan_text.errors import UserError


def choose_device(name: str | torch.device) -> torch.device:
    """The device of that name; 'auto' is the first GPU, or else the CPU.

    Raises:
        UserError: there is no such device here.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    if isinstance(name, torch.device):
        return name
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    match = re.fullmatch(r"cpu|cuda(?::(\d{1,3}))?", name)
    if match is None:
        raise UserError(f"`device` {name!r}: choose auto, cpu, cuda or cuda:N")
    count = torch.cuda.device_count()
    if name != "cpu" and int(match.group(1) or 0) >= count:
        raise UserError(
            f"`device` {name!r}: this machine has {count} CUDA devices; bgan-text doctor says what is there"
        )
    return torch.device(name)


@contextmanager
def float32_products(precision: str, device: torch.device) -> Iterator[None]:
    """How a GPU multiplies float32 numbers within: in full with the precision float32, else in TF32.

    The settings are those of the process, so they are put back at the end. A process that has set them by the
    newer `fp32_precision` of torch keeps what it has set.
    """
    if device.type != "cuda":
        yield
        return
    try:
        before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    except RuntimeError:  # torch refuses to mix its two kinds of settings
        yield
        return
    fast = precision != "float32"
    try:
        torch.set_float32_matmul_precision("high" if fast else "highest")
        torch.backends.cudnn.allow_tf32 = fast
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]
