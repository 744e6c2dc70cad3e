"""Run the attacks and print a table of kinds and counts; exit code 1 if anything went wrong."""

import argparse
import functools
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from faults.case import Attack, Ended
from faults.kinds import KINDS, LONG, SHORT
from faults.process import preload
from faults.verdict import FAULTS, Row, faults, table
from faults.world import World

EVERY = 20.0
"""Seconds between two lines of progress."""


def main() -> int:
    """The command."""
    given = _arguments()
    preload()
    counts = LONG if given.long else SHORT
    cases = [
        (kind, number)
        for kind in given.kinds or KINDS
        for number in given.only or range(given.cases if given.cases is not None else counts[kind])
    ]
    rows = {kind: Row() for kind, _ in cases}
    with tempfile.TemporaryDirectory() as place, _processes(given.processes) as pool:
        folder = Path(place).resolve()
        (folder / "world").mkdir()
        pool.apply(World.make, (folder / "world",))  # this process never runs a net: it could not fork then
        case = functools.partial(_case, given.seed, folder, keep=given.keep)
        for kind, number, ended in _watched(pool.imap_unordered(case, cases), len(cases)):
            rows[kind].add(f"{number} {ended.name}", ended.end, ended.outcomes)
            if ended.end in FAULTS:
                print(f"{kind} {rows[kind].examples[-1]}", file=sys.stderr, flush=True)
        if given.keep:
            shutil.copytree(folder, given.keep, symlinks=True)
    print(table(rows))
    return 1 if faults(rows) else 0


def _processes(count: int) -> "multiprocessing.pool.Pool":
    return multiprocessing.get_context("fork").Pool(count)


def _watched(cases: Iterator[tuple[str, int, Ended]], total: int) -> Iterator[tuple[str, int, Ended]]:
    """The cases as they end, and from time to time a line that says how many have."""
    start = told = time.monotonic()
    for done, case in enumerate(cases, start=1):
        yield case
        now = time.monotonic()
        if now - told > EVERY:
            told = now
            left = (now - start) / done * (total - done)
            print(f"{done:,} of {total:,} cases, {left / 60:.0f} min left", file=sys.stderr, flush=True)


@functools.cache
def _attack(kind: str, place: Path) -> Attack:
    return KINDS[kind](World(place / "world"))


def _case(seed: int, place: Path, which: tuple[str, int], *, keep: bool) -> tuple[str, int, Ended]:
    """Run a case in one of the processes."""
    kind, number = which
    folder = place / f"{kind}-{number}"
    folder.mkdir()
    ended = _attack(kind, place).case(seed, number, folder)
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return kind, number, ended


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--long", action="store_true", help="all cases; without it those of half a minute")
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS), metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--cases", type=int, help="cases of each kind")
    parser.add_argument(
        "--only", type=int, nargs="*", metavar="NUMBER", help="the cases of these numbers alone"
    )
    parser.add_argument("--seed", type=int, default=0, help="of all cases (default: 0)")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="cases at a time")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the folders of the cases go")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
