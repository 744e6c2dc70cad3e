"""Damaged dataset directories and runs: a change is refused, or the result is what it was without it."""

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

from faults.case import Ended
from faults.mutations import damage
from faults.process import Outcome, run
from faults.verdict import verdict
from faults.world import DATA, OFTEN, RUNS, TINY, World, result_of, rng_of

USES = {"datasets": ("train", "verify"), "runs": ("sample", "resume", "show", "plot", "verify")}


class Stored:
    """Damages a file of a copy, and uses it.

    Args:
        world: what is copied.
        kind: "datasets" or "runs".
    """

    def __init__(self, world: World, kind: str) -> None:
        self.world, self.kind = world, kind
        self._usual = cache(self._without_damage)

    def case(self, seed: int, number: int, folder: Path) -> Ended:
        rng = rng_of(seed, self.kind, number)
        name = rng.choice(DATA if self.kind == "datasets" else tuple(RUNS))
        use = rng.choice(USES[self.kind])
        usual = self._usual(name, use)
        self._copy(name, folder)
        files = (
            path
            for path in (folder / name).rglob("*")
            if path.is_file() and path.suffix != ".png" and path.name != ".lock"
        )
        path = rng.choice(sorted(files))
        before = path.read_bytes()
        how, changed = damage(before, rng, is_json=path.suffix in (".json", ".jsonl"))
        path.write_bytes(changed)
        outcome, result = self._use(name, use, folder)
        end = verdict(outcome)
        if use == "verify" and end == "unclear" and outcome.code == 1 and "wrong: " in outcome.out:
            end = "refused"  # it names every fault on standard output
        if end == "accepted":
            told = "Warning" in outcome.err and "is kept as" in outcome.err
            same = result == usual if use != "verify" else _same_json(path, before)
            end = "same" if same else "told" if told else "wrong"
        return Ended(f"{use} {path.relative_to(folder)} {how}", end, [outcome])

    def _without_damage(self, name: str, use: str) -> Any:
        folder = self.world.scratch(f"usual-{name}-{use}")
        self._copy(name, folder)
        outcome, result = self._use(name, use, folder)
        if outcome.code:
            raise RuntimeError(f"{use} of {name}: {outcome.err}")
        return result

    def _copy(self, name: str, folder: Path) -> None:
        shutil.copytree(self.world.folder / name, folder / name)
        if name in RUNS:
            self.world.link_data(folder)

    def _use(self, name: str, use: str, folder: Path) -> tuple[Outcome, Any]:
        """Run the command, and return what it made."""
        if use == "verify":
            return run(("verify", name), folder), None
        if use in ("sample", "show"):
            more = ("--n", 6, "--out", "s.png") if (use, name) == ("sample", "images") else ()
            outcome = run((use, name, *more), folder)
            picture = folder / "s.png"
            return outcome, picture.read_bytes() if picture.exists() else outcome.out
        if use == "plot":
            outcome, picture = run((use, name, "--out", "curves.png"), folder), folder / "curves.png"
            return outcome, picture.read_bytes() if picture.exists() else None
        target = name if use == "resume" else "made"
        how = ("--resume",) if use == "resume" else ("--data", name, *TINY, *OFTEN)
        outcome = run(("train", "--run", target, *how, "--steps", 6 if use == "resume" else 2), folder)
        return outcome, None if outcome.code else result_of(folder / target)


def _same_json(path: Path, before: bytes) -> bool:
    """Whether a file is JSON with other white space, which has no effect. `verify` accepts that."""
    if path.suffix != ".json":
        return False
    try:
        return bool(json.loads(path.read_bytes()) == json.loads(before))
    except ValueError:
        return False
