"""Output on terminals whose encoding has no arrows, no box characters or no emoji."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bgan_text.cli.console import results, talk
from bgan_text.cli.main import main
from bgan_text.encoding import DEGRADE, degrade, holds_all, plain

TINY = ["--width", 4, "--discriminator-width", 4, "--noise", 4, "--batch", 8, "--steps", 2, "--device", "cpu"]
LINES = [f"snow ☃ {word} 😀 水 {number}" for number in range(40) for word in ("é", "ś", "→")]

Call = Callable[..., tuple[str, str]]


class Terminal(io.TextIOWrapper):
    """A stream of bytes that looks like a terminal, so that bars and spinners move on it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    """Run a command on streams of an encoding; what it wrote to stdout and stderr, decoded."""
    monkeypatch.chdir(tmp_path)

    def called(encoding: str, *words: object, stream: type[io.TextIOWrapper] = io.TextIOWrapper) -> Any:
        talk.cache_clear()
        results.cache_clear()
        files = io.BytesIO(), io.BytesIO()
        for name, file in zip(("stdout", "stderr"), files, strict=True):
            monkeypatch.setattr(sys, name, stream(file, encoding=encoding, errors="strict"))
        monkeypatch.setattr(sys, "argv", ["bgan-text", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
        for written in (sys.stdout, sys.stderr):
            written.flush()
        out, err = (file.getvalue().decode(encoding) for file in files)
        assert not left.value.code, err
        return out, err

    yield called
    talk.cache_clear()
    results.cache_clear()


def prepared(call: Call) -> None:
    Path("wide.txt").write_text("".join(f"{line}\n" for line in LINES), "utf-8")
    call("ascii", "prepare", "wide.txt", "--tokenizer", "word", "--out", "data/w", stream=Terminal)
    call("ascii", "train", "--data", "data/w", "--run", "runs/w", *TINY, stream=Terminal)


def test_plain_spellings_are_ascii() -> None:
    assert plain("bleu-4 ↑ js-4 ↓ length ≈ 0.78 ±.01") == "bleu-4 ^ js-4 v length ~ 0.78 +-.01"
    assert plain("╭─┬━╮│┃█⠋") == "+-+-+||#*"
    assert plain("é 水 😀 \udcff") == "\\xe9 \\u6c34 \\U0001f600 \\udcff"
    for code in range(0x2500, 0x2900):
        assert plain(chr(code)).isascii()


def test_a_handler_that_the_user_chose_stays() -> None:
    chosen = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace")
    usual, text = io.TextIOWrapper(io.BytesIO(), encoding="ascii"), io.StringIO()
    degrade(chosen, usual, text)
    assert (chosen.errors, usual.errors) == ("replace", DEGRADE)
    assert (holds_all(usual), holds_all(text)) == (False, True)


def test_every_command_writes_on_a_terminal_of_ascii(call: Call) -> None:
    prepared(call)
    out, err = call("ascii", "score", "runs/w", "--n", 20, stream=Terminal)
    assert "bleu-1 ^" in out
    assert "+-." in out
    assert "higher is better, v lower, ~ closer" in out
    assert "Traceback" not in err
    (sampled, _) = call("ascii", "sample", "runs/w", "--n", 30)
    assert len(sampled.splitlines()) == 30
    assert "\\u" in sampled.lower()
    assert "\\U0001f600" in call("ascii", "show", "data/w")[0]
    call("ascii", "show", "runs/w")
    call("ascii", "reproduce", "--list")
    few = ["--objectives", "importance", "--seeds", 1, "--n", 20, "--data", "data/w"]
    assert "js-4 v" in call("ascii", "compare", *few, *TINY, stream=Terminal)[0].replace("\n", " ")
    for command in ("prepare", "train", "sample", "score", "compare", "reproduce", "show"):
        assert f"bgan-text {command}" in call("ascii", command, "--help")[0]


def test_what_an_encoding_has_stays(call: Call) -> None:
    prepared(call)
    (out, _) = call("cp1252", "score", "wide.txt", "--data", "data/w", "--n", 20)
    assert "bleu-1 ^" in out
    assert " ±." in out
    assert " é " in call("cp1252", "show", "data/w")[0]
    assert "☃" in call("utf-8", "show", "data/w")[0]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_json_and_files_say_exactly_what_there_is(call: Call, encoding: str) -> None:
    prepared(call)
    texts = [json.loads(line)["text"] for line in call("utf-8", "sample", "runs/w", "--json")[0].splitlines()]
    assert any(not text.isascii() for text in texts)
    (out, _) = call(encoding, "sample", "runs/w", "--json")
    assert [json.loads(line)["text"] for line in out.splitlines()] == texts
    assert out.isascii() == (encoding != "utf-8")
    call(encoding, "sample", "runs/w", "--out", "samples.txt")
    assert Path("samples.txt").read_text("utf-8").splitlines() == texts
    (out, _) = call(encoding, "show", "data/w", "--json")
    assert any("😀" in text for text in json.loads(out)["examples"])
