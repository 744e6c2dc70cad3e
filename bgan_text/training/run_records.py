"""What the JSON of a run folder holds: run.json, lines of metrics.jsonl, and the header of a checkpoint."""

from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from bgan_text import __version__
from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.files import parsed, read_bounded, refuse_changed, strict_json
from bgan_text.records import (
    Count,
    Digest,
    Format,
    Number,
    Record,
    Seconds,
    Text,
    converted,
    record_of,
)

FORMAT = 4
NO_LINE = "00000000"
"""The check of the metrics before their first line."""
METRIC: Any = Number | None


Check = Annotated[str, Meta(pattern=r"\A[0-9a-f]{8}\Z")]
"""That of a line of the metrics."""


class TrainedOn(Record):
    """The data of a run. `folder` is relative to the run folder."""

    folder: str
    corpus: Text
    signature: Text
    tokenizer: Text


class StartedFrom(Record):
    """The run whose nets a run started from."""

    folder: str
    step: Count


class RunRecord(Record):
    """run.json."""

    format: Count
    version: Text
    settings: record_of(Config)  # type: ignore[valid-type]
    space: dict[Text, Any]
    data: TrainedOn
    started_from: StartedFrom | None = None
    saved: bool = False
    last_line: Check | None = None
    sha256: Digest | UnsetType = UNSET  # that of an earlier version has none


class Line(Struct):
    """The entries of a line of metrics.jsonl that are no metrics."""

    step: Count
    seconds: Seconds = 0.0
    samples: list[Text] = []
    grid: Text = ""
    frozen: bool = False
    stopped_early: bool = False
    interrupted: bool = False


class Header(Record):
    """The header of a checkpoint, which holds texts only."""

    format: Literal["bgan-text"]
    step: Annotated[str, Meta(pattern=r"\A[0-9]{1,15}\Z")]
    elapsed: Annotated[str, Meta(pattern=r"\A[0-9]{1,15}(\.[0-9]{1,20})?(e-?[0-9]{1,2})?\Z")]
    device: Literal["cpu", "cuda", "mps", "xpu"]
    log: Check
    sha256: Text

    def counters(self) -> dict[str, str]:
        """All but the digests, as text."""
        return {"step": self.step, "elapsed": self.elapsed, "device": self.device, "log": self.log}


def read_run(path: Path) -> RunRecord:
    """Read run.json.

    Raises:
        UserError: it is damaged, or of another format.
    """
    content = parsed(read_bounded(path), path)
    told = converted(content, Format, path)
    if told.format != FORMAT:
        advice = "upgrade it" if told.format > FORMAT else "train the run again"
        raise UserError(
            f"{path.parent} was written by bgan-text {told.version} in format {told.format}: version "
            f"{__version__} reads format {FORMAT}; {advice}"
        )
    record: RunRecord = converted(content, RunRecord, path)
    refuse_changed(content, path)
    return record


def read_line(line: bytes, where: object) -> dict[str, Any]:
    """A line of metrics.jsonl. NaN, as earlier versions wrote it, becomes None.

    Raises:
        UserError: it is none.
    """
    try:
        row = strict_json(line.decode(), nan=True)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where} is damaged: it is not JSON") from error
    converted(row, Line, where)
    for name, value in row.items():
        if name not in Line.__struct_fields__:
            converted(value, METRIC, where, name)
            converted(name, Text, where)
    return dict(row)
