"""What the end of a case is called."""

import signal
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from faults.process import Outcome

MOST_MEMORY = 2 << 30
LONGEST_LINE = 1000
GOOD = ("refused", "accepted", "same", "told", "killed")
"""Told: it went on with what is whole, and said so."""
FAULTS = (
    "traceback",
    "crash",
    "hang",
    "memory",
    "unclear",
    "wrong",
    "lost",
    "foreign",
)
"""Traceback; native crash; over the time; over the memory; no clear line; a silent wrong result; something of
the user's lost or half written; a program started or a connection made."""


def verdict(outcome: Outcome) -> str:
    """The name of the end, before the result itself is looked at."""
    told = outcome.err + outcome.out
    if outcome.foreign:
        return "foreign"
    if outcome.code in (-signal.SIGALRM, -signal.SIGXCPU):
        return "hang"
    if outcome.code < 0:
        return "killed" if outcome.code == -signal.SIGKILL else "crash"
    if "Traceback (most recent call last)" in told or outcome.code == 70:
        return "traceback"
    if outcome.peak > MOST_MEMORY:
        return "memory"
    if outcome.code == 0:
        return "accepted"
    return "refused" if outcome.code in (1, 2) and is_one_line(outcome.err) else "unclear"


def is_one_line(err: str) -> bool:
    """Whether the last line alone says what is wrong, in print, and not at length."""
    lines = err.splitlines()
    named = [line for line in lines if line.startswith("bgan-text: ")]
    last = lines[-1] if lines else ""
    return named == [last] and len(last) <= LONGEST_LINE and last.isprintable()


@dataclass
class Row:
    """The counts of one kind."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    peak: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, name: str, end: str, outcomes: list[Outcome]) -> None:
        self.counts[end] += 1
        self.seconds += sum(outcome.seconds for outcome in outcomes)
        self.peak = max([self.peak, *(outcome.peak for outcome in outcomes)])
        if end in FAULTS:
            last = (outcomes[-1].err.splitlines() or [""])[-1] if outcomes else ""
            code = outcomes[-1].code if outcomes else ""
            self.examples.append(f"{name}: {end} (exit {code}) {last[:200]}")


def table(rows: Mapping[str, Row]) -> str:
    """Kinds and counts, as lines of text."""
    heads = ("kind", "cases", *GOOD, *FAULTS, "seconds", "MiB")
    lines = [heads]
    for kind, row in rows.items():
        counts = (row.counts[name] for name in (*GOOD, *FAULTS))
        lines.append(
            (kind, str(row.counts.total()), *map(str, counts), f"{row.seconds:.0f}", str(row.peak >> 20))
        )
    widths = [max(len(line[place]) for line in lines) for place in range(len(heads))]
    return "\n".join(
        "  ".join(
            word.rjust(width) if place else word.ljust(width)
            for place, (word, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def faults(rows: Mapping[str, Row]) -> list[str]:
    """What went wrong, a line each."""
    return [f"{kind} {line}" for kind, row in rows.items() for line in row.examples]
