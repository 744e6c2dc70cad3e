"""Where messages go: talk to stderr, results to stdout."""

import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO, Any

from rich.console import Console

from bgan_text.encoding import holds_all
from bgan_text.errors import UserError
from bgan_text.files import finite as finite


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
    talk().print(text, markup=False, emoji=False)


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on one line of stdout; numbers that are not finite become null."""
    sys.stdout.write(json_line(value, sys.stdout))


def json_line(value: Mapping[str, Any], stream: IO[str]) -> str:
    """One JSON object on one line, ASCII unless the stream is UTF-8; numbers that are not finite are null."""
    return json.dumps(finite(value), ensure_ascii=not holds_all(stream)) + "\n"


def newest(parent: Path, marker: str, missing: str) -> Path:
    """The folder below `parent` whose `marker` file is the youngest, or a `UserError` saying `missing`."""
    found = [path for path in parent.glob(f"*/{marker}") if not path.parent.name.startswith(".")]
    if not found:
        raise UserError(missing)
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path)).parent


def newest_data() -> Path:
    """The dataset directory made last below data/."""
    return newest(
        Path("data"), "card.json", "there is no dataset directory in data/: make one with bgan-text prepare"
    )


def newest_run(marker: str = "checkpoint-*.safetensors") -> Path:
    """The run below runs/ that was saved last, or the one with the youngest file called `marker`."""
    return newest(Path("runs"), marker, "there is no run in runs/: make one with bgan-text train")
