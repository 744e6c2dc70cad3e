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
    "exported": lambda world: Stored(world, "exported"),
    "inputs": Inputs,
    "crafted": Crafted,
    "commands": CommandLines,
    "kills": Kills,
    "disks": Disks,
    "streams": Streams,
}
SHORT = {
    "datasets": 6,
    "runs": 8,
    "exported": 6,
    "inputs": 15,
    "crafted": 20,
    "commands": 15,
    "kills": 2,
    "disks": 6,
    "streams": 10,
}
"""Cases of each kind in about half a minute."""
LONG = {
    "datasets": 2500,
    "runs": 3000,
    "exported": 1500,
    "inputs": 4000,
    "crafted": 600,
    "commands": 5000,
    "kills": 200,
    "disks": 1000,
    "streams": 300,
}
"""Those of about an hour."""
