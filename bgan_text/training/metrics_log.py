"""metrics.jsonl of a run: one JSON object per line, appended to while it trains."""

import json
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from bgan_text.errors import UserError
from bgan_text.files import finite, read_bounded, write_atomically
from bgan_text.reporter import SILENT, Reporter
from bgan_text.training.run_records import read_line

Row = dict[str, Any]
MOST_BYTES = 2**30
"""Bytes of a file, hundreds of times those of a long run."""


class MetricsLog:
    """The rows of a file, each with its `step`.

    Args:
        path: of the file, which may be absent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, row: Mapping[str, Any]) -> None:
        """Write a row at the end."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(row))

    def rows(self) -> list[Row]:
        """All rows, without a last line that is not whole, as a kill may leave it.

        Raises:
            UserError: another line is damaged.
        """
        rows, faults = self._read()
        if faults:
            raise UserError(f"{faults[0][1]}; repair or remove it")
        return rows

    def cut(self, step: int, reporter: Reporter = SILENT) -> None:
        """Remove the rows after a step. A damaged file is kept aside first, and the reporter is told."""
        rows, faults = self._read()
        if faults:
            aside, (number, _) = self._set_aside(), faults[0]
            reporter.warning(
                f"{self.path} is damaged in line {number}. It is kept as {aside.name}; the other lines are "
                "used."
            )
        kept = (row for row in rows if row["step"] <= step)
        text = "".join(map(_line, kept))
        write_atomically(self.path, text.encode())

    def faults(self) -> list[tuple[int, str]]:
        """The numbers of damaged lines and what is wrong with them."""
        return self._read()[1]

    def _read(self) -> tuple[list[Row], list[tuple[int, str]]]:
        """The rows that are whole, and the other lines; the last may be cut."""
        lines = read_bounded(self.path, MOST_BYTES).split(b"\n") if self.path.exists() else [b""]
        rows, faults = [], []
        for number, line in enumerate(lines, start=1):
            try:
                rows.append(read_line(line, f"{self.path} line {number}"))
            except UserError as error:
                if number < len(lines):
                    faults.append((number, str(error)))
        return rows, faults

    def _set_aside(self) -> Path:
        places = (self.path.with_name(f"metrics.damaged-{number}.jsonl") for number in count(1))
        place = next(place for place in places if not place.exists())
        write_atomically(place, self.path.read_bytes())
        return place


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(finite(row), ensure_ascii=False) + "\n"
