"""Samples in files: lines of text, grids and animations of images."""

import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bgan_text.corpora.image_grid import grid, write_animation, write_png
from bgan_text.corpora.images import Pixels
from bgan_text.errors import UserError
from bgan_text.files import replacing
from bgan_text.outputs import is_exported, refuse_output
from bgan_text.training.run import GRIDS


def draw_grid(images: Iterable[Pixels], folder: Path, out: Path | None) -> Path:
    """A grid of images in one file, usually in the run folder; of an exported model in the working folder."""
    usual = Path() if is_exported(folder) else folder
    path = _image_file(out, usual / "samples.png", ".png")
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
    refuse_output("out", out, usual=usual)
    return out


@contextmanager
def destination(out: Path | None) -> Iterator[IO[str]]:
    """Standard output, or a file that appears only when it is whole; a device or pipe is written to."""
    if out is None:
        yield sys.stdout
        return
    refuse_output("out", out)
    if out.is_dir():
        raise UserError(f"`out` {out} is a folder: name a file")
    if out.exists() and not out.is_file():  # the target of /dev/stdout may be no path
        with out.open("w", encoding="utf-8", errors="backslashreplace") as file:
            yield file
        return
    out = out.resolve()
    if not out.parent.is_dir():
        raise UserError(f"`out` {out}: there is no folder {out.parent}")
    with replacing(out) as raw:
        file = io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace")
        yield file
        file.detach()  # which writes out what it holds
