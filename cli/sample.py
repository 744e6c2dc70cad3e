"""`bgan-text sample`: a run gives sentences or images."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from bgan_text.cli.options import Device, Generator, with_options
from bgan_text.errors import UserError
from bgan_text.sampling_options import SamplingOptions

IMAGE_FILES = (".png", ".gif")

Discriminator = Annotated[
    str | None, typer.Option(help="Discriminator class of yours, likewise; for --candidates and --correct.")
]


@with_options(SamplingOptions)
def sample(
    run: Annotated[
        str | None,
        typer.Argument(
            help="Run folder, exported model or hf:user/name of the hub. (default: the newest in runs/)"
        ),
    ] = None,
    device: Device = "auto",
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, with tokens and, of text, the text.")
    ] = False,
    animate: Annotated[
        bool, typer.Option("--animate", help="Images: a GIF of the grids drawn during training.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write. (default: standard output; images: samples.png in the run folder)"),
    ] = None,
    generator: Generator = None,
    discriminator: Discriminator = None,
    *,
    given: dict[str, Any],
) -> None:
    """Print samples of a trained run, one a line; draw a grid of a run on images.

    Example: bgan-text sample --n 3 --temperature 0.8

    Example: bgan-text sample --n 3 --candidates 20

    Example: bgan-text sample runs/mnist --n 100 --out digits.png

    Example: bgan-text sample hf:user/name --n 3
    """
    from bgan_text.cli.console import say, write
    from bgan_text.cli.parts import own_nets
    from bgan_text.cli.progress import RichReporter
    from bgan_text.newest import newest_run
    from bgan_text.runs import load_run
    from bgan_text.sample_files import animate_grids, draw_grid
    from bgan_text.space import is_image

    options = SamplingOptions(**given)
    own, reporter = own_nets(generator, discriminator), RichReporter()
    opened = load_run(run if run is not None else newest_run(), device=device, reporter=reporter, **own)
    images = is_image(opened.space)
    if animate and images:
        write(f"{animate_grids(opened.folder, out)}\n")
        return
    samples = opened.stream(options)
    if not images and (animate or (out is not None and out.suffix in IMAGE_FILES)):
        shown = "--animate" if animate else f"--out {out}"
        raise UserError(f"{shown} is for images, and {opened.folder} makes text: name a file for lines")
    if images and not json:
        write(f"{draw_grid((pixels for pixels, _ in samples), opened.folder, out)}\n")
    else:
        _write(samples, out, json=json, images=images)
    if (effective := samples.effective.mean) is not None:
        say(f"Effective candidates: {effective:.1f} of {options.candidates}")


def _write(samples: "Iterable[tuple[Any, list[int]]]", out: Path | None, *, json: bool, images: bool) -> None:
    """A sample a line, as text or as JSON."""
    from bgan_text.cli.console import json_line, say, write
    from bgan_text.sample_files import destination

    count = 0
    with destination(out) as file:
        for value, tokens in samples:
            named = {"tokens": tokens} if images else {"text": value, "tokens": tokens}
            line = json_line(named, file) if json else f"{value}\n"
            write(line) if out is None else file.write(line)
            count += 1
    if out is not None:
        say(f"Wrote {count:,} samples to {out}")
