"""Paths that a user gives, as files: a path that exists is that file, whatever characters are in its name."""

import glob
from collections.abc import Iterable, Iterator
from pathlib import Path

from bgan_text.corpora.byte_streams import STANDARD_INPUT, exists, opened
from bgan_text.corpora.decoding import binary_kind, is_text
from bgan_text.corpora.folders import files_below
from bgan_text.corpora.image_kinds import named_image
from bgan_text.corpora.tables import TABLES, ending
from bgan_text.errors import UserError
from bgan_text.reporter import SILENT, Reporter

IMAGE = "image"
MOST_NAMED = 3
"""Skipped files that a message names."""


def named(paths: Iterable[str]) -> Iterator[str]:
    """The files and folders that paths stand for.

    What exists is meant as it is written. What does not, and has a *, ? or [ in it, is a pattern: the files
    that fit it, in sorted order.

    Raises:
        UserError: there is no such file, or none that fits.
    """
    for path in paths:
        if path == STANDARD_INPUT or exists(path):
            yield path
        elif is_pattern(path):
            found = sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - of pathlib is for one folder
            if not found:
                raise UserError(f"there is no file or folder {path}, and none that fits it as a pattern")
            yield from found
        else:
            raise UserError(f"there is no file or folder {path}")


def is_pattern(path: str) -> bool:
    """Whether a path that does not exist can stand for others."""
    return any(sign in path for sign in "*?[")


def text_files(paths: Iterable[str], column: str | None, reporter: Reporter = SILENT) -> Iterator[str]:
    """The files of text that paths stand for: with a column, the tables; without one, all that hold text.

    Those below a folder come in sorted order. What is skipped there is told to the reporter, and so is a file
    for which several paths stand, as names and patterns may: it comes once.

    Raises:
        UserError: there is no such file, or a folder has none of text.
    """
    known: set[Path] = set()
    for path in named(paths):
        if path == STANDARD_INPUT:
            yield path
            continue
        for file in _below(path, column, reporter) if Path(path).is_dir() else [path]:
            if (place := Path(file).absolute()) in known:
                reporter.message(f"{file} was given twice: it is read once.")
            else:
                known.add(place)
                yield file


def _below(folder: str, column: str | None, reporter: Reporter) -> list[str]:
    """The files of text below a folder."""
    found: list[str] = []
    skipped: list[tuple[str, str]] = []
    for file in files_below(Path(folder)):
        reason = _unfit(str(file), column)
        if reason is None:
            found.append(str(file))
        else:
            skipped.append((file.relative_to(folder).as_posix(), reason))
    told = ", ".join(f"{name} ({reason})" for name, reason in skipped[:MOST_NAMED])
    told += f" and {len(skipped) - MOST_NAMED:,} more" if len(skipped) > MOST_NAMED else ""
    if not found:
        what = "texts" if column is None else "tables"
        raise UserError(f"the folder {folder} has no {what}" + (f", but {told}" if told else ""))
    if skipped:
        reporter.message(f"Skipped in {folder}: {told}.")
    return found


def _unfit(path: str, column: str | None) -> str | None:
    """Why a file below a folder is not read; None if it is."""
    if not Path(path).is_file():
        return "no file" if Path(path).exists() else "a link to nothing"
    table = ending(path) in TABLES
    if column is not None:
        return None if table else "no table"
    if table:
        return "a table, which needs `column`"
    with opened(path) as stream:
        return None if is_text(stream.head) else binary_kind(stream.head) or "binary"


def holds_texts(folder: Path) -> bool:
    """Whether a folder holds more texts and tables than images."""
    texts = images = 0
    for file in files_below(folder):
        if not file.is_file():
            continue
        if named_image(file.name):
            images += 1
        elif ending(str(file)) in TABLES:
            texts += 1
        else:
            with opened(str(file)) as stream:
                images += (binary_kind(stream.head) or "").endswith(IMAGE)
                texts += is_text(stream.head)
    return texts > images
