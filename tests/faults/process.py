"""One command in a process of its own, with limits, forked from this one."""

import contextlib
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 20
"""Longest time of a case on the processor: a busy machine makes none of them hang."""
WAITING = 120
"""Longest time of a case by the clock."""
ADDRESS_SPACE = 24 << 30
"""Bytes of address space, so that a case cannot take the machine with it."""
FOREIGN = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "subprocess.Popen", "socket.connect")
"""Events of Python's audit that no damaged file may cause: a program started, a connection made."""
MODULES = (
    "bgan_text.cli.entry",
    "bgan_text.cli.main",
    "bgan_text.curves",
    "bgan_text.evaluation.evaluate",
    "bgan_text.runs",
    "bgan_text.sharing.exporting",
    "bgan_text.studies.comparison",
    "bgan_text.corpora.prepare",
    "bgan_text.corpora.image_preparation",
    "bgan_text.corpora.text_preparation",
    "datasets",
    "huggingface_hub.repocard",
    "matplotlib.pyplot",
    "nltk.tokenize",
    "pandas",
    "PIL.Image",
    "pyarrow.parquet",
    "sacrebleu",
    "sentencepiece",
    "torch.nn.utils.parametrizations",
)


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes:
        code: its exit code, or minus the number of the signal that ended it.
        out, err: what it wrote.
        peak: the largest resident memory, in bytes.
        seconds: wall time.
        foreign: what it did that only a program of someone else would do.
    """

    code: int
    out: str
    err: str
    peak: int
    seconds: float
    foreign: str


def preload() -> None:
    """Import everything once; forked processes then start in milliseconds. No thread is started."""
    import importlib

    os.environ |= {"COLUMNS": "120", "NO_COLOR": "1", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    import torch

    torch.set_num_threads(1)
    for name in MODULES:
        importlib.import_module(name)
    from PIL import Image

    Image.init()


def run(
    words: Sequence[object],
    folder: Path,
    *,
    before: Callable[[], Any] | None = None,
    after: float | None = None,
    may_start: bool = False,
) -> Outcome:
    """Run a command line of bgan-text in a folder.

    Args:
        words: the command line, without the program.
        folder: where it runs.
        before: is called in the new process first, for faults of its surroundings.
        after: seconds after which it is killed; None for never.
        may_start: other programs, such as judges.
    """
    pipes = [os.pipe() for _ in range(3)]  # not files: a limit on the size of files would hold for them too
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        out, err, seen = (writing for _, writing in pipes)
        _be(words, folder, out, err, None if may_start else seen, before)
    for _, writing in pipes:
        os.close(writing)
    texts = _read(
        [reading for reading, _ in pipes], lambda: after is not None and _kill(child, start + after)
    )
    _, status, used = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return Outcome(code, texts[0], texts[1], used.ru_maxrss * 1024, time.monotonic() - start, texts[2])


def _read(places: list[int], tick: Callable[[], Any]) -> list[str]:
    """All that comes from pipes, while `tick` is called every few milliseconds."""
    found: dict[int, list[bytes]] = {place: [] for place in places}
    left = set(places)
    while left:
        tick()
        for place in select.select(list(left), [], [], 0.005)[0]:
            part = os.read(place, 1 << 16)
            found[place].append(part)
            if not part:
                left.remove(place)
                os.close(place)
    return [b"".join(found[place]).decode("utf-8", "backslashreplace") for place in places]


def _kill(child: int, when: float) -> None:
    if time.monotonic() >= when:
        os.kill(child, signal.SIGKILL)  # it may have ended: it has not been waited for


def _be(
    words: Sequence[object],
    folder: Path,
    out: int,
    err: int,
    seen: int | None,
    before: Callable[[], Any] | None,
) -> None:
    """Become the command. Never returns."""
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        streams_anew()
        os.chdir(folder)
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(WAITING)
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))  # the second one kills
        if seen is not None:
            sys.addaudithook(lambda event, _: os.write(seen, event.encode()) if event in FOREIGN else None)
        from bgan_text.cli.entry import main

        sys.argv = ["bgan-text", *map(str, words)]
        if before is not None:
            before()
        main()
    except SystemExit as left:
        _end(left.code if isinstance(left.code, int) else 1 if left.code else 0)
    except BaseException:
        import traceback

        with contextlib.suppress(Exception):
            traceback.print_exc()
            sys.stderr.flush()
    os._exit(70)


def streams_anew(encoding: str = "utf-8") -> None:
    """Python's streams as at the start of a process: None where the descriptor is closed."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            setattr(sys, name, None)
            continue
        how = "r" if number == 0 else "w"
        errors = "backslashreplace" if number == 2 else "strict"
        stream = open(number, how, encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)


def _end(code: int) -> None:
    """Leave as the interpreter does: with 120 if what was written last cannot reach its place."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os._exit(120)
    os._exit(code)
