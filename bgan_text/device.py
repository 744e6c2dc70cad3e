"""The device on which nets run."""

import re

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
        raise UserError(f"`device` {name!r}: this machine has {count} CUDA devices")
    return torch.device(name)
