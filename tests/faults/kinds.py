"""The kinds of attacks by name."""

from tests.faults.case import Attack
from tests.faults.stored import Stored
from tests.faults.world import World


def attack(kind: str, world: World) -> Attack:
    """The attack of a kind."""
    return Stored(world, kind)
