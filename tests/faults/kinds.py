"""The kinds of attacks by name, and how many cases of each there are."""

from collections.abc import Callable

from faults.case import Attack
from faults.command_lines import CommandLines
from faults.crafted import Crafted
from faults.disks import Disks
from faults.inputs import Inputs
from faults.kills import Kills
from faults.stored import Stored
from faults.streams import Streams
from faults.world import World

KINDS: dict[str, Callable[[World], Attack]] = {
    "datasets": lambda world: Stored(world, "datasets"),
    "runs": lambda world: Stored(world, "runs"),
    "inputs": Inputs,
    "crafted": Crafted,
    "commands": CommandLines,
    "kills": Kills,
    "disks": Disks,
    "streams": Streams,
}
SHORT = {
    "datasets": 10,
    "runs": 15,
    "inputs": 25,
    "crafted": 40,
    "commands": 25,
    "kills": 3,
    "disks": 10,
    "streams": 20,
}
"""Cases of each kind in about half a minute."""
LONG = {
    "datasets": 2500,
    "runs": 3000,
    "inputs": 4000,
    "crafted": 600,
    "commands": 5000,
    "kills": 200,
    "disks": 1000,
    "streams": 300,
}
"""Those of about an hour."""
