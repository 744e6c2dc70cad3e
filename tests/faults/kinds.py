"""The kinds of attacks by name."""

from tests.faults.case import Attack
from tests.faults.command_lines import CommandLines
from tests.faults.crafted import Crafted
from tests.faults.disks import Disks
from tests.faults.inputs import Inputs
from tests.faults.kills import Kills
from tests.faults.stored import Stored
from tests.faults.streams import Streams
from tests.faults.world import World

KINDS = {
    "datasets": lambda world: Stored(world, "datasets"),
    "runs": lambda world: Stored(world, "runs"),
    "inputs": Inputs,
    "commands": CommandLines,
    "crafted": Crafted,
    "kills": Kills,
    "disks": Disks,
    "streams": Streams,
}


def attack(kind: str, world: World) -> Attack:
    """The attack of a kind."""
    return KINDS[kind](world)
