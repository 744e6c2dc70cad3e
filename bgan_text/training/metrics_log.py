"""metrics.jsonl of a run: one JSON object per line, appended to while it trains.

Each line ends with a check, the CRC-32 of the line and of the check before it, so that a changed, missing or
repeated line is seen. A checkpoint holds the check of the last line at its time, so that a log that was cut
short is seen too.
"""

import json
import re
import zlib
from collections.abc import Collection, Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from bgan_text.errors import UserError
from bgan_text.files import finite, read_bounded, write_atomically
from bgan_text.reporter import SILENT, Reporter
from bgan_text.training.run_records import NO_LINE, read_line

Row = dict[str, Any]
MOST_BYTES = 1 << 30
"""Of a log: some million rows."""
MARK = rb', "check": "([0-9a-f]{8})"\}'
END_OF_LINE = re.compile(MARK + rb"\n?\Z")
MORE_AFTER_END = re.compile(MARK + rb".", re.DOTALL)
"""What no kill leaves: a line that is whole, and more in the place of its line feed."""
LENGTH_OF_END = 24
LARGEST_DRAWN = 1e100
"""Of a number in a curve. Sums and squares of larger ones overflow; where one is logged, training is lost."""


class MetricsLog:
    """The rows of a file, each with its `step`.

    Args:
        path: of the file, which may be absent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, row: Mapping[str, Any]) -> None:
        """Write a row at the end."""
        line, _ = _sealed(row, self.last_check())
        with self.path.open("ab") as file:
            file.write(line)

    def last_check(self) -> str:
        """The check of the last line; `NO_LINE` of an empty log."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - LENGTH_OF_END))
                end = END_OF_LINE.search(file.read())
        except FileNotFoundError:
            return NO_LINE
        return end[1].decode() if end else NO_LINE

    def rows(self, told: Collection[str] = ()) -> list[Row]:
        """All rows, without a last line that is not whole, as a kill may leave it.

        Args:
            told: the checks of lines that were there when a checkpoint was saved, or when training ended.

        Raises:
            UserError: another line is damaged or missing.
        """
        rows, faults = self._read(told)
        if faults:
            raise UserError(f"{faults[0]}; repair or remove it")
        return rows

    def faults(self, told: Collection[str] = ()) -> list[str]:
        """What is wrong with the file, a text for each line."""
        return self._read(told)[1]

    def is_whole(self) -> bool:
        """Whether the last line is not cut, or followed by something."""
        return not self.path.exists() or read_bounded(self.path, MOST_BYTES)[-1:] in (b"", b"\n")

    def cut(self, step: int, told: Collection[str] = (), reporter: Reporter = SILENT) -> list[Row]:
        """Remove the rows after a step. A damaged file is kept aside first, and the reporter is told.

        Returns:
            The rows that were removed.
        """
        rows, faults = self._read(told)
        if faults:
            aside = self._set_aside(step)
            reporter.warning(f"{faults[0]}. It is kept as {aside.name}; the other lines are used.")
        self._write(row for row in rows if row["step"] <= step)
        return [row for row in rows if row["step"] > step]

    def remove(self, mark: str) -> None:
        """Remove the rows that have an entry. No checkpoint may have been saved after them."""
        rows = self.rows()
        if any(mark in row for row in rows):
            self._write(row for row in rows if mark not in row)

    def _write(self, rows: Iterable[Row]) -> None:
        lines, check = [], NO_LINE
        for row in rows:
            line, check = _sealed(row, check)
            lines.append(line)
        write_atomically(self.path, b"".join(lines))

    def mended_up_to(self) -> int:
        """The last step at which a damaged log was kept aside: what it lacked was told. -1 without one."""
        aside = self.path.parent.glob("metrics.damaged-*.jsonl")
        names = (path.name.split(".")[1].split("-") for path in aside)
        return max((int(words[1]) for words in names if words[1].isdecimal()), default=-1)

    def _read(self, told: Collection[str]) -> tuple[list[Row], list[str]]:
        """The rows that are whole, and what is wrong with the others; the last may be cut."""
        if not self.path.exists():
            return [], []
        lines = read_bounded(self.path, MOST_BYTES).split(b"\n")
        ends = [END_OF_LINE.search(line) for line in lines]
        checked = any(ends)  # the log of an earlier version has no checks
        rows, faults, checks = [], [], [NO_LINE]
        for number, (line, end) in enumerate(zip(lines, ends, strict=True), start=1):
            where = f"{self.path} line {number}"
            try:
                rows.append(open_line(line, end, checks[-1], where) if checked else read_line(line, where))
            except UserError as error:
                if number < len(lines) or MORE_AFTER_END.search(line):
                    faults.append(str(error))
            checks.append(end[1].decode() if end else NO_LINE)
        if (checked or not rows) and not faults and not set(checks).issuperset(told):
            faults.append(f"{self.path} is damaged: it lacks lines that it had")
        return rows, faults

    def _set_aside(self, step: int) -> Path:
        endings = ("" if number == 1 else f"-{number}" for number in count(1))
        places = (self.path.with_name(f"metrics.damaged-{step}{ending}.jsonl") for ending in endings)
        place = next(place for place in places if not place.exists())
        write_atomically(place, read_bounded(self.path, MOST_BYTES))
        return place


def drawable(value: Any) -> bool:
    """Whether a value is a number that a curve or a figure can hold.

    Example:
        >>> drawable(0.5), drawable(10**300), drawable(None)
        (True, False, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_DRAWN


def _sealed(row: Mapping[str, Any], before: str) -> tuple[bytes, str]:
    """A row as a line, and its check."""
    text = json.dumps(finite(row), ensure_ascii=False).encode()
    check = f"{zlib.crc32(text, int(before, 16)):08x}"
    return text[:-1] + f', "check": "{check}"}}\n'.encode(), check


def numbers_of(row: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a row by name, the step among them.

    Example:
        >>> numbers_of({"step": 3, "js-4": 0.5, "samples": ["a rose"], "stopped_early": True})
        {'step': 3, 'js-4': 0.5}
    """
    return {
        name: value
        for name, value in row.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def open_line(line: bytes, end: re.Match[bytes] | None, before: str, where: str) -> Row:
    """A line as a row.

    Args:
        line: without its line feed.
        end: where `END_OF_LINE` finds its check.
        before: the check of the line before it.
        where: its place, for the message.

    Raises:
        UserError: it is not as it was written.
    """
    text = line if end is None else line[: end.start()] + b"}"
    row = read_line(text, where)
    if end is None or zlib.crc32(text, int(before, 16)) != int(end[1], 16):
        raise UserError(f"{where} is damaged: it is not as it was written")
    return row
