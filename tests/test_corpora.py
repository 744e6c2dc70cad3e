import gzip
import io
import json
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from bgan_text.corpora import sources
from bgan_text.corpora.corpus import Request, Sentence
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.preparation_options import TextPreparation
from bgan_text.corpora.sources import hub_lines, read_lines, read_lm1b
from bgan_text.corpora.text_preparation import prepare_text
from bgan_text.errors import UserError
from bgan_text.files import digest_of

LINES = [f"{number} green bottles hanging on the wall" for number in range(200)]


def prepared(folder: Path, lines: list[str] = LINES, **more: Any) -> DatasetDirectory:
    text = folder / "text.txt"
    text.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    recipe = TextPreparation.given("lines", **({"paths": (str(text),), "tokenizer": "char"} | more))
    return prepare_text(recipe, folder / "out")


def texts(request: Request) -> list[str]:
    return [sentence.text for sentence in read_lines(request)]


# Sources


def test_lines_of_plain_gzipped_and_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = "\ufeffone\r\n\n  two \nthr\x85ee\n".encode()
    expected = ["one", "", "  two ", "thr\x85ee"]
    (tmp_path / "a.txt").write_bytes(content)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(content))
    for name in ("a.txt", "a.txt.gz"):
        assert texts(Request((str(tmp_path / name),))) == expected
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert texts(Request(("-",))) == expected
    both = tuple(str(tmp_path / name) for name in ("a.txt", "a.txt.gz"))
    assert texts(Request(both, limit=5)) == [*expected, "one"]


def test_a_column_of_each_kind_of_table(tmp_path: Path) -> None:
    import datasets

    table = datasets.Dataset.from_dict({"id": [1, 2], "SMILES": ["CCO", "c1ccccc1"]})
    table.to_csv(tmp_path / "t.csv")
    table.to_csv(tmp_path / "t.tsv", sep="\t")
    table.to_json(tmp_path / "t.jsonl")
    table.to_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    for name in ("t.csv", "t.tsv", "t.jsonl", "t.parquet", "t.csv.gz"):
        assert texts(Request((str(tmp_path / name),), column="SMILES")) == ["CCO", "c1ccccc1"], name
    with pytest.raises(UserError, match="no column 'smiles': it has 'id', 'SMILES'"):
        texts(Request((str(tmp_path / "t.csv"),), column="smiles"))
    (tmp_path / "t.txt").write_text("CCO\n")
    with pytest.raises(UserError, match="unknown kind of table"):
        texts(Request((str(tmp_path / "t.txt"),), column="x"))


def test_values_of_a_table_come_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('code\n007\nNA\nnull\n""\n1.50\n"two\nlines"\n')
    got = texts(Request((str(tmp_path / "t.csv"),), column="code"))
    assert got == ["007", "NA", "null", "", "1.50", "two lines"]


def test_molecules(real_data: Path) -> None:
    path = str(real_data / "smiles" / "moses_test.csv.gz")
    assert texts(Request((path,), column="SMILES", limit=2))[0] == "CC1C2CCC(C2)C1CN(CCO)C(=O)c1ccc(Cl)cc1"


@pytest.fixture
def lm1b(tmp_path: Path) -> Path:
    """A small archive of the official layout, and the folder that it unpacks to."""
    root = tmp_path / "1-billion-word-language-modeling-benchmark-r13output"
    training = root / "training-monolingual.tokenized.shuffled"
    held_out = root / "heldout-monolingual.tokenized.shuffled"
    training.mkdir(parents=True)
    held_out.mkdir()
    for shard in (1, 2):
        lines = [f"training sentence {shard} {number} .\n" for number in range(30)]
        (training / f"news.en-0000{shard}-of-00100").write_text("".join(lines) + "in both .\n")
    lines = [f"held-out sentence {number} .\n" for number in range(8)]
    (held_out / "news.en.heldout-00000-of-00050").write_text("in both .\n" + "".join(lines))
    (root / "README").write_text("not a shard\n")
    archive = tmp_path / f"{root.name}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(root, arcname=root.name)
    return archive


def test_lm1b_archive_and_folder_read_alike(lm1b: Path) -> None:
    archive = list(read_lm1b(Request((str(lm1b),))))
    folder = lm1b.with_name(lm1b.name.removesuffix(".tar.gz"))
    assert sorted(map(str, archive)) == sorted(map(str, read_lm1b(Request((str(folder),)))))
    assert archive[0] == Sentence("in both .", held_out=True)
    assert sum(sentence.held_out for sentence in archive) == 9
    assert len(archive) == 9 + 62
    some = list(read_lm1b(Request((str(lm1b),), limit=20)))
    assert [sum(sentence.held_out is part for sentence in some) for part in (True, False)] == [2, 20]


def test_lm1b_keeps_its_own_held_out_part_for_testing(lm1b: Path, tmp_path: Path) -> None:
    recipe = TextPreparation.given("lm1b", paths=(str(lm1b),), tokenizer="word")
    made = prepare_text(recipe, tmp_path / "out")
    assert set(made.texts("test")) == {"in both .", *(f"held-out sentence {number} ." for number in range(8))}
    assert all("training" in text for text in made.texts("train") + made.texts("validation"))
    assert made.card["counts"]["duplicates"] == 2


def test_a_held_out_part_leaves_something_to_train_on(lm1b: Path, tmp_path: Path) -> None:
    recipe = TextPreparation.given("lm1b", paths=(str(lm1b),), tokenizer="char", limit=1)
    with pytest.raises(UserError, match=r"at least 3 are needed|no sample is left to train on"):
        prepare_text(recipe, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_lm1b_real_sentences(real_data: Path, tmp_path: Path) -> None:
    root = tmp_path / "archive" / "training-monolingual.tokenized.shuffled"
    held_out = tmp_path / "archive" / "heldout-monolingual.tokenized.shuffled"
    root.mkdir(parents=True)
    held_out.mkdir()
    shutil.copyfile(real_data / "lm1b/1b_benchmark.dev.tokens", root / "news.en-00001-of-00100")
    shutil.copyfile(real_data / "lm1b/1b_benchmark.test.tokens", held_out / "news.en.heldout-00000-of-00050")
    with tarfile.open(tmp_path / "archive.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "archive", arcname="1-billion-word-language-modeling-benchmark-r13output")
    folder, archive = (
        list(read_lm1b(Request((str(tmp_path / name),), limit=500))) for name in ("archive", "archive.tar.gz")
    )
    assert folder == archive
    recipe = TextPreparation.given(
        "lm1b", paths=(str(tmp_path / "archive"),), tokenizer="bpe", vocabulary=500, limit=2000
    )
    counts = prepare_text(recipe, tmp_path / "out").card["counts"]
    assert counts["read"] == 2200
    assert 0 < counts["test"] <= 200
    assert counts["unknown"] / counts["tokens"] < 0.002


def test_lm1b_in_the_hub_is_read_from_parquet_of_the_same_shape(tmp_path: Path) -> None:
    import datasets

    for split, text in (("train", "a b"), ("test", "c d")):
        folder = tmp_path / "plain_text" / split
        folder.mkdir(parents=True)
        datasets.Dataset.from_dict({"text": [text] * 2}).to_parquet(folder / "0000.parquet")
    assert list(hub_lines(str(tmp_path), None, "train")) == ["a b", "a b"]
    assert list(hub_lines(str(tmp_path), None, "test")) == ["c d", "c d"]


def test_lm1b_without_a_network_says_so() -> None:
    with pytest.raises(UserError, match=r"lm1b in the hub cannot be read"):
        next(iter(read_lm1b(Request())))


def test_wrong_archives(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(b"no archive")
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as tar:
        tar.add(__file__, arcname="something/else.py")
    whole = (tmp_path / "b.tar.gz").read_bytes()
    (tmp_path / "c.tar.gz").write_bytes(whole[: len(whole) // 2])
    for name, message in (("a", "not a whole tar"), ("b", "holds no files"), ("c", "not a whole gzip")):
        with pytest.raises(UserError, match=message):
            list(read_lm1b(Request((str(tmp_path / f"{name}.tar.gz"),))))
    with pytest.raises(UserError, match="no file or folder"):
        list(read_lm1b(Request((str(tmp_path / "d"),))))
    (tmp_path / "d").mkdir()
    with pytest.raises(UserError, match="holds no files"):
        list(read_lm1b(Request((str(tmp_path / "d"),))))


# DatasetDirectory folders


def test_splits_share_no_sample_and_lose_none(tmp_path: Path) -> None:
    made = prepared(tmp_path, LINES + LINES[:50], length=40)
    together = [text for name in ("train", "validation", "test") for text in made.texts(name)]
    assert sorted(together) == sorted(LINES)
    assert made.card["counts"]["duplicates"] == 50


@pytest.mark.parametrize("overlong", ["drop", "cut", "window"])
def test_overlong_sentences(overlong: str, tmp_path: Path) -> None:
    lines = ["abcdefgh", "ab", "abcd", "zyxw", "q", "", "   "]
    made = prepared(tmp_path, lines, length=4, overlong=overlong)
    counts = made.card["counts"]
    rows = sorted(text for name in ("train", "validation", "test") for text in made.texts(name))
    assert counts["blank"] == 2
    if overlong == "drop":
        assert rows == ["ab", "abcd", "q", "zyxw"]
        assert counts["dropped"] == 1
    elif overlong == "cut":
        assert rows == ["ab", "abcd", "q", "zyxw"]
        assert (counts["cut"], counts["duplicates"]) == (1, 1)
    else:
        assert rows == ["ab", "abcd", "efgh", "q", "zyxw"]
        assert (counts["windowed"], counts["duplicates"]) == (1, 1)


def test_signature_is_of_the_rows_and_their_order_not_of_the_path(tmp_path: Path) -> None:
    made = {}
    for name, lines in (("x", LINES), ("y", LINES), ("z", LINES[::-1])):
        (tmp_path / name).mkdir()
        made[name] = prepared(tmp_path / name, lines, length=40).signature
    assert made["x"] == made["y"] != made["z"]


def test_rows_are_filled_with_the_end_and_decode_to_the_text(tmp_path: Path) -> None:
    made = prepared(tmp_path, ["ab", "abcd", "dcb"], length=4)
    tokenizer = made.tokenizer()
    for name in ("train", "validation", "test"):
        rows, texts = made.rows(name), made.texts(name)
        assert rows.dtype == torch.int64
        assert rows.shape == (1, 4)
        assert tokenizer.decode(rows[0].tolist()) == texts[0]
        assert (rows[0][len(texts[0]) :] == 0).all()


def test_lower_casing_and_unknown_tokens(tmp_path: Path) -> None:
    made = prepared(tmp_path, ["Aa", "AA", "Ab", "bb"], lowercase=True, vocabulary=3)
    assert made.card["counts"]["duplicates"] == 1
    assert made.card["counts"]["unknown"] == 3


def test_duplicates_can_be_kept_in_one_split(tmp_path: Path) -> None:
    made = prepared(tmp_path, ["a", "b", "c", "d"] * 5, keep_duplicates=True)
    splits = [set(made.texts(name)) for name in ("train", "validation", "test")]
    assert sum(made.card["counts"][name] for name in ("train", "validation", "test")) == 20
    assert not splits[0] & splits[1]
    assert not (splits[0] | splits[1]) & splits[2]


def test_which_split_a_row_is_in_does_not_depend_on_the_order(tmp_path: Path) -> None:
    for name, lines in (("x", LINES), ("y", LINES[::-1])):
        (tmp_path / name).mkdir()
        prepared(tmp_path / name, lines, overlong="cut", length=40)
    one, other = (DatasetDirectory(tmp_path / name / "out") for name in "xy")
    assert set(one.texts("test")) == set(other.texts("test"))
    assert len(one.texts("test")) == len(one.texts("validation")) == 20


def test_batches_follow_from_seed_and_step(tmp_path: Path) -> None:
    made = prepared(tmp_path, overlong="cut")
    cpu = torch.device("cpu")
    one, other = made.batches(8, 3, cpu), made.batches(8, 3, cpu)
    assert torch.equal(one(5, 0), other(5, 0))
    assert not torch.equal(one(5, 0), one(5, 1))
    assert not torch.equal(one(5, 0), one(6, 0))
    assert not torch.equal(one(5, 0), made.batches(8, 4, cpu)(5, 0))
    rows = {tuple(row) for row in made.rows("train").tolist()}
    seen = {tuple(row) for step in range(200) for row in one(step, 0).tolist()}
    assert seen == rows


def test_training_data_is_mapped_not_read(tmp_path: Path) -> None:
    made = prepared(tmp_path, overlong="cut")
    before = pa.total_allocated_bytes()
    train = made.split("train").with_format("numpy")
    assert pa.total_allocated_bytes() - before < train.data.table.nbytes / 2


@pytest.mark.parametrize(
    ("lines", "more", "message"),
    [
        ([], {}, "is empty: .* has no lines"),
        (["", "  "], {}, "has no text: 2 lines were read"),
        (["same"] * 9, {}, "has 1 distinct sample of length 4: at least 3"),
        (["a", "b"], {}, "has 2 distinct samples"),
        (
            ["abc", "abd", "abe"],
            {"length": 2},
            "no sample is left: all 3 samples are longer than `length` 2",
        ),
        (["abc"], {"length": 0}, "`length` 0: at least 1"),
        (["abc"], {"limit": 0}, "`limit` 0: at least 1"),
        (["abc"], {"overlong": "chop"}, "unknown overlong 'chop'"),
        (["abc"], {"tokenizer": "wrod"}, "did you mean 'word'"),
        (["abc", "def"], {"vocabulary": 99}, "only 6 different chars"),
        (["abc"], {"paths": ("nowhere.txt",)}, "there is no file or folder nowhere.txt"),
        (["abc"], {"paths": ()}, "lines needs `path`"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    lines: list[str], more: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        prepared(tmp_path, lines, **more)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


def test_text_that_is_not_utf8_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"fine\nbad \xff\n")
    with pytest.raises(UserError, match=r"line 2, byte 5 is 0xff"):
        texts(Request((str(tmp_path / "a.txt"),)))
    whole = gzip.compress(b"a\n" * 999)
    for content in (whole[:-9], whole[:12] + b"\xff\xff" + whole[14:]):
        (tmp_path / "b.gz").write_bytes(content)
        with pytest.raises(UserError, match="not a whole gzip file"):
            texts(Request((str(tmp_path / "b.gz"),)))


def test_a_prepared_folder_is_not_replaced_unasked(tmp_path: Path) -> None:
    made = prepared(tmp_path, overlong="cut")
    with pytest.raises(UserError, match="`overwrite`"):
        prepared(tmp_path, overlong="cut")
    recipe = TextPreparation.given("grammar", limit=50)
    again = prepare_text(recipe, made.folder, overwrite=True)
    assert again.corpus == "grammar"
    (tmp_path / "mine").mkdir()
    with pytest.raises(UserError, match="exists already"):
        prepare_text(recipe, tmp_path / "mine", overwrite=True)


def test_a_failed_replacement_keeps_the_old_folder(tmp_path: Path) -> None:
    made = prepared(tmp_path, overlong="cut")
    with pytest.raises(UserError):
        prepare_text(TextPreparation.given("grammar", limit=1), made.folder, overwrite=True)
    assert DatasetDirectory(made.folder).signature == made.signature


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99, "version": "9.9"}, "was prepared by bgan-text 9.9 in format 99"),
        ({"space": {"positions": 0, "vocabulary": 5}}, "space.positions: at least 1 is needed"),
        ({"tokenizer": "char:9:abc"}, "its card says char:9:abc"),
        ({"signature": None, "format": "x"}, "card.json is damaged"),
    ],
)
def test_cards_that_cannot_be_trusted(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    made = prepared(tmp_path, overlong="cut")
    card = json.loads((made.folder / "card.json").read_text()) | change
    (made.folder / "card.json").write_text(json.dumps(card | {"sha256": digest_of(card)}))
    with pytest.raises(UserError, match=message):
        DatasetDirectory(made.folder).tokenizer()


def test_damaged_arrow_files_are_named(tmp_path: Path) -> None:
    made = prepared(tmp_path, overlong="cut")
    for file in (made.folder / "train").glob("*.arrow"):
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(UserError, match=r"out/train/data-.*\.arrow is damaged: it has 100 bytes"):
        made.split("train")


def test_sentencepiece_rows(tmp_path: Path) -> None:
    made = prepared(tmp_path, tokenizer="sentencepiece", vocabulary=40)
    assert made.space.vocabulary == 40
    assert made.texts("train")[0].endswith("green bottles hanging on the wall")
    assert np.asarray(made.rows("train")).max() < 40


def test_limits_of_the_grammar() -> None:
    assert len(list(sources.read_grammar(Request(limit=7)))) == 7
    with pytest.raises(UserError, match="built in"):
        list(sources.read_grammar(Request(("x",))))


@pytest.mark.parametrize(("overlong", "more"), [("cut", []), ("window", ["x", "y"])])
def test_samples_of_which_white_space_is_left_are_blank(
    tmp_path: Path, overlong: str, more: list[str]
) -> None:
    texts = ["b", "abc", "cd", "      x", "      y", "         "]
    data = prepared(tmp_path, texts, tokenizer="char", length=3, overlong=overlong)
    found = sorted(text.strip() for split in ("train", "validation", "test") for text in data.texts(split))
    assert found == sorted(["b", "abc", "cd", *more])
    counts = data.counts
    assert (counts["read"], counts["blank"]) == (6, 3 if overlong == "cut" else 1)
    assert (counts["cut"], counts["windowed"]) == ((0, 0) if overlong == "cut" else (0, 2))
