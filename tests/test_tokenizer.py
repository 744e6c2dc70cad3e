import io
from pathlib import Path

import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from bgan_text.corpora.tokenizer import (
    END,
    TOKENIZERS,
    UNKNOWN,
    CharacterTokenizer,
    WordTokenizer,
    load_tokenizer,
    signature,
    train_tokenizer,
)
from bgan_text.errors import UserError

TEXTS = [
    f"{who} {what} {many} {where} ."
    for who in ("The bank", "A teacher", "Some farmers")
    for what in ("cut", "raised", "sold")
    for many in ("prices", "1,054 ships", "3.5 percent of wages")
    for where in ("in Oslo", "on Monday", 'for "us"')
]
SIZES = {"sentencepiece": 45, "bpe": 45}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_texts_come_back_from_their_tokens(name: str, tmp_path: Path) -> None:
    tokenizer = train_tokenizer(name, TEXTS, SIZES.get(name))
    for text in TEXTS:
        tokens = tokenizer.encode(text)
        assert tokenizer.decode(tokens) == text
        assert tokenizer.decode([*tokens, END, 7, 8]) == text
        assert min(tokens) > UNKNOWN
        assert max(tokens) < tokenizer.vocabulary
    (tmp_path / tokenizer.file).write_bytes(tokenizer.content())
    loaded = load_tokenizer(tmp_path)
    assert signature(loaded) == signature(tokenizer)
    assert [loaded.encode(text) for text in TEXTS] == [tokenizer.encode(text) for text in TEXTS]


@pytest.mark.parametrize("name", ["sentencepiece", "bpe"])
def test_vocabulary_is_what_was_asked(name: str) -> None:
    assert train_tokenizer(name, TEXTS, 45).vocabulary == 45


@given(st.text())
def test_any_text_falls_into_symbols_that_give_it_back(text: str) -> None:
    assert "".join(CharacterTokenizer.split(text)) == text
    assert "".join(WordTokenizer.split(text)) == " " + " ".join(text.split())


def test_words_punctuation_and_numbers() -> None:
    assert WordTokenizer.split("Don't pay $1,234.50 -- \"never\".") == [
        " Don't", " pay", " $", "1,234.50", " --", ' "', "never", '"', ".",
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "mark"), [("word", "<unk>"), ("char", "\ufffd")])
def test_what_was_not_seen_is_unknown(name: str, mark: str) -> None:
    tokenizer = train_tokenizer(name, ["a b"], None)
    assert UNKNOWN in tokenizer.encode("a c")
    assert mark in tokenizer.decode(tokenizer.encode("a c"))


def test_a_small_vocabulary_keeps_the_frequent_symbols() -> None:
    tokenizer = train_tokenizer("char", ["aaab", "bbc", "a"], 4)
    assert tokenizer.encode("abc") == [2, 3, UNKNOWN]


def test_signature_changes_with_the_content() -> None:
    one, other = (train_tokenizer("char", [text], None) for text in ("abc", "abd"))
    assert signature(one) != signature(other)


@pytest.mark.parametrize(
    ("name", "vocabulary", "message"),
    [
        ("word", 5000, "different words, so at most"),
        ("sentencepiece", 5000, "the text gives at most"),
        ("bpe", 5000, "the text gives at most"),
        ("sentencepiece", 8, "too small"),
        ("char", 2, "at least 3"),
        ("charr", None, "did you mean 'char'"),
        ("nowhere.model", None, "no SentencePiece model"),
    ],
)
def test_refusals(name: str, vocabulary: int | None, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        train_tokenizer(name, TEXTS, vocabulary)
    assert "\n" not in str(caught.value).strip()


@pytest.mark.parametrize("name", ["sentencepiece", "bpe"])
def test_the_size_that_a_refusal_names_is_accepted(name: str) -> None:
    with pytest.raises(UserError) as caught:
        train_tokenizer(name, TEXTS, 5000)
    most = int(str(caught.value).split("at most ")[1].split()[0])
    assert train_tokenizer(name, TEXTS, most).vocabulary == most


def test_a_given_model_is_used_as_it_is(tmp_path: Path) -> None:
    """A model with control pieces of its own: they take no part, 0 and 1 stay end and unknown."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS), model_writer=written, vocab_size=44, bos_id=1, eos_id=2, pad_id=3,
        unk_id=0, minloglevel=2,
    )  # fmt: skip
    (tmp_path / "given.model").write_bytes(written.getvalue())
    tokenizer = train_tokenizer(str(tmp_path / "given.model"), [], None)
    assert tokenizer.vocabulary == 44 - 4 + 2
    assert tokenizer.decode(tokenizer.encode(TEXTS[0])) == TEXTS[0]
    assert tokenizer.encode("é")[1:] == [UNKNOWN]  # after the piece that marks the start of a word
    with pytest.raises(UserError, match="no meaning"):
        train_tokenizer(str(tmp_path / "given.model"), [], 99)


@pytest.mark.parametrize(("name", "content"), [("tokenizer.model", b"junk"), ("tokenizer.json", b"{}")])
def test_damaged_files_are_refused(name: str, content: bytes, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="tokenizer"):
        load_tokenizer(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("name", ["sentencepiece", "bpe"])
def test_without_a_size_a_small_text_gives_what_it_can(name: str) -> None:
    tokenizer = train_tokenizer(name, TEXTS, None)
    assert 30 < tokenizer.vocabulary < 400
    assert [tokenizer.decode(tokenizer.encode(text)) for text in TEXTS] == TEXTS
