"""Hostile files, each given to the command that reads it: refused in one line, and nothing is written."""

import shutil
from pathlib import Path

from faults import crafted_inputs, crafted_stored
from faults.case import Ended
from faults.process import run
from faults.verdict import verdict
from faults.world import World, rng_of


class Crafted:
    """Every maker of hostile files in turn."""

    def __init__(self, world: World) -> None:
        self.world = world

    def case(self, seed: int, number: int, folder: Path) -> Ended:
        rng = rng_of(seed, "crafted", number)
        makers = (*crafted_inputs.CRAFTED, *crafted_stored.CRAFTED)
        maker = makers[number % len(makers)]
        for name in ("words", "conv", "rnn"):
            shutil.copytree(self.world.folder / name, folder / name)
        if maker in crafted_stored.CRAFTED:
            words = maker(folder, rng)
        else:
            name, content, words = maker(rng)
            (folder / "in").mkdir()
            (folder / "in" / name).write_bytes(content)
            places = {"FILE": f"in/{name}", "FOLDER": "in"}
            words = tuple(places.get(str(word), word) for word in words)
        before = {str(path) for path in folder.rglob("*")}
        outcome = run(words, folder)
        end = verdict(outcome)
        if end == "accepted":
            end = "wrong"
        elif end == "refused" and {str(path) for path in folder.rglob("*")} != before:
            end = "lost"
        return Ended(f"{maker.__name__} {words[0]}", end, [outcome])
