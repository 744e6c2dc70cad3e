"""`bgan-text reproduce`: an experiment of the paper, from its data to its table or image."""

from pathlib import Path
from typing import Annotated

import typer

from bgan_text.errors import UserError


def reproduce(
    name: Annotated[str | None, typer.Argument(help="Experiment; --list tells which there are.")] = None,
    scale: Annotated[
        str,
        typer.Option(
            help="smoke: seconds, to see that it runs; small: within an hour on 2 cores; paper: near "
            "the paper's setting, for a GPU."
        ),
    ] = "small",
    path: Annotated[
        list[str] | None,
        typer.Option(
            help="Data on this machine, as for prepare; may be given again. (default: from the hub)"
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for everything. (default: reproductions/NAME-SCALE)")
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="Say what each compares, how long it takes, what was found.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make an experiment of the boundary-seeking GAN paper (Hjelm et al., ICLR 2018) again.

    It prepares the data, trains every method, measures, and writes result.md, result.json and images.

    The same command again goes on where it stopped and makes nothing twice.

    Example: bgan-text reproduce mnist-distances --scale small --path mnist/
    """
    from bgan_text.studies.reproduction import listed, reproduced

    if list_:
        if name is not None:
            raise UserError(f"--list shows all experiments: leave out {name}, or --list")
        listed(json=json)
        return
    if name is None:
        raise UserError("name an experiment: bgan-text reproduce --list tells which there are")
    stopped = reproduced(name, scale, tuple(path or ()), out, device, json=json)
    if stopped is not None:
        raise typer.Exit(128 + stopped)
