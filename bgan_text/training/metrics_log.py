"""metrics.jsonl of a run: one JSON object per line, appended to while it trains."""

import json
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from bgan_text.errors import UserError
from bgan_text.files import write_atomically
from bgan_text.reporter import SILENT, Reporter

Row = dict[str, Any]


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
            file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def rows(self) -> list[Row]:
        """All rows, without a last line that is not whole, as a kill may leave it.

        Raises:
            UserError: another line is damaged.
        """
        rows, damaged = self._read()
        if damaged is not None:
            raise UserError(f"{self.path} is damaged in line {damaged}: repair or remove it")
        return rows

    def cut(self, step: int, reporter: Reporter = SILENT) -> list[Row]:
        """Remove the rows after a step. A damaged file is kept aside first, and the reporter is told.

        Returns:
            The rows that were removed.
        """
        rows, damaged = self._read()
        if damaged is not None:
            aside = self._set_aside()
            reporter.warning(
                f"{self.path} is damaged in line {damaged}. It is kept as {aside.name}; the other lines are "
                "used."
            )
        self._write(row for row in rows if row["step"] <= step)
        return [row for row in rows if row["step"] > step]

    def remove(self, mark: str) -> None:
        """Remove the rows that have an entry."""
        rows = self.rows()
        if any(mark in row for row in rows):
            self._write(row for row in rows if mark not in row)

    def _write(self, rows: Iterable[Row]) -> None:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        write_atomically(self.path, text.encode())

    def _read(self) -> tuple[list[Row], int | None]:
        """The rows that are whole, and the number of the first line that is not; the last may be cut."""
        lines = self.path.read_bytes().split(b"\n") if self.path.exists() else [b""]
        rows = [_row(line) for line in lines]
        damaged = next((number for number, row in enumerate(rows[:-1], start=1) if row is None), None)
        return [row for row in rows if row is not None], damaged

    def _set_aside(self) -> Path:
        places = (self.path.with_name(f"metrics.damaged-{number}.jsonl") for number in count(1))
        place = next(place for place in places if not place.exists())
        write_atomically(place, self.path.read_bytes())
        return place


def _row(line: bytes) -> Row | None:
    """A line as a row; None if it is none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):  # bytes that are no UTF-8 and text that is no JSON alike
        return None
    return row if isinstance(row, dict) and isinstance(row.get("step"), int) else None
