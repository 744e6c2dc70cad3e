# ruff: noqa: RUF001
import gzip
import io
import re
import sys
import unicodedata
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
    SmilesTokenizer,
    WhitespaceTokenizer,
    WordTokenizer,
    load_tokenizer,
    signature,
    train_tokenizer,
)
from bgan_text.corpora.units import one_line
from bgan_text.corpora.word_tokenizer import ASCII_WORD, MARKED_PLANES, is_mark, word_pattern
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


# Words of any script

HINDI = [
    "लड़का किताब पढ़ता है", "लड़की पानी पीती है", "किसान खेत जोतता है", "बच्चा स्कूल जाता है",
    "दुकानदार मिठाई बेचता है", "नदी धीरे बहती है", "पक्षी आकाश में उड़ता है", "शिक्षक पाठ पढ़ाता है",
    "माँ खाना बनाती है", "घोड़ा तेज़ दौड़ता है",
]  # fmt: skip
WORDS = {
    "Hindi": " ".join(HINDI),
    "Hindi with joiners": "क्\u200dष र्\u200cक",
    "Hebrew with vowels": "שָׁלוֹם עוֹלָם",
    "Persian with non-joiners": "می\u200cخواهم بروم",
    "Arabic with vowels": "كِتَابٌ جَدِيدٌ",
    "Thai": "ก็ไม่ น้ำ",
    "decomposed French": unicodedata.normalize("NFD", "café élève où été"),
    "decomposed Vietnamese": unicodedata.normalize("NFD", "tiếng Việt"),
    "soft hyphens": "auto\u00admatic co\u2060operate",
    "emoji": "👨\u200d👩\u200d👧 👩🏽\u200d💻 ❤\ufe0f 1\ufe0f\u20e3",
}


@pytest.mark.parametrize("name", WORDS)
def test_what_stands_between_spaces_is_one_token_whatever_marks_it_has(name: str) -> None:
    words = WORDS[name].split(" ")
    assert WordTokenizer.split(WORDS[name]) == [f" {word}" for word in words]


def test_the_words_of_hindi_are_counted_as_readers_count_them() -> None:
    assert sum(len(WordTokenizer.split(line)) for line in HINDI) == 41


def test_punctuation_stays_apart_from_words_with_marks() -> None:
    text = unicodedata.normalize("NFD", "«été», où ? l\u2019été… 3.5")
    parts = ["«", "été", "»,", "où", "?", "l\u2019été", "…", "3.5"]
    assert [unicodedata.normalize("NFC", one).strip() for one in WordTokenizer.split(text)] == [
        "«", "été", "»", ",", *parts[3:],
    ]  # fmt: skip


ALPHABET = st.sampled_from("a1 .,'-?\u2019\u0301\u0303\u200d\u200c\u00ad👩💻🏽éनि\u20e3\t")


@given(st.text(ALPHABET))
def test_no_word_begins_with_a_mark_or_a_joiner(text: str) -> None:
    parts = WordTokenizer.split(text)
    assert "".join(parts) == " " + " ".join(text.split())
    assert not any(is_mark(part[0]) or part[0] in "\u200d\u200c" for part in parts)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_has_a_pattern_of_its_own_that_finds_the_same(text: str) -> None:
    text = " " + " ".join(text.split())
    assert [found.group() for found in ASCII_WORD.finditer(text)] == [
        found.group() for found in word_pattern().finditer(text)
    ]


def test_every_mark_of_unicode_is_known() -> None:
    marks = {code for code in range(sys.maxunicode + 1) if is_mark(chr(code))}
    assert marks == {code for plane in MARKED_PLANES for code in plane if is_mark(chr(code))}
    assert all(word_pattern().fullmatch(f" a{chr(code)}") for code in marks)


# Codes and molecules


def test_what_stands_between_spaces_is_one_code() -> None:
    codes = ["E11.9 E11.9 F32.A N18.3", "J45.909  I10\tE11.9 "]
    tokenizer = train_tokenizer("whitespace", codes, None)
    assert set(tokenizer.symbols) == {"E11.9", "F32.A", "N18.3", "J45.909", "I10"}
    assert [tokenizer.decode(tokenizer.encode(line)) for line in codes] == [codes[0], "J45.909 I10 E11.9"]
    assert tokenizer.decode([*tokenizer.encode("E11.9 Z00 I10"), END, 3]) == "E11.9 <unk> I10"
    assert train_tokenizer("whitespace", codes, 4).encode("E11.9 I10")[0] == 2


@pytest.mark.parametrize(
    ("molecule", "symbols"),
    [
        ("CCCl", "C C Cl"),
        ("Brc1ccccc1", "Br c 1 c c c c c 1"),
        ("[nH]1cccc1Cl", "[nH] 1 c c c c 1 Cl"),
        ("C[C@@H](N)C(=O)O", "C [C@@H] ( N ) C ( = O ) O"),
        ("C1CC%10CC1CC%10", "C 1 C C %10 C C 1 C C %10"),
        ("F/C=C\\F.[Na+]", "F / C = C \\ F . [Na+]"),
        ("C%(123)N#N*~$", "C %(123) N # N * ~ $"),
        ("c1ccc2c(c1)[nH]c(=S)[n-]2", "c 1 c c c 2 c ( c 1 ) [nH] c ( = S ) [n-] 2"),
        ("[13C@@](C)(Cl)Br>>[Si]", "[13C@@] ( C ) ( Cl ) Br > > [Si]"),
        ("[C%1", "[ C % 1"),  # damaged: a character at a time
    ],
)
def test_a_molecule_falls_into_atoms_bonds_and_rings(molecule: str, symbols: str) -> None:
    assert SmilesTokenizer.split(molecule) == symbols.split(" ")


MOLGPT = re.compile(
    r"(\[[^\]]+]|<|Br?|Cl?|N|O|S|P|F|I|b|c|n|o|s|p|\(|\)|\.|=|#|-|\+|\\|\/|:|~|@|\?|>|\*|\$|\%[0-9]{2}|[0-9])"
)
"""The pattern of MolGPT (Bagal et al. 2021), from Schwaller et al. 2019."""


def test_real_molecules_fall_into_the_symbols_of_molgpt(real_data: Path) -> None:
    with gzip.open(real_data / "smiles" / "moses_test.csv.gz", "rt") as file:
        molecules = [line.split(",")[0].strip() for line in list(file)[1:3000]]
    assert [SmilesTokenizer.split(one) for one in molecules] == [MOLGPT.findall(one) for one in molecules]


@given(st.text())
def test_any_text_decodes_to_itself_as_a_molecule(text: str) -> None:
    assert "".join(SmilesTokenizer.split(text)) == text


# One line

BREAKS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("line_break", BREAKS)
def test_a_line_break_is_a_space(line_break: str) -> None:
    assert one_line(f"a{line_break}b{line_break}") == "a b"
    for kind in (CharacterTokenizer, WhitespaceTokenizer, SmilesTokenizer):
        tokenizer = kind(["a", line_break])
        assert len(f"{tokenizer.decode([2, 3, 2, 3])}\n".splitlines()) == 1


def test_the_line_breaks_are_those_of_python() -> None:
    found = {chr(code) for code in range(sys.maxunicode + 1) if len(f"a{chr(code)}b".splitlines()) > 1}
    assert found == set(BREAKS) - {"\r\n"}
    assert not any(len(one_line(f"a{character}b").splitlines()) > 1 for character in found)
