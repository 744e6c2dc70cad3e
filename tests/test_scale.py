"""Scores and samples of any number: the same results in bounded memory."""

import itertools
import random
import sys
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import bgan_text as bt
from bgan_text.corpora import decoding
from bgan_text.corpora.byte_streams import opened
from bgan_text.corpora.ngram_units import splitter
from bgan_text.corpora.worker_pool import Workers
from bgan_text.errors import UserError
from bgan_text.evaluation.coded_units import Characters, Coder, SplitUnits, coded, coded_all, coder_of
from bgan_text.models.generators import RecurrentGenerator
from bgan_text.sample_files import destination
from bgan_text.sampling_blocks import Block, BlockSampler, blocks_of
from bgan_text.sampling_options import SamplingOptions
from bgan_text.scores import ngrams
from bgan_text.scores.distribution import _terms
from bgan_text.scores.ngrams import stable_sort
from bgan_text.scores.sequences import Numbering, Sequences
from bgan_text.scores.windows import Both, BothIndex
from bgan_text.training.samples import CHOICE, SEEDS, STRIDE, block_seed

CPU = torch.device("cpu")
SMALL = {"steps": 1, "batch": 8, "width": 8, "noise": 3, "discriminator_width": 4, "device": "cpu"}
ALPHABET = "abcä語 \t\n\u00a0\u2003\x1c\x85\U0001f600\ud800e\u0301"


def texts_of(seed: int, count: int) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices(ALPHABET, k=rng.randrange(12))) for _ in range(count)]


def same(one: Sequences, other: Sequences) -> bool:
    equal = np.array_equal(one.tokens, other.tokens) and np.array_equal(one.lengths, other.lengths)
    return equal and one.tokens.dtype == other.tokens.dtype and one.vocabulary == other.vocabulary


@pytest.mark.parametrize("units", ["char", "whitespace", "smiles"])
def test_units_are_numbered_as_lists_of_units_are(units: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bgan_text.evaluation.coded_units.CHUNK_CHARACTERS", 40)
    split, numbering = splitter(units), Numbering()
    coder = coder_of(split)
    corpora = [texts_of(0, 60), texts_of(1, 80), [], [""]]
    expected = numbering.add_all([split(text) for text in texts] for texts in corpora)
    assert all(map(same, coded_all(coder, corpora), expected))
    assert len(coder) == len(numbering) > 10
    others = [*texts_of(2, 50), "ñ ü"]
    assert same(coded(coder, others), numbering.look_up([split(text) for text in others]))
    assert coded(coder, others).tokens.min() == -1
    assert len(coder) == len(numbering)  # looking up adds none


@pytest.mark.parametrize("make", [Characters, lambda: SplitUnits(str.split)])
def test_a_coder_numbers_in_the_order_of_first_occurrence(make: Callable[[], Coder]) -> None:
    coder = make()
    assert coder.numbers(["b", "a", "b"], add=True)[0].tolist() == [0, 1, 0]
    assert coder.numbers(["c", "a"], add=True)[0].tolist() == [2, 1]
    assert replace(coded(coder, ["x"]), vocabulary=0).tokens.tolist() == [-1]


@pytest.mark.parametrize("largest", [1, 50, 2**40, 2**62])
@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 3000])
def test_a_stable_sort_keeps_equal_keys_in_their_order(largest: int, size: int) -> None:
    keys = np.random.default_rng(size).integers(0, largest, size)
    keys[::7] = largest - 1
    kept = keys.copy()
    values, place = stable_sort(keys)
    expected = np.argsort(keys, kind="stable")
    assert np.array_equal(place, expected)
    assert np.array_equal(values, keys[expected])
    assert np.array_equal(keys, kept)


def test_the_n_grams_are_the_same_whichever_sort_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    sequences = Numbering().add(texts_of(3, 200))
    packed = ngrams.Index(sequences, 5).levels
    order = lambda keys: np.argsort(keys, kind="stable")  # noqa: E731
    monkeypatch.setattr(ngrams, "stable_sort", lambda keys: (keys[order(keys)], order(keys)))
    for level, expected in zip(packed, ngrams.Index(sequences, 5).levels, strict=True):
        assert np.array_equal(level.keys, expected.keys)
        assert np.array_equal(level.counts.owner, expected.counts.owner)
        assert np.array_equal(level.counts.count, expected.counts.count)


def test_no_two_blocks_have_the_same_random_numbers() -> None:
    """Torch takes 32 bits of a seed on a CPU, so a hash of the block would meet another one's too soon."""
    assert block_seed(7, 0) == 7
    assert STRIDE % 2 == 1  # so that multiples of it meet only after all 2^32 blocks
    large = 2**62 + 5
    seeds = {block_seed(large, block) % SEEDS for block in (*range(5000), *range(CHOICE, CHOICE + 5000))}
    assert len(seeds) == 10_000
    assert block_seed(large, 9) // SEEDS == large // SEEDS
    streams = [torch.Generator().manual_seed(block_seed(large, block)) for block in (0, 1, CHOICE)]
    drawn = [torch.rand(4, generator=stream).tolist() for stream in streams]
    assert all(one != other for one, other in itertools.combinations(drawn, 2))


KINDS = {
    "rnn": {},
    "transformer": {"generator": "transformer"},
    "conv": {"generator": "conv", "objective": "importance", "credit": "sequence", "draws": 2},
}


def made(data: bt.DatasetDirectory, folder: Path, kind: str = "rnn") -> Any:
    return bt.train(data, out=folder, **(SMALL | KINDS[kind]))


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("drawing", [{}, {"candidates": 3}, {"candidates": 3, "correct": "prefixes"}])
def test_blocks_are_the_same_in_any_order_and_whatever_the_count(
    data: bt.DatasetDirectory, tmp_path: Path, kind: str, drawing: dict[str, Any]
) -> None:
    run = made(data, tmp_path / "run", kind)
    if kind == "conv" and "correct" in drawing:
        with pytest.raises(UserError, match="prefixes"):
            run.sample(2, **drawing)
        return
    options = SamplingOptions(count=600, seed=3, **drawing)
    sampler = BlockSampler(run._run, options, CPU)
    blocks = list(blocks_of(600, sampler.size))
    assert 0 < blocks[-1][1] < sampler.size
    found = {block: sampler.draw(block, count).rows for block, count in reversed(blocks)}
    rows = torch.cat([found[block] for block, _ in blocks])
    assert torch.equal(rows, run.sample_tokens(600, seed=3, **drawing))
    assert torch.equal(rows[:77], run.sample_tokens(77, seed=3, **drawing))
    assert len(rows.unique(dim=0)) > 500  # the blocks are not copies of each other
    assert not torch.equal(rows, run.sample_tokens(600, seed=4, **drawing))


def test_two_processes_write_the_bytes_of_one(
    bgan: Callable[..., Any], data: bt.DatasetDirectory, tmp_path: Path
) -> None:
    made(data, tmp_path / "run")
    for processes in ("1", "2"):
        words = ("--n", "700", "--seed", "5", "--processes", processes, "--out", f"{processes}.txt")
        result = bgan("sample", "run", "--device", "cpu", *words)
        assert result.code == 0, result.err
    one, two = ((tmp_path / name).read_bytes() for name in ("1.txt", "2.txt"))
    assert one == two
    assert len(set(one.splitlines())) > 500
    few = bgan("sample", "run", "--n", "10", "--seed", "5", "--processes", "2")  # less than a block
    assert few.out.encode() == b"".join(one.splitlines(keepends=True)[:10])


def test_samples_are_written_while_few_of_them_are_in_memory(
    data: bt.DatasetDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made(data, tmp_path / "run")
    alive: list[weakref.ref[torch.Tensor]] = []
    most: list[int] = []
    draw = BlockSampler.draw

    def tracked(self: BlockSampler, block: int, count: int) -> Block:
        drawn = draw(self, block, count)
        alive.append(weakref.ref(drawn.rows))
        most.append(sum(one() is not None for one in alive))
        return drawn

    monkeypatch.setattr(BlockSampler, "draw", tracked)
    with destination(tmp_path / "out.txt") as file:
        for text, _ in run.stream(SamplingOptions(count=10_000)):
            file.write(f"{text}\n")
        assert not (tmp_path / "out.txt").exists()  # it appears when it is whole
    assert len(most) == 40
    assert max(most) <= 3
    assert len((tmp_path / "out.txt").read_text("utf-8").splitlines()) == 10_000


def test_processes_end_with_the_samples(
    data: bt.DatasetDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, pools = bt.train(data, out=tmp_path / "run", **SMALL), list[Workers]()
    begin = Workers.__enter__
    monkeypatch.setattr(Workers, "__enter__", lambda pool: pools.append(pool) or begin(pool))
    samples = iter(run.stream(SamplingOptions(count=2000, seed=3, processes=2)))
    assert next(samples) == next(iter(run.stream(SamplingOptions(count=1, seed=3))))
    (pool,) = pools
    started = list(pool._started)
    assert [process.poll() for process in started] == [None, None]
    del samples  # the reader has enough
    assert None not in [process.poll() for process in started]


def test_a_process_that_dies_ends_the_samples_with_one_line(
    data: bt.DatasetDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = bt.train(data, out=tmp_path / "run", **SMALL)
    started = Workers._start

    def killed(pool: Workers) -> None:
        started(pool)
        pool._started[-1].kill()

    monkeypatch.setattr(Workers, "_start", killed)
    with pytest.raises(UserError, match=r"^one of 2 `processes` that draw samples has ended before its work"):
        list(run.stream(SamplingOptions(count=2000, processes=2)))


def test_parts_that_no_other_process_can_import_are_refused(
    data: bt.DatasetDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Local(RecurrentGenerator):
        def __init__(self, space: Any, config: bt.Config) -> None:
            super().__init__(space, width=config.width, blocks=1, noise=config.noise)

    run = bt.train(data, out=tmp_path / "run", **SMALL, generator=Local)
    with pytest.raises(UserError, match="parts of your own that another process can import"):
        run.stream(SamplingOptions(count=300, processes=2))
    assert len(list(run.stream(SamplingOptions(count=300, processes=1)))) == 300
    Local.__module__, Local.__qualname__ = "__main__", "Local"
    monkeypatch.setattr(sys.modules["__main__"], "Local", Local, raising=False)
    with pytest.raises(UserError, match="from the script that is running or from a notebook"):
        run.stream(SamplingOptions(count=300, processes=2))


def windows_of(texts: list[str], window: int, highest: tuple[int, int]) -> tuple[Sequences, Sequences, Both]:
    sequences = Numbering().add(texts)
    return (
        sequences,
        sequences.windowed(window, highest[1]),
        Both.of(sequences, highest[0], window, highest[1]),
    )


@pytest.mark.parametrize("window", [1, 3, 7, 40])
@pytest.mark.parametrize("highest", [(5, 6), (2, 6), (4, 4), (5, 3)])
def test_texts_and_windows_have_the_same_n_grams_in_one_pass_as_in_two(
    window: int, highest: tuple[int, int]
) -> None:
    rng = random.Random(window)
    texts = ["".join(rng.choices("aab", k=rng.randrange(14))) for _ in range(60)]
    *apart, both = windows_of(texts, window, highest)
    found = BothIndex(both)
    others = Sequences(apart[0].tokens[::-1].copy(), apart[0].lengths[::-1].copy(), apart[0].vocabulary)
    chunks = [others.take(slice(0, 25)), others.take(slice(25, 60))]
    folded = found.fold(Both.of(one, highest[0], window, highest[1]) for one in chunks)
    windowed = [one.windowed(window, highest[1]) for one in chunks]
    for index, fold, sequences, most, parts in zip(
        (found.texts, found.windows), folded, apart, highest, (chunks, windowed), strict=True
    ):
        expected = ngrams.Index(sequences, most)
        assert len(index) == len(expected)
        for level, other in zip(index.levels, expected.levels, strict=True):
            assert (level.order, level.distinct, level.pads) == (other.order, other.distinct, other.pads)
            for part in ("ids", "owner", "count"):
                assert np.array_equal(getattr(level.counts, part), getattr(other.counts, part))
        statistics = ngrams.fold(expected, parts)
        assert fold.ngrams == statistics.ngrams
        assert fold.lengths == statistics.lengths
        for order in range(1, most + 1):
            assert np.array_equal(fold.largest[order], statistics.largest[order])
            assert np.array_equal(fold.total[order], statistics.total[order])
            assert fold.total[order].any() or window < order


def test_terms_of_the_divergence_are_the_literal_formula() -> None:
    rng = np.random.default_rng(0)
    p, q = rng.random(500), rng.random(500)
    p[::3], q[::4] = 0.0, 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = p * np.log2(2 * p / (p + q)), q * np.log2(2 * q / (p + q))
    expected = (np.where(p > 0, one, 0.0) + np.where(q > 0, other, 0.0)) / 2
    assert np.array_equal(_terms(p, q), expected)


CONTENTS = [
    b"",
    b"\n",
    b"a",
    b"a\nbb\n\nccc",
    b"\xef\xbb\xbfmark\nb\n" * 5,
    "ä\u2028b\x0bc\x1cd\x85e\n語\n".encode() * 9,
    b"one\r\ntwo\r\n" * 9,
    b"one\ntwo\r\r\nthree\r",
    b"a\n" * 20 + b"x\ry\n",
    b"a\n" * 20 + b"\xff\n",
    b"a\n" * 20 + b"a\0b\n",
    b"a\n" * 20 + b"z" * 101 + b"\n",
    b"a\n" * 20 + b"z" * 101,
    b"a\n" * 20 + b"z" * 100 + b"\n",
]


@pytest.mark.parametrize("content", CONTENTS, ids=range(len(CONTENTS)))
@pytest.mark.parametrize("block", [1, 2, 7, 64, 4096])
def test_lines_split_by_the_block_are_those_read_one_by_one(
    content: bytes, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "BLOCK", block)
    monkeypatch.setattr(decoding, "LONGEST_LINE", 100)
    path = tmp_path / "a.txt"
    path.write_bytes(content)

    def read(by_line: bool) -> tuple[list[str], str]:
        lines: list[str] = []
        with opened(str(path)) as stream:
            one_by_one = decoding.decoded_lines(stream, most=100) if by_line else None
            found = (
                decoding.text_lines(stream) if one_by_one is None else decoding.stripped(one_by_one, stream)
            )
            try:
                lines.extend(found)
            except UserError as error:
                return lines, str(error)
        return lines, ""

    assert read(by_line=False) == read(by_line=True)
