"""`bgan-text sample`: a run gives sentences."""

import json as json_module
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer

from bgan_text.errors import UserError


def sample(
    run: Annotated[Path | None, typer.Argument(help="Run folder. (default: the newest in runs/)")] = None,
    n: Annotated[int, typer.Option("--n", "-n", help="How many samples.")] = 10,
    seed: Annotated[int, typer.Option(help="Seed; the same one gives the same samples.")] = 0,
    temperature: Annotated[float, typer.Option(help="Below 1 samples are safer, above 1 more varied.")] = 1.0,
    weights: Annotated[str, typer.Option(help="Weights to sample from: average or last.")] = "average",
    step: Annotated[int | None, typer.Option(help="Checkpoint to sample from. (default: the last)")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, with text and tokens.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="File to write instead of standard output.")] = None,
) -> None:
    """Print samples of a trained run, one a line.

    Example: bgan-text sample --n 3 --temperature 0.8
    """
    from bgan_text.errors import choose
    from bgan_text.run import Run

    from .console import newest_run
    from .device import choose_device
    from .sampling import sampled

    if n < 1:
        raise UserError(f"--n {n}: at least 1 is needed")
    average = choose("weights", weights, {"average": True, "last": False})
    opened = Run(run if run is not None else newest_run())
    texts = sampled(
        opened, n, seed, choose_device(device), temperature=temperature, average=average, step=step
    )
    with _destination(out) as file:
        for text, tokens in texts:
            line = json_module.dumps({"text": text, "tokens": tokens}, ensure_ascii=False) if json else text
            file.write(line + "\n")


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
