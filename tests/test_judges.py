"""Programs outside that rate samples: `score --judge`."""

import json
import math
import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bgan_text as bt
from bgan_text.errors import UserError
from bgan_text.evaluation import Judges, evaluate
from bgan_text.evaluation.command_judge import CommandJudge, judge_scores, name_of

Command = Callable[..., Any]
TEXTS = ["a b c", "a b", "é 水", "b c d e"]
REAL = ["a b c d", "b c", "c d e", "d e f g"]


def python(code: str) -> str:
    """A command that runs code, with `lines` for its input."""
    return shlex.join([sys.executable, "-c", f"import sys; lines = sys.stdin.read().splitlines()\n{code}"])


WORDS = python("for line in lines: print(len(line.split()))")


def test_a_program_gives_a_number_for_each_text() -> None:
    assert CommandJudge(WORDS)(TEXTS) == [3.0, 2.0, 2.0, 4.0]
    length = CommandJudge(python("for line in lines: print(len(line))"))
    assert length(["水", "a\nb", "", "a\rb"]) == [1.0, 3.0, 0.0, 3.0]  # each is one line of UTF-8
    (number,) = CommandJudge(python("print('nan')"))(["a"])
    assert math.isnan(number)


def test_a_judge_is_a_score_with_interval_anchor_and_direction(bgan: Command) -> None:
    Path("samples.txt").write_text("".join(f"{text}\n" for text in TEXTS * 10), "utf-8")
    Path("real.txt").write_text("".join(f"{text}\n" for text in REAL * 10), "utf-8")
    words = ("score", "samples.txt", "--reference", "real.txt", "--judge", f"words:lower={WORDS}")
    made = bgan(*words, "--judge", f"again={WORDS}", "--json")
    assert made.code == 0, made.err
    samples, real = (model["scores"] for model in json.loads(made.out)["models"])
    assert samples["words"]["value"] == 2.75
    assert samples["words"]["low"] < 2.75 < samples["words"]["high"]
    assert (samples["words"]["better"], samples["again"]["better"]) == ("lower", "real")
    assert real["words"]["value"] == np.mean([len(text.split()) for text in (REAL * 10)[::2]])
    assert json.loads(made.out)["settings"]["judge"]["words"] == WORDS
    table = bgan(*words)
    (row,) = (line for line in table.out.splitlines() if line.startswith("  words ↓"))
    assert "2.750 ±." in row
    report = evaluate({"mine": TEXTS * 10}, reference=REAL * 10, judge=[f"words:lower={WORDS}"])
    assert report.columns[0].cells["words"].value == 2.75
    own = {"words": bt.CustomScore(CommandJudge(WORDS), better="lower")}
    same = evaluate({"mine": TEXTS * 10}, reference=REAL * 10, scores=own)
    assert same.columns[0].cells["words"] == report.columns[0].cells["words"]


def test_a_sweep_has_the_judge_at_each_point() -> None:
    judged = {"judge": [f"words={WORDS}"], "likelihood": False, "judges": Judges.quick()}
    made = bt.sweep({"mine": TEXTS * 20}, [1.0], reference=REAL * 20, **judged)
    assert made.points[0].scores["words"] == 2.75
    assert all("words" in point.scores for point in made.points)


def test_samples_that_are_not_rated_do_not_count() -> None:
    rating = python("for line in lines: print(line if line in '01' else 'nan')")
    texts = ["1", "nan", "0", "nan", "1", "1"]
    report = evaluate({"mine": texts * 9}, reference=REAL, judge=[f"x={rating}"])
    cell = report.columns[0].cells["x"]
    assert cell.value == pytest.approx(3 / 4)
    assert cell.low < 3 / 4 < cell.high
    assert cell.note == "18 of 54 samples are not rated"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("no-such-program x", r"no-such-program cannot be started \(No such file or directory\)"),
        (python("print('so', file=sys.stderr); sys.exit('much')"), "ended with exit code 1; it says: much"),
        (python("print(1)"), "printed 1 lines for 4 samples: a number for each, one a line"),
        (python("print('odd', file=sys.stderr)"), "printed 0 lines for 4 samples: .*; it says: odd"),
        (python("for line in lines + ['']: print(1)"), "printed 5 lines for 4 samples"),
        (python("for line in lines: print('high')"), "printed 'high' in line 1: a number, or nan"),
        (python("for line in lines: print('inf')"), "printed 'inf' in line 1"),
        (python("import time; time.sleep(60)"), "took longer than the 1 s of `judge_timeout`"),
        ("python 'valid.py", "no closing quotation"),
        ("  ", "a command was expected"),
    ],
)
def test_a_judge_that_fails_is_one_line(command: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as refusal:
        evaluate({"mine": TEXTS}, reference=REAL, judge=[f"x={command}"], judge_timeout=1.0, resamples=0)
    assert "\n" not in str(refusal.value).replace("\\n", "")


def test_a_judge_fails_before_the_long_work(bgan: Command) -> None:
    Path("a.txt").write_text("a b\n", "utf-8")
    made = bgan("score", "a.txt", "--reference", "a.txt", "--judge", "no-such-program")
    assert (made.code, made.out, len(made.err.splitlines())) == (1, "", 1)
    assert made.err.startswith("bgan-text: --judge 'no-such-program': ")


def is_gone(child: int) -> bool:
    """Whether a process ends within two seconds; one that does not is killed."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":  # killed, and not collected by its new parent
            return True
        time.sleep(0.02)
    os.kill(child, 9)
    return False


@pytest.mark.skipif(sys.platform == "win32", reason="process groups are of POSIX")
def test_what_a_judge_has_started_ends_with_it(tmp_path: Path) -> None:
    started = tmp_path / "started"
    code = (
        "import subprocess, time; child = subprocess.Popen(['sleep', '60']); "
        f"open({str(started)!r}, 'w').write(str(child.pid)); time.sleep(60)"
    )
    with pytest.raises(UserError, match="took longer"):
        CommandJudge(python(code), timeout=1.0)(TEXTS)
    assert is_gone(int(started.read_text()))


@pytest.mark.skipif(sys.platform == "win32", reason="process groups are of POSIX")
def test_what_a_judge_that_has_ended_left_behind_is_killed(tmp_path: Path) -> None:
    started = tmp_path / "child"
    code = (
        "import subprocess, sys; child = subprocess.Popen(['sleep', '60']); "
        f"open({str(started)!r}, 'w').write(str(child.pid)); "
        "print('\\n'.join('1' for line in sys.stdin.readlines()), flush=True)"
    )
    with pytest.raises(UserError, match="took longer than the 1 s"):  # the child holds the output open
        CommandJudge(python(code), timeout=1.0)(TEXTS)
    assert is_gone(int(started.read_text()))


def test_every_kind_of_line_end_within_a_text_is_a_space_for_a_judge() -> None:
    code = "[print(len(line.split())) for line in lines]"
    assert CommandJudge(python(code))(["a\x85b", "a\u2028b c", "a\rb\nc\vd"]) == [2.0, 3.0, 4.0]


def test_names_and_directions_are_read_from_the_command() -> None:
    for words, name in (
        (["python", "valid.py"], "valid"),
        (["/usr/bin/python3.12", "-u", "judges/toxic.py", "--strict"], "toxic"),
        (["python", "-m", "my.judges.rhyme"], "rhyme"),
        (["./perplexity"], "perplexity"),
        (["python", "-c", "print(1)"], "python"),
    ):
        assert name_of(words) == name, words
    found = judge_scores(
        ["python valid.py --least=3", "good:higher=python a.py x=1", "bad:lower=b", "c=python d"]
    )
    assert {name: score.better for name, score in found.items()} == {
        "valid": "real", "good": "higher", "bad": "lower", "c": "real",
    }  # fmt: skip
    assert found["good"].about == "python a.py x=1"
    for specs, words in (
        (["x:up=python a"], "unknown direction 'up': .*higher, lower, real"),
        (["python a.py", "python other/a.py"], "another judge is called a; NAME=COMMAND names it"),
    ):
        with pytest.raises(UserError, match=words):
            judge_scores(specs)
    for judge, scores, words in (
        ("bleu-1=python a.py", {}, "a built-in score is called bleu-1; choose another NAME"),
        ("mine=python a.py", {"mine": len}, "'mine': a `judge` has this name"),
    ):
        with pytest.raises(UserError, match=words):
            evaluate({"x": TEXTS}, reference=REAL, judge=[judge], scores=scores)


def test_judges_read_text_not_images(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8), dtype=np.uint8)
    data = bt.prepare(images, colors=2, out=tmp_path / "data")
    with pytest.raises(UserError, match="`judge` has no meaning for images"):
        evaluate([images], data=data, judge=[WORDS])
