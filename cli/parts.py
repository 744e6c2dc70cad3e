"""Parts of the user's own that a command line names as `module:name`."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bgan_text.setting import is_custom

if TYPE_CHECKING:
    from bgan_text.training.callbacks import Callback
    from bgan_text.training.state import CustomParts


def custom_parts(given: Mapping[str, Any]) -> "CustomParts":
    """Import the divergence, generator and discriminator that options name as `module:name`.

    Modules are looked for in the working folder, too.
    """
    from bgan_text.training.state import CustomParts

    names = ("divergence", "generator", "discriminator")
    named = {name: given[name] for name in names if is_custom(given.get(name) or "")}
    return CustomParts(**{name: imported(spec, name) for name, spec in named.items()})


def own_nets(generator: str | None, discriminator: str | None = None) -> dict[str, Any]:
    """Import the classes that a run was made with and that options name as `module:name`, by option."""
    named = {"generator": generator, "discriminator": discriminator}
    return {part: imported(spec, part) for part, spec in named.items() if spec is not None}


def custom_callbacks(specs: Sequence[str]) -> "list[Callback]":
    """Import the callbacks that options name as `module:name`."""
    from bgan_text.training.callbacks import named_callback

    return [named_callback(spec, imported(spec, "callback")) for spec in specs]


def trackers(*, tensorboard: bool, wandb: bool) -> "list[Callback]":
    """The callbacks for the trackers that are wanted."""
    from bgan_text.training.tensorboard_callback import TensorBoard
    from bgan_text.training.wandb_callback import Wandb

    return [kind() for kind, wanted in ((TensorBoard, tensorboard), (Wandb, wandb)) if wanted]


def imported(spec: str, kind: str) -> Any:
    """The object that `module:name` stands for."""
    from bgan_text.plugins import load_object

    if "" not in sys.path:
        sys.path.insert(0, "")
    return load_object(spec, kind)
