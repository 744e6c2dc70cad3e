"""Runs that are killed at random moments end as those that were never killed."""

import random
import shutil
from functools import cache
from pathlib import Path
from typing import Any

from faults.case import Ended
from faults.process import Outcome, run
from faults.verdict import verdict
from faults.world import DATA, OFTEN, RUNS, TINY, World, result_of, rng_of

STEPS = 24
MOST_KILLS = 4
"""Of one case, so that it ends."""


class Kills:
    """Kills a training until it has ended, or `prepare --overwrite`, `sample --out`, `export --overwrite`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._usual = cache(self._never_killed)
        self._exporting = cache(self._seconds_of_an_export)

    def case(self, seed: int, number: int, folder: Path) -> Ended:
        rng = rng_of(seed, "kills", number)
        self.world.link_data(folder)
        other = rng.random()
        if other < 0.15:
            return self._prepare(rng, folder)
        if other < 0.3:
            return self._sample(rng, folder)
        if other < 0.45:
            return self._export(rng, folder)
        return self._train(rng, folder)

    def _train(self, rng: random.Random, folder: Path) -> Ended:
        name = rng.choice(tuple(RUNS))
        usual, seconds = self._usual(name)
        outcomes: list[Outcome] = []
        kills = 0
        while kills < MOST_KILLS:
            outcomes.append(run(_training(name, folder), folder, after=rng.random() * seconds))
            kills += outcomes[-1].code < 0
            if outcomes[-1].code >= 0:
                break
        else:
            outcomes.append(run(_training(name, folder), folder))
        told = f"train {name}, {kills} kills"
        if outcomes[-1].code:
            return Ended(told, "lost", outcomes)
        same = result_of(folder / "made") == usual
        return Ended(told, ("killed" if kills else "same") if same else "wrong", outcomes)

    def _never_killed(self, name: str) -> tuple[Any, float]:
        folder = self.world.scratch(f"never-killed-{name}")
        self.world.link_data(folder)
        outcome = run(_training(name, folder), folder)
        if outcome.code:
            raise RuntimeError(outcome.err)
        return result_of(folder / "made"), outcome.seconds

    def _prepare(self, rng: random.Random, folder: Path) -> Ended:
        """The old directory or the new one is there, and nothing beside it."""
        shutil.copytree(self.world.folder / "words", folder / "made")
        shutil.copy(self.world.folder / "texts.txt", folder)
        words = ("prepare", "texts.txt", "--tokenizer", "char", "--out", "made", "--overwrite")
        killed = run(words, folder, after=rng.random() * 0.4)
        opened = run(("train", "--data", "made", "--run", "run", *TINY, "--steps", 1), folder)
        again = run(words, folder)
        left = sorted(path.name for path in folder.iterdir() if path.name not in ("run", *DATA))
        whole = opened.code == again.code == 0 and left == ["made", "texts.txt"]
        return Ended(
            f"prepare --overwrite {left}", verdict(killed) if whole else "lost", [killed, opened, again]
        )

    def _sample(self, rng: random.Random, folder: Path) -> Ended:
        """The old file or the new one is there, and nothing beside it."""
        old = "old\n"
        (folder / "s.txt").write_text(old)
        words = ("sample", self.world.folder / "rnn", "--n", 40, "--out", "s.txt")
        killed = run(words, folder, after=rng.random() * 0.4)
        found = (folder / "s.txt").read_text("utf-8")
        again = run(words, folder)
        left = sorted(path.name for path in folder.iterdir() if path.name not in DATA)
        whole = found == old or found == (folder / "s.txt").read_text("utf-8")
        whole = whole and again.code == 0 and left == ["s.txt"]
        return Ended(f"sample --out {left}", verdict(killed) if whole else "lost", [killed, again])

    def _seconds_of_an_export(self) -> float:
        folder = self.world.scratch("never-killed-export")
        outcome = run(("export", self.world.folder / "conv", "made"), folder)
        if outcome.code:
            raise RuntimeError(outcome.err)
        return outcome.seconds

    def _export(self, rng: random.Random, folder: Path) -> Ended:
        """The old model or the new one is there, and nothing beside it."""
        seconds = self._exporting()
        shutil.copytree(self.world.folder / "rnn-model", folder / "made")
        words = ("export", self.world.folder / "conv", "made", "--overwrite")
        # Most of the time goes before it writes.
        killed = run(words, folder, after=seconds * (1 - 0.5 * rng.random() ** 2))
        aside = next(folder.glob(".made.*/old"), None)  # between two moves; the next export puts it back
        sound = run(("verify", "made" if (folder / "made").exists() else aside or "made"), folder)
        again = run(words, folder)
        left = sorted(path.name for path in folder.iterdir() if path.name not in DATA)
        whole = sound.code == again.code == 0 and left == ["made"]
        return Ended(
            f"export --overwrite {left}", verdict(killed) if whole else "lost", [killed, sound, again]
        )


def _training(name: str, folder: Path) -> tuple[object, ...]:
    """The command that begins the training, or goes on with it."""
    begun = (folder / "made" / "run.json").exists()
    how = ("--resume",) if begun else (*RUNS[name], *TINY, *OFTEN)
    return ("train", "--run", "made", *how, "--steps", STEPS)
