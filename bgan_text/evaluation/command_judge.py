"""Programs outside that rate samples: for validity, toxicity, or anything else that is a number of a text.

A program reads the samples on standard input, one a line in UTF-8, and prints a number for each, one a line.
"nan" stands for a sample that it cannot rate.
"""

import math
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bgan_text.corpora.units import one_line
from bgan_text.errors import UserError, choose
from bgan_text.evaluation.custom import BETTER, CustomScore
from bgan_text.evaluation.program_talk import Talk
from bgan_text.evaluation.registry import ENTRIES

TIMEOUT = 600.0
"""Seconds that a program may take for the samples of one model, unless other are given."""
NAMED = re.compile(r"([^\W\d][\w.-]*)(?::([\w-]*))?=(.*)", re.DOTALL)
"""NAME=COMMAND, or NAME:DIRECTION=COMMAND."""
RUNNERS = re.compile(r"(python|pypy|perl|ruby|node|rscript|julia|bash|sh|uv|run)[\d.]*", re.IGNORECASE)
"""Programs that run another one, after which a score is called."""
LONGEST_WORDS = 200
LONGEST_ANSWER = 1000
FREE_BYTES = 1 << 20
"""Bytes that a program may print, and besides for each sample. A number has 25."""


@dataclass(frozen=True)
class CommandJudge:
    """A score function that asks a program.

    Args:
        command: the program and its arguments, as in a shell. There is no shell: no pipes, no variables.
        timeout: seconds that it may take.

    Example:
        >>> CommandJudge("python -c 'for line in open(0): print(len(line.split()))'")(["a b", "a b c"])
        [2.0, 3.0]
    """

    command: str
    timeout: float = TIMEOUT

    @property
    def words(self) -> list[str]:
        """The program and its arguments.

        Raises:
            UserError: a quote is not closed, or there is no program.
        """
        try:
            words = shlex.split(self.command)
        except ValueError as error:
            raise UserError(f"`judge` {self.command!r}: {str(error).lower()}") from error
        if not words:
            raise UserError(f"`judge` {self.command!r}: a command was expected, such as 'python valid.py'")
        return words

    def __call__(self, texts: list[str]) -> list[float]:
        """The number of each text; NaN for one that is not rated. Line ends within a text become spaces.

        Raises:
            UserError: the program fails, takes too long, or does not print a number for each text. The last
                line that it wrote to standard error is part of the message. One that prints without end is
                killed.
        """
        lines = "".join(one_line(text) + "\n" for text in texts)
        most = FREE_BYTES + LONGEST_ANSWER * len(texts)
        said, complaint = self._answer(lines.encode("utf-8", "replace"), most)
        answers = said.rstrip().split("\n") if said.strip() else []
        if len(answers) != len(texts):
            raise UserError(
                f"`judge` {self.command!r} printed {len(answers):,} lines for {len(texts):,} samples: a "
                f"number for each, one a line, was expected{complaint}"
            )
        return [self._number(place, answer, complaint) for place, answer in enumerate(answers, start=1)]

    def _number(self, place: int, answer: str, complaint: str) -> float:
        try:
            number = float(answer)
        except ValueError:
            number = math.inf
        if math.isinf(number):
            shown = answer.strip()[:LONGEST_WORDS]
            raise UserError(
                f"`judge` {self.command!r} printed {shown!r} in line {place:,}: a number, or nan, was "
                f"expected{complaint}"
            )
        return number

    def _answer(self, lines: bytes, most: int) -> tuple[str, str]:
        """What the program prints, and its last words on standard error as a part of a message."""
        try:
            process = subprocess.Popen(
                self.words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=os.environ | {"PYTHONIOENCODING": "utf-8"},  # the samples are UTF-8 wherever this runs
                start_new_session=True,  # so that what it has started ends with it
            )
        except OSError as error:
            reason = error.strerror or str(error)
            raise UserError(
                f"`judge` {self.command!r}: {self.words[0]} cannot be started ({reason}); commands run "
                "without a shell"
            ) from error
        try:
            talk = Talk(process, lines, most)
            ended = talk.wait(self.timeout)
        finally:
            _end(process)
        words = _last_words(talk.last_words())
        if talk.endless:
            raise UserError(
                f"`judge` {self.command!r} printed more than {most:,} bytes and was ended: a number for each "
                f"sample, one a line, was expected{words}"
            )
        if not ended:
            raise UserError(
                f"`judge` {self.command!r} took longer than the {self.timeout:g} s of `judge_timeout`{words}"
            )
        if process.returncode:
            raise UserError(f"`judge` {self.command!r} ended with exit code {process.returncode}{words}")
        return talk.printed().decode("utf-8", "replace").replace("\r\n", "\n"), words


def _last_words(written: bytes) -> str:
    lines = written.decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f"; it says: {last[:LONGEST_WORDS]}" if last else ""


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a program and what it has started, where that still runs."""
    with suppress(ProcessLookupError):  # all of it has ended
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def judge_scores(specs: Iterable[str], timeout: float = TIMEOUT) -> dict[str, CustomScore]:
    """Score functions of commands, by name.

    Args:
        specs: COMMAND, NAME=COMMAND or NAME:DIRECTION=COMMAND. The direction is higher, lower or real, as of
            a `CustomScore`. A score without a name is called after its program.
        timeout: seconds that a command may take for the samples of one model.

    Raises:
        UserError: a command cannot be read, there is no such direction, or two scores have one name.

    Example:
        >>> scores = judge_scores(["valid:higher=python valid.py", "python toxic.py"])
        >>> {name: score.better for name, score in scores.items()}
        {'valid': 'higher', 'toxic': 'real'}
    """
    found: dict[str, CustomScore] = {}
    for spec in specs:
        named = NAMED.fullmatch(spec)
        name, direction, command = named.groups() if named is not None else (None, None, spec)
        judge = CommandJudge(command.strip(), timeout)
        name = name or name_of(judge.words)
        better = "real" if direction is None else choose("direction", direction, {one: one for one in BETTER})
        if name in ENTRIES:
            raise UserError(f"`judge` {spec!r}: a built-in score is called {name}; choose another NAME")
        if name in found:
            raise UserError(f"`judge` {spec!r}: another judge is called {name}; NAME=COMMAND names it")
        found[name] = CustomScore(judge, better, judge.command)
    return found


def name_of(words: list[str]) -> str:
    """What a command is called after: its program, or the script or module that an interpreter runs.

    Example:
        >>> name_of(["python", "-u", "judges/valid.py", "--strict"]), name_of(["./toxic"])
        ('valid', 'toxic')
    """
    for place, word in enumerate(words):
        if word.startswith("-") or RUNNERS.fullmatch(Path(word).stem) or RUNNERS.fullmatch(Path(word).name):
            continue
        is_module = place > 0 and words[place - 1] == "-m"
        is_code = place > 0 and words[place - 1] in ("-c", "-e")
        if not is_code:
            return word.rpartition(".")[2] if is_module else Path(word).stem
    return Path(words[0]).stem
