"""A training state as one safetensors file: tensors by name, counters in its JSON header.

Nothing is pickled, so a file from a stranger can be read safely. A file is written under another name,
flushed to disk and renamed, so a checkpoint is never incomplete.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from bgan_text.config import Config
from bgan_text.errors import UserError, reason_of
from bgan_text.files import write_atomically
from bgan_text.initialisation import seeded_initialisation
from bgan_text.models.build import Builder, build_discriminator, build_generator
from bgan_text.space import Space
from bgan_text.training.state import State

MOMENTS = ("step", "exp_avg", "exp_avg_sq")


class DamagedCheckpointError(UserError):
    """A checkpoint that cannot be read, or that does not fit the settings of its run."""


def save_checkpoint(path: Path, state: State) -> None:
    """Write the whole training state to `path`, atomically.

    Raises:
        UserError: a number in it is not finite; nothing is then written.
    """
    tensors = _tensors(state)
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise UserError(f"{name} is not finite after step {state.step}: {path} was not written")
    header = {
        "format": "bgan-text",
        "step": str(state.step),
        "elapsed": repr(state.elapsed),
        "device": state.device.type,
    }
    write_atomically(path, save(tensors, header))


def load_checkpoint(path: Path, state: State) -> str:
    """Fill `state`, made fresh from the run's settings, with the checkpoint at `path`.

    The state of a random stream depends on the kind of device. A run that moves to another kind starts a new
    stream, which follows from its seed and step.

    Returns:
        The kind of device on which the checkpoint was written.

    Raises:
        UserError: the file is damaged, or does not fit the nets of `state`.
    """
    tensors, header = _read(path, state.device)
    try:
        for name, tensor in _weights(state).items():
            if tensors[name].shape != tensor.shape:
                raise DamagedCheckpointError(
                    f"{path} does not fit the run's settings: {name} is {tuple(tensors[name].shape)}, "
                    f"expected {tuple(tensor.shape)}"
                )
        for name, net in _nets(state):
            net.load_state_dict(_below(tensors, name))
        for name, optimizer, net in state.optimizers():
            _load_moments(optimizer, net, _below(tensors, f"{name}_optimizer"))
        for name in vars(state.running):
            setattr(state.running, name, tensors[f"running.{name}"].clone())
        state.step, state.elapsed = int(header["step"]), float(header["elapsed"])
        if header["device"] == state.device.type:
            state.rng.set_state(tensors["rng"].cpu())
        else:
            state.rng.manual_seed(state.rng.initial_seed() + state.step)
        return header["device"]
    except (KeyError, RuntimeError, ValueError) as error:
        raise DamagedCheckpointError(f"{path} does not fit the run's settings: {reason_of(error)}") from error


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
    tensors, _ = _read(path, device, f"{prefix}.")
    with seeded_initialisation(seed):  # its weights are replaced, but must not move the caller's stream
        net = build().to(device)
    try:
        net.load_state_dict(_below(tensors, prefix))
    except RuntimeError as error:
        raise DamagedCheckpointError(f"{path} does not fit the run's settings: {reason_of(error)}") from error
    return net.eval().requires_grad_(False)


def _read(path: Path, device: torch.device, prefix: str = "") -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys() if name.startswith(prefix)}  # noqa: SIM118
    except FileNotFoundError as error:
        raise UserError(f"there is no checkpoint {path}") from error
    except SafetensorError as error:
        raise DamagedCheckpointError(f"checkpoint {path} is damaged or cut short: {error}") from error
    if header.get("format") != "bgan-text":
        raise DamagedCheckpointError(f"{path} is not a checkpoint of bgan-text")
    return tensors, header


def _nets(state: State) -> list[tuple[str, nn.Module]]:
    return [
        ("generator", state.generator),
        ("average", state.average),
        ("discriminator", state.discriminator),
    ]


def _weights(state: State) -> dict[str, Tensor]:
    """What every checkpoint of these nets holds, with these shapes."""
    tensors = {
        f"{name}.{key}": tensor for name, net in _nets(state) for key, tensor in net.state_dict().items()
    }
    return tensors | {f"running.{name}": tensor for name, tensor in vars(state.running).items()}


def _tensors(state: State) -> dict[str, Tensor]:
    """All tensors of a checkpoint. An optimizer that made no step has no moments yet."""
    tensors = _weights(state) | {"rng": state.rng.get_state()}
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
