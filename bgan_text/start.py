"""Start a training: a new run on a dataset directory, or a run that is there already.

`bgan_text.runs` starts and finishes trainings; the command line starts them here, to stop them on a signal.
"""

import os
import shlex
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import torch

from bgan_text.config import Config, overridden
from bgan_text.config_defaults import unused_by_image_nets
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.device import choose_device
from bgan_text.errors import UserError
from bgan_text.group import ALONE, Group
from bgan_text.newest import newest_data, newest_run
from bgan_text.objective_table import OBJECTIVES, has_discriminator
from bgan_text.objectives.divergences import DIVERGENCES
from bgan_text.outputs import is_exported, refuse_inside
from bgan_text.plugins import spec_of
from bgan_text.reporter import SILENT, Reporter
from bgan_text.sharing.hub import located
from bgan_text.space import image_kind
from bgan_text.training.callbacks import Callback
from bgan_text.training.data import sample_space
from bgan_text.training.folders import is_free
from bgan_text.training.following import refuse_uneven
from bgan_text.training.loop import Training
from bgan_text.training.messages import few_evaluations
from bgan_text.training.run import RunFolder
from bgan_text.training.state import CustomParts, State
from bgan_text.training.update import resolve_precision
from bgan_text.training.warm_start import (
    copy_nets,
    inherited,
    origin_of,
    refuse_other_space,
    refuse_other_tokens,
)
from bgan_text.validation_scores import deciding_score, oracle_scores_of

Data = DatasetDirectory | str | os.PathLike[str]
Settings = Config | Mapping[str, Any]


PARTS = ("divergence", "generator", "discriminator")
"""The fields of `Config` for which `train` and `load_run` take an object of the user's own."""


def custom_parts(given: Mapping[str, Any]) -> tuple[CustomParts, dict[str, Any]]:
    """Objects of the user's own, and the settings with their names in place of them."""
    chosen = {name: given[name] for name in PARTS if given.get(name) is not None}
    own = {name: part for name, part in chosen.items() if not isinstance(part, str)}
    if own.get("divergence") in DIVERGENCES.values():  # one of the package, by its object
        given = {**given, "divergence": own.pop("divergence").name}
    return CustomParts(**own), {**given, **{name: spec_of(part) for name, part in own.items()}}


def settled_config(
    dataset: DatasetDirectory,
    config: Settings | None,
    device: torch.device,
    parts: CustomParts | None = None,
    **settings: Any,
) -> Config:
    """The full settings of a run: those given, and for all others the defaults that suit the data.

    A `Config` that `Config.given` made is completed anew: its defaults may be those of other data.

    Raises:
        UserError: a setting is not accepted, or no generator or discriminator fits the data.
    """
    if isinstance(config, Config) and config.given_options is None:
        settled = Config.from_json(config.to_json() | settings)
    else:
        given = overridden(_given_options(config), settings)
        settled = Config.given(given, image_kind(dataset.space))
        _refuse_layers(dataset, given, settled)
    if settled.precision == "auto":
        dtype = resolve_precision("auto", device)
        settled = Config.from_json(settled.to_json() | {"precision": str(dtype).removeprefix("torch.")})
    space = sample_space(dataset, settled)
    State.fresh(settled, space, torch.device("cpu"), parts)
    deciding_score(settled.best_by, space, oracle_scores_of(dataset.corpus, settled.generator))
    return settled


def new_training(
    data: Data,
    config: Settings | None = None,
    *,
    out: str | os.PathLike[str] | None,
    device: str | torch.device = "auto",
    callbacks: Sequence[Callback] = (),
    reporter: Reporter = SILENT,
    parts: CustomParts | None = None,
    start_from: RunFolder | None = None,
    group: Group = ALONE,
    **settings: Any,
) -> Training:
    """Make the run folder of `train`, with the same arguments, and return the training to start with `go`.

    Where `out` is None, the folder is a new one in runs/, named after the data and the method. `group` holds
    the processes that train it, of which this is process 0.
    """
    _check_callbacks(callbacks)
    if start_from is not None:
        config = inherited(start_from, overridden(_given_options(config), settings))
        settings = {}
    chosen = choose_device(device)
    if out is not None:
        refuse_inside("run", Path(out))
    if out is not None and not (Path(out) / "run.json").exists() and not is_free(Path(out)):
        raise UserError(f"{out} exists and is not a run folder: name another folder")
    dataset = opened(data)
    if start_from is not None:
        refuse_other_tokens(start_from, dataset.tokenizer_signature)
    settled = settled_config(dataset, config, chosen, parts, **settings)
    refuse_uneven(settled, group)
    if settled.draws == 1 and settled.objective == "importance":
        reporter.warning("`draws` 1 makes every importance weight 1, so the discriminator teaches nothing")
    _warn_of_patience(settled, reporter)
    codec = dataset.codec()
    files = {codec.file: codec.content()}
    space = sample_space(dataset, settled)
    state = None
    # What is damaged or does not fit is refused before a folder is made.
    for split in ("train", "validation"):
        dataset.split(split)
    if start_from is not None:
        refuse_other_space(start_from, space)
        state = _with_nets_of(start_from, State.fresh(settled, space, chosen, parts), settled, reporter)
    folder = Path(out) if out is not None else _claimed_folder(dataset, settled)
    trained_on = {
        "folder": os.path.relpath(dataset.folder, folder),
        "corpus": dataset.corpus,
        "signature": dataset.signature,
        "tokenizer": dataset.tokenizer_signature,
    }
    run = RunFolder.create(folder, settled, space, trained_on, files, parts, start_from)
    if state is not None:
        run.save(state)
    return Training(run, dataset, chosen, callbacks, reporter, group)


def _given_options(config: Settings | None) -> dict[str, Any]:
    """The settings that were given; of a `Config` made by its constructor, all of them."""
    if isinstance(config, Config):
        given = config.given_options
        return config.to_json() if given is None else given
    return dict(config or {})


def _with_nets_of(origin: RunFolder, state: State, config: Config, reporter: Reporter) -> State:
    """An untrained state that gets the nets of another run."""
    if not copy_nets(origin, state, config.objective) and has_discriminator(config.objective):
        reporter.message(f"The discriminator starts untrained: {origin.folder} has none that fits.")
    return state


def resume_training(
    folder: str | os.PathLike[str],
    settings: Mapping[str, Any],
    *,
    data: Data | None = None,
    device: str | torch.device = "auto",
    callbacks: Sequence[Callback] = (),
    reporter: Reporter = SILENT,
    parts: CustomParts | None = None,
    group: Group = ALONE,
) -> Training:
    """The training that continues a run from its last checkpoint, to start with `go`.

    Args:
        folder: the run folder.
        settings: fields of `Config` that change; None stands for no change.
        data: the dataset directory, if it is not where it was.
        device: auto, cpu, cuda or cuda:N.
        callbacks: hooks into training.
        reporter: receives warnings.
        parts: the user's own, those that the run was made with.
        group: the processes that train it, of which this is process 0.

    Raises:
        UserError: a setting may not change, or the data is not what the run was trained on.
    """
    _check_callbacks(callbacks)
    chosen = choose_device(device)
    if is_exported(Path(folder)):
        command = shlex.join(["bgan-text", "train", "--from", str(folder)])
        raise UserError(
            f"{folder} is an exported model, which cannot be resumed; {command} starts a new run from it"
        )
    run = RunFolder(Path(folder), parts)
    # Parts of the user's own are held against the recorded names when the folder is opened.
    own = {name for name, part in vars(run.parts).items() if part is not None}
    run.config = run.config.resumed({name: value for name, value in settings.items() if name not in own})
    refuse_uneven(run.config, group)
    _warn_of_patience(run.config, reporter)
    return Training(run, dataset_of(run, data), chosen, callbacks, reporter, group)


def named_training(
    data: Path | None, out: Path | None, settings: Mapping[str, Any], start_from: str | None, **how: Any
) -> Training:
    """A new training by the paths of what it needs, as a command line gives them.

    Args:
        data: the dataset directory; None for that of `start_from`, or the newest in data/.
        out: the run folder; None for a new one in runs/.
        settings: fields of `Config` by name.
        start_from: the run whose nets it starts from, by its path or as a model of the hub.
        how: further arguments of `new_training`, `parts` among them.
    """
    origin = None
    if start_from is not None:
        origin = origin_of(located(start_from, reporter=how.get("reporter", SILENT)), how["parts"])
    if data is None:
        data = newest_data() if origin is None else origin.data_folder()
    return new_training(data, settings, out=out, start_from=origin, **how)


def resumed_training(
    data: Path | None, run: Path | None, settings: Mapping[str, Any], start_from: str | None, **how: Any
) -> Training:
    """The training that continues a run, the newest in runs/ if none is named; as `named_training`."""
    if start_from is not None:
        raise UserError(
            f"`start_from` {start_from}: a resumed run goes on with its own nets, so leave it out"
        )
    return resume_training(run if run is not None else newest_run("run.json"), settings, data=data, **how)


def opened(data: Data) -> DatasetDirectory:
    """A dataset directory, opened if it is given by its path."""
    if isinstance(data, DatasetDirectory):
        return data
    if not isinstance(data, str | os.PathLike):
        kind = type(data).__name__
        raise UserError(f"`data` is a {kind}: a dataset directory or its path is needed; `prepare` makes one")
    return DatasetDirectory(Path(data))


def dataset_of(run: RunFolder, data: Data | None) -> DatasetDirectory:
    """The dataset directory of a run, from where it was or from `data`."""
    if data is None and not run.data_folder().exists():
        raise UserError(f"the run's dataset directory {run.data_folder()} is gone: name it with `data`")
    dataset = opened(run.data_folder() if data is None else data)
    if dataset.signature != run.data["signature"]:
        raise UserError(
            f"{run.folder} was trained on another corpus: its data has signature {run.data['signature']}, "
            f"{dataset.folder} has {dataset.signature}"
        )
    return dataset


def _warn_of_patience(config: Config, reporter: Reporter) -> None:
    if (line := few_evaluations(config)) is not None:
        reporter.warning(line)


def _check_callbacks(callbacks: Sequence[Callback]) -> None:
    known = isinstance(callbacks, Sequence) and all(isinstance(one, Callback) for one in callbacks)
    if not known:
        raise UserError(f"`callbacks` {callbacks!r}: a list of `Callback` objects is needed")


def _refuse_layers(dataset: DatasetDirectory, given: Mapping[str, Any], settled: Config) -> None:
    """Networks for images have no choice of layers."""
    if not dataset.images:
        return
    for name in sorted(unused_by_image_nets(settled.to_json())):
        if given.get(name) is not None:
            reason = "they have as many layers as halve a side to 7 pixels or fewer"
            raise UserError(
                f"`{name}` {given[name]} does not apply to nets for images: "
                + ("it is for text" if name == "preset" else reason)
            )


def _claimed_folder(dataset: DatasetDirectory, config: Config) -> Path:
    """Make runs/DATA-GENERATOR-OBJECTIVE-DIVERGENCE, numbered if that name is taken."""
    parts = [dataset.folder.name, config.generator, config.objective]
    if OBJECTIVES[config.objective].no_divergence is None:
        parts.append(config.divergence)
    name = "-".join(part.rpartition(":")[2] for part in parts)
    for number in count(1):
        folder = Path("runs") / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise AssertionError("unreachable: there is always a next number")
