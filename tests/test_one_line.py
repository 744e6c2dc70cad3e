"""Whatever happens to a command, it ends with one line and the right exit code."""

import io
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

import bgan_text as bt
from bgan_text.cli import console
from bgan_text.cli.main import app
from bgan_text.config import Config
from bgan_text.corpora.preparation_options import ImagePreparation, TextPreparation
from bgan_text.errors import LONGEST_LINE, UserError, one_line, shown
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.sampling_options import SamplingOptions
from bgan_text.standard_streams import Talk, settle_columns
from bgan_text.studies.comparison_options import ComparisonOptions
from bgan_text.studies.reproduction_options import ReproductionOptions

COMMAND = [sys.executable, "-m", "bgan_text.cli"]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="streams and signals of POSIX")
Command = Callable[..., Any]


# Signals

SIGNALLED = """if True:
    import os, signal, sys
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell may ignore
    module, number = sys.argv[1], int(sys.argv[2])
    class Sender:
        def find_spec(self, name, path=None, target=None):
            if name == module:
                os.kill(os.getpid(), number)
    sys.meta_path.insert(0, Sender())
    sys.argv[1:] = sys.argv[3:]
    from bgan_text.cli.entry import main
    main()
"""


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", ["bgan_text.standard_streams", "typer", "bgan_text.errors", "torch"])
def test_a_signal_during_any_import_is_one_line(module: str, number: signal.Signals) -> None:
    made = subprocess.run(
        [sys.executable, "-c", SIGNALLED, module, str(int(number)), "sample"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (made.returncode, made.stdout, made.stderr) == (128 + number, "", "Interrupted.\n")


@POSIX
def test_a_signal_at_work_removes_what_is_half_written(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "prepare", "-", "--out", "d"],
        cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        for _ in range(1200):
            if list(tmp_path.glob(".d.*/new")):
                break
            time.sleep(0.05)
        time.sleep(0.3)  # it waits for its input
        process.send_signal(signal.SIGTERM)
        _, talk = process.communicate()
    assert (process.returncode, talk) == (143, "Interrupted.\n")
    assert list(tmp_path.iterdir()) == []


# Streams

STREAMS = [
    (">&-", 1, "cannot write to standard output"),
    (">/dev/full", 1, "No space left on device"),
    ("2>&-", 0, ""),
    ("2>/dev/full", 0, ""),
    ("<&-", 0, ""),
    ("<&- 2>&- >&-", 1, ""),
]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize(("redirected", "code", "talk"), STREAMS, ids=lambda value: str(value))
def test_the_exit_code_says_whether_results_arrived(redirected: str, code: int, talk: str) -> None:
    made = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirected}', "sh", *COMMAND, "train", "--help"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == code
    assert ("--evaluate-every" in made.stdout) is (code == 0)
    assert talk in made.stderr
    assert len(made.stderr.splitlines()) == (talk != "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_messages_that_cannot_be_written_are_lost_and_nothing_else() -> None:
    full = Path("/dev/full").open("wb")  # noqa: SIM115 - to close it fails
    talk = Talk(full, encoding="utf-8", line_buffering=True)
    for _ in range(1000):
        print("a message" * 10, file=talk, flush=True)
    buffer = talk.detach()
    with pytest.raises(OSError, match="No space left"):
        buffer.flush()
    with suppress(OSError):
        buffer.close()


@POSIX
def test_no_file_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    code = (
        "from bgan_text.standard_streams import open_streams\nimport os, sys\nopen_streams()\n"
        "file = open('made', 'wb')\nassert file.fileno() > 2\nprint('talk', file=sys.stderr, flush=True)\n"
        "os.write(2, b'of a library')\nfile.write(b'whole')"
    )
    made = subprocess.run(
        ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", code], cwd=tmp_path, check=False
    )
    assert made.returncode == 0
    assert (tmp_path / "made").read_bytes() == b"whole"


@POSIX
def test_standard_input_that_is_closed_is_said_so(bgan: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    made = bgan("prepare", "-", "--out", "d")
    assert (made.code, made.err) == (
        1,
        "bgan-text: standard input is closed: pipe a text into it, or name a file\n",
    )


@POSIX
def test_a_working_folder_that_was_removed_is_said_so(tmp_path: Path) -> None:
    gone = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"'
    made = subprocess.run(
        ["sh", "-c", gone, "sh", *COMMAND, "show", str(tmp_path)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 1
    assert made.stderr == "bgan-text: the working folder was removed: go to another one\n"


@pytest.mark.parametrize("columns", ["0", "-5", "x", "", "20", "100000", "9" * 5000, "²", "٣"])
def test_columns_that_make_no_sense(columns: str, bgan: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for words in (("show", "--help"), ("reproduce", "--list")):
        console.results.cache_clear()
        made = bgan(*words)
        assert made.code == 0
        assert made.err == ""
        assert max(map(len, made.out.splitlines())) <= 1000
    console.results.cache_clear()


def test_columns_are_kept_where_they_make_sense() -> None:
    for given, kept in {"80": "80", "0020": "20", "7": "20", "1001": "1000", "00": None}.items():
        environment = {"COLUMNS": given}
        settle_columns(environment)
        assert environment.get("COLUMNS") == kept


# Values

NASTY = ["9" * 5000, str(2**63), "-1", "nan", "1e400", "\x1b]0;title\x07" + "x" * 5000, "5" * 400 + "s", ""]
WORDS = {"prepare": ["nowhere.txt"], "reproduce": ["mnist-distances", "--path", "nowhere"]}
"""What makes a command end soon where a value is accepted."""
ROOT: Any = get_command(app)
TAKING_VALUES = [
    (name, parameter)
    for name, command in ROOT.commands.items()
    for parameter in command.params
    if parameter.param_type_name == "option" and not parameter.is_flag and parameter.name != "help"
]


@pytest.mark.parametrize("name", list(ROOT.commands))
def test_any_value_of_any_option_is_refused_in_one_short_line(
    name: str, bgan: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an empty folder, where no command can succeed."""
    monkeypatch.setattr(typer.Typer, "__call__", lambda self, words, **how: ROOT.main(words, **how))
    for command, parameter in TAKING_VALUES:
        flag = max(parameter.opts, key=len)
        for value in NASTY if command == name else ():
            made = bgan(
                name,
                *WORDS.get(name, ["nowhere"] if name != "compare" else []),
                flag,
                *[value] * parameter.nargs,
            )
            assert made.code in (1, 2), (flag, value[:20])
            assert made.out == ""
            lines = [line for line in made.err.splitlines() if not line.startswith("Warning")]
            assert len(lines) == 1, (flag, value[:20], made.err)
            assert lines[0].startswith("bgan-text: ")
            assert len(lines[0]) <= LONGEST_LINE
            assert "\x1b" not in made.err


DECLARED: dict[type, Callable[[dict[str, Any]], object]] = {
    Config: Config.given,
    TextPreparation: lambda given: TextPreparation(**{"corpus": "lines", **given}),
    ImagePreparation: lambda given: ImagePreparation(**{"corpus": "images", **given}),
    SamplingOptions: lambda given: SamplingOptions(**given),
    EvaluationOptions: lambda given: EvaluationOptions(**given),
    ComparisonOptions: lambda given: ComparisonOptions(**given),
    ReproductionOptions: lambda given: ReproductionOptions(**given),
}
VALUES: list[Any] = [
    10**5000, 2**63, 2**53 + 1, -1, -(10**5000), float("nan"), float("inf"), 1e308, -0.0, "", "9" * 5000,
    "x" * 5000, "\x1b[2J", "\ud800", b"x", [], [[]], {}, object(), True,
]  # fmt: skip


@pytest.mark.parametrize("declared", list(DECLARED), ids=lambda declared: declared.__name__)
def test_any_value_of_any_declared_option_is_accepted_or_refused_in_one_short_line(declared: type) -> None:
    refused = 0
    for option in fields(declared):
        for value in VALUES:
            try:
                DECLARED[declared]({option.name: value})
            except UserError as error:
                refused += 1
                text = str(error)
                assert len(text) <= LONGEST_LINE
                assert text.splitlines() == [text]
                assert "\x1b" not in text
    assert refused > 5 * len(fields(declared))


def test_a_long_value_loses_its_middle_and_a_message_keeps_its_ends() -> None:
    assert shown(["x" * 5000])[:6] + shown(["x" * 5000])[-4:] == "['xxxx" + "xx']"[-4:]
    words = " ".join(["word"] * 5000)
    text = str(UserError(f"`column` {words}: there is no such column"))
    assert text.startswith("`column` word word")
    assert text.endswith("word: there is no such column")
    assert len(text) == LONGEST_LINE - 1
    path = "/".join(["folder"] * 1000)
    assert len(one_line(f"there is no file {path}")) < 330
    assert one_line("one\n two\r\x1b[31m\u202ethree") == "one two \\x1b[31m\\u202ethree"


# Terminals


def test_names_and_data_do_nothing_to_a_terminal(bgan: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "a\x1b[2Jb.txt"
    try:
        Path(name).write_text("the cat\nthe \x1b[31mdog\n" * 3)
    except OSError:
        pytest.skip("no file may have such a name")
    console.results.cache_clear()
    scored = bgan("score", name, "--reference", name, "--resamples", 0)
    assert scored.code == 0
    assert "\x1b" not in scored.out + scored.err
    assert "a\\x1b[2Jb.txt" in scored.out.replace("\n", "")
    missing = bgan("score", "\x1b[2Jnowhere", "--reference", name)
    assert missing.err == "bgan-text: there is no file \\x1b[2Jnowhere\n"

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, wanted in ((Terminal(), "\\x1b[2J\tb\n"), (io.StringIO(), "\x1b[2J\tb\n")):
        monkeypatch.setattr(sys, "stdout", stream)
        console.write("\x1b[2J\tb\n")
        assert stream.getvalue() == wanted


# Files


def test_a_checkpoint_that_may_not_be_read_is_not_taken_for_an_absent_one(
    data: bt.DatasetDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = bt.train(
        data, out=tmp_path / "run", steps=1, width=8, discriminator_width=8, noise=4, batch=4,
        generator="conv", precision="float32",
    )  # fmt: skip
    (path,) = run.checkpoints().values()
    content = path.read_bytes()
    path.unlink()
    path.mkdir()
    with pytest.raises(UserError, match=r"checkpoint .*000001\.safetensors cannot be read: "):
        run.sample(1)
    path.rmdir()
    path.write_bytes(content)

    def forbidden(*arguments: Any, **more: Any) -> None:
        raise PermissionError(13, "Permission denied")

    def absent(*arguments: Any, **more: Any) -> None:
        raise FileNotFoundError(f"No such file or directory: {path}")

    monkeypatch.setattr("bgan_text.training.checkpoint.safe_open", absent)  # as safetensors has it
    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(UserError, match="cannot be read: Permission denied"):
        run.sample(1)
    monkeypatch.undo()
    assert len(run.sample(1)) == 1
