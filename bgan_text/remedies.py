"""The command to try next, for mistakes that have an obvious one. Messages end in it."""

import errno
import re
import shlex
from pathlib import Path

from bgan_text.outputs import is_exported

RUN, CARD = "run.json", "card.json"
DAMAGED = re.compile(
    r"(?:checkpoint )?(?P<path>.+?) (?:is (?:missing or )?damaged|has no (?:tokenizer|palette) file)\b"
)
"""How messages tell of a file of a run or a dataset directory that is not whole."""
FULL = (errno.ENOSPC, errno.EDQUOT)


def not_a_run(folder: Path) -> str:
    """The line that refuses a folder which is no run.

    Example:
        >>> print(not_a_run(Path("data/poems")).split("; ")[1])
        bgan-text train --data data/poems makes a run
        >>> not_a_run(Path("nowhere"))
        'nowhere is not a run folder: there is no such folder; bgan-text train makes one'
    """
    if (folder / CARD).exists():
        reason, words = "it is a dataset directory", ["bgan-text", "train", "--data", str(folder)]
        return f"{folder} is not a run folder: {reason}; {shlex.join(words)} makes a run"
    if is_exported(folder):
        start = shlex.join(["bgan-text", "train", "--from", str(folder)])
        takers = f"bgan-text sample, explore, score, show and verify take it, and {start} starts from it"
        return f"{folder} is not a run folder: it is an exported model; {takers}"
    if not folder.exists():
        return f"{folder} is not a run folder: there is no such folder; bgan-text train makes one"
    if not folder.is_dir():
        return f"{folder} is not a run folder: it is a file; bgan-text train makes one"
    return f"{folder} is not a run folder: it has no {RUN}; bgan-text train makes one"


def not_a_dataset(folder: Path) -> str:
    """The line that refuses a path which is no dataset directory.

    Example:
        >>> print(not_a_dataset(Path("runs/poems")).split("; ")[1])
        bgan-text train --resume --run runs/poems continues it
        >>> not_a_dataset(Path("poems.txt"))
        'poems.txt is not a dataset directory: it is a file; bgan-text prepare poems.txt makes one'
    """
    command, reason, end = ["bgan-text", "prepare"], f"it has no {CARD}", "makes one"
    if (folder / RUN).exists():
        command, reason = ["bgan-text", "train", "--resume", "--run", str(folder)], "it is a run"
        end = "continues it"
    elif folder.is_file():
        command, reason = [*command, str(folder)], "it is a file"
    elif not folder.exists():
        reason = "there is no such folder"
    return f"{folder} is not a dataset directory: {reason}; {shlex.join(command)} {end}"


def untrained(folder: Path) -> str:
    """The line that refuses a run without a checkpoint, which no training holds."""
    command = shlex.join(["bgan-text", "train", "--resume", "--run", str(folder)])
    return f"{folder} has no checkpoint yet: nothing was trained or saved; {command} trains it"


def untrained_yet(folder: Path, save_every: str) -> str:
    """The line that refuses a run which is being trained, before its first checkpoint.

    Example:
        >>> print(untrained_yet(Path("runs/poems"), "60s"))
        runs/poems is being trained and has no checkpoint yet: the first comes after 60s (--save-every)
    """
    after = f"{int(save_every):,} steps" if save_every.isdecimal() else save_every
    return (
        f"{folder} is being trained and has no checkpoint yet: the first comes after {after} (--save-every)"
    )


def taken(folder: Path) -> str:
    """The line that refuses to make a run where one is."""
    return f"{folder} holds a run already: `resume` continues it; or name another folder"


def check_of(message: str) -> str:
    """What to add to a message that tells of damage in a run or a dataset directory; empty for others.

    Example:
        >>> check_of("runs/poems/run.json is damaged: it is not JSON")
        '; bgan-text verify runs/poems checks all of it'
        >>> check_of("photos.npz is damaged: it is not JSON")
        ''
    """
    found = DAMAGED.match(message)
    if found is None:
        return ""
    path = Path(found["path"])
    for folder in (path, *path.parents[:3]):
        if any((folder / marker).is_file() for marker in (RUN, CARD)):
            return f"; {shlex.join(['bgan-text', 'verify', str(folder)])} checks all of it"
    return ""


def after(error: OSError, command: str = "") -> str:
    """What to add to the message of an error of the system; empty for others than a full disk.

    Example:
        >>> after(OSError(errno.ENOSPC, "No space left on device"), "train")
        ': free some space, then go on with bgan-text train --resume'
    """
    if error.errno not in FULL:
        return ""
    again = "go on with bgan-text train --resume" if command == "train" else "give the command again"
    return f": free some space, then {again}"
