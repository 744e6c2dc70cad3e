"""What `score --json` writes, as a file holds it. A report is built of it, and the scores of a model card."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from bgan_text.errors import UserError
from bgan_text.files import read_json
from bgan_text.records import Count, Number, Text, converted

Name = Annotated[Text, Meta(max_length=4096)]
MOST_BYTES = 2**24
STEPS = "steps"
"""The setting that tells which checkpoint of each run was scored."""


class SavedCell(Struct):
    """A value of a score with its 95 % interval; None where it is not defined."""

    value: Number | None
    low: Number | None = None
    high: Number | None = None
    deviation: Number | None = None
    note: Text = ""
    seeds: Count | None = None
    better: Literal["higher", "lower", "real"] = "real"
    bound: Text = ""
    bias: Text = ""

    def __str__(self) -> str:
        if self.value is None:
            return "-"
        if self.low is None or self.high is None:
            return f"{self.value:.4g}"
        return f"{self.value:.4g} ({self.low:.4g} to {self.high:.4g})"


class SavedModel(Struct):
    """The scores of a model."""

    name: Name
    scores: dict[Name, SavedCell]
    lengths: dict[Name, Number | None] = {}


class SavedReport(Struct):
    """What `score --json` writes."""

    models: list[SavedModel]
    settings: dict[Text, Any]

    def of_models(self, setting: str) -> dict[str, int]:
        """A number of each model by its name, such as its samples; of those that have one.

        Settings are free: one of another form, as a program of the user's may write it, tells nothing.
        """
        with suppress(UserError):
            told = converted(self.settings.get(setting), dict[Text, Count | None], "the report", setting)
            return {name: number for name, number in told.items() if number is not None}
        return {}


def read_saved(path: Path) -> SavedReport:
    """The report in a file.

    Raises:
        FileNotFoundError: there is no such file.
        UserError: it is damaged, too large, or something else.
    """
    return read_json(path, SavedReport, MOST_BYTES)
