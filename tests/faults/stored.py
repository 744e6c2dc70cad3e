"""Damaged dataset directories, runs and exported models.

A change is refused, or the result is what it was without it.
"""

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

from bgan_text.training.exported_record import CARD_FILE
from faults.case import Ended
from faults.mutations import damage
from faults.process import Outcome, run
from faults.verdict import verdict
from faults.world import DATA, EXPORTED, OFTEN, RUNS, TINY, World, result_of, rng_of

NAMES = {"datasets": DATA, "runs": tuple(RUNS), "exported": tuple(EXPORTED)}
USES = {
    "datasets": ("train", "verify"),
    "runs": ("sample", "resume", "show", "plot", "report", "watch", "verify"),
    "exported": ("sample", "score", "from", "show", "verify"),
}
DATA_OF = {name: RUNS[run_folder][1] for name, run_folder in EXPORTED.items()}


class Stored:
    """Damages a file of a copy, and uses it.

    Args:
        world: what is copied.
        kind: "datasets", "runs" or "exported".
    """

    def __init__(self, world: World, kind: str) -> None:
        self.world, self.kind = world, kind
        self._usual = cache(self._without_damage)

    def case(self, seed: int, number: int, folder: Path) -> Ended:
        rng = rng_of(seed, self.kind, number)
        name = rng.choice(NAMES[self.kind])
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
            same = result == usual if use != "verify" else _same(path, before)
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
        if name not in DATA:
            self.world.link_data(folder)

    def _use(self, name: str, use: str, folder: Path) -> tuple[Outcome, Any]:
        """Run the command, and return what it made."""
        if use == "verify":
            return run(("verify", name), folder), None
        if use in ("sample", "show", "score", "watch"):
            drawn = use == "sample" and name.startswith("images")
            more = {
                "sample": ("--n", 6, "--out", "s.png") if drawn else (),
                "score": ("--data", DATA_OF.get(name), "--n", 20, "--resamples", 0),
                "watch": ("--once",),
            }.get(use, ())
            outcome = run((use, name, *more), folder)
            picture = folder / "s.png"
            return outcome, picture.read_bytes() if picture.exists() else outcome.out
        if use in ("plot", "report"):
            made = folder / ("curves.png" if use == "plot" else "report.html")
            outcome = run((use, name, "--out", made.name), folder)
            return outcome, made.read_bytes() if made.exists() else None
        target = name if use == "resume" else "made"
        how = {
            "resume": ("--resume",),
            "train": ("--data", name, *TINY, *OFTEN),
            "from": ("--from", name, "--data", DATA_OF.get(name), *TINY[-2:], *OFTEN, "--batch", 4),
        }[use]
        outcome = run(("train", "--run", target, *how, "--steps", 6 if use == "resume" else 2), folder)
        return outcome, None if outcome.code else result_of(folder / target)


def _same(path: Path, before: bytes) -> bool:
    """Whether a change has no effect, so that `verify` accepts it: other white space in JSON, and a card."""
    if path.name == CARD_FILE:
        return True
    if path.suffix != ".json":
        return False
    try:
        return bool(json.loads(path.read_bytes()) == json.loads(before))
    except ValueError:
        return False
