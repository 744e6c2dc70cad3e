"""How several processes train one run: process 0 leads, and the others follow it step by step.

Process 0 makes the run folder, validates, saves, writes metrics, calls callbacks, and decides before each
step how far the run is, and so whether there is another one. The others take part in the steps alone.
"""

from pathlib import Path

import torch

from bgan_text.config import Config
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.errors import UserError
from bgan_text.group import Group
from bgan_text.training.data import training_batches
from bgan_text.training.run import RunFolder
from bgan_text.training.state import CustomParts, State
from bgan_text.training.trainer import train


def refuse_uneven(config: Config, group: Group) -> None:
    """Raise a `UserError` unless each process gets the same number of rows of a batch."""
    if config.batch % group.size:
        fits = max(group.size, config.batch // group.size * group.size)
        raise UserError(
            f"`batch` {config.batch} cannot be shared equally by {group.size} processes: `batch` {fits} can"
        )


def lead(run: RunFolder, dataset: DatasetDirectory, state: State) -> None:
    """Tell the other processes what is trained, and from which state."""
    if state.group.size > 1:
        state.group.told((run.folder.resolve(), dataset.folder.resolve(), run.config))
        _agree(run.folder, state)


def follow(group: Group, device: torch.device, parts: CustomParts) -> None:
    """Take part in the training of process 0 to its end. It is called in all processes but that one.

    Args:
        group: the processes.
        device: where this one trains.
        parts: the user's own, those that process 0 trains with.

    Raises:
        UserError: this process cannot read the run or its data, or process 0 has ended without notice.
    """
    told: tuple[Path, Path, Config] = group.told(None)
    folder, data, config = told
    run, dataset = RunFolder(folder, parts), DatasetDirectory(data)
    run.config = config
    state, _ = run.state(device, group)
    _agree(folder, state)
    batches = training_batches(dataset, run.space, config, device, group)
    for _ in train(state, config, batches, lambda state: 0.0):
        pass


@torch.no_grad()
def _agree(folder: Path, state: State) -> None:
    """Start all processes from the weights of process 0, whatever a net of the user's begins with."""
    group = state.group
    step = int(group.decided(state.step))
    if step != state.step:
        raise UserError(
            f"{folder}: process 0 goes on from step {step}, process {group.rank} from {state.step}"
        )
    for net in (state.generator, state.average, state.discriminator):
        for tensor in net.state_dict().values():
            tensor.copy_(group.copied(tensor))
