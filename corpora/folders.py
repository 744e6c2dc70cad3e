"""The files below a folder."""

from collections.abc import Iterator
from pathlib import Path

from bgan_text.corpora.image_kinds import hidden


def files_below(folder: Path) -> list[Path]:
    """All files below a folder, those of linked folders too, in the order of their paths.

    Hidden ones are left out. Links to nothing, pipes and devices are among them. A link to a folder that it
    is in, or to one that another link led to, is not followed.
    """
    return sorted(_below(folder, {folder.resolve()}))


def _below(folder: Path, followed: set[Path]) -> Iterator[Path]:
    for entry in folder.iterdir():
        if hidden(entry.name):
            continue
        if not entry.is_dir():
            yield entry
        elif not entry.is_symlink():
            yield from _below(entry, followed)
        elif (target := entry.resolve()) not in followed and not folder.resolve().is_relative_to(target):
            followed.add(target)
            yield from _below(entry, followed)
