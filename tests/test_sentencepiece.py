"""SentencePiece: text decodes to itself, long lines are trained on, what was not given is not blamed."""

# ruff: noqa: RUF001

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import bgan_text as bt
from bgan_text.corpora import sentencepiece_training
from bgan_text.corpora.sentencepiece_training import PART
from bgan_text.corpora.tokenizer import UNKNOWN, load_tokenizer, train_tokenizer
from bgan_text.corpora.units import one_line
from bgan_text.errors import UserError
from bgan_text.reporter import Reporter

CHINESE = ["你好，世界！", "他说：好。", "真的吗？"]
SPACES = ["  a  b ", "a b", " a", "a ", "b   a", "\u00a0a\u3000b", "a\tb"]
DECOMPOSED = ["cafe\u0301 \u0151", "café ő", "ﬁn ① ½"]
EMOJI = ["👨\u200d👩\u200d👧 ok", "👍🏽!", "🇫🇷"]
RESERVED = ["x▁y", "▁", "▂▅▁", "a\0b", "a\x1f", "\ufffd \u2047"]
"""Characters that SentencePiece uses itself."""


CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\ufdd0\ufdd1\ufdd2\ufdd3\ufdd4")
"""All but the noncharacters that stand in for the reserved ones."""


class Warnings(Reporter):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def warning(self, text: str) -> None:
        self.heard.append(text)


def model(path: Path, texts: list[str], **options: Any) -> str:
    """A model file that was made by SentencePiece itself, with its own defaults."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=written, hard_vocab_limit=False, minloglevel=2, **options
    )
    path.write_bytes(written.getvalue())
    return str(path)


@pytest.mark.parametrize("name", ["sentencepiece", "bpe"])
@pytest.mark.parametrize("texts", [CHINESE, SPACES, DECOMPOSED, EMOJI, RESERVED, ["<unk>", "<s> a </s>"]])
def test_every_text_of_the_corpus_decodes_to_itself(texts: list[str], name: str, tmp_path: Path) -> None:
    tokenizer = train_tokenizer(name, texts, None)
    (tmp_path / tokenizer.file).write_bytes(tokenizer.content())
    for one in (tokenizer, load_tokenizer(tmp_path)):
        assert [one.decode(one.encode(text)) for text in texts] == texts
        assert not any(UNKNOWN in one.encode(text) for text in texts)


@settings(max_examples=40, deadline=None)
@given(
    texts=st.lists(st.text(CHARACTERS, min_size=1, max_size=30), max_size=5),
    name=st.sampled_from(["sentencepiece", "bpe"]),
)
def test_so_does_any_corpus_of_lines(texts: list[str], name: str) -> None:
    lines = [text for text in map(one_line, texts) if text.strip()]
    assume(lines)
    tokenizer = train_tokenizer(name, lines, None)
    assert [tokenizer.decode(tokenizer.encode(line)) for line in lines] == lines


def test_another_normalization_is_what_sentencepiece_says_it_is(tmp_path: Path) -> None:
    texts = [*DECOMPOSED, *CHINESE]
    data = bt.prepare(texts, normalization="nfkc", out=tmp_path / "data")
    normalizer = sentencepiece.SentencePieceNormalizer(rule_name="nfkc", escape_whitespaces=False)
    read = {text for split in ("train", "validation", "test") for text in data.texts(split)}
    assert read == {normalizer.normalize(text).removeprefix(" ") for text in texts}
    assert "fin 1 1⁄2" in read
    assert data.settings["normalization"] == "nfkc"
    assert bt.prepare(texts, out=tmp_path / "as-it-is").settings["normalization"] == "identity"


@pytest.mark.parametrize("name", ["word", "char", "given.model"])
def test_normalization_is_refused_where_nothing_normalises(name: str, tmp_path: Path) -> None:
    name = model(tmp_path / name, ["a b c"] * 9, vocab_size=20) if "." in name else name
    with pytest.raises(UserError, match="`normalization` nfkc has no meaning for `tokenizer`"):
        bt.prepare(["a b c"], tokenizer=name, normalization="nfkc", out=tmp_path / "data")


@pytest.mark.parametrize("name", ["sentencepiece", "bpe"])
@pytest.mark.parametrize("unit", ["a b", "ab", "你好"])
def test_long_lines_are_trained_on(unit: str, name: str, tmp_path: Path) -> None:
    """SentencePiece itself leaves out lines of more than 4,192 bytes, and then has nothing to train on."""
    lines = [unit * 2500, unit * 2500 + "x", unit * 2501]
    data = bt.prepare(lines, tokenizer=name, overlong="window", out=tmp_path / "data")
    assert data.counts["windowed"] == 3
    assert data.counts["unknown"] == 0
    tokenizer = data.tokenizer()
    assert tokenizer.decode(tokenizer.encode(lines[1])) == lines[1]
    assert len(tokenizer.encode(lines[1])) < len(lines[1])  # pieces of several characters


def test_a_long_line_falls_into_parts_at_its_spaces() -> None:
    words = [f"word{number}" for number in range(1000)]
    parts = list(sentencepiece_training._parts([" ".join(words), "x" * (2 * PART + 1)]))
    assert " ".join(parts[:-3]).split(" ") == words
    assert list(map(len, parts[-3:])) == [PART, PART, 1]
    assert max(map(len, parts)) <= PART


def test_a_character_of_one_line_in_a_large_corpus_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the trainer reads only some of the lines."""
    monkeypatch.setattr(sentencepiece_training, "MOST_LINES", 200)
    texts = [f"line {number} of many" for number in range(3000)]
    texts[1234] = "one 🦜 among them"
    tokenizer = train_tokenizer("sentencepiece", texts, 60)
    assert tokenizer.decode(tokenizer.encode(texts[1234])) == texts[1234]


def test_more_characters_than_the_default_vocabulary_holds_are_no_error() -> None:
    texts = [chr(0x4E00 + number) * 2 for number in range(9000)]
    tokenizer = train_tokenizer("sentencepiece", texts, None)
    assert 9000 < tokenizer.vocabulary < 12_000
    assert all(tokenizer.decode(tokenizer.encode(text)) == text for text in texts[::97])


def test_rare_characters_make_room_for_a_vocabulary_that_they_would_fill() -> None:
    rare = "".join(chr(0x4E00 + number) for number in range(30))
    texts = ["ab cd ef gh ij"] * 40_000 + list(rare)
    tokenizer = train_tokenizer("bpe", texts, 20)
    assert tokenizer.vocabulary == 20
    assert tokenizer.decode(tokenizer.encode(texts[0])) == texts[0]
    assert UNKNOWN in tokenizer.encode(rare[0])


@pytest.mark.parametrize("name", ["sentencepiece", "bpe"])
def test_the_least_vocabulary_that_a_refusal_names_is_accepted(name: str) -> None:
    texts = ["the quick brown fox", "jumps over the lazy dog"] * 5
    with pytest.raises(UserError, match=r"^`vocabulary` 9: too small .* at least \d+ tokens") as caught:
        train_tokenizer(name, texts, 9)
    least = int(str(caught.value).split("at least ")[1].split()[0])
    assert train_tokenizer(name, texts, least).vocabulary == least
    with pytest.raises(UserError, match="too small"):
        train_tokenizer(name, texts, least - 1)


def test_an_option_that_was_not_given_is_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**options: Any) -> None:
        raise RuntimeError("value <= 5\nsomething else")

    monkeypatch.setattr(sentencepiece.SentencePieceTrainer, "train", fail)
    with pytest.raises(UserError) as caught:
        train_tokenizer("sentencepiece", ["abc"], None)
    assert "vocabulary" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_given_model_that_changes_text_is_told_with_an_example(tmp_path: Path) -> None:
    texts = [f"the ﬁfth {number} of  many" for number in range(20)] + ["as it is 1", "as it is 2"]
    path = model(tmp_path / "own.model", texts, vocab_size=60)
    heard = Warnings()
    data = bt.prepare(texts, tokenizer=path, out=tmp_path / "data", reporter=heard)
    (warning,) = (text for text in heard.heard if "changes" in text)
    assert f"`tokenizer` {path} changes 20 of 22 texts: 'the ﬁfth 0 " in warning
    assert "becomes 'the fifth 0 of" in warning
    assert warning in data.summary["warnings"]


def test_a_given_model_that_changes_nothing_is_not_warned_of(tmp_path: Path) -> None:
    texts = [f"the fifth {number} of many" for number in range(200)]
    path = model(tmp_path / "own.model", texts, vocab_size=60)
    heard = Warnings()
    bt.prepare(texts, tokenizer=path, out=tmp_path / "data", reporter=heard)
    assert heard.heard == []


def test_models_of_earlier_versions_go_on_decoding(tmp_path: Path) -> None:
    """They normalise, and have no stand-ins for reserved characters."""
    texts = ["the quick ﬁfth fox", "jumps over  the dog"]
    model(tmp_path / "tokenizer.model", texts, vocab_size=60, bos_id=-1, eos_id=-1, pad_id=-1, unk_id=0)
    old = load_tokenizer(tmp_path)
    assert [old.decode(old.encode(text)) for text in texts] == ["the quick fifth fox", "jumps over the dog"]
    assert old.decode(old.encode("the ▁ dog")) == "the dog"


TINY = {"steps": 2, "batch": 8, "width": 8, "noise": 3, "discriminator_width": 8, "precision": "float32",
        "device": "cpu"}  # fmt: skip


def test_bytes_of_a_model_make_no_lines(tmp_path: Path, bgan: Callable[..., Any]) -> None:
    """A model with byte fallback has tokens for all bytes, line breaks among them."""
    texts = [
        f"{who} {what} the {thing}" for who in ("she", "he") for what in ("saw", "cut") for thing in "abcdefg"
    ]
    path = model(tmp_path / "bytes.model", texts, vocab_size=320, byte_fallback=True)
    run = bt.train(bt.prepare(texts, tokenizer=path, out=tmp_path / "data"), out=tmp_path / "run", **TINY)
    tokenizer, rows = load_tokenizer(tmp_path / "run"), run.sample_tokens(500).tolist()
    assert any(len(tokenizer.join(row).splitlines()) > 1 for row in rows)  # what the tokens stand for
    samples = run.sample(500)
    assert len("".join(f"{sample}\n" for sample in samples).splitlines()) == 500
    assert samples == [one_line(tokenizer.join(row)) for row in rows]
    assert len(bgan("sample", tmp_path / "run", "--n", 50).out.splitlines()) == 50
