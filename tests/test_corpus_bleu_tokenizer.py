"""The tokenizer of corpus BLEU: which one fits a text, and that values are those of sacrebleu."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sacrebleu

import bgan_text as bt
from bgan_text.corpora import sacrebleu_tokenizers
from bgan_text.corpora.sacrebleu_tokenizers import fitting_tokenizer, sacrebleu_splitter
from bgan_text.errors import UserError

Command = Callable[..., Any]
CHINESE = ["今天天气很好我们去公园", "他们在学校学习中文", "这本书非常有意思", "明天我要去北京开会"]
JAPANESE = ["今日はとても天気がいいです", "わたしは学校へ行きました"]
THAI = ["สวัสดีครับผมชื่อสมชาย", "วันนี้อากาศดีมาก"]


@pytest.mark.parametrize(
    ("units", "texts", "name"),
    [
        ("char", CHINESE, "zh"),
        ("whitespace", CHINESE, "zh"),
        ("whitespace", ["今天 天气 很 好", "我们 去 公园"], "none"),  # words that someone has set apart
        ("char", THAI, "char"),
        ("char", ["CCO", "c1ccccc1", "CC(=O)O"], "char"),
        ("smiles", ["CCO", "c1ccccc1"], "char"),
        ("char", ["a red car", "the man"], "13a"),
        ("whitespace", ["E11.9 I10", "Z79"], "none"),
        ("13a", ["a red car"], "13a"),
        ("word", ["a red car"], "13a"),
    ],
)
def test_the_tokenizer_fits_the_text(units: str, texts: list[str], name: str) -> None:
    assert fitting_tokenizer(units, texts) == name


@pytest.mark.parametrize(("there", "name"), [(True, "ja-mecab"), (False, "char")])
def test_japanese_takes_mecab_where_it_is(monkeypatch: pytest.MonkeyPatch, there: bool, name: str) -> None:
    monkeypatch.setattr(sacrebleu_tokenizers, "find_spec", lambda module: object() if there else None)
    assert fitting_tokenizer("char", JAPANESE) == name


@pytest.mark.parametrize("name", ["none", "13a", "intl", "char", "zh"])
def test_values_are_those_of_sacrebleu(name: str) -> None:
    samples = [*CHINESE[1:], "今天天气很好我们去学校。", "a red car, and 3.5 trucks"]
    references = [*CHINESE, "a red car and 3.5 trucks!"]
    report = bt.evaluate({"mine": samples}, reference=references, sacrebleu_tokenize=name, resamples=0)
    streams = [[one] * len(samples) for one in references]
    expected = sacrebleu.BLEU(tokenize=name).corpus_score(samples, streams)
    found = report.columns[0].cells["corpus-bleu"].value
    assert found == pytest.approx(expected.score, abs=1e-9)
    assert report.settings["sacrebleu"].split("tok:")[1].startswith(name)


def test_chinese_without_spaces_is_never_scored_as_one_word(bgan: Command) -> None:
    Path("samples.txt").write_text("\n".join(CHINESE[:2]) + "\n", "utf-8")
    Path("real.txt").write_text("\n".join(CHINESE) + "\n", "utf-8")
    made = bgan("score", "samples.txt", "--reference", "real.txt", "--tokenize", "char", "--json")
    assert made.code == 0, made.err
    scores = json.loads(made.out)["models"][0]["scores"]
    assert scores["corpus-bleu"]["value"] == pytest.approx(100.0)
    words = ("--reference", "real.txt", "--sacrebleu-tokenize", "none", "--resamples", 0)
    made = bgan("score", "samples.txt", *words)
    assert "samples: no sample has 4 tokens of sacrebleu's tokenizer none" in " ".join(made.out.split())


def test_a_tokenizer_that_is_not_there_is_refused_with_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sacrebleu_tokenizers, "find_spec", lambda module: None)
    with pytest.raises(UserError, match=r"ja-mecab needs MeCab and ipadic: pip install 'sacrebleu\[ja\]'"):
        sacrebleu_splitter("ja-mecab")
    with pytest.raises(UserError, match="unknown tokenizer of sacrebleu 'chr': did you mean 'char'"):
        sacrebleu_splitter("chr")
    monkeypatch.setattr("sacrebleu.utils.SACREBLEU_DIR", str(tmp_path))
    with pytest.raises(UserError, match=f"flores200 needs its model: save http.* as {tmp_path}"):
        sacrebleu_splitter("flores200")


def test_every_tokenizer_of_sacrebleu_can_be_named() -> None:
    """All but spm, an old name of flores101."""
    assert {*sacrebleu_tokenizers.NEEDS, "spm"} == set(sacrebleu.BLEU.TOKENIZERS)


@pytest.mark.parametrize("name", sorted(sacrebleu_tokenizers.NEEDS))
def test_a_tokenizer_splits_or_says_in_one_line_what_it_needs(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sacrebleu.utils.SACREBLEU_DIR", str(tmp_path))  # without any model
    there = name in ("none", "13a", "intl", "char", "zh") or (
        name not in sacrebleu_tokenizers.WITH_MODEL and sacrebleu_tokenizers.installed(name)
    )
    if there:
        assert sacrebleu_splitter(name)("a red car")
        return
    with pytest.raises(UserError, match=f"^`sacrebleu_tokenize` {name} needs [^\n]+$"):
        sacrebleu_splitter(name)
