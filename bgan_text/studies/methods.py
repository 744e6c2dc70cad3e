"""The methods that a comparison trains: an objective with its generator, divergence, credit and settings."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bgan_text.config import Config
from bgan_text.errors import UserError, choose
from bgan_text.evaluation.inputs import REAL
from bgan_text.objective_table import (
    CONTINUOUS,
    OBJECTIVES,
    TOKENS,
    needs_likelihood,
    objectives_on,
    unused_options,
)
from bgan_text.presets import CREDITS, DIVERGENCES, IMAGES, PRESETS, TRANSFORMER
from bgan_text.setting import is_custom
from bgan_text.space import CONTINUOUS_IMAGES
from bgan_text.studies.comparison_options import USUAL, Names, split_names

ALL = "all"
PARTS = ("divergence", "credit")
"""The options that a name shows by their values alone."""
Methods = str | Sequence[str | Mapping[str, Any]] | Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Method:
    """What is trained with every seed.

    Attributes:
        name: what tables call it.
        options: fields of `Config`, without the seed.
        stem: what the names of its run folders begin with, whatever it is compared with.
    """

    name: str
    options: Mapping[str, Any]
    stem: str

    @property
    def objective(self) -> str:
        """The objective, which every method names."""
        return str(self.options["objective"])

    def unread(self) -> set[str]:
        """Fields of `Config` that the method does not read."""
        credit, divergence = (self.options.get(part) for part in ("credit", "divergence"))
        found = unused_options(self.objective, credit or Config.credit, divergence or Config.divergence)
        return found if self.options.get("generator") == TRANSFORMER else found | {"heads"}

    def folder(self, seed: int) -> str:
        """The name of the run folder."""
        return f"{self.stem}-seed{seed}"

    def to_json(self) -> dict[str, Any]:
        """The name, and the options that most methods differ in; null for one that it does not have."""
        parts = ("generator", "objective", "divergence", "credit")
        return {"name": self.name} | {part: self.options.get(part) for part in parts}


def methods_of(
    methods: Methods | None,
    divergences: Names | None = None,
    generator: str | None = None,
    images: str | None = None,
) -> list[Method]:
    """The methods to compare, in the order given, each once.

    Args:
        methods: a string such as "importance,rnn:reinforce:prefix", in which an objective may follow its
            generator and precede its credit, and "all" stands for every objective that fits the data; or a
            sequence of such strings and of dictionaries of `Config` fields; or a dictionary of such
            dictionaries by name. None stands for a few that fit the data.
        divergences: those that each objective of a string is combined with; None is the default one.
        generator: of methods that name none.
        images: `space.QUANTISED_IMAGES` or `space.CONTINUOUS_IMAGES`; None for text.

    Raises:
        UserError: a name is unknown or does not fit the data, or no objective takes the divergences.

    Example:
        >>> [method.name for method in methods_of(["importance", {"objective": "reinforce", "draws": 5}])]
        ['importance (js)', 'reinforce (js, draws 5)']
    """
    usual = generator or Config.generator
    found: list[Method] = []
    words: list[str] = []
    given = USUAL[images] if methods is None else methods
    for item in [given] if isinstance(given, str | Mapping) else given:
        if isinstance(item, str):
            triples = list(_triples(item, generator, images))
            words += [objective for _, objective, _ in triples]
            found += [_method(options, usual) for options in _combined(triples, divergences)]
        elif item and all(isinstance(value, Mapping) for value in item.values()):
            found += [_given(options, generator, images, usual, name) for name, options in item.items()]
        else:
            found.append(_given(item, generator, images, usual))
    if not found:
        raise UserError("no methods were named: at least one is needed")
    if divergences is not None and all(OBJECTIVES[word].no_divergence for word in words):
        shown = ",".join(split_names("divergences", divergences))
        raise UserError(
            f"`divergences` {shown} means nothing: no objective that was named takes a divergence"
        )
    return _distinct(found)


def _combined(
    triples: list[tuple[str, str, str | None]], divergences: Names | None
) -> Iterator[dict[str, Any]]:
    """The options of every pair of an objective and a divergence."""
    kinds = [Config.divergence]
    if divergences is not None:
        kinds = _names("divergences", "divergence", divergences, DIVERGENCES)
    for generator, objective, credit in triples:
        for divergence in [None] if OBJECTIVES[objective].no_divergence else kinds:
            options = {
                "generator": generator,
                "objective": objective,
                "divergence": divergence,
                "credit": credit,
            }
            yield {name: value for name, value in options.items() if value is not None}


def _triples(text: str, given: str | None, images: str | None) -> Iterator[tuple[str, str, str | None]]:
    """Generator, objective and credit of each word such as `importance` or `rnn:importance:prefix`."""
    for word in split_names("objectives", text):
        head, *rest = word.split(":")
        credit = rest.pop() if len(rest) == 2 or (rest and rest[-1] in CREDITS) else None
        generator, name = (head, rest[0]) if rest else (None, head)
        for kind, part, known in (
            ("generator", generator, ("conv", "rnn", "transformer")),
            ("credit", credit, CREDITS),
        ):
            if part is not None:
                choose(kind, part, dict.fromkeys(known))
        for objective in list(objectives_on(_samples(images))) if name == ALL else [name]:
            _refuse_objective(objective, images)
            yield generator or given or _suitable(objective, credit), objective, credit


def _suitable(objective: str, credit: str | None) -> str:
    """A likelihood and the credit of a token need a recurrent generator. A comparison need not name it."""
    return "rnn" if needs_likelihood(objective) or credit in ("prefix", "token") else Config.generator


def _samples(images: str | None) -> str:
    return CONTINUOUS if images == CONTINUOUS_IMAGES else TOKENS


def _refuse_objective(name: str, images: str | None) -> None:
    """Refuse an objective that is unknown or does not train on such data."""
    fitting = objectives_on(_samples(images))
    if name in OBJECTIVES and name not in fitting:
        raise UserError(
            f"`objective` {name} does not train on {images or 'text'}: choose {', '.join(fitting)}"
        )
    choose("objective", name, dict.fromkeys(fitting))


def _given(
    options: Mapping[str, Any],
    generator: str | None,
    images: str | None,
    usual: str,
    name: str | None = None,
) -> Method:
    """A method of a dictionary, in which objective, generator and divergence are filled in."""
    if "seed" in options:
        raise UserError("`seed` is no option of a method: `seeds` says how many runs it has")
    preset = PRESETS.get(options.get("preset", ""), {})
    defaults = IMAGES[images] if images is not None else {}
    objective = options.get("objective") or preset.get("objective") or defaults.get("objective")
    objective = objective or Config.objective
    _refuse_objective(objective, images)
    made = {"generator": generator or _suitable(objective, options.get("credit")), "objective": objective}
    if OBJECTIVES[objective].no_divergence is None:
        made["divergence"] = Config.divergence
    return _method(made | dict(options), usual, name)


def refuse_custom(options: Mapping[str, Any]) -> None:
    """A comparison trains what the package has; runs with parts of one's own are evaluated side by side."""
    for part in ("generator", "discriminator", "divergence"):
        value = options.get(part)
        if value is not None and (not isinstance(value, str) or is_custom(value)):
            shown = value if isinstance(value, str) else getattr(value, "__name__", type(value).__name__)
            raise UserError(
                f"`{part}` {shown}: a comparison takes the nets and divergences of the package; train a run "
                "with yours, and evaluate the runs together"
            )


def _method(options: Mapping[str, Any], usual: str, name: str | None = None) -> Method:
    refuse_custom(options)
    if name == REAL:
        raise UserError(f"a method called {REAL!r} would be taken for real samples: rename it")
    generator, objective = options["generator"], options["objective"]
    parts = [str(options[part]) for part in PARTS if part in options]
    others = {key: value for key, value in options.items() if key not in (*PARTS, "generator", "objective")}
    if name is not None:
        return Method(name, options, _file_name(name))
    remarks = [*parts, *(f"{key} {value}" for key, value in others.items())]
    remarks += [generator] if generator != usual else []
    shown = f"{objective} ({', '.join(remarks)})" if remarks else objective
    own = [f"{key}{value}" for key, value in others.items()]
    return Method(shown, options, _file_name("-".join([generator, objective, *parts, *own])))


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.=-]+", "-", text).strip("-.")


def _distinct(methods: list[Method]) -> list[Method]:
    """Each method once. Two that would share their folders are refused."""
    found: dict[str, Method] = {}
    for method in methods:
        other = found.setdefault(method.stem, method)
        if other.options != method.options:
            raise UserError(f"two methods are called {method.name!r}: give them different names")
    return list(found.values())


def _names(option: str, kind: str, text: Names, known: Iterable[str]) -> list[str]:
    """The names in a text, `all` standing for every one that is known; each once."""
    options = {name: [name] for name in known} | {ALL: list(known)}
    names = [name for word in split_names(option, text) for name in choose(kind, word, options)]
    return list(dict.fromkeys(names))


def options_for(
    method: Method, seed: int, given: Mapping[str, Any], methods: Sequence[Method]
) -> dict[str, Any]:
    """The settings of one run of a method.

    A setting for all methods that this one does not read is left out if another one reads it. A setting that
    none reads stays, to be refused. A method that names no credit weighs whole draws.
    """
    unread = method.unread()
    useless = set.intersection(*(other.unread() for other in methods))
    shared = {name: value for name, value in given.items() if name not in unread or name in useless}
    reads_credit = "credit" in OBJECTIVES[method.objective].options and "preset" not in method.options
    credit = {"credit": "sequence"} if reads_credit else {}
    return shared | credit | dict(method.options) | {"seed": seed}
