"""The methods that `compare` trains: a generator, an objective and, if it takes one, a divergence."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bgan_text.config import (
    DIVERGENCES,
    GENERATORS,
    OBJECTIVES,
    WITHOUT_DIVERGENCE,
    Config,
    unused_options,
)
from bgan_text.errors import UserError, choose

ALL = "all"


@dataclass(frozen=True)
class Method:
    """What is compared; `shown`: whether its generator differs from the usual one and is named."""

    generator: str
    objective: str
    divergence: str | None
    shown: bool

    @property
    def name(self) -> str:
        """Objective (divergence, generator), as far as there is something to say."""
        remarks = [self.divergence] if self.divergence is not None else []
        remarks += [self.generator] if self.shown else []
        return f"{self.objective} ({', '.join(remarks)})" if remarks else self.objective

    def folder(self, seed: int) -> str:
        """The name of a run's folder: the same whatever it is compared with."""
        parts = [self.generator, self.objective, self.divergence, f"seed{seed}"]
        return "-".join(part for part in parts if part is not None)

    def options(self, seed: int) -> dict[str, Any]:
        """Its own options of `train`."""
        options = {"generator": self.generator, "objective": self.objective, "seed": seed}
        return options if self.divergence is None else options | {"divergence": self.divergence}


def methods_of(objectives: str, divergences: str | None, generator: str | None) -> list[Method]:
    """The methods that were named, in that order, each once.

    Args:
        objectives: names with commas between, each perhaps with its generator before a colon.
        divergences: names with commas between; the default one unless given.
        generator: the one that was given for all, if any.

    Raises:
        UserError: a name is not known, none is given, or no objective takes the divergences.
    """
    pairs = list(_pairs(objectives, generator))
    kinds = [Config.divergence] if divergences is None else _names("divergence", divergences, DIVERGENCES)
    if divergences is not None and all(objective in WITHOUT_DIVERGENCE for _, objective in pairs):
        raise UserError(f"--divergences {divergences} means nothing: none of {objectives} takes a divergence")
    usual = generator or Config.generator
    methods = [
        Method(net, objective, divergence, net != usual)
        for net, objective in pairs
        for divergence in ([None] if objective in WITHOUT_DIVERGENCE else kinds)
    ]
    return list(dict.fromkeys(methods))


def _pairs(text: str, given: str | None) -> Iterator[tuple[str, str]]:
    """Generator and objective of each word such as `importance` or `rnn:importance`."""
    for word in _words("objectives", text):
        generator, _, names = word.rpartition(":")
        if generator:
            choose("generator", generator, dict.fromkeys(GENERATORS))
        for objective in _names("objective", names, OBJECTIVES):
            # The likelihood of a sentence needs a recurrent net: nobody has to know in order to compare.
            suitable = "rnn" if objective == "mle" else Config.generator
            yield generator or given or suitable, objective


def _names(kind: str, text: str, known: Sequence[str]) -> list[str]:
    """The names in a text, `all` standing for every one that is known."""
    options = {name: [name] for name in known} | {ALL: list(known)}
    return [name for word in _words(f"{kind}s", text) for name in choose(kind, word, options)]


def _words(option: str, text: str) -> list[str]:
    words = [word for part in text.split(",") if (word := part.strip())]
    if not words:
        raise UserError(f"--{option} {text!r}: names with commas between were expected")
    return words


def options_for(
    method: Method, seed: int, given: Mapping[str, Any], methods: Sequence[Method]
) -> dict[str, Any]:
    """The options of `train` for one run of a method.

    An option that the method does not read is left out if another method reads it; one that nobody
    reads stays, to be refused.
    """
    unread = unused_options(method.objective)
    useless = set.intersection(*(unused_options(other.objective) for other in methods))
    shared = {name: value for name, value in given.items() if name not in unread or name in useless}
    return shared | method.options(seed)
