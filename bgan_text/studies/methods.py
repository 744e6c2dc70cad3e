"""The methods that `compare` trains: an objective, with its generator, divergence and credit."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bgan_text.config import Config
from bgan_text.errors import UserError, choose
from bgan_text.objective_table import OBJECTIVES, TOKENS, objectives_on, unused_options
from bgan_text.presets import CREDITS, DIVERGENCES

ALL = "all"


@dataclass(frozen=True)
class Method:
    """What is compared; `shown`: whether its generator differs from the usual one and is named."""

    generator: str
    objective: str
    divergence: str | None
    credit: str | None
    shown: bool

    @property
    def name(self) -> str:
        """Objective (divergence, credit, generator), as far as there is something to say."""
        parts = self.divergence, self.credit, self.generator if self.shown else None
        remarks = [part for part in parts if part is not None]
        return f"{self.objective} ({', '.join(remarks)})" if remarks else self.objective

    def folder(self, seed: int) -> str:
        """The name of a run's folder: the same whatever it is compared with."""
        parts = [self.generator, self.objective, self.divergence, self.credit, f"seed{seed}"]
        return "-".join(part for part in parts if part is not None)

    def options(self, seed: int) -> dict[str, Any]:
        """Its own options of `train`."""
        options = {"generator": self.generator, "objective": self.objective, "seed": seed}
        given = {"divergence": self.divergence, "credit": self.credit}
        return options | {name: value for name, value in given.items() if value is not None}


def methods_of(objectives: str, divergences: str | None, generator: str | None) -> list[Method]:
    """The methods that were named, in that order, each once.

    Args:
        objectives: names with commas between, each perhaps with its generator before and its credit behind a
            colon.
        divergences: names with commas between; the default one unless given.
        generator: the one that was given for all, if any.

    Raises:
        UserError: a name is not known, none is given, or no objective takes the divergences.
    """
    triples = list(_triples(objectives, generator))
    kinds = [Config.divergence] if divergences is None else _names("divergence", divergences, DIVERGENCES)
    if divergences is not None and all(OBJECTIVES[objective].no_divergence for _, objective, _ in triples):
        raise UserError(f"--divergences {divergences} means nothing: none of {objectives} takes a divergence")
    usual = generator or Config.generator
    methods = [
        Method(net, objective, divergence, credit, net != usual)
        for net, objective, credit in triples
        for divergence in ([None] if OBJECTIVES[objective].no_divergence else kinds)
    ]
    return list(dict.fromkeys(methods))


def _triples(text: str, given: str | None) -> Iterator[tuple[str, str, str | None]]:
    """Generator, objective and credit of each word such as `importance` or `rnn:importance:prefix`."""
    for word in _words("objectives", text):
        head, *rest = word.split(":")
        credit = rest.pop() if len(rest) == 2 or (rest and rest[-1] in CREDITS) else None
        generator, names = (head, rest[0]) if rest else (None, head)
        for kind, name, known in (("generator", generator, ("conv", "rnn")), ("credit", credit, CREDITS)):
            if name is not None:
                choose(kind, name, dict.fromkeys(known))
        for objective in _names("objective", names, objectives_on(TOKENS)):
            # The likelihood of a sentence and the credit of a prefix need a recurrent net: nobody has to
            # know in order to compare.
            suitable = "rnn" if objective == "mle" or credit == "prefix" else Config.generator
            yield generator or given or suitable, objective, credit


def _names(kind: str, text: str, known: Iterable[str]) -> list[str]:
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
