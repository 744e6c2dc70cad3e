"""Damaged files of a user: texts, tables, archives, images, settings. All are read or refused in one line."""

from pathlib import Path

from faults.case import Ended
from faults.input_files import Given, all_files
from faults.mutations import damage
from faults.process import Outcome, run
from faults.verdict import verdict
from faults.world import DATA, World, rng_of


class Inputs:
    """Damages a file, and gives it to the command that reads it."""

    def __init__(self, world: World) -> None:
        self.world, self.files = world, all_files(world)

    def case(self, seed: int, number: int, folder: Path) -> Ended:
        rng = rng_of(seed, "inputs", number)
        name = rng.choice(tuple(self.files))
        given = self.files[name]
        how, changed = damage(given.content, rng, is_json=name.endswith((".json", ".jsonl")))
        outcome = self._read(name, given, changed, folder)
        end = verdict(outcome)
        left = {path.name for path in folder.iterdir()} - {"in", *DATA}
        expected = {"made"} if outcome.code == 0 and "made" in given.words else set()
        if end in ("refused", "accepted") and (
            left != expected or (folder / "in" / name).read_bytes() != changed
        ):
            end = "lost"
        return Ended(f"{name} {how}", end, [outcome])

    def undamaged(self, folder: Path) -> dict[str, str]:
        """What the commands say of files that they refuse as they are; of none, as it should be."""
        said = {}
        for name, given in self.files.items():
            place = folder / name
            place.mkdir()
            outcome = self._read(name, given, given.content, place)
            if outcome.code:
                said[name] = outcome.err
        return said

    def _read(self, name: str, given: Given, content: bytes, folder: Path) -> Outcome:
        self.world.link_data(folder)
        (folder / "in").mkdir()
        for other, whole in given.beside.items():
            (folder / "in" / other).write_bytes(whole)
        (folder / "in" / name).write_bytes(content)
        places = {"FILE": f"in/{name}", "FOLDER": "in"}
        return run([places.get(str(word), word) for word in given.words], folder)
