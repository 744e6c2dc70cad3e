"""The short form of the attacks of tests/faults. `make faults` runs the long one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="the attacks fork")
def test_no_attack_crashes_hangs_loses_or_passes_in_silence() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "faults", "--processes", "2"],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"PYTHONPATH": "tests"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.startswith("kind")


@pytest.mark.skipif(sys.platform == "win32", reason="the attacks fork")
def test_the_attacks_see_what_goes_wrong(tmp_path: Path) -> None:
    """A process that traces back, crashes, hangs, fills the memory or says too much is told apart."""
    code = """if True:
        import os, signal, sys
        from pathlib import Path
        from faults import process
        from faults import verdict
        import bgan_text.cli.entry as entry

        process.SECONDS, process.WAITING, verdict.MOST_MEMORY = 2, 4, 400 << 20
        def refuse(text):
            print(text, file=sys.stderr)
            sys.exit(1)
        ways = {
            "accepted": lambda: sys.exit(0),
            "refused": lambda: refuse("bgan-text: no"),
            "traceback": lambda: 1 / 0,
            "crash": lambda: os.kill(os.getpid(), signal.SIGSEGV),
            "hang": lambda: signal.pause(),
            "hang ": lambda: [None for _ in iter(int, 1)],  # busy, and not waiting as the one before
            "memory": lambda: sys.exit(len(bytes(b"x" * (500 << 20))) * 0),
            "unclear": lambda: refuse("bgan-text: no\\nbgan-text: never"),
            "foreign": lambda: os.system("true") or sys.exit(0),
        }
        for name, way in ways.items():
            entry.main = way
            print(name, verdict.verdict(process.run((), Path.cwd())), flush=True)
    """
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"PYTHONPATH": "tests"},
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [line.split() for line in ended.stdout.splitlines()]
    assert len(rows) == 9, ended.stderr
    assert all(expected == found for expected, found in rows), ended.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="the attacks fork")
def test_whole_files_are_read(tmp_path: Path) -> None:
    """The files that are damaged are read without damage, so that a refusal says something."""
    code = """if True:
        import sys
        from pathlib import Path
        from faults.inputs import Inputs
        from faults.process import preload
        from faults.world import World

        preload()
        for name in ("world", "cases"):
            Path(sys.argv[1], name).mkdir()
        World.make(Path(sys.argv[1], "world"))
        print(Inputs(World(Path(sys.argv[1], "world"))).undamaged(Path(sys.argv[1], "cases")))
    """
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"PYTHONPATH": "tests"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout == "{}\n", ended.stdout + ended.stderr
