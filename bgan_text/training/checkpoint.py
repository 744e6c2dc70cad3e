"""A training state as one safetensors file: tensors by name, counters in its JSON header.

Nothing is pickled, so a file from a stranger can be read safely. A file is written under another name,
flushed to disk and renamed, so a checkpoint is never incomplete.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from bgan_text.config import Config
from bgan_text.errors import UserError, reason_of
from bgan_text.files import write_atomically
from bgan_text.initialisation import seeded_initialisation
from bgan_text.models.build import Builder, build_discriminator, build_generator
from bgan_text.out_of_memory import out_of_memory
from bgan_text.space import Space
from bgan_text.training.checkpoint_check import (
    MOMENTS,
    DamagedCheckpointError,
    Expected,
    check_contents,
    digests,
    header_of,
)
from bgan_text.training.run_records import NO_LINE, Header
from bgan_text.training.state import State

TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "U8": torch.uint8,
}
"""The types of tensors by the names of safetensors. No checkpoint has others."""


BUILDING = ("while the nets of the run are built", "they need a machine with more of it")


def save_checkpoint(path: Path, state: State, log: str = NO_LINE) -> None:
    """Write the whole training state to `path`, atomically.

    Args:
        path: the file.
        state: the training state.
        log: the check of the last line of the run's metrics.

    Raises:
        UserError: a number in it is not finite; nothing is then written.
    """
    tensors = _tensors(state)
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise UserError(f"{name} is not finite after step {state.step}: {path} was not written")
    counters = {"step": str(state.step), "elapsed": repr(state.elapsed), "device": state.device.type}
    counters["log"] = log
    told = json.dumps(digests(tensors, counters))
    write_atomically(path, save(tensors, {"format": "bgan-text", **counters, "sha256": told}))


def load_checkpoint(path: Path, state: State) -> str:
    """Fill `state`, made fresh from the run's settings, with the checkpoint at `path`.

    The state of a random stream depends on the kind of device. A run that moves to another kind starts a new
    stream, which follows from its seed and step.

    Returns:
        The kind of device on which the checkpoint was written.

    Raises:
        UserError: the file is damaged, or does not fit the nets of `state`.
    """
    nets = dict(_nets(state))
    expected = Expected.of_nets(nets, ("generator", "discriminator"), state.running)
    tensors, counters = _read(path, state.device, expected)
    try:
        for name, net in nets.items():
            net.load_state_dict(_below(tensors, name))
        for name, optimizer, net in state.optimizers():
            _load_moments(optimizer, net, _below(tensors, f"{name}_optimizer"))
        for name in vars(state.running):
            setattr(state.running, name, tensors[f"running.{name}"].clone())
        state.step, state.elapsed = int(counters["step"]), float(counters["elapsed"])
        if counters["device"] == state.device.type:
            state.rng.set_state(tensors["rng"].cpu())
        else:
            state.rng.manual_seed(state.rng.initial_seed() + state.step)
        return counters["device"]
    except RuntimeError as error:  # of the state of a random stream
        raise DamagedCheckpointError(f"{path} does not fit the run's settings: {reason_of(error)}") from error


def refuse_misfit(path: Path, config: Config, space: Space) -> None:
    """Refuse a checkpoint that cannot be one of nets of the package with these settings.

    Nothing of their size is built or read.

    Raises:
        UserError: it is damaged, or its tensors have other names, shapes or types.
    """
    with _opened(path, torch.device("cpu")) as (file, _):
        _compare(path, file, Expected.by_settings(config, space))


def check_checkpoint(path: Path, config: Config | None, space: Space | None) -> None:
    """Check all of a checkpoint: its header, names, shapes and types, every digest and every number.

    Args:
        path: the checkpoint.
        config: the settings of the run; None leaves out names, shapes and types, as for nets of the user's.
        space: what the run generates.

    Raises:
        UserError: something is wrong.
    """
    expected = None
    if config is not None and space is not None:
        expected = Expected.by_settings(config, space)
    _read(path, torch.device("cpu"), expected)


def read_header(path: Path) -> Header:
    """The header of a checkpoint: its step, its training time, its device and its log, as text.

    Raises:
        UserError: it is damaged, or there is none.
    """
    with _opened(path, torch.device("cpu")) as (_, header):
        check_contents(path, {}, header, whole=False)
        return header


def read_tensors(path: Path, prefix: str, known: tuple[Config, Space] | None) -> dict[str, Tensor]:
    """The tensors of a net of a checkpoint by their names in it, without building the net.

    Args:
        path: the checkpoint.
        prefix: what their names begin with in the file: "average.module", "generator" or "discriminator".
        known: the settings and the space of the run, with which names, shapes and types are compared; None
            for nets of the user's.

    Raises:
        UserError: the file is damaged, does not fit the settings, or holds no such net.
    """
    if known is not None:
        refuse_misfit(path, *known)
    tensors, _ = _read(path, torch.device("cpu"), part=prefix.partition(".")[0])
    if not (found := _below(tensors, prefix)):
        raise DamagedCheckpointError(f"{path} is damaged: it has no {prefix}")
    return found


def load_generator(
    path: Path,
    config: Config,
    space: Space,
    device: torch.device,
    *,
    average: bool,
    custom: Builder | None = None,
) -> nn.Module:
    """The generator of a checkpoint alone, in evaluation mode.

    Args:
        path: the checkpoint.
        config: the settings of the run.
        space: what it generates.
        device: where to put it.
        average: the moving average of the weights, or the weights of the last step.
        custom: the user's own class, where the settings name one.

    Raises:
        UserError: the file is damaged, or does not fit the settings.
    """
    prefix = "average.module" if average else "generator"
    return _load_net(path, prefix, lambda: build_generator(config, space, custom), config.seed, device)


def load_discriminator(
    path: Path, config: Config, space: Space, device: torch.device, custom: Builder | None = None
) -> nn.Module:
    """The discriminator of a checkpoint alone, in evaluation mode; arguments as of `load_generator`."""
    return _load_net(
        path, "discriminator", lambda: build_discriminator(config, space, custom), config.seed, device
    )


def _load_net(
    path: Path, prefix: str, build: Callable[[], nn.Module], seed: int, device: torch.device
) -> nn.Module:
    # Its weights are replaced, but must not move the caller's stream.
    with out_of_memory(*BUILDING), seeded_initialisation(seed):
        net = build().to(device)
    part = prefix.partition(".")[0]
    tensors, _ = _read(path, device, part=part)
    try:
        net.load_state_dict(_below(tensors, prefix))
    except RuntimeError as error:
        raise DamagedCheckpointError(f"{path} does not fit the run's settings: {reason_of(error)}") from error
    return net.eval().requires_grad_(False)


def _read(
    path: Path, device: torch.device, expected: Expected | None = None, part: str = ""
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors whose names begin with `part`, and the counters, after all checks."""
    with _opened(path, device) as (file, header):
        if expected is not None:
            _compare(path, file, expected)
        names = [name for name in file.keys() if not part or name.startswith(f"{part}.")]  # noqa: SIM118
        with out_of_memory(f"while {path} is read", "its nets need a machine with more of it"):
            tensors = {name: file.get_tensor(name) for name in names}
    check_contents(path, tensors, header, whole=not part)
    return tensors, header.counters()


@contextmanager
def _opened(path: Path, device: torch.device) -> Iterator[tuple[Any, Header]]:
    try:
        if not path.is_file() and path.exists():  # a pipe or a device may have no end
            raise DamagedCheckpointError(f"checkpoint {path} cannot be read: it is no file")
        with safe_open(path, framework="pt", device=str(device)) as file:
            yield file, header_of(path, file.metadata() or {})
    except FileNotFoundError as error:
        raise UserError(f"there is no checkpoint {path}") from error
    except SafetensorError as error:
        raise DamagedCheckpointError(f"checkpoint {path} is damaged or cut short: {error}") from error
    except OSError as error:  # of safetensors, which takes any file that it cannot open for an absent one
        raise _not_opened(path, error) from error


def _not_opened(path: Path, error: OSError) -> UserError:
    """Why a file cannot be opened, asked again."""
    try:
        path.open("rb").close()
    except FileNotFoundError:
        return UserError(f"there is no checkpoint {path}")
    except OSError as known:
        error = known
    return DamagedCheckpointError(f"checkpoint {path} cannot be read: {error.strerror or reason_of(error)}")


def _compare(path: Path, file: Any, expected: Expected) -> None:
    """Refuse a file whose tensors differ in name, shape or type; they are not read."""
    found = {}
    for name in file.keys():  # noqa: SIM118
        part = file.get_slice(name)
        dtype = part.get_dtype()
        found[name] = (tuple(part.get_shape()), TYPES.get(dtype, dtype))
    fault = next(expected.faults(found), None)
    if fault is not None:
        raise DamagedCheckpointError(f"{path} does not fit the run's settings: {fault}")


def _nets(state: State) -> list[tuple[str, nn.Module]]:
    return [
        ("generator", state.generator),
        ("average", state.average),
        ("discriminator", state.discriminator),
    ]


def _tensors(state: State) -> dict[str, Tensor]:
    """All tensors of a checkpoint. An optimizer that made no step has no moments yet."""
    tensors = Expected.of_nets(dict(_nets(state)), (), state.running).required
    tensors = tensors | {"rng": state.rng.get_state()}
    for name, optimizer, net in state.optimizers():
        for key, parameter in net.named_parameters():
            for moment, tensor in optimizer.state.get(parameter, {}).items():
                tensors[f"{name}_optimizer.{key}.{moment}"] = tensor
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def _below(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    prefix = f"{name}."
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _load_moments(optimizer: torch.optim.Adam, net: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    for key, parameter in net.named_parameters():
        if f"{key}.step" in tensors:
            optimizer.state[parameter] = {moment: tensors[f"{key}.{moment}"].clone() for moment in MOMENTS}
