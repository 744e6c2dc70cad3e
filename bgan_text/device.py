"""Which device a command runs on."""

import re

import torch

from bgan_text.errors import UserError


def choose_device(name: str) -> torch.device:
    """The device called `name`; 'auto' is the first GPU, or the processor."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    match = re.fullmatch(r"cpu|cuda(?::(\d{1,3}))?", name)
    if match is None:
        raise UserError(f"--device {name!r}: choose auto, cpu, cuda or cuda:N")
    count = torch.cuda.device_count()
    if name != "cpu" and int(match.group(1) or 0) >= count:
        raise UserError(f"--device {name!r}: {count} CUDA devices are here")
    return torch.device(name)
