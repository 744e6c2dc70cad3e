"""`bgan-text explore`: a run in a local web page."""

import os
import signal
import sys
import webbrowser
from typing import Annotated

import typer

from bgan_text.cli.options import Device, Generator

Discriminator = Annotated[str | None, typer.Option(help="Discriminator class of yours, likewise.")]

CTRL_C = 128 + signal.SIGINT  # how one ends a page: that is no failure


def explore(
    run: Annotated[
        str | None,
        typer.Argument(
            help="Run folder, exported model or hf:user/name of the hub. (default: the newest in runs/)"
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="Port at 127.0.0.1; 0 for any that is free.")] = 0,
    browser: Annotated[
        bool,
        typer.Option("--browser/--no-browser", help="Open the page in a browser, or only print its address."),
    ] = True,
    device: Device = "auto",
    generator: Generator = None,
    discriminator: Discriminator = None,
) -> None:
    """Look at a run in a local web page: draw samples, walk between noise vectors, score texts of yours.

    It prints the address of the page, which works on this machine only. The address contains a random token,
    so nobody without it can open the page. Press Ctrl-C to stop.

    Example: bgan-text explore runs/first

    Example: bgan-text explore --no-browser --port 8017
    """
    from bgan_text.cli.console import say, write
    from bgan_text.cli.entry import exit_code
    from bgan_text.cli.parts import own_nets
    from bgan_text.cli.progress import RichReporter
    from bgan_text.exploration.explore import explore
    from bgan_text.newest import newest_run
    from bgan_text.runs import load_run

    own = own_nets(generator, discriminator)
    name = run if run is not None else newest_run()
    opened = load_run(name, device=device, reporter=RichReporter(), **own)
    page, code = explore(opened, port=port), 0
    try:
        write(f"{page.url}\n")
        sys.stdout.flush()
        say("Ctrl-C ends the page.")
        if browser and _has_display():
            webbrowser.open(page.url)
        page.wait()
    except KeyboardInterrupt as error:
        code = exit_code(error)
    finally:
        page.close()
    say("Ended.")
    raise typer.Exit(0 if code == CTRL_C else code)


def _has_display() -> bool:
    """Whether a browser would open in a window: one that takes over the terminal is not wanted."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
