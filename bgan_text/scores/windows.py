"""The n-grams of texts as they are and of their windows, found in one pass.

Most n-grams are in both, so they are sorted and looked up once. A position of a text is followed by its
tokens and then by pad tokens; a view says up to where an n-gram may reach. N-grams of pad tokens alone are
counted without being looked at. They are the last ones of their order, since the pad token is the last one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bgan_text.scores.ngrams import (
    Counts,
    Folded,
    Index,
    Level,
    Walk,
    fresh_of,
    runs,
)
from bgan_text.scores.sequences import Integers, Sequences


@dataclass(frozen=True)
class View:
    """The n-grams up to order `highest` that end within the first tokens of each sequence.

    Attributes:
        highest: Highest order.
        lengths: (S,) int64, how many tokens these are.
        padding: (S,) pad tokens that follow and are not stored; `None` without padding.
        pads: (S,) pad tokens among them and behind them; `None` without padding.
        short: (S,) int32, how many stored tokens are behind them.
    """

    highest: int
    lengths: Integers
    padding: Integers | None
    pads: Integers | None
    short: Integers

    def holds(self, order: int, owner: Integers, room: Integers) -> NDArray[np.bool_]:
        """Which n-grams are among them, by their sequences and the stored tokens from there on."""
        return room - self.short[owner] >= order

    def of_pads(self, order: int, number: int) -> Counts:
        """The counts of the n-gram of pad tokens alone, by its number."""
        if self.pads is None or number < 0:
            return Counts(*np.empty((3, 0), dtype=np.int32))
        times = self.pads - (order - 1)
        owner = np.flatnonzero(times > 0).astype(np.int32)
        return Counts(np.full(len(owner), number, dtype=np.int32), owner, times[owner].astype(np.int32))


@dataclass(frozen=True)
class Both:
    """Texts, and what their windows have more.

    Attributes:
        texts: the texts as they are.
        sequences: with the pad tokens of their windows.
        views: of the texts, and of their windows.
    """

    texts: Sequences
    sequences: Sequences
    views: tuple[View, View]

    @classmethod
    def of(cls, texts: Sequences, highest: int, window: int, highest_of_window: int) -> "Both":
        """Texts, and their windows as `Sequences.windowed` makes them."""
        stored, padding = texts.windows(window, highest_of_window)
        lengths = np.maximum(texts.lengths, stored)
        tokens = np.full(int(lengths.sum()), texts.vocabulary, dtype=np.int32)
        place = np.arange(len(tokens)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        tokens[place < np.repeat(texts.lengths, lengths)] = texts.tokens
        short, short_of_window = ((lengths - own).astype(np.int32) for own in (texts.lengths, stored))
        return cls(
            texts,
            Sequences(tokens, lengths, texts.vocabulary + 1),
            (
                View(highest, texts.lengths, None, None, short),
                View(
                    highest_of_window,
                    stored,
                    padding,
                    np.maximum(0, window - texts.lengths),
                    short_of_window,
                ),
            ),
        )


@dataclass
class _Union:
    """The n-grams of one order of both views: their keys, and by view their numbers there, else -1.

    A view that has no n-grams of this order has no numbers.
    """

    keys: Integers
    numbers: list[Integers | None] = field(default_factory=list)

    def level(self, view: View, order: int, ids: Integers, owner: Integers) -> Level:
        """The n-grams of a view, of which the ascending ids and the owners are given, and those of pads."""
        fresh = fresh_of(ids)
        own = ids[fresh]
        numbers = np.full(len(self.keys), -1, dtype=np.int32)
        numbers[own] = np.arange(len(own))
        self.numbers.append(numbers)
        within = np.cumsum(fresh, dtype=np.int32)
        within -= 1
        counts = runs(within, owner)
        of_pads = view.of_pads(order, len(own))
        if not len(of_pads.ids):
            return Level(order, own, counts, -1)
        parts = ((getattr(one, part) for one in (counts, of_pads)) for part in ("ids", "owner", "count"))
        counts = Counts(*(np.concatenate(list(part)) for part in parts))
        return Level(order, np.append(own, np.int32(len(self.keys))), counts, len(own))


class BothIndex:
    """The n-grams of samples as they are and of their windows.

    Attributes:
        texts: The n-grams of the samples as they are. The keys of a level are places among those of both.
        windows: Those of their windows.
    """

    def __init__(self, samples: Both) -> None:
        self._sequences, self._unions = samples.sequences, list[_Union]()
        levels: tuple[list[Level], list[Level]] = [], []
        walk = Walk(samples.sequences, samples.texts.lengths)
        for order in range(1, max(view.highest for view in samples.views) + 1):
            pairs, place = walk.sorted_pairs(order)
            fresh = fresh_of(pairs)
            ids = np.cumsum(fresh, dtype=np.int32)
            ids -= 1
            union = _Union(pairs[fresh])
            del pairs, fresh
            owner, room = walk.owner[place], walk.room[place]
            for view, found in zip(samples.views, levels, strict=True):
                if order > view.highest:
                    union.numbers.append(None)
                    continue
                held = view.holds(order, owner, room)
                found.append(union.level(view, order, ids[held], owner[held]))
            self._unions.append(union)
            walk.keep(place, ids)
        self.texts, self.windows = (Index(samples.texts, len(found), found) for found in levels)

    def fold(self, references: Iterable[Both]) -> tuple[Folded, Folded]:
        """The statistics of references, numbered like the samples, for texts and for windows."""
        both = tuple((index, Folded.empty(index)) for index in (self.texts, self.windows))
        for chunk in references:
            chunk.sequences.require_numbering_of(self._sequences)
            for view, (_, folded) in zip(chunk.views, both, strict=True):
                folded.measure(view.lengths, view.padding)
            self._add(chunk, both)
        return both[0][1], both[1][1]

    def _add(self, chunk: Both, both: tuple[tuple[Index, Folded], ...]) -> None:
        walk = Walk(chunk.sequences, chunk.texts.lengths)
        for order, union in enumerate(self._unions, start=1):
            at, place = walk.found(order, union.keys)
            owner, room = walk.owner[place], walk.room[place]
            for view, numbers, (index, folded) in zip(chunk.views, union.numbers, both, strict=True):
                if numbers is None:
                    continue
                own = numbers[at]
                held = view.holds(order, owner, room)
                held &= own >= 0
                folded.count(order, runs(own[held], owner[held]))
                folded.count(order, view.of_pads(order, index.levels[order - 1].pads))
            walk.keep(place, at)
