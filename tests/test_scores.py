import itertools
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.tokenize import NLTKWordTokenizer
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from bgan_text import scores
from bgan_text.corpora.ngram_units import splitter
from bgan_text.scores.bleu import closest, closest_other
from bgan_text.scores.corpus_bleu import signature
from bgan_text.scores.memorisation import longest_spans
from bgan_text.scores.ngrams import Index, fold
from bgan_text.scores.score import Score
from bgan_text.scores.sequences import Numbering, chunks
from bgan_text.scores.uncertainty import BLOCKS, deviations, interval, ratio

METHOD = SmoothingFunction().method1
GOLDEN_BLEU = [0.5640860157649205, 0.3214875914915145, 0.19252409102426055, 0.12094729278122332]
GOLDEN_SELF_BLEU = [0.631730550760237, 0.46671402864205164, 0.3565203780228147, 0.2762085917377689]
"""BLEU-2..5 of tests/fixtures, computed by nltk 3.10.4."""
CORPUS = st.lists(st.lists(st.sampled_from("abcd"), max_size=9), min_size=2, max_size=7)


def nltk_bleu(references: Sequence[Sequence[str]], sample: Sequence[str], order: int) -> float:
    """The oracle. nltk cannot take an empty sample with method 1; its score is 0."""
    if not sample:
        return 0.0
    return float(sentence_bleu(list(references), sample, [1 / order] * order, METHOD))


@given(CORPUS, CORPUS)
@settings(max_examples=150, deadline=None)
def test_bleu_equals_nltk(samples: list[list[str]], references: list[list[str]]) -> None:
    got = scores.bleu(samples, references)
    for order in range(1, 6):
        expected = [nltk_bleu(references, sample, order) for sample in samples]
        np.testing.assert_allclose(got[order].each, expected, rtol=0, atol=1e-12)


@given(CORPUS)
@settings(max_examples=150, deadline=None)
def test_self_bleu_equals_nltk_against_all_the_others(samples: list[list[str]]) -> None:
    got = scores.self_bleu(samples)
    for order in range(1, 6):
        expected = [
            nltk_bleu(samples[:index] + samples[index + 1 :], sample, order)
            for index, sample in enumerate(samples)
        ]
        np.testing.assert_allclose(got[order].each, expected, rtol=0, atol=1e-12)


@pytest.fixture(scope="module")
def coco(real_data: Path) -> list[list[list[str]]]:
    """The 10,000 training and 10,000 test captions of Texygen, lower-cased, in nltk's words."""
    tokenizer = NLTKWordTokenizer()
    return [
        [tokenizer.tokenize(line.lower()) for line in path.read_text("utf-8").splitlines()]
        for path in (real_data / "texygen" / name for name in ("image_coco.txt", "test_coco.txt"))
    ]


def test_published_kinds_of_text_score_as_in_nltk(captions: dict[str, list[str]]) -> None:
    """LeakGAN's samples and real captions, split as docs/scores.md does, order by order."""
    split = splitter("word", lowercase=True)
    leakgan, train, references = (
        [split(line) for line in captions[name]] for name in ("leakgan", "train", "test")
    )
    for samples in (leakgan[:50], train[:50]):
        bleu, self_bleu = scores.bleu(samples, references), scores.self_bleu(samples)
        for order in range(2, 6):
            expected = [nltk_bleu(references, sample, order) for sample in samples]
            np.testing.assert_allclose(bleu[order].each, expected, rtol=0, atol=1e-12)
            assert bleu[order].value == pytest.approx(np.mean(expected), abs=1e-12)
            expected = [
                nltk_bleu(samples[:at] + samples[at + 1 :], sample, order)
                for at, sample in enumerate(samples)
            ]
            np.testing.assert_allclose(self_bleu[order].each, expected, rtol=0, atol=1e-12)
            assert self_bleu[order].value == pytest.approx(np.mean(expected), abs=1e-12)


def test_golden_values_of_a_few_captions(captions: dict[str, list[str]]) -> None:
    """100 samples of LeakGAN against 600 captions, whatever the nltk of the day computes."""
    split = splitter("word", lowercase=True)
    samples, references = ([split(line) for line in captions[name]] for name in ("leakgan", "test"))
    bleu, self_bleu = scores.bleu(samples, references), scores.self_bleu(samples)
    assert [bleu[order].value for order in range(2, 6)] == pytest.approx(GOLDEN_BLEU, abs=1e-10)
    assert [self_bleu[order].value for order in range(2, 6)] == pytest.approx(GOLDEN_SELF_BLEU, abs=1e-10)


def test_golden_values(coco: list[list[list[str]]]) -> None:
    """COCO captions of Texygen, as measured with nltk."""
    samples, references = coco
    golden = [0.10159342591158, 0.39890819749672, 0.11206772888882, 0.07980719416170]
    np.testing.assert_allclose(scores.bleu(samples[:4], references)[5].each, golden, rtol=0, atol=1e-10)
    golden = [0.22504291847, 0.77837054155, 0.19783230542, 0.09167439265]
    np.testing.assert_allclose(scores.self_bleu(samples[:1000])[5].each[:4], golden, rtol=0, atol=1e-10)
    means = [scores.bleu(samples, references)[order].value for order in range(2, 6)]
    np.testing.assert_allclose(means, [0.7403, 0.5202, 0.3371, 0.2180], rtol=0, atol=5e-5)
    means = [scores.self_bleu(samples)[order].value for order in range(2, 6)]
    np.testing.assert_allclose(means, [0.8924, 0.7473, 0.5736, 0.4157], rtol=0, atol=6e-5)


def test_a_sample_is_not_its_own_reference_but_its_copy_is() -> None:
    one, two = list("abcdef"), list("uvwxyz")
    assert scores.self_bleu([one, two])[2].each.tolist() == [0.0, 0.0]
    assert scores.self_bleu([one, two, one])[5].each == pytest.approx([1.0, 0.0, 1.0])


def test_undefined_scores_are_not_a_number() -> None:
    assert math.isnan(scores.self_bleu([["a"]])[3].value)
    assert math.isnan(scores.bleu([["a"]], [])[3].value)
    assert math.isnan(scores.bleu([], [["a"]])[3].value)
    assert math.isnan(scores.corpus_bleu([["a"]], []).value)
    assert math.isnan(scores.distinct([["a"]])[2].value)
    assert math.isnan(scores.js([["a"]], [["b"]], window=2)[3].value)
    assert math.isnan(scores.memorised([], ["a"]).value)
    precision, recall = scores.coverage([["a"]], [["a"]], 2)
    assert math.isnan(precision[2].value)
    assert math.isnan(recall[2].value)
    assert math.isnan(scores.length_distance([], ["ab"]).value)


def literal_js(first: list[str], second: list[str]) -> float:
    p, q = Counter(first), Counter(second)
    total = 0.0
    for gram in p.keys() | q.keys():
        a, b = p[gram] / len(first), q[gram] / len(second)
        middle = (a + b) / 2
        total += (a * math.log2(a / middle) if a else 0) / 2
        total += (b * math.log2(b / middle) if b else 0) / 2
    return total


@pytest.mark.parametrize("window", [3, 6, 40])
def test_js_equals_the_literal_sum_pads_included(window: int) -> None:
    random.seed(1)
    first, second = (
        ["".join(random.choices("abc", k=random.randint(0, 9))) for _ in range(20)] for _ in "xy"
    )
    got = scores.js(first, second, window)
    for order in range(1, 7):
        grams = [
            [
                text[:window].ljust(window, "#")[i : i + order]
                for text in texts
                for i in range(window + 1 - order)
            ]
            for texts in (first, second)
        ]
        if grams[0]:
            assert got[order].value == pytest.approx(literal_js(*grams), abs=1e-12)
        else:
            assert math.isnan(got[order].value)


def test_js_does_not_grow_with_the_window() -> None:
    """A single long reference may set the window: what is only pads is counted, not stored."""
    (row,) = scores.js(["ab"] * 1000, ["ab"] * 999 + ["a" * 100_000], window=100_000, highest=1).values()
    p = np.array([1, 1, 99_998]) * 1000 / 1e8
    q = np.array([999 + 100_000, 999, 999 * 99_998]) / 1e8
    middle = (p + q) / 2
    assert row.value == pytest.approx((p @ np.log2(p / middle) + q @ np.log2(q / middle)) / 2, abs=1e-12)


def test_js_is_zero_for_equal_and_one_bit_for_disjoint_texts() -> None:
    assert [score.value for score in scores.js(["ab", "cd"], ["cd", "ab"], 2, 2).values()] == [0.0, 0.0]
    assert scores.js(["ab"], ["cd"], 2)[1].value == pytest.approx(1.0)


def test_js_of_captions_equals_the_literal_sum(captions: dict[str, list[str]]) -> None:
    first, second = ([line[:32] for line in captions[name]] for name in ("train", "test"))
    got = scores.js(first, second, window=32)
    for order in (1, 4):
        grams = [
            [text.ljust(32, "#")[at : at + order] for text in texts for at in range(33 - order)]
            for texts in (first, second)
        ]
        assert got[order].value == pytest.approx(literal_js(*grams), abs=1e-12)


def test_js_of_real_characters(real_data: Path) -> None:
    """2,000 real beginnings of lines against the held-out ones: .000 and .119 in the trials."""
    first, second = (
        [line.lower()[:32] for line in (real_data / "lm1b" / name).read_text("utf-8").splitlines()]
        for name in ("1b_benchmark.dev.tokens", "1b_benchmark.test.tokens")
    )
    got = scores.js(first[:2000], second, window=32)
    assert got[1].value < 0.0005
    assert got[4].value == pytest.approx(0.119, abs=0.002)


def test_distinct_and_copied() -> None:
    values = scores.distinct(["aab", "ab"])
    assert (values[1].value, values[2].value, values[3].value) == (2 / 5, 2 / 3, 1.0)
    assert scores.unique(["x", "y", "x", "x"]).value == 0.5
    assert scores.memorised(["x", "y", "x", "z"], iter(["x", "q", "x"])).value == 0.5


def test_order_of_samples_does_not_matter() -> None:
    random.seed(2)
    samples = [random.choices("abcd", k=random.randint(1, 12)) for _ in range(30)]
    shuffled = random.sample(samples, 30)
    for order in range(1, 6):
        one, other = scores.self_bleu(samples)[order].each, scores.self_bleu(shuffled)[order].each
        np.testing.assert_allclose(sorted(one), sorted(other), rtol=0, atol=1e-14)


def literal_counts(corpus: Sequence[Sequence[str]], order: int) -> list[Counter[tuple[str, ...]]]:
    return [Counter(tuple(text[i : i + order]) for i in range(len(text) - order + 1)) for text in corpus]


@given(CORPUS)
@settings(max_examples=60, deadline=None)
def test_the_index_counts_every_ngram_of_every_sample(corpus: list[list[str]]) -> None:
    for level in Index(Numbering().add(corpus), 4).levels:
        literal = literal_counts(corpus, level.order)
        counts = level.counts
        got = sorted(zip(counts.owner.tolist(), counts.count.tolist(), strict=True))
        assert got == sorted((owner, n) for owner, c in enumerate(literal) for n in c.values())
        names = {gram for count in literal for gram in count}
        assert level.distinct == len(names)
        assert sorted(level.occurrences()) == sorted(sum(literal, Counter()).values())
        assert sorted(level.holders()) == sorted(sum(g in c for c in literal) for g in names)
        podium = sorted(tuple(sorted((c[g] for c in literal), reverse=True)[:2]) for g in names)
        assert sorted(map(tuple, level.podium().count[:2].T.tolist())) == podium


@given(CORPUS, CORPUS)
@settings(max_examples=60, deadline=None)
def test_references_fold_into_what_is_known_of_them(
    samples: list[list[str]], references: list[list[str]]
) -> None:
    numbering = Numbering()
    index = Index(numbering.add(samples), 4)
    whole = fold(index, map(numbering.look_up, chunks(references)))
    in_parts = fold(index, (numbering.look_up([reference]) for reference in references))
    for order in range(1, 5):
        ours, theirs = literal_counts(samples, order), literal_counts(references, order)
        names = {gram for count in ours for gram in count}
        for folded in (whole, in_parts):
            assert sorted(folded.total[order]) == sorted(sum(c[g] for c in theirs) for g in names)
            assert sorted(folded.largest[order]) == sorted(max(c[g] for c in theirs) for g in names)
            assert folded.ngrams[order] == sum(c.total() for c in theirs)
    assert whole.lengths == in_parts.lengths == Counter(map(len, references))


@given(CORPUS, CORPUS)
@settings(max_examples=60, deadline=None)
def test_coverage_equals_the_literal_shares(samples: list[list[str]], references: list[list[str]]) -> None:
    precision, recall = scores.coverage(samples, references)
    for order in range(1, 5):
        ours, theirs = (sum(literal_counts(side, order), Counter()) for side in (samples, references))
        for got, of, within in ((precision, ours, theirs), (recall, theirs, ours)):
            total = of.total()
            expected = sum(n for g, n in of.items() if g in within) / total if total else math.nan
            assert got[order].value == pytest.approx(expected, abs=1e-12, nan_ok=True)


@given(CORPUS, CORPUS)
@settings(max_examples=60, deadline=None)
def test_corpus_bleu_is_sacrebleus(samples: list[list[str]], references: list[list[str]]) -> None:
    metric = sacrebleu.BLEU(tokenize="none")
    streams = [[" ".join(reference)] * len(samples) for reference in references]
    found = metric.corpus_score([" ".join(sample) for sample in samples], streams)
    expected = found.score if all(found.totals) else math.nan  # where sacrebleu says 0
    assert scores.corpus_bleu(samples, references).value == pytest.approx(expected, abs=1e-9, nan_ok=True)
    assert signature("none", lowercase=False, references=len(references)) == str(metric.get_signature())


@given(CORPUS, CORPUS)
@settings(max_examples=60, deadline=None)
def test_the_longest_copied_span_is_the_longest_common_run(
    samples: list[list[str]], training: list[list[str]]
) -> None:
    def inside(run: list[str], text: list[str]) -> bool:
        return any(text[i : i + len(run)] == run for i in range(len(text) - len(run) + 1))

    numbering = Numbering()
    numbered = numbering.add(samples)
    got = longest_spans(numbered, (numbering.look_up([text]) for text in training)).tolist()
    for sample, longest in zip(samples, got, strict=True):
        runs = [
            b - a
            for a in range(len(sample))
            for b in range(a + 1, len(sample) + 1)
            if any(inside(sample[a:b], text) for text in training)
        ]
        assert longest == max(runs, default=0)
    shares = [longest / max(1, len(sample)) for sample, longest in zip(samples, got, strict=True)]
    assert scores.memorised_span(samples, training).value == pytest.approx(np.mean(shares))


def test_length_distance_is_the_mean_gap_of_sorted_lengths() -> None:
    ours, real = (["x" * length for length in lengths] for lengths in ([3, 9, 4, 4], [2, 4, 4, 20]))
    gaps = np.abs(np.sort([3, 9, 4, 4]) - [2, 4, 4, 20])
    assert scores.length_distance(ours, real).value == pytest.approx(gaps.mean())
    assert scores.length_distance(ours, real * 3).value == pytest.approx(gaps.mean())
    assert scores.mean_length(ours).value == 5.0


def test_tokens_may_be_words_characters_or_arrays_of_integers() -> None:
    letters = ["abca", "bcab"]
    rows = np.array([[1, 2, 3, 1], [2, 3, 1, 2]])
    for score in (scores.self_bleu, scores.distinct):
        words, numbers = score([list(text) for text in letters]), score(rows)
        assert [words[n].value for n in words] == [numbers[n].value for n in numbers]
        assert [words[n].value for n in words] == [score(letters)[n].value for n in words]


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.array([[1.0, math.nan]]), "tokens are float: str or int was expected"),
        ([[np.float32(1)]], "tokens are float32"),
        ([["a"], [3]], "some tokens are str and some int"),
        ([[None]], "tokens are NoneType"),
    ],
)
def test_tokens_of_other_kinds_are_refused(samples: Sequence[Sequence[str]], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        scores.self_bleu(samples)


def test_references_of_another_kind_are_refused_too() -> None:
    with pytest.raises(TypeError, match="some tokens are str and some int"):
        scores.bleu([["1"]], [[1]])
    with pytest.raises(TypeError, match="tokens are float"):
        scores.bleu([[1]], [[1.0]])
    assert scores.bleu([list(np.array([1, 2]))], np.array([[1, 2]]))[1].value == 1.0


@pytest.mark.parametrize("window", [0, -1, 3_000_000_000])
def test_a_window_out_of_range_is_refused(window: int) -> None:
    with pytest.raises(ValueError, match="1 to 1,000,000 are possible"):
        scores.js(["ab"], ["ab"], window)


def test_whole_samples_may_be_lists_of_tokens() -> None:
    assert scores.unique([["a", "b"], ["a", "b"], ["b"]]).value == pytest.approx(2 / 3)
    assert scores.memorised([["a", "b"], ["b"]], [["a", "b", "c"], ["b"]]).value == 0.5


def test_numbers_of_two_numberings_are_not_compared() -> None:
    index = Index(Numbering().add([["a", "b"]]), 2)
    with pytest.raises(ValueError, match="number together"):
        fold(index, [Numbering().add([["a"]])])


# Intervals


def leave_one_out(score: Callable[[list[list[str]]], float], samples: list[list[str]]) -> list[float]:
    return [score(samples[:i] + samples[i + 1 :]) for i in range(len(samples))]


def test_pseudo_values_come_from_leaving_each_sample_out() -> None:
    rng = random.Random(3)
    samples, references = ([rng.choices("abcde", k=6) for _ in range(count)] for count in (12, 20))
    cases: list[tuple[Callable[[list[list[str]]], float], Score]] = [
        (
            lambda s, n=order, w=window: scores.js(s, references, w)[n].value,
            scores.js(samples, references, window)[order],
        )
        for order, window in ((1, 6), (2, 4), (4, 6), (3, 15))
    ]
    cases += [
        (lambda s: scores.distinct(s)[2].value, scores.distinct(samples)[2]),
        (
            lambda s: scores.unique(s).value,
            scores.unique(samples),
        ),
        (lambda s: scores.coverage(s, references)[1][3].value, scores.coverage(samples, references)[1][3]),
    ]
    for score, got in cases:
        pseudo = [12 * got.value - 11 * without for without in leave_one_out(score, samples)]
        np.testing.assert_allclose(got.shares, pseudo, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["self_bleu", "corpus_bleu", "precision", "length"])
def test_first_order_shares_agree_with_leaving_a_sample_out(name: str) -> None:
    """Of many samples one weighs so little that the first order is what leaving it out does."""
    rng = random.Random(4)
    samples = [rng.choices("abcdefgh", k=rng.randint(3, 12)) for _ in range(150)]
    references = [rng.choices("abcdefgh", k=rng.randint(6, 14)) for _ in range(40)]
    measures: dict[str, Callable[[list[list[str]]], Score]] = {
        "self_bleu": lambda s: scores.self_bleu(s)[3],
        "corpus_bleu": lambda s: scores.corpus_bleu(s, references),
        "precision": lambda s: scores.coverage(s, references)[0][4],
        "length": lambda s: scores.length_distance(s, references),
    }
    got = measures[name](samples)
    without = np.array(leave_one_out(lambda s: measures[name](s).value, samples))
    pseudo = 150 * got.value - 149 * without
    centred = got.shares - got.shares.mean()
    assert np.corrcoef(centred, pseudo)[0, 1] > 0.97
    assert centred.std() == pytest.approx(pseudo.std(), rel=0.2)


def test_intervals_hold_what_other_samples_give() -> None:
    """The predicted spread of each score against its spread over independent sets of real text."""
    from bgan_text.corpora.grammar import sentences

    texts = [text.split() for text in sentences(5, 4400)]
    references, pool = texts[:1400], texts[1400:]
    measured = []
    for start in range(0, 3000, 100):
        samples = pool[start : start + 100]
        measured.append(
            [
                scores.bleu(samples, references)[3],
                scores.self_bleu(samples)[3],
                scores.js(samples, references, 20)[4],
                scores.distinct(samples)[2],
                scores.corpus_bleu(samples, references),
            ]
        )
    seen = np.std([[score.value for score in row] for row in measured], axis=0, ddof=1)
    predicted = np.mean([deviations(row, 0, 100).std(axis=1) for row in measured], axis=0)
    assert (predicted / seen > 0.75).all()
    assert (predicted / seen < 1.7).all()


def test_an_interval_of_a_mean_is_that_of_the_textbook() -> None:
    each = np.random.default_rng(0).normal(size=400)
    low, high = interval(Score(float(each.mean()), each), resamples=4000)
    half = 1.96 * each.std() / 20
    assert (low, high) == pytest.approx((each.mean() - half, each.mean() + half), abs=0.006)
    assert interval(Score(1.0, each), seed=1) == interval(Score(1.0, each), seed=1)
    assert interval(Score(1.0, each), seed=1) != interval(Score(1.0, each), seed=2)


def test_many_samples_are_resampled_in_blocks() -> None:
    each = np.random.default_rng(0).normal(size=2 * BLOCKS + 7)
    (moved,) = deviations([Score(0.0, each)], 0, 300)
    assert moved.std() == pytest.approx(each.std() / len(each) ** 0.5, rel=0.12)


def test_scores_without_shares_have_no_interval() -> None:
    moved = deviations([Score(1.0, np.array([])), Score(0.5, np.array([0.0, 1.0]))], 0, 50)
    assert np.isnan(moved[0]).all()
    assert np.isfinite(moved[1]).all()
    assert np.isnan(interval(Score(1.0, np.array([3.0])))).all()
    assert math.isnan(ratio(np.zeros(2), np.zeros(2)).value)


# What published scores got wrong


def test_a_hypothesis_among_its_own_references_would_score_one() -> None:
    """Several published Self-BLEU scores left each sample in its own references."""
    texts = [list("abcd"), list("efgh"), list("ijkl")]
    assert scores.bleu(texts, texts)[2].value == 1.0
    assert scores.self_bleu(texts)[2].value == 0.0


def test_fewer_references_give_a_lower_score(coco: list[list[list[str]]]) -> None:
    """COCO BLEU-5 with 500, 1,000, 5,000 and 10,000 references: .103, .120, .186, .218."""
    samples, references = coco
    got = [scores.bleu(samples, references[:count])[5].value for count in (500, 1000, 5000, 10_000)]
    assert got == pytest.approx([0.103, 0.120, 0.186, 0.218], abs=6e-4)


def test_fewer_captions_give_a_lower_score(captions: dict[str, list[str]]) -> None:
    samples, references = ([line.split() for line in captions[name]] for name in ("train", "test"))
    got = [scores.bleu(samples, references[:count])[5].value for count in (75, 150, 300, 600)]
    assert got == sorted(got)
    assert got[-1] > 1.3 * got[0]


def test_closest_lengths_prefer_the_shorter() -> None:
    lengths = np.array([1, 3, 4, 9])
    assert closest(lengths, np.array([2, 4])).tolist() == [2, 2, 4, 4]
    for sample in itertools.product([1, 2, 3, 5], repeat=4):
        got = closest_other(np.array(sample)).tolist()
        for index, own in enumerate(sample):
            others = sample[:index] + sample[index + 1 :]
            assert got[index] == min(others, key=lambda other: (abs(other - own), other))
