"""Whether a checkpoint is whole and fits the settings of its run, told before its tensors are used.

A file may come from a stranger. Fused Adam writes past the end of moments that are too small, and nets of
absurd sizes fill the memory, so names, shapes and types are compared with nets on torch's meta device, which
have no memory, before one is built.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.files import decoded
from bgan_text.initialisation import without_memory
from bgan_text.models.build import build_nets
from bgan_text.objectives.weights import RunningStatistics
from bgan_text.records import Digest, Text, converted
from bgan_text.space import Space
from bgan_text.training.run_records import Header
from bgan_text.training.state import score_shape

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What Adam keeps of each parameter."""
PATH_OF_STEP = re.compile(r"checkpoint-0*(\d+)")
LARGEST_RNG = 1 << 16
"""Bytes of the state of a random stream; that of a CPU has 5,056."""


class DamagedCheckpointError(UserError):
    """A checkpoint that cannot be read, or that does not fit the settings of its run."""


@dataclass
class Expected:
    """The tensors that a checkpoint has to have, and those that it may have in groups, by name.

    Only shapes and types of the tensors count, so they may be on the meta device.
    """

    required: dict[str, Tensor]
    groups: list[dict[str, Tensor]] = field(default_factory=list)

    @classmethod
    def of_nets(
        cls, nets: Mapping[str, nn.Module], trained: Iterable[str], running: RunningStatistics
    ) -> "Expected":
        """What a checkpoint of these nets holds.

        Args:
            nets: by the name that their tensors begin with.
            trained: the names of those that have an optimizer. One that made no step has no moments.
            running: the running statistics.
        """
        required = {
            f"{name}.{key}": tensor for name, net in nets.items() for key, tensor in net.state_dict().items()
        }
        required |= {f"running.{name}": tensor for name, tensor in vars(running).items()}
        groups = [
            _moments(f"{name}_optimizer.{key}", parameter)
            for name in trained
            for key, parameter in nets[name].named_parameters()
        ]
        return cls(required, groups)

    @classmethod
    def by_settings(cls, config: Config, space: Space) -> "Expected":
        """What a checkpoint of a run of the package's own nets holds, without their memory."""
        with without_memory():
            generator, discriminator = build_nets(config, space)
            average = nn.Module()
            average.module = generator
            average.register_buffer("n_averaged", torch.zeros((), dtype=torch.long))
            running = RunningStatistics.fresh(torch.device("meta"), score_shape(config, space))
        nets = {"generator": generator, "average": average, "discriminator": discriminator}
        return cls.of_nets(nets, ("generator", "discriminator"), running)

    def faults(self, found: Mapping[str, tuple[tuple[int, ...], Any]]) -> Iterator[str]:
        """What is wrong with tensors, given by their names as shape and type."""
        known = dict(self.required)
        for group in self.groups:
            if group.keys() & found.keys():
                known |= group
        for name in found.keys() - known.keys() - {"rng"}:
            yield f"it has {name}, which is not expected"
        for name, tensor in known.items():
            if name not in found:
                yield f"{name} is missing"
                continue
            shape, dtype = found[name]
            if shape != tuple(tensor.shape):
                yield f"{name} is {shape}, expected {tuple(tensor.shape)}"
            elif dtype != tensor.dtype:
                yield f"{name} is {dtype}, expected {tensor.dtype}"
        shape, dtype = found.get("rng", ((), torch.uint8))
        if len(shape) != 1 or shape[0] > LARGEST_RNG or dtype != torch.uint8:
            yield f"rng is {shape} of {dtype}: no state of a random stream"


def _moments(prefix: str, parameter: Tensor) -> dict[str, Tensor]:
    step = torch.empty((), dtype=torch.float32, device=parameter.device)
    return {f"{prefix}.{moment}": step if moment == "step" else parameter for moment in MOMENTS}


def digests(tensors: Mapping[str, Tensor], counters: Mapping[str, str]) -> dict[str, str]:
    """SHA-256 of the tensors by the first word of their names, and of the counters as `counters`.

    Each covers names, types, shapes and bytes.
    """
    found = {"counters": hashlib.sha256(repr(sorted(counters.items())).encode())}
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest = found.setdefault(name.partition(".")[0], hashlib.sha256())
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return {part: digest.hexdigest() for part, digest in found.items()}


def check_contents(path: Path, tensors: Mapping[str, Tensor], header: Header, *, whole: bool) -> None:
    """Compare what was read with the digests of the header, and look for NaN.

    Args:
        path: the checkpoint.
        tensors: what was read.
        header: its header.
        whole: whether that is all of it.

    Raises:
        DamagedCheckpointError: a bit has changed, a part is missing, or a number is not finite.
    """
    with _damaged():
        told = decoded(header.sha256.encode(), dict[Text, Digest], f"checkpoint {path}")
    found = digests(tensors, header.counters())
    if whole and told.keys() != found.keys():
        raise DamagedCheckpointError(f"checkpoint {path} is damaged: it lacks parts that were saved")
    for part, digest in found.items():
        if told.get(part) != digest:
            raise DamagedCheckpointError(f"checkpoint {path} is damaged: {part} is not as it was saved")
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise DamagedCheckpointError(f"checkpoint {path} is damaged: {name} is not finite")


def header_of(path: Path, values: Mapping[str, str]) -> Header:
    """The header of a checkpoint.

    Raises:
        DamagedCheckpointError: an entry is missing or out of range, or the step is not that of its name.
    """
    with _damaged():
        header: Header = converted(values, Header, f"checkpoint {path}")
    named = PATH_OF_STEP.fullmatch(path.stem)
    if named is not None and int(named[1]) != int(header.step):
        raise DamagedCheckpointError(f"checkpoint {path} is damaged: step: it is {header.step}")
    return header


@contextmanager
def _damaged() -> Iterator[None]:
    try:
        yield
    except UserError as error:
        raise DamagedCheckpointError(str(error)) from error
