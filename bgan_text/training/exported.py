"""An exported model: the nets of one checkpoint of a run, in the layout of a model of the Hugging Face hub.

    DIR/config.json                 settings, sample space, size and digest of each file
    DIR/model.safetensors           the generator
    DIR/discriminator.safetensors   the discriminator, if the run has one
    DIR/tokenizer.json | tokenizer.model | palette.json
    DIR/samples.png                 of images: a grid of samples
    DIR/README.md                   the model card

It comes from strangers more often than not. Nothing in it is unpickled or executed, sizes and shapes are
compared with those of its settings before a net is built, and digests before its weights are used.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from bgan_text.config import Config
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.errors import UserError, reason_of
from bgan_text.files import refuse_special
from bgan_text.initialisation import seeded_initialisation, without_memory
from bgan_text.models.build import Builder, build_discriminator, build_generator
from bgan_text.out_of_memory import out_of_memory
from bgan_text.outputs import MODEL_CONFIG, is_exported
from bgan_text.records import values_of
from bgan_text.space import Space, space_from_json
from bgan_text.training.checkpoint import BUILDING, TYPES
from bgan_text.training.checkpoint_check import DamagedCheckpointError
from bgan_text.training.exported_record import (
    DISCRIMINATOR_FILE,
    GENERATOR_FILE,
    ModelRecord,
    StoredFile,
    read_record,
)
from bgan_text.training.metrics_log import Row
from bgan_text.training.run import RunFolder
from bgan_text.training.state import CustomParts, refuse_other_parts

BLOCK = 1 << 20
IN_CACHE = re.compile(r"(?:\A|/)models--([^/]+--[^/]+)/snapshots/([0-9a-f]+)/?\Z")
LARGEST_HEADER = 1 << 24
"""Bytes of a file of weights beside its tensors: names and shapes."""


class ExportedRun(RunFolder):
    """An exported model, which is sampled, scored and started from as a run is. It cannot be resumed.

    Args:
        folder: its path. parts: the user's own, those that the settings name. Nothing is imported because
        the settings name it.

    Raises:
        UserError: the folder holds no exported model, a damaged one, or one of another format.
    """

    def __init__(self, folder: Path, parts: CustomParts | None = None) -> None:
        self.folder, self.parts = folder, parts or CustomParts()
        path = folder / MODEL_CONFIG
        self.record = read_record(path)
        self.config, self.space = described_by(self.record, path)
        self.data = {
            "folder": "",
            "corpus": self.record.corpus,
            "signature": self.record.data,
            "tokenizer": self.record.tokenizer,
        }
        self.started_from, self.saved, self.last_line = None, True, None
        refuse_other_parts(folder, self.config, self.parts)

    @property
    def files(self) -> dict[str, StoredFile]:
        """Size and digest by the name of the file."""
        return dict(self.record.files)

    def data_folder(self) -> Path:
        """The dataset directory in data/ that the model was trained on.

        Raises:
            UserError: there is none.
        """
        for card in sorted(Path("data").glob("*/card.json")):
            try:
                if DatasetDirectory(card.parent).signature == self.data["signature"]:
                    return card.parent
            except UserError:  # a damaged one, or of another version
                continue
        raise UserError(
            f"{self.folder} is an exported model, without the data that it was trained on (corpus "
            f"{self.data['corpus']}, signature {self.data['signature']}), which are not in data/ either: "
            "name a dataset directory with `data`"
        )

    def as_origin(self, folder: Path) -> dict[str, Any]:
        """What a run that starts from this one records of it: its name and commit, if it is from the hub."""
        origin = super().as_origin(folder)
        return origin | ({"folder": name} if (name := name_on_hub(self.folder)) else {})

    def checkpoints(self) -> dict[int, Path]:
        return {self.record.step: self.folder / GENERATOR_FILE}

    def metrics(self) -> list[Row]:
        """The validation of the checkpoint, if there was one."""
        values = self.record.metrics
        return [] if values is None else [{"step": self.record.step, "samples": [], **values}]

    def logged(self) -> list[str]:
        return []

    def write_settings(self) -> NoReturn:
        raise UserError(f"{self.folder} is an exported model: it cannot be trained on or written to")

    def generator(
        self, device: torch.device, *, step: int | str | None = None, average: bool = True
    ) -> nn.Module:
        self.pinned(step)
        kept = self.record.weights
        if average != (kept == "average"):
            asked = "average" if average else "last"
            raise UserError(f"`weights` {asked}: {self.folder} was exported with the weights {kept}")
        return self._net(GENERATOR_FILE, build_generator, self.parts.generator, device)

    def discriminator(self, device: torch.device, *, step: int | str | None = None) -> nn.Module:
        self.pinned(step)
        if DISCRIMINATOR_FILE not in self.record.files:
            raise UserError(f"{self.folder} was exported without a discriminator")
        return self._net(DISCRIMINATOR_FILE, build_discriminator, self.parts.discriminator, device)

    def _net(
        self, name: str, build: Callable[..., nn.Module], custom: Builder | None, device: torch.device
    ) -> nn.Module:
        path, told = self.folder / name, self.record.files[name]
        if custom is None:
            # Before a net of its size is built, which may fill the memory.
            refuse_misfit(path, told, _expected(build, self.config, self.space))
        with out_of_memory(*BUILDING), seeded_initialisation(self.config.seed):
            net = build(self.config, self.space, custom).to(device)
        check_file(path, told)
        with out_of_memory(f"while {path} is read", "its nets need a machine with more of it"):
            tensors = _read(path, device)
        try:
            net.load_state_dict(tensors)
        except RuntimeError as error:
            raise DamagedCheckpointError(f"{path} does not fit its settings: {reason_of(error)}") from error
        return net.eval().requires_grad_(False)

    def check_weights(self, name: str) -> None:
        """Check all of a file of weights: names, shapes and types, its digest, and every number.

        Raises:
            UserError: something is wrong.
        """
        path, told = self.folder / name, self.record.files[name]
        if not self.custom_nets:
            build = build_generator if name == GENERATOR_FILE else build_discriminator
            refuse_misfit(path, told, _expected(build, self.config, self.space))
        check_file(path, told)
        _read(path, torch.device("cpu"))


def open_run(folder: Path, parts: CustomParts | None = None) -> RunFolder:
    """A run folder, or an exported model.

    Raises:
        UserError: the folder is neither, or damaged.
    """
    return ExportedRun(folder, parts) if is_exported(folder) else RunFolder(folder, parts)


def name_on_hub(folder: Path) -> str | None:
    """The name and commit of a model in the cache of huggingface_hub; None of another folder.

    Example:
        >>> name_on_hub(Path("models--ann--poems/snapshots/1f0c"))
        'hf:ann/poems@1f0c'
    """
    found = IN_CACHE.search(folder.as_posix())
    return None if found is None else f"hf:{found[1].replace('--', '/', 1)}@{found[2]}"


def described_by(record: ModelRecord, path: Path) -> tuple[Config, Space]:
    """The settings and the sample space in config.json.

    Raises:
        UserError: values do not fit together.
    """
    try:
        config = Config(**values_of(record.settings))
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    return config, space_from_json(record.space, path)


def most_bytes(config: Config, space: Space, name: str) -> int:
    """The largest size of a file of weights of the package's own nets with these settings."""
    build = build_generator if name == GENERATOR_FILE else build_discriminator
    tensors = _expected(build, config, space).values()
    return LARGEST_HEADER + sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _expected(build: Callable[..., nn.Module], config: Config, space: Space) -> dict[str, Tensor]:
    """The tensors of a net of the package by name, without their memory."""
    with without_memory():
        return dict(build(config, space).state_dict())


def refuse_misfit(path: Path, told: StoredFile, expected: Mapping[str, Tensor]) -> None:
    """Refuse weights whose size, names, shapes or types are not those of the settings; none is read.

    Raises:
        UserError: they are not, or the file is damaged.
    """
    _refuse_size(path, told)
    with _opened(path, torch.device("cpu")) as file:
        found = {}
        for name in file.keys():  # noqa: SIM118
            part = file.get_slice(name)
            dtype = part.get_dtype()
            found[name] = (tuple(part.get_shape()), TYPES.get(dtype, dtype))
    wanted = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in expected.items()}
    for name in sorted(found.keys() ^ wanted.keys()):
        what = "is missing" if name in wanted else "is not expected"
        raise DamagedCheckpointError(f"{path} does not fit its settings: {name} {what}")
    for name, (shape, dtype) in found.items():
        if (shape, dtype) != wanted[name]:
            told_shape, told_type = wanted[name]
            raise DamagedCheckpointError(
                f"{path} does not fit its settings: {name} is {shape} of {dtype}, expected {told_shape} of "
                f"{told_type}"
            )


def check_file(path: Path, told: StoredFile) -> None:
    """Compare a file with the size and digest that config.json tells.

    Raises:
        UserError: it is missing, or a bit has changed.
    """
    _refuse_size(path, told)
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError as error:
        raise DamagedCheckpointError(f"{path} cannot be read: {error.strerror or error}") from error
    if digest.hexdigest() != told.sha256:
        raise DamagedCheckpointError(f"{path} is damaged: it is not as it was exported")


def _refuse_size(path: Path, told: StoredFile) -> None:
    try:
        refuse_special(path)
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise DamagedCheckpointError(f"{path} is missing: config.json tells of it") from error
    except OSError as error:
        raise DamagedCheckpointError(f"{path} cannot be read: {error.strerror or error}") from error
    if size != told.bytes:
        raise DamagedCheckpointError(
            f"{path} is damaged: it has {size:,} bytes, config.json tells of {told.bytes:,}"
        )


def _read(path: Path, device: torch.device) -> dict[str, Tensor]:
    """All tensors, which are finite."""
    with _opened(path, device) as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise DamagedCheckpointError(f"{path} is damaged: {name} is not finite")
    return tensors


@contextmanager
def _opened(path: Path, device: torch.device) -> Iterator[Any]:
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            yield file
    except SafetensorError as error:
        raise DamagedCheckpointError(f"{path} is damaged or cut short: {error}") from error
    except OSError as error:
        raise DamagedCheckpointError(f"{path} cannot be read: {reason_of(error)}") from error
