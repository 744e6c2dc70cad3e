"""A folder that is written aside and then takes its place, so that nothing is lost whenever the work ends."""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import filelock

from bgan_text.corpora.dataset_check import ORACLE_FILE
from bgan_text.corpora.dataset_directory import SPLITS
from bgan_text.corpora.units import check_characters
from bgan_text.corpora.worker_pool import EndedError
from bgan_text.errors import UserError
from bgan_text.files import parsed, read_bounded
from bgan_text.outputs import refuse_inside

FILES = ("card.json", "tokenizer.json", "tokenizer.model", "palette.json", ORACLE_FILE)
SPLIT_FILES = ("state.json", "dataset_info.json")
ARROW = re.compile(r"data-\d{5,}-of-\d{5,}\.arrow")
"""What `datasets` calls the data files of a split."""
OF_CARD = ("format", "settings", "space", "tokenizer", "counts", "signature")
"""What every card of a dataset directory has, of any version."""
NEW, OLD, LOCK = "new", "old", "bgan-text-prepare.lock"
"""What is in a folder that is written aside. The lock tells it from a folder of someone else."""
WORK = "work"
"""What a folder is made of while it is written, which is removed when it is complete."""
SUFFIX = r"\.[a-z0-9_]{8}"
"""What `tempfile` puts behind a prefix."""


@dataclass(frozen=True)
class Replaced:
    """Which folders may be replaced.

    Attributes:
        what: they are, in words.
        content: of the marker, in words.
        marker: the file that each of them has.
        whole: whether a marker is that of such a folder.
        foreign: what a folder holds beside, by its name in it.
        hint: how to name another folder.
    """

    what: str
    content: str
    marker: str
    whole: Callable[[Path], bool]
    foreign: Callable[[Path], Iterator[str]]
    hint: str = ""


class Kept(Protocol):
    """What knows whether a folder that a process left can be gone on with."""

    def fits(self, work: Path) -> bool:
        """Whether the content of `WORK` in such a folder is a part of what is done now."""

    def ended(self) -> None:
        """Called when such a folder is left."""


@contextmanager
def staged(
    out: Path, *, overwrite: bool, kept: Kept | None = None, replaced: Replaced | None = None
) -> Iterator[Path]:
    """A folder to write, which becomes `out` when the block ends without an error; else `out` stays.

    A process that was killed between the two moves leaves the old folder aside. The next call for the same
    `out` puts it back, and removes what else such processes left.

    Args:
        out: the folder to replace or make.
        overwrite: whether it may be replaced.
        kept: what goes on with the folder `WORK` of such a process; the folder to write then has it, and
            nothing else, in it. It is left there, too, if the block ends with Ctrl-C or `EndedError`.
        replaced: which folders may be replaced; None for dataset directories.

    Raises:
        UserError: `out` exists and may not be replaced, has files that are of none of these, or lies in a run
            or a dataset directory.
    """
    check_characters(str(out), f"`out` {out}")
    refuse_inside("out", out)
    kind = replaced or DATASETS
    out.parent.mkdir(parents=True, exist_ok=True)
    with _recovered(out, kept) as earlier:
        _refuse_to_replace(out, kind, overwrite=overwrite)
        place = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent)) if earlier is None else earlier
        ended = False
        try:
            with nullcontext() if earlier is not None else filelock.FileLock(place / LOCK):
                stage = place / NEW
                stage.mkdir(exist_ok=True)
                yield stage
                _refuse_to_replace(out, kind, overwrite=overwrite)  # whatever came there meanwhile
                try:
                    if out.exists():
                        out.rename(place / OLD)
                    stage.rename(out)
                finally:
                    _put_back(out, place)
        except (KeyboardInterrupt, EndedError):
            if kept is not None and (place / NEW / WORK).is_dir():
                ended = True
                kept.ended()
            raise
        finally:
            # The next command there puts back what was moved aside, and goes on with what is kept.
            if not ended and (out.exists() or not (place / OLD).exists()):
                _discard(place)


def _put_back(out: Path, place: Path) -> None:
    if not out.exists() and (place / OLD).exists():
        (place / OLD).rename(out)


@contextmanager
def _recovered(out: Path, kept: Kept | None) -> Iterator[Path | None]:
    """Put back what a process that is gone had moved aside, and remove what it left.

    Yields:
        A folder that can be gone on with, which is locked in the block; None if there is none.
    """
    ours = re.compile(re.escape(f".{out.name}") + SUFFIX)  # not that of a folder whose name only begins so
    found: Path | None = None
    with ExitStack() as stack:
        for place in list(out.parent.iterdir()):
            if not ours.fullmatch(place.name):
                continue
            if not (place / LOCK).is_file():
                with suppress(OSError):  # with content it is not ours; one without was left before its lock
                    place.rmdir()
                continue
            with suppress(filelock.Timeout), ExitStack() as one:
                one.enter_context(filelock.FileLock(place / LOCK, timeout=0))
                _put_back(out, place)
                if found is None and kept is not None and kept.fits(place / NEW / WORK):
                    found = place
                    _clear(place)
                    stack.push(one.pop_all())
                else:
                    _discard(place)
        yield found


def _clear(place: Path) -> None:
    """Remove all that a process had begun to write, but not what it is made of."""
    for entry in (place / NEW).iterdir():
        if entry.name != WORK and entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != WORK:
            entry.unlink()


def _discard(place: Path) -> None:
    """Remove a folder, its lock last: a process that is killed meanwhile leaves what the next one knows."""
    for name in (NEW, OLD):
        shutil.rmtree(place / name, ignore_errors=True)
    shutil.rmtree(place, ignore_errors=True)


def _refuse_to_replace(out: Path, kind: Replaced, *, overwrite: bool) -> None:
    if not os.path.lexists(out):
        return
    marker = out / kind.marker
    if not (overwrite and marker.exists()):
        hint = "`overwrite` replaces it, or " if marker.exists() else ""
        raise UserError(f"{out} exists already: {hint}name another folder{kind.hint}")
    with suppress(FileNotFoundError):  # the working folder was removed
        if Path.cwd().is_relative_to(out.resolve()):
            raise UserError(
                f"`overwrite` {out}: the working folder is in it, and would be gone: change to another one"
            )
    if not kind.whole(marker):
        raise UserError(
            f"`overwrite` {out}: its {kind.marker} is no whole {kind.content}: move that folder, or name "
            f"another one{kind.hint}"
        )
    if (foreign := next(kind.foreign(out), None)) is not None:
        raise UserError(
            f"`overwrite` {out}: it also holds {foreign}, which no {kind.what} has: move that, or "
            f"name another folder{kind.hint}"
        )


def _is_card(path: Path) -> bool:
    try:
        content = parsed(read_bounded(path), path)
    except UserError:
        return False
    return isinstance(content, dict) and all(name in content for name in OF_CARD)


def _foreign(folder: Path) -> Iterator[str]:
    """What a dataset directory does not hold, by its name in it."""
    for entry in sorted(folder.iterdir()):
        if entry.name in SPLITS and entry.is_dir() and not entry.is_symlink():
            for file in sorted(entry.iterdir()):
                if not (file.name in SPLIT_FILES or ARROW.fullmatch(file.name)) or not file.is_file():
                    yield f"{entry.name}/{file.name}"
        elif entry.name not in FILES or not entry.is_file():
            yield entry.name


DATASETS = Replaced(
    "dataset directory", "card of a dataset directory", "card.json", _is_card, _foreign, " with `out`"
)
