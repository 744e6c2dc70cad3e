"""Where messages go: talk to stderr, results to stdout."""

import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import IO, Any

from rich.console import Console
from rich.text import Text

from bgan_text.encoding import holds_all, visible
from bgan_text.files import finite

PATIENCE = 0.2
"""Seconds without a word."""


@cache
def talk() -> Console:
    """The console on stderr. Piped, it writes neither colour codes nor moving lines."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


@cache
def results() -> Console:
    """The console on stdout, for tables."""
    return Console(highlight=False, soft_wrap=False)


def say(text: str) -> None:
    """One line of talk, shown as it is."""
    talk().print(visible(text), markup=False, emoji=False)


def shown(value: object, style: str = "") -> Text:
    """A cell of a table or a line of results, which can do nothing to a terminal."""
    return Text(visible(str(value), lines=True), style)


def write(text: str) -> None:
    """Results on stdout: as they are where a program reads them, control characters escaped on a terminal."""
    sys.stdout.write(visible(text, lines=True) if sys.stdout.isatty() else text)


@contextmanager
def loading() -> Iterator[None]:
    """Say on a terminal that torch is being loaded, if that takes long.

    A log says nothing, so that a command that refuses its input writes one line there.
    """

    def tell() -> None:
        torch = sys.modules.get("torch")
        if torch is None or getattr(torch.__spec__, "_initializing", False):
            say("Loading torch ...")

    timer = threading.Timer(PATIENCE, tell)
    timer.daemon = True
    if "torch" not in sys.modules and talk().is_terminal and "RANK" not in os.environ:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on one line of stdout; numbers that are not finite become null."""
    write(json_line(value, sys.stdout))


def json_line(value: Mapping[str, Any], stream: IO[str]) -> str:
    """One JSON object on one line, ASCII unless the stream is UTF-8; numbers that are not finite are null."""
    return json.dumps(finite(value), ensure_ascii=not holds_all(stream)) + "\n"
