"""chrF, a score of machine translation, of models and of the anchor."""

from collections.abc import Iterator, Sequence

from bgan_text.evaluation.coded_units import Characters, coded_all
from bgan_text.evaluation.ngrams import Group, Scores
from bgan_text.evaluation.spool import Spool
from bgan_text.evaluation.text_inputs import Stream
from bgan_text.reporter import Reporter
from bgan_text.scores.chrf import ORDER, chrf_of, without_spaces
from bgan_text.scores.ngrams import Index


def chrf_scores(groups: Sequence[Group], references: Stream, reporter: Reporter) -> Iterator[Scores]:
    """Corpus and mean sentence chrF of each group against its references."""
    coder = Characters()
    numbered = coded_all(coder, (map(without_spaces, group.texts) for group in groups))
    spool = Spool(map(without_spaces, references()), coder)
    with reporter.task("chrF", "models") as progress:
        for done, (group, samples) in enumerate(zip(groups, numbered, strict=True), start=1):
            index = Index(samples, ORDER)
            corpus, sentences = chrf_of(index, spool.alternate() if group.alternate else spool)
            progress(done, len(groups))
            yield {"chrf": corpus, "sentence-chrf": sentences}
