"""Options of a command that follow from the fields of a dataclass."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from bgan_text.cli.options import spelled, with_options
from bgan_text.errors import UserError
from bgan_text.setting import setting


@dataclass(frozen=True)
class Some:
    amount: int | None = setting(None, "how many (default: all)", flag="--n")
    long_name: float = setting(0.5, "a number, such as [one]", metavar="SHARE")
    kind: str = setting("a", "which", choices=("a", "b"))
    shape: tuple[int, int] = setting((8, 16), "height and width")
    place: Path | None = setting(None, "where")
    on: bool = setting(True, "on at first")
    off: bool = setting(False, "off at first")
    either: bool | None = setting(None, "as it comes")


@dataclass(frozen=True)
class More:
    extra: int = setting(3, "more")
    hidden: int = setting(4, "no option")


Received = tuple[Mapping[str, Any], Path | None]


@pytest.fixture
def received() -> list[Received]:
    return []


@pytest.fixture
def app(received: list[Received]) -> typer.Typer:
    @with_options(Some, More, without=("hidden",))
    def command(given: Mapping[str, Any], out: Annotated[Path | None, typer.Option(help="O")] = None) -> None:
        """A command."""
        received.append((given, out))
        if given.get("amount") == 13:
            raise UserError("`amount` 13: `out`, `long_name` or `unknown` is needed")

    app = typer.Typer()
    app.command()(command)
    assert spelled("`amount`, `either`, `no_on`, `what`") == "--n, --either, --no-on, `what`"
    return app


def test_only_what_is_given_reaches_the_command(app: typer.Typer, received: list[Received]) -> None:
    words = (
        "-n 7 --long-name 0.25 --kind b --shape 3 4 --place x/y --no-on --off --no-either --out z --extra 9"
    )
    assert CliRunner().invoke(app, words.split()).exit_code == 0
    given = {
        "amount": 7, "long_name": 0.25, "kind": "b", "shape": (3, 4), "place": Path("x/y"), "on": False,
        "off": True, "either": False, "extra": 9,
    }  # fmt: skip
    assert received.pop() == (given, Path("z"))
    assert CliRunner().invoke(app, ["--n", "8", "--either", "--on"]).exit_code == 0
    assert received.pop() == ({"amount": 8, "either": True, "on": True}, None)
    assert CliRunner().invoke(app, []).exit_code == 0
    (given, out) = received.pop()
    assert Some(**given) == Some()
    assert out is None


def test_help_shows_choices_defaults_and_brackets(app: typer.Typer) -> None:
    shown = re.sub(r"[\s│]+", " ", CliRunner().invoke(app, ["--help"]).output)
    for part in (
        "--n -n", "How many. (default: all)", "A number, such as [one]. (default: 0.5)", "SHARE",
        "Which: a, b. (default: a)", "Height and width. (default: 8 16)", "--on --no-on",
        "--either --no-either",
    ):  # fmt: skip
        assert part in shown, part
    assert "--no-off" not in shown
    assert "--hidden" not in shown


def test_an_error_names_flags(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["--n", "13"])
    assert isinstance(result.exception, UserError)
    assert spelled(str(result.exception)) == "--n 13: --out, --long-name or `unknown` is needed"
