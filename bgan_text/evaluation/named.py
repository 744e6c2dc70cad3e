"""Models that are named by their paths, as a command line names them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bgan_text.errors import UserError
from bgan_text.newest import newest_data, newest_run
from bgan_text.reporter import SILENT, Reporter
from bgan_text.runs import load_run
from bgan_text.setting import is_custom
from bgan_text.sharing.hub import is_hub, is_run


def found(
    names: Sequence[str], data: Path | None, reference: Path | None, reporter: Reporter = SILENT
) -> tuple[dict[str, Any], Path | None]:
    """The models by name, the newest run if none is given, and the newest data if nothing else is real.

    Models of the hub are downloaded, of which the reporter hears, and opened.
    """
    names = list(names) or [str(newest_run())]
    if data is None and reference is None and not any(map(is_run, names)):
        with suppress(UserError):  # then there is nothing to compare with, which `evaluate` says
            data = newest_data()
    return {name: load_run(name, reporter=reporter) if is_hub(name) else name for name in names}, data


def opened(named: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The models with the runs among them opened, and their nets that are classes of the user's.

    Args:
        named: the models by name.
        own: classes by the part of a run that they are, `generator` or `discriminator`.
    """
    models = dict(named)
    for name in named:
        if is_run(name):
            config = load_run(name).config
            parts = {part: net for part, net in own.items() if is_custom(getattr(config, part) or "")}
            models[name] = load_run(name, **parts)
    return models
