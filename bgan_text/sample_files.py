"""Samples in files: lines of text, grids and animations of images."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bgan_text.corpora.image_grid import grid, write_animation, write_png
from bgan_text.corpora.images import Pixels
from bgan_text.errors import UserError
from bgan_text.training.run import GRIDS


def draw_grid(images: Iterable[Pixels], folder: Path, out: Path | None) -> Path:
    """A grid of images in one file."""
    path = _image_file(out, folder / "samples.png", ".png")
    write_png(path, grid(list(images)))
    return path


def animate_grids(folder: Path, out: Path | None) -> Path:
    """The grids that training has drawn, one after the other."""
    path = _image_file(out, folder / "samples.gif", ".gif")
    grids = sorted((folder / GRIDS).glob("*.png"))
    if not grids:
        raise UserError(f"{folder / GRIDS} holds no images: `animate` shows those that training has drawn")
    write_animation(path, grids)
    return path


def _image_file(out: Path | None, usual: Path, suffix: str) -> Path:
    if out is None:
        return usual
    if out.suffix != suffix:
        raise UserError(f"`out` {out}: a file that ends in {suffix} was expected")
    if not out.parent.is_dir():
        raise UserError(f"`out` {out}: there is no folder {out.parent}")
    refuse_inside(out)
    return out


def refuse_inside(out: Path) -> None:
    """Refuse a file within a run folder or a dataset directory, whose own files it might replace."""
    for folder in out.absolute().parents:
        if (folder / "run.json").exists() or (folder / "card.json").exists():
            raise UserError(f"`out` {out} lies in the run or dataset directory {folder}: name another place")


@contextmanager
def destination(out: Path | None) -> Iterator[IO[str]]:
    """Standard output, or a file that appears only when it is whole; a device or pipe is written to."""
    if out is None:
        yield sys.stdout
        return
    out = out.resolve()
    if out.is_dir():
        raise UserError(f"`out` {out} is a folder: name a file")
    refuse_inside(out)
    if out.exists() and not out.is_file():
        with out.open("w", encoding="utf-8") as file:
            yield file
        return
    if not out.parent.is_dir():
        raise UserError(f"`out` {out}: there is no folder {out.parent}")
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            yield file
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
