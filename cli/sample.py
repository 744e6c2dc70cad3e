"""`bgan-text sample`: a run gives sentences."""

import json as json_module
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from bgan_text.errors import UserError

if TYPE_CHECKING:
    from bgan_text.corpora.images import Pixels
    from bgan_text.training.run import RunFolder

IMAGE_FILES = (".png", ".gif")


def sample(
    run: Annotated[Path | None, typer.Argument(help="Run folder. (default: the newest in runs/)")] = None,
    n: Annotated[
        int | None, typer.Option("--n", "-n", help="How many samples. (default: 10; images: 64)")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed; the same one gives the same samples.")] = 0,
    temperature: Annotated[float, typer.Option(help="Below 1 samples are safer, above 1 more varied.")] = 1.0,
    weights: Annotated[str, typer.Option(help="Weights to sample from: average or last.")] = "average",
    step: Annotated[int | None, typer.Option(help="Checkpoint to sample from. (default: the last)")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, with tokens and, of text, the text.")
    ] = False,
    animate: Annotated[
        bool, typer.Option("--animate", help="Images: a GIF of how they came about, from the run's grids.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write. (default: standard output; images: samples.png in the run folder)"),
    ] = None,
) -> None:
    """Print samples of a trained run, one a line; of images, draw a grid of them.

    Example: bgan-text sample --n 3 --temperature 0.8

    Example: bgan-text sample runs/mnist --n 100 --out digits.png
    """
    from bgan_text.cli.console import newest_run
    from bgan_text.device import choose_device
    from bgan_text.errors import choose
    from bgan_text.runs import Draw, sampled, sampled_images
    from bgan_text.training.classification import refuse_classifier
    from bgan_text.training.run import RunFolder

    if n is not None and n < 1:
        raise UserError(f"--n {n}: at least 1 is needed")
    average = choose("weights", weights, {"average": True, "last": False})
    opened = RunFolder(run if run is not None else newest_run())
    refuse_classifier(opened)
    if not opened.images and (animate or (out is not None and out.suffix in IMAGE_FILES)):
        given = "--animate" if animate else f"--out {out}"
        raise UserError(f"{given} is for images, and {opened.folder} makes text: name a file for lines")
    if animate:
        print(_animated(opened, out))
        return
    draw = Draw(
        count=n if n is not None else 64 if opened.images else 10,
        seed=seed,
        device=choose_device(device),
        temperature=temperature,
        average=average,
        step=step,
    )
    if opened.images:
        drawn = sampled_images(opened, draw)
        if not json:
            print(_drawn(drawn, opened, out))
            return
        lines: Iterator[str] = (json_module.dumps({"tokens": tokens}) for _, tokens in drawn)
    else:
        lines = (
            json_module.dumps({"text": text, "tokens": tokens}, ensure_ascii=False) if json else text
            for text, tokens in sampled(opened, draw)
        )
    with _destination(out) as file:
        for line in lines:
            file.write(line + "\n")


def _drawn(images: "Iterator[tuple[Pixels, list[int]]]", run: "RunFolder", out: Path | None) -> Path:
    """A grid of images in one file."""
    from bgan_text.corpora.image_grid import grid, write_png

    path = _image_file(out, run.folder / "samples.png", ".png")
    write_png(path, grid([pixels for pixels, _ in images]))
    return path


def _animated(run: "RunFolder", out: Path | None) -> Path:
    """The grids that training has drawn, one after the other."""
    from bgan_text.corpora.image_grid import write_animation
    from bgan_text.training.run import GRIDS

    path = _image_file(out, run.folder / "samples.gif", ".gif")
    grids = sorted((run.folder / GRIDS).glob("*.png"))
    if not grids:
        raise UserError(
            f"{run.folder / GRIDS} holds no images: --animate shows those that training has drawn"
        )
    write_animation(path, grids)
    return path


def _image_file(out: Path | None, usual: Path, suffix: str) -> Path:
    if out is None:
        return usual
    if out.suffix != suffix:
        raise UserError(f"--out {out}: a file that ends in {suffix} was expected")
    if not out.parent.is_dir():
        raise UserError(f"--out {out}: there is no folder {out.parent}")
    return out


@contextmanager
def _destination(out: Path | None) -> Iterator[IO[str]]:
    """Standard output, or a file that appears only when it is whole; a device or pipe is written to."""
    if out is None:
        yield sys.stdout
        return
    out = out.resolve()
    if out.is_dir():
        raise UserError(f"--out {out} is a folder: name a file")
    if out.exists() and not out.is_file():
        with out.open("w", encoding="utf-8") as file:
            yield file
        return
    if not out.parent.is_dir():
        raise UserError(f"--out {out}: there is no folder {out.parent}")
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            yield file
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
