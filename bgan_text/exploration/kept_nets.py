"""A run whose nets stay in memory from one request to the next."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from bgan_text.outputs import is_exported
from bgan_text.training.exported import ExportedRun
from bgan_text.training.run import RunFolder
from bgan_text.training.state import CustomParts

MOST_NETS = 4
"""Nets in memory: generator and discriminator of two checkpoints."""


class KeptNets(RunFolder):
    """A run folder that keeps the nets that were used last. Only one thread may use it at a time.

    Args:
        folder: its path.
        parts: the user's own.

    Raises:
        UserError: the folder holds no run, or a damaged one.
    """

    def __init__(self, folder: Path, parts: CustomParts) -> None:
        super().__init__(folder, parts)
        self._nets: OrderedDict[tuple[object, ...], nn.Module] = OrderedDict()

    def generator(
        self, device: torch.device, *, step: int | str | None = None, average: bool = True
    ) -> nn.Module:
        load = super().generator
        return self._kept(("generator", average), step, lambda at: load(device, step=at, average=average))

    def discriminator(self, device: torch.device, *, step: int | str | None = None) -> nn.Module:
        load = super().discriminator
        return self._kept(("discriminator",), step, lambda at: load(device, step=at))

    def _kept(
        self, kind: tuple[object, ...], step: int | str | None, load: Callable[[int], nn.Module]
    ) -> nn.Module:
        at = self.pinned(step)
        path = self.checkpoints()[at]  # `load` refuses one that an exported model has lost
        written = path.stat().st_mtime_ns if path.exists() else None  # a training may write a step again
        key = (*kind, at, written)
        net = self._nets.pop(key, None)
        if net is None:
            while len(self._nets) >= MOST_NETS:
                self._nets.popitem(last=False)
            net = load(at)
        self._nets[key] = net
        return net


class KeptExport(KeptNets, ExportedRun):
    """An exported model that keeps the nets that were used last."""


def kept_nets(folder: Path, parts: CustomParts) -> KeptNets:
    """The run folder or exported model in a folder, with nets that stay in memory.

    Raises:
        UserError: it is neither, or damaged.
    """
    return KeptExport(folder, parts) if is_exported(folder) else KeptNets(folder, parts)
