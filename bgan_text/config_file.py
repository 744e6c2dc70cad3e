"""Settings of a run in a file: JSON, TOML, or the run.json of a run."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bgan_text.errors import UserError
from bgan_text.files import read_bounded, strict_json
from bgan_text.space import image_kind, space_from_json


@dataclass(frozen=True)
class SettingsFile:
    """What a file says.

    Attributes:
        values: settings by the name of their field, not yet checked.
        of_run: whether they are all the settings of a run, those at their defaults among them.
        images: the kind of images of that run; None for text.
    """

    values: dict[str, Any]
    of_run: bool = False
    images: str | None = None


def read_settings(path: Path) -> SettingsFile:
    """Read a file of settings. Names may have hyphens, as the options of the command line have.

    A file whose first character is a brace is JSON, any other is TOML.

    Args:
        path: the file, or a run folder.

    Raises:
        UserError: there is no such file, it is neither JSON nor TOML, or its settings are no table.
    """
    record = _parsed(path / "run.json" if path.is_dir() else path)
    of_run = isinstance(record.get("settings"), Mapping) and isinstance(record.get("space"), Mapping)
    if not of_run:
        section = next((name for name, value in record.items() if isinstance(value, Mapping)), None)
        if section is not None:
            raise UserError(f"`config` {path} has a section {section!r}: settings stand outside of sections")
        values = {name.replace("-", "_"): value for name, value in record.items()}
        if len(values) < len(record):
            raise UserError(f"`config` {path} has a setting twice, with a hyphen and with an underscore")
        return SettingsFile(values)
    images = image_kind(space_from_json(record["space"], path))
    return SettingsFile(dict(record["settings"]), of_run, images)


def _parsed(path: Path) -> Mapping[str, Any]:
    try:
        text = read_bounded(path).decode("utf-8-sig")
    except FileNotFoundError as error:
        raise UserError(f"`config` {path}: there is no such file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"`config` {path}: a text file in UTF-8 is needed ({error})") from error
    json_expected = text.lstrip().startswith("{") or path.suffix.lower() == ".json"
    kind = "JSON" if json_expected else "TOML"
    try:
        record = strict_json(text) if json_expected else tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # of either parser
        raise UserError(f"`config` {path} is not {kind}: {error}") from error
    if not isinstance(record, Mapping):
        raise UserError(f"`config` {path}: a JSON object, with settings by name, is needed")
    return record
