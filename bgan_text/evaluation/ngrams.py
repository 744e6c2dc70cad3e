"""The n-gram scores of models and of the anchor, one model at a time against the same real text."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from bgan_text.corpora.ngram_units import WITHOUT_SPACES, splitter
from bgan_text.corpora.sacrebleu_tokenizers import OF_UNITS, sacrebleu_splitter
from bgan_text.evaluation.coded_units import coded_all, coder_of
from bgan_text.evaluation.inputs import REAL, drawn
from bgan_text.evaluation.spool import Spool
from bgan_text.evaluation.text_inputs import Anchor, Stream
from bgan_text.scores.bleu import bleu_of, self_bleu_of
from bgan_text.scores.corpus_bleu import ORDER, corpus_bleu_of
from bgan_text.scores.distribution import (
    coverage_of,
    distinct_of,
    js_of,
    length_distance_of,
    mean_length_of,
    memorised,
    unique,
)
from bgan_text.scores.memorisation import NOVELTY_ORDER, copied, novelty_of, span_share
from bgan_text.scores.ngrams import Folded, Index, fold
from bgan_text.scores.score import Score
from bgan_text.scores.sequences import Sequences
from bgan_text.scores.windows import Both, BothIndex
from bgan_text.scores.zipf import zipf_of

BLEU_ORDER = 5
VARIETY_ORDER = 4
JS_ORDER = 6

Scores = dict[str, Score]


@dataclass(frozen=True)
class Group:
    """Texts to score. `alternate`: against every second reference. `trained`: they are training text."""

    name: str
    texts: Sequence[str]
    alternate: bool = False
    trained: bool = False


def anchor_group(anchor: Anchor) -> Group:
    """Real text as the samples of a model."""
    return Group(REAL, anchor.texts, anchor.alternate, trained=not anchor.alternate)


@dataclass
class Numbered:
    """Groups, references and training text as integers in one numbering.

    `units`: of n-grams. `tokenizer`: sacrebleu's, of corpus BLEU. `held_out`: references whose
    novelty is that of real text, if the anchor is training text.
    """

    units: str
    tokenizer: str
    groups: list[tuple[Group, Sequences]]
    references: Spool
    training: Spool | None
    held_out: Sequences | None
    window: int

    @classmethod
    def read(
        cls,
        groups: Sequence[Group],
        references: Stream,
        training: Stream | None,
        units: str,
        tokenizer: str,
        window: int | None,
        seed: int = 0,
    ) -> "Numbered":
        """Split and number all text. Of real text, only units that the groups contain get a number."""
        coder = coder_of(splitter(units))
        texts = [group.texts for group in groups]
        if training is not None and groups[-1].trained:
            texts.append(drawn(references(), len(texts[-1]), seed))
        numbered = coded_all(coder, texts)
        pairs = list(zip(groups, numbered, strict=False))
        held_out = numbered[-1] if len(numbered) > len(groups) else None
        spool = Spool(references(), coder)
        window = window or _window(pairs, _usual(spool.lengths), cut=units in WITHOUT_SPACES)
        spooled = Spool(training(), coder) if training is not None else None
        return cls(units, tokenizer, pairs, spool, spooled, held_out, window)

    @property
    def has_corpus_bleu(self) -> bool:
        """Whether corpus BLEU has the units of the other scores, and is among them."""
        return OF_UNITS.get(self.units) == self.tokenizer

    def against(self, group: Group) -> Iterator[Sequences]:
        """The references of a group."""
        return self.references.alternate() if group.alternate else iter(self.references)

    def scores(self) -> Iterator[Scores]:
        """The scores of each group in turn. Only the n-grams of one group are in memory at a time."""
        for group, samples in self.groups:
            index = BothIndex(self._both(samples))
            folded, of_windows = index.fold(map(self._both, self.against(group)))
            divergences = _by_order("js", js_of(index.windows, of_windows), 1, JS_ORDER)
            texts = index.texts
            del index, of_windows  # the larger part
            scores = _counted(texts, folded)
            if self.has_corpus_bleu:
                scores["corpus-bleu"] = _explained(corpus_bleu_of(texts, folded), self.tokenizer)
            del texts, folded
            yield scores | divergences | self._copies(group, samples)

    def _both(self, texts: Sequences) -> Both:
        return Both.of(texts, BLEU_ORDER, self.window, JS_ORDER)

    def _copies(self, group: Group, samples: Sequences) -> Scores:
        """Copies of other samples and of training text. Texts are equal if their tokens are.

        What a tokenizer does not see, such as a space at the end of a line, makes no difference.
        """
        rows = samples.rows()
        if self.training is None:
            return {"unique": unique(rows)}
        if group.trained:  # an anchor of training text is all copies
            return {"unique": unique(rows)} | self._novelty_of_real(len(group.texts))
        found = copied(samples, self.training, NOVELTY_ORDER)
        return {
            "unique": unique(rows),
            "memorised": memorised(rows, (row for chunk in self.training for row in chunk.rows())),
            "memorised-span": span_share(samples.lengths, found.longest),
            **_by_order("novelty", novelty_of(samples, found), 1, NOVELTY_ORDER),
        }

    def _novelty_of_real(self, samples: int) -> Scores:
        """The novelty of references. It has an interval if there are as many as texts in the anchor."""
        if self.held_out is None or self.training is None:
            return {}
        found = novelty_of(self.held_out, copied(self.held_out, self.training, NOVELTY_ORDER))
        if len(self.held_out) != samples:
            found = {order: replace(score, each=np.empty(0)) for order, score in found.items()}
        return _by_order("novelty", found, 1, NOVELTY_ORDER)


def _usual(lengths: Counter[int]) -> int:
    """The shortest length that 99 % of texts do not exceed, so that one very long line does not set it."""
    covered = accumulate(times for _, times in sorted(lengths.items()))
    return next(
        length
        for length, sum_ in zip(sorted(lengths), covered, strict=True)
        if sum_ >= 0.99 * lengths.total()
    )


def _window(groups: list[tuple[Group, Sequences]], longest: int, *, cut: bool) -> int:
    """The usual length of references, at most that of the longest sample if texts are cut to a length."""
    samples = [int(one.lengths.max(initial=0)) for group, one in groups if not group.trained]
    return max(1, min(longest, max(samples)) if cut else longest)


def _counted(index: Index, folded: Folded) -> Scores:
    precision, recall = coverage_of(index, folded)
    lengths = index.samples.lengths
    return (
        _by_order("bleu", bleu_of(index, folded), 1, BLEU_ORDER)
        | _by_order("precision", precision, 1, VARIETY_ORDER)
        | _by_order("self-bleu", self_bleu_of(index), 1, BLEU_ORDER)
        | _by_order("recall", recall, 1, VARIETY_ORDER)
        | _by_order("distinct", distinct_of(index), 1, VARIETY_ORDER)
        | {"zipf": zipf_of(index)}
        | {"length": mean_length_of(lengths), "length-distance": length_distance_of(lengths, folded.lengths)}
    )


def _by_order(name: str, scores: dict[int, Score], lowest: int, highest: int) -> Scores:
    return {f"{name}-{order}": scores[order] for order in range(lowest, highest + 1)}


def corpus_bleu_scores(groups: Sequence[Group], references: Stream, tokenizer: str) -> Iterator[Scores]:
    """Corpus BLEU on the tokens of one of sacrebleu's tokenizers."""
    coder = coder_of(sacrebleu_splitter(tokenizer))
    numbered = coded_all(coder, (group.texts for group in groups))
    spool = Spool(references(), coder)
    for group, samples in zip(groups, numbered, strict=True):
        index = Index(samples, ORDER)
        folded = fold(index, spool.alternate() if group.alternate else spool)
        yield {"corpus-bleu": _explained(corpus_bleu_of(index, folded), tokenizer)}


def _explained(score: Score, tokenizer: str) -> Score:
    """Corpus BLEU whose note says which tokenizer finds too few tokens."""
    if not score.note:
        return score
    return replace(score, note=f"{score.note} of sacrebleu's tokenizer {tokenizer}")


def unknown_share(scores: Scores) -> float:
    """The share of a group's tokens that occur in no reference."""
    known = scores["precision-1"].value
    return 0.0 if math.isnan(known) else 1.0 - known
