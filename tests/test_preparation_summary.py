"""What `prepare` says of the data, the length that it chooses, and what it warns of."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bgan_text as bt
from bgan_text.corpora.card_lines import card_lines
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.lengths import LONGEST_DEFAULT, Lengths
from bgan_text.corpora.preparation_summary import vocabulary_warnings
from bgan_text.errors import UserError
from bgan_text.reporter import Reporter

Command = Callable[..., Any]


class Warnings(Reporter):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def warning(self, text: str) -> None:
        self.heard.append(text)


def lines(*lengths: int) -> list[str]:
    """One text of different characters for each length."""
    alphabet = "abcdefghij"
    return [
        "".join(alphabet[(place * (number + 1) + number // 9) % 10] for place in range(length))
        for number, length in enumerate(lengths)
    ]


def prepared(texts: list[str], out: Path, **options: Any) -> tuple[DatasetDirectory, list[str]]:
    heard = Warnings()
    data = bt.prepare(texts, out=out, reporter=heard, **({"keep_duplicates": True} | options))
    return data, heard.heard


@pytest.mark.parametrize("tokenizer", ["char", "sentencepiece", "word", "own.model"])
def test_the_default_length_is_what_99_percent_need(tokenizer: str, tmp_path: Path) -> None:
    texts = [" ".join("abcdefghij"[: 3 + number % 7]) + f" {number}" for number in range(400)]
    texts += ["a b c d e f g h i j k l m n o p q r s t"]
    if tokenizer == "own.model":
        model = bt.prepare(texts, tokenizer="bpe", out=tmp_path / "model").tokenizer().content()
        (tmp_path / "own.model").write_bytes(model)
        tokenizer = str(tmp_path / "own.model")
    data, _ = prepared(texts, tmp_path / "data", tokenizer=tokenizer)
    needed = sorted(len(data.tokenizer().encode(text)) for text in texts)
    expected = {
        percent: needed[int(np.ceil(len(texts) * percent / 100)) - 1] for percent in (50, 95, 99, 100)
    }
    assert data.summary["lengths"] == {str(percent): length for percent, length in expected.items()}
    assert data.space.positions == data.settings["length"] == expected[99] < expected[100]
    assert data.counts["dropped"] == sum(length > expected[99] for length in needed)


def test_the_default_length_has_a_limit_that_is_told_when_it_binds(tmp_path: Path) -> None:
    texts = lines(*[30] * 80, *[100] * 20)
    data, heard = prepared(texts, tmp_path / "data", tokenizer="char")
    assert data.space.positions == LONGEST_DEFAULT == 64
    assert heard == [
        "20.0% of the samples were dropped: they are longer than 64 tokens, the largest default `length`. "
        "`length` 100 keeps 99 % of them, `overlong` window keeps all of them, in pieces"
    ]
    mended, heard = prepared(texts, tmp_path / "mended", tokenizer="char", length=100)
    assert heard == []
    assert mended.counts["dropped"] == 0


@pytest.mark.parametrize(("overlong", "what"), [("drop", "dropped"), ("cut", "cut")])
def test_more_than_five_percent_lost_is_a_warning_with_the_length_that_mends_it(
    overlong: str, what: str, tmp_path: Path
) -> None:
    few, many = lines(*[8] * 95, *[12] * 5), lines(*[8] * 94, *[12] * 6)
    options = {"tokenizer": "char", "length": 10, "overlong": overlong}
    data, heard = prepared(few, tmp_path / "few", **options)
    assert (data.summary[what], heard) == (0.05, [])
    data, (warning,) = prepared(many, tmp_path / "many", **options)
    assert data.summary[what] == 0.06
    assert data.summary["warnings"] == [warning]
    assert warning.startswith(
        f"6.0% of the samples were {what}: they are longer than `length` 10. `length` 12"
    )
    data, heard = prepared(many, tmp_path / "mended", **options | {"length": 12})
    assert (data.summary[what], heard) == (0.0, [])


def test_windows_lose_nothing(tmp_path: Path) -> None:
    data, heard = prepared(lines(*[100] * 30), tmp_path / "data", tokenizer="char", overlong="window")
    assert data.space.positions == LONGEST_DEFAULT
    assert heard == []


def test_data_of_which_nothing_is_left_blames_no_length_that_was_not_given(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="all 9 samples are longer than `length` 7; set `length` 90"):
        prepared(lines(*[90] * 9), tmp_path / "data", tokenizer="char", length=7)
    with pytest.raises(
        UserError, match=r"longer than 64 tokens, the largest default `length`; set `length` 90"
    ):
        prepared(lines(*[90] * 9), tmp_path / "data", tokenizer="char")
    assert not (tmp_path / "data").exists()


def test_a_corpus_that_can_be_read_once_has_a_default_length_too(
    tmp_path: Path, bgan: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bt.prepare((line for line in lines(*range(3, 40))), tokenizer="char", out=tmp_path / "data")
    assert data.space.positions == 39
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n".join(lines(*range(3, 40))).encode())))
    assert bgan("prepare", "lines", "--path", "-", "--tokenizer", "char", "--out", "stdin").code == 0
    assert DatasetDirectory("stdin").space == data.space


def test_a_corpus_may_have_a_length_of_its_own(tmp_path: Path) -> None:
    assert bt.prepare("grammar", limit=60, out=tmp_path / "grammar").space.positions == 24
    corpus = bt.TextCorpus("mine", lambda request: lines(*range(3, 20)), tokenizer="char", length=30)
    assert bt.prepare(corpus, out=tmp_path / "mine").space.positions == 30


def test_prepare_ends_with_what_it_did(bgan: Command, tmp_path: Path) -> None:
    Path("t.txt").write_text("\n".join(lines(*[8] * 90, *[12] * 10)) + "\n\n", "utf-8")
    made = bgan(
        "prepare", "t.txt", "--tokenizer", "char", "--length", 10, "--keep-duplicates", "--out", "d", "--json"
    )
    assert (
        "Warning: 10.0% of the samples were dropped: they are longer than --length 10. --length 12"
        in made.err
    )
    assert "101 samples read from 1 file: 1 blank, 10 (10.0%) too long and dropped, 0 cut," in made.err
    assert (
        "tokens of a sample: 50 % at most 8, 95 % at most 12, 99 % at most 12; the longest 12\n" in made.err
    )
    summary = json.loads(made.out)["summary"]
    assert summary["dropped"] == 0.1
    assert summary["lengths"] == {"50": 8, "95": 12, "99": 12, "100": 12}
    rows = json.loads(made.out)["counts"]["train"]
    assert (summary["vocabulary"], summary["rows"]) == (12, rows)
    assert f"\n12 tokens for {rows} train samples (char:12:" in made.err
    assert len(summary["warnings"]) == 1
    assert "50 % at most 8" in bgan("show", "d").out


def test_rows_of_tokens_have_lengths(tmp_path: Path) -> None:
    rows = np.array([[1, 2, 0, 0], [3, 0, 2, 1], [1, 1, 1, 1], [2, 0, 0, 0]])
    data = bt.prepare(rows, vocabulary=4, end=0, out=tmp_path / "ended")
    assert data.summary["lengths"] == {"50": 1, "95": 4, "99": 4, "100": 4}
    assert data.counts["tokens"] == 8
    data = bt.prepare(rows, vocabulary=4, out=tmp_path / "full")
    assert data.summary["lengths"] == dict.fromkeys(["50", "95", "99", "100"], 4)
    assert any("50 % at most 4" in line for line in card_lines(data.card))


def test_a_card_of_an_earlier_version_is_shown_without_lengths(tmp_path: Path) -> None:
    data, _ = prepared(lines(*range(3, 20)), tmp_path / "data", tokenizer="char")
    card = {name: value for name, value in data.card.items() if name not in ("summary", "files", "sha256")}
    (tmp_path / "data" / "card.json").write_text(json.dumps(card))
    old = DatasetDirectory(tmp_path / "data")
    assert old.summary == {}
    assert len(card_lines(old.card)) == len(card_lines(data.card)) - 1


@pytest.mark.parametrize(
    ("tokenizer", "vocabulary", "rows", "lowercase", "parts"),
    [
        ("word", 20_000, 20_000, False, None),
        ("word", 20_001, 10**6, False, ("20,001 tokens makes training slow", "sentencepiece", "`lowercase`")),
        (
            "word",
            30_000,
            10**6,
            True,
            ("30,000", "slow: use `tokenizer` sentencepiece or a smaller `vocabulary`"),
        ),
        ("char", 30_000, 10**6, False, ("slow: use a smaller `vocabulary`",)),
        ("m.model", 30_000, 10**6, False, ("slow: use a smaller model",)),
        (
            "word",
            100,
            99,
            False,
            ("samples (99): use `tokenizer` sentencepiece or `lowercase` for a smaller one, or add data",),
        ),
        ("sentencepiece", 100, 100, False, None),
        ("smiles", 20, 10, False, ("training samples (10): add data",)),
    ],
)
def test_a_vocabulary_that_is_too_large_is_warned_of_with_the_remedy(
    tokenizer: str, vocabulary: int, rows: int, lowercase: bool, parts: tuple[str, ...] | None
) -> None:
    found = vocabulary_warnings(tokenizer, vocabulary, rows, lowercase=lowercase)
    assert len(found) == (parts is not None)
    for part in parts or ():
        assert part in found[0]


def test_the_remedy_of_a_large_vocabulary_works(tmp_path: Path) -> None:
    texts = [f"Word{number} word{number}" for number in range(60)]
    _, (warning,) = prepared(texts, tmp_path / "words", tokenizer="word")
    assert "the vocabulary has 122 tokens, more than there are training samples (48)" in warning
    _, heard = prepared(texts, tmp_path / "fewer", tokenizer="sentencepiece", vocabulary=40)
    assert heard == []
    _, (warning,) = prepared(texts, tmp_path / "unknown", tokenizer="word", vocabulary=40)
    assert "68.3% of the tokens are rare, and unknown to the vocabulary: raise `vocabulary`" in warning


def test_repeats_samples_of_one_token_and_molecules_with_names_are_warned_of(tmp_path: Path) -> None:
    codes = ["E11.9 I10", "I10 Z79"] * 10 + ["E11.9", "I10", "Z79", "E11.9 Z79"]
    _, heard = prepared(codes, tmp_path / "codes", tokenizer="whitespace", keep_duplicates=False)
    assert heard[:1] == [
        "75.0% of the samples were repeats, of which one each was kept: `keep_duplicates` keeps all, as "
        "frequencies of codes need"
    ]
    _, heard = prepared(codes, tmp_path / "kept", tokenizer="whitespace", keep_duplicates=True)
    assert heard == []
    joined = [f"E{number};I10" for number in range(60)]
    _, heard = prepared(joined, tmp_path / "joined", tokenizer="whitespace")
    assert "every sample is one token: is something other than spaces between the tokens?" in heard
    names = [f"{'C' * number} name" for number in range(1, 60)]
    _, (warning,) = prepared(names, tmp_path / "names", tokenizer="smiles")
    assert warning.startswith("there are spaces in the text, but molecules have none")


def test_a_window_of_white_space_is_no_sample(tmp_path: Path) -> None:
    texts = [*lines(*range(3, 9)), "abcd" + " " * 9 + "efgh"]
    data, _ = prepared(texts, tmp_path / "data", tokenizer="char", length=4, overlong="window")
    read = [text for split in ("train", "validation", "test") for text in data.texts(split)]
    assert all(text.strip() for text in read)
    assert {"abcd", " efg"} <= set(read)


def test_a_line_break_within_a_sample_is_a_space(tmp_path: Path) -> None:
    texts = ["roses\nare red", "violets\r\nare\u2028blue\n", "sugar\x85is sweet", "and so", "are you"]
    data = bt.prepare(texts, tokenizer="char", out=tmp_path / "data")
    read = {text for split in ("train", "validation", "test") for text in data.texts(split)}
    assert read == {"roses are red", "violets are blue", "sugar is sweet", "and so", "are you"}


def test_lengths_count_what_they_are_told() -> None:
    lengths = Lengths([5] * 98 + [7, 90])
    assert [lengths.needed(percent) for percent in (50, 98, 99, 100)] == [5, 5, 7, 90]
    assert (lengths.default(), Lengths([200]).default(), Lengths().default()) == (7, 64, 1)
    assert not Lengths([0])
