"""Run the attacks and print a table of kinds and counts; exit code 1 if anything went wrong."""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.process import preload
from tests.faults.verdict import FAULTS, Row, faults, table

SHORT = {"datasets": 25, "runs": 40, "inputs": 60, "crafted": 40, "commands": 60, "kills": 6, "disks": 30, "streams": 60}
LONG = {"datasets": 2500, "runs": 3000, "inputs": 4000, "crafted": 500, "commands": 5000, "kills": 120, "disks": 600, "streams": 300}


def main() -> int:
    """The command."""
    given = _arguments()
    preload()
    from tests.faults.kinds import attack
    from tests.faults.world import World

    rows: dict[str, Row] = {}
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "world").mkdir()
        world = World(Path(place) / "world")
        for kind, count in (LONG if given.long else SHORT).items():
            if given.kinds and kind not in given.kinds:
                continue
            row = rows[kind] = Row()
            attacker = attack(kind, world)
            numbers = given.only or range(given.cases if given.cases is not None else count)
            for number in numbers:
                folder = Path(place) / f"{kind}-{number}"
                folder.mkdir()
                ended = attacker.case(given.seed, number, folder)
                row.add(f"{number} {ended.name}", ended.end, ended.outcomes)
                if ended.end in FAULTS:
                    print(f"{kind} {row.examples[-1]}", file=sys.stderr)
                if not given.keep:
                    shutil.rmtree(folder, ignore_errors=True)
    print(table(rows))
    return 1 if faults(rows) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--long", action="store_true", help="all cases; without it those of a minute")
    parser.add_argument("--kinds", nargs="*", metavar="K", help="these kinds alone")
    parser.add_argument("--cases", type=int, help="cases of each kind")
    parser.add_argument("--only", type=int, nargs="*", help="the cases of these numbers alone")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="leave the folders of the cases")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
