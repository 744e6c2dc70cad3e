"""Blocks, processes and sorted parts give what one sample after the other gives, byte for byte."""

import gzip
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import bgan_text as bt
from bgan_text.corpora import splitting, text_preparation, text_spool, worker_pool
from bgan_text.corpora.row_digests import row_digest, row_digests
from bgan_text.corpora.splitting import NOWHERE, TEST, TRAIN, VALIDATION, assigned
from bgan_text.corpora.tokenizer import END, UNKNOWN, Tokenizer, train_tokenizer
from bgan_text.corpora.units import check_characters
from bgan_text.corpora.worker_pool import Workers
from bgan_text.reporter import Progress, Reporter

ODD = [
    *("", " ", "  b\ta ", "C[C@@H]%10"),
    *("na\xefve \u6771\u4eac \U0001d4b3 e\u0301", "\ufffd <unk> \u2581x\u2585"),
]
WORDS = [f"{a} {b}{c}" for a in ("red", "blue", "grün") for b in "abcdef" for c in "vwxyz"]
TEXTS = [*WORDS, *(text for text in ODD if text.strip()), *WORDS[:9], "long " * 9, "   ", "x" * 33]


@pytest.fixture(scope="module", params=["char", "word", "whitespace", "smiles", "sentencepiece", "bpe"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    vocabulary = {"char": 20, "smiles": 20, "word": 30, "whitespace": 30}.get(request.param)
    return train_tokenizer(request.param, [*WORDS, "\u2581y"], vocabulary)


def test_many_texts_are_encoded_and_decoded_as_each_is(tokenizer: Tokenizer) -> None:
    tokens, sizes = tokenizer.encode_many(ODD + WORDS)
    each = [tokenizer.encode(text) for text in ODD + WORDS]
    assert sizes.tolist() == list(map(len, each))
    assert tokens.tolist() == [token for one in each for token in one]
    rows = np.full((len(each), sizes.max()), END, dtype=np.int32)
    for row, one in zip(rows, each, strict=True):
        row[: len(one)] = one
    assert tokenizer.decode_many(rows, sizes) == [tokenizer.decode(row) for row in rows.tolist()]
    assert tokenizer.encode_many([])[0].tolist() == []
    assert tokenizer.decode_many(rows[:0], sizes[:0]) == []


def one_by_one(data: bt.DatasetDirectory, texts: list[str]) -> list[tuple[list[int], str]]:
    """The rows of texts in their order, without repeats: what a preparation does, in its plainest form."""
    tokenizer, length, rows = data.tokenizer(), data.space.positions, {}
    for text in texts:
        tokens = tokenizer.encode(text)
        pieces = [tokens[start : start + length] for start in range(0, max(1, len(tokens)), length)]
        overlong = data.settings["overlong"]
        if len(pieces) > 1 and overlong != "window":
            pieces = pieces[:1] if overlong == "cut" else []
        for piece in pieces:
            row = piece + [END] * (length - len(piece))
            if tokenizer.decode(row).strip():
                rows.setdefault(tuple(row), tokenizer.decode(row))
    return [(list(row), text) for row, text in rows.items()]


@pytest.mark.parametrize("overlong", ["drop", "cut", "window"])
@pytest.mark.parametrize(("name", "vocabulary"), [("char", 25), ("word", 40), ("sentencepiece", None)])
def test_rows_are_those_of_one_text_after_the_other(
    name: str, vocabulary: int, overlong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_spool, "BLOCK", 7)
    options = {"tokenizer": name, "vocabulary": vocabulary, "overlong": overlong, "length": 6}
    data = bt.prepare(TEXTS, out=tmp_path / "data", **options)
    expected = one_by_one(data, TEXTS)
    found = {}
    for split in ("train", "validation", "test"):
        rows = data.split(split)
        pairs = list(zip(rows["tokens"][:], rows["text"][:], strict=True))
        assert pairs == [pair for pair in expected if pair in pairs]  # in the order of the corpus
        found |= {tuple(row): text for row, text in pairs}
    assert found == {tuple(row): text for row, text in expected}
    assert data.counts["tokens"] >= sum(sum(token != END for token in row) for row, _ in expected)
    assert (data.counts["unknown"] > 0) == any(UNKNOWN in row for row, _ in expected)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()
    }


@pytest.mark.parametrize("options", [{"tokenizer": "char"}, {"tokenizer": "word"}, {}])
def test_the_directory_is_the_same_with_any_number_of_processes(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_spool, "BLOCK", 10)
    made = [
        bt.prepare(TEXTS, out=tmp_path / str(count), overlong="cut", processes=count, **options)
        for count in (1, 2, 3)
    ]
    one, *others = [contents(data.folder) for data in made]
    assert len(one) == 1 + 1 + 3 * 3
    assert all(other == one for other in others)


def test_processes_are_not_started_for_little_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    monkeypatch.setattr(worker_pool.subprocess, "Popen", lambda *command, **options: started.append(command))
    bt.prepare(TEXTS, out=tmp_path / "data", tokenizer="char")
    assert started == []


def test_many_tokens_have_the_narrowest_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = bt.prepare(WORDS, out=tmp_path / "few", tokenizer="char")
    assert few.split("train").features["tokens"].feature.dtype == "int32"
    monkeypatch.setattr(text_preparation, "MANY_TOKENS", 300)
    many = bt.prepare(WORDS, out=tmp_path / "many", tokenizer="char")
    assert many.signature == few.signature
    assert torch.equal(many.rows("train"), few.rows("train"))
    for name, texts, kind in (
        ("char", WORDS, "uint8"),
        ("word", [f"w{number} end" for number in range(300)], "int16"),
    ):
        data = bt.prepare(texts, out=tmp_path / name, tokenizer=name)
        assert data.tokens("train").dtype == np.dtype(kind)
        assert data.split("train").features["tokens"].feature.dtype == kind


def rows_of_splits(digests: list[int], held_out: list[bool], keep: bool, most: int) -> tuple[list[int], int]:
    """The split of each row, from a dictionary of what was seen."""
    first: dict[int, bool] = {}
    for digest, held in zip(digests, held_out, strict=True):
        first.setdefault(digest, held)
    free = sorted(digest for digest, held in first.items() if not held)
    share = min(max(1, len(free) // 10), most)
    own = any(first.values())
    test, validation = ([], free[:share]) if own else (free[:share], free[share : 2 * share])
    seen: set[int] = set()
    found = []
    for digest in digests:
        split = TEST if first[digest] or digest in test else VALIDATION if digest in validation else TRAIN
        found.append(split if keep or digest not in seen else NOWHERE)
        seen.add(digest)
    return found, len(digests) - len(first)


@pytest.mark.parametrize("part", [1 << 22, 40, 3])
@pytest.mark.parametrize("held", [0.0, 0.1])
@pytest.mark.parametrize("keep", [False, True])
def test_splits_are_those_of_a_dictionary(
    part: int, held: float, keep: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splitting, "PART", part)
    monkeypatch.setattr(splitting, "HELD_OUT_MOST", 9)
    rng = np.random.default_rng(0)
    for count, values in ((8, 2**63), (60, 2**63), (300, 120), (300, 2**63)):
        known = rng.integers(0, 2**64, min(values, count), dtype=np.uint64, endpoint=False)
        digests = known[rng.integers(0, len(known), count)]
        held_out = rng.random(count) < held
        expected, duplicates = rows_of_splits(digests.tolist(), held_out.tolist(), keep, 9)
        found = assigned(digests, held_out, keep_duplicates=keep, length=4)
        assert found.split.tolist() == expected
        assert found.duplicates == duplicates


def test_digests_of_many_rows_are_those_of_each() -> None:
    rows = np.random.default_rng(0).integers(0, 200, (20, 7))
    for kind in ("uint8", "int16", "int64"):
        assert row_digests(rows.astype(kind)).tolist() == list(map(row_digest, rows))


def test_results_come_in_their_order() -> None:
    with Workers(3) as workers:
        assert list(workers.map(divmod, ((n, 7) for n in range(30)))) == [divmod(n, 7) for n in range(30)]
        assert list(workers.map(pow, [(2, 3), (3, 2)])) == [8, 9]


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_of_a_task_or_of_what_gives_them_is_raised(count: int) -> None:
    def tasks() -> Iterator[tuple[str, str]]:
        yield from (("a", "one"), ("b", "two"))
        raise bt.UserError("no more")

    with Workers(count) as workers, pytest.raises(bt.UserError, match="three has a NUL"):
        list(workers.map(check_characters, [("a", "one"), ("\0", "three"), ("b", "two")]))
    with Workers(count) as workers, pytest.raises(ZeroDivisionError):
        list(workers.map(divmod, ((n, n - 3) for n in range(9))))
    with Workers(count) as workers, pytest.raises(bt.UserError, match="no more"):
        list(workers.map(check_characters, tasks()))


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_killed_worker_is_told_in_one_line_and_none_is_left() -> None:
    with Workers(2) as workers:
        with pytest.raises(bt.UserError, match=r"a worker process ended \(SIGKILL\): .*`processes`"):
            list(workers.map(signal.raise_signal, [(signal.SIGKILL,)]))
        started = list(workers._started)
    assert len(started) == 2
    assert all(process.returncode is not None for process in started)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_workers_end_with_the_process_that_started_them() -> None:
    code = """if True:
        import os, signal
        from bgan_text.corpora.worker_pool import Workers
        workers = Workers(2)
        assert list(workers.map(divmod, [(7, 2), (9, 4)])) == [(3, 1), (2, 1)]
        print(*(process.pid for process in workers._started), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    # The pipe for errors, which the workers have too, is closed only when all of them are gone.
    assert made.returncode == -signal.SIGKILL
    assert len(made.stdout.split()) == 2


class Told(Reporter):
    """Keeps the progress of each task."""

    def __init__(self) -> None:
        self.progress: dict[str, list[tuple[int, int | None]]] = {}

    @contextmanager
    def task(self, title: str, unit: str = "") -> Iterator[Progress]:
        told = self.progress.setdefault(title, [])
        yield lambda done, total: told.append((done, total))


def test_how_much_is_left_is_told_in_every_stage(tmp_path: Path) -> None:
    lines = [f"number {number:04}" for number in range(4000)]
    (tmp_path / "text.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "text.txt.gz").write_bytes(gzip.compress((tmp_path / "text.txt").read_bytes()))
    for name, total, more in (
        ("text.txt", 4000, {}),
        ("text.txt", 2000, {"limit": 2000}),
        ("text.txt.gz", None, {}),
    ):
        told = Told()
        bt.prepare(
            tmp_path / name, out=tmp_path / "data", reporter=told, overwrite=True, vocabulary=40, **more
        )
        assert told.progress["reading"] == [(done, total) for done in range(1000, (total or 4000) + 1, 1000)]
        count = total or 4000
        for title in ("tokenizer", "lengths", "encoding", "writing"):
            assert told.progress[title][-1] == (count, count), title
