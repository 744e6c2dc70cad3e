"""`score` on files of all kinds: formats, comparisons, streams, warnings and bad input."""

import csv
import io
import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bgan_text.evaluation.coded_units import Characters
from bgan_text.evaluation.inputs import drawn
from bgan_text.evaluation.registry import ENTRIES, REGISTRY
from bgan_text.evaluation.spool import Spool

Command = Callable[..., Any]


def write(name: str, texts: list[str]) -> str:
    Path(name).write_text("".join(text + "\n" for text in texts), encoding="utf-8")
    return name


@pytest.fixture
def files(bgan: Command) -> Command:
    """good.txt and bad.txt beside real.txt, which the good one resembles."""
    from bgan_text.corpora.grammar import sentences

    texts = list(sentences(1, 900))
    rng = random.Random(0)
    write("real.txt", texts[:400])
    write("good.txt", texts[400:600])
    write("bad.txt", [" ".join(rng.sample(text.split(), len(text.split()))) for text in texts[600:700]] * 2)
    write("train.txt", [*texts[700:], texts[400]])
    return bgan


def scored(result: Any) -> dict[str, dict[str, dict[str, Any]]]:
    assert result.code == 0, result.err
    return {model["name"]: model["scores"] for model in json.loads(result.out)["models"]}


def refused(result: Any, part: str) -> None:
    assert result.code in (1, 2)
    assert "Traceback" not in result.err
    assert part in result.err
    assert result.out == ""


def test_every_score_has_a_value_an_interval_and_a_direction(files: Command) -> None:
    words = ("--reference", "real.txt", "--train", "train.txt", "--chrf", "--json")
    models = scored(files("score", "good.txt", *words))
    groups = ("beside real text", "variety", "copies and lengths")
    wanted = {name for group in groups for name in REGISTRY[group]}
    assert set(models["good.txt"]) == wanted
    assert set(models["real"]) == wanted - {"memorised", "memorised-span"}  # training text is its own copy
    for name, cell in models["good.txt"].items():
        assert cell["better"] == ENTRIES[name].better
        assert math.isfinite(cell["value"])
        assert cell["low"] <= cell["high"]
    assert models["good.txt"]["memorised"]["value"] == pytest.approx(1 / 200)
    assert models["good.txt"]["bleu-1"]["low"] < models["good.txt"]["bleu-1"]["value"]


def test_the_same_command_prints_the_same(files: Command) -> None:
    calls = [
        files("score", "good.txt", "--reference", "real.txt", "--json", "--seed", seed, "--n", 50).out
        for seed in (1, 1, 2)
    ]
    assert calls[0] == calls[1] != calls[2]


def test_a_comparison_tells_difference_from_noise(files: Command) -> None:
    Path("half.txt").write_text("".join(Path("good.txt").read_text().splitlines(keepends=True)[:100]))
    Path("rest.txt").write_text("".join(Path("good.txt").read_text().splitlines(keepends=True)[100:]))
    words = ("--reference", "real.txt", "--json")
    apart = json.loads(files("score", "--compare", "good.txt", "bad.txt", *words).out)["comparison"]
    assert (apart["first"], apart["second"]) == ("good.txt", "bad.txt")
    verdicts = {name: difference["verdict"] for name, difference in apart["differences"].items()}
    assert verdicts["bleu-3"] == verdicts["js-3"] == verdicts["precision-2"] == "first better"
    assert verdicts["unique"] == "first better"  # every bad sample stands there twice
    assert apart["differences"]["bleu-3"]["value"] > 0 > apart["differences"]["js-3"]["value"]
    alike = json.loads(files("score", "half.txt", "--compare", "half.txt", "rest.txt", *words).out)
    assert [model["name"] for model in alike["models"]] == ["half.txt", "rest.txt", "real"]
    verdicts = [difference["verdict"] for difference in alike["comparison"]["differences"].values()]
    assert verdicts.count("within noise") > 0.8 * len(verdicts)


def test_the_table_marks_directions_and_differences(files: Command) -> None:
    made = files("score", "--compare", "good.txt", "bad.txt", "--reference", "real.txt")
    for part in (
        "good - bad",
        "bleu-3 ↑",
        "js-4 ↓",
        "length ≈",
        " ±",
        "first",
        "nrefs:400|case:mixed",
    ):
        assert part in made.out, part
    assert "\x1b" not in made.out


def test_formats_say_the_same_as_json(files: Command) -> None:
    words = ("score", "--compare", "good.txt", "bad.txt", "--reference", "real.txt")
    models = scored(files(*words, "--json"))
    rows = list(csv.DictReader(io.StringIO(files(*words, "--csv").out)))
    assert json.loads(rows[0]["settings"])["references"] == 400
    found = {(row["model"], row["score"]): row for row in rows}
    for name, cells in models.items():
        for score, cell in cells.items():
            assert float(found[name, score]["value"]) == cell["value"]
            assert float(found[name, score]["high"]) == cell["high"]
    assert found["good - bad", "bleu-3"]["verdict"] == "first better"
    value = f"{models['good.txt']['bleu-3']['value']:.3f}"
    markdown, latex = files(*words, "--markdown").out, files(*words, "--latex").out
    (row,) = (line for line in markdown.splitlines() if line.startswith("| bleu-3 ↑ |"))
    assert row.count("|") == 7
    assert value in row
    (row,) = (line for line in latex.splitlines() if line.startswith("bleu-3 $\\uparrow$ &"))
    assert row.endswith("\\\\")
    assert f"{value} $\\pm$" in row
    assert "\\begin{tabular}{lrrrrr}" in latex
    assert "\\emph{variety} \\\\" in latex
    assert "$-$0." in latex
    assert "_" not in latex.replace("\\_", "").split("\\toprule")[1]


def test_resamples_may_be_left_out(files: Command) -> None:
    models = scored(files("score", "good.txt", "--reference", "real.txt", "--json", "--resamples", 0))
    assert models["good.txt"]["bleu-3"]["low"] is None
    assert "±." not in files("score", "good.txt", "--reference", "real.txt", "--resamples", 0).out


def test_gzipped_files_are_read_and_blank_lines_of_real_text_left_out(files: Command) -> None:
    import gzip

    Path("real.txt.gz").write_bytes(gzip.compress(Path("real.txt").read_bytes() + b"\n  \n\n"))
    plain = files("score", "good.txt", "--reference", "real.txt", "--json").out
    packed = files("score", "good.txt", "--reference", "real.txt.gz", "--json").out
    assert packed.replace("real.txt.gz", "real.txt") == plain


def test_another_tokenisation_is_noticed(files: Command) -> None:
    write("upper.txt", [text.upper() for text in Path("good.txt").read_text().splitlines()])
    made = files("score", "upper.txt", "good.txt", "--reference", "real.txt", "--json")
    assert "of the tokens of upper.txt occur in no reference" in made.err
    assert "--lowercase" in made.err
    assert "tokens of good.txt" not in made.err
    assert files("score", "upper.txt", "--reference", "real.txt", "--lowercase", "--json").err == ""


@pytest.mark.parametrize(
    ("texts", "undefined", "defined"),
    [
        (["the cat"], {"self-bleu-1", "distinct-3", "precision-3"}, {"bleu-5": None, "unique": 1.0}),
        (["", "q z", ""], set(), {"bleu-5": 0.0, "unique": 2 / 3, "length": 2 / 3}),
        (["q", "z"], {"distinct-2", "precision-2", "corpus-bleu"}, {"bleu-1": 0.0, "self-bleu-5": 0.0}),
        (["q z x v", "z"], set(), {"corpus-bleu": 0.0}),
        (["nan", "nan"], {"distinct-2"}, {"self-bleu-1": 1.0, "unique": 0.5}),
        (["\x02\x01", "\x02 \x7f"], set(), {"bleu-1": 0.0}),
    ],
)
def test_degenerate_samples_have_defined_values(
    files: Command, texts: list[str], undefined: set[str], defined: dict[str, float | None]
) -> None:
    cells = scored(files("score", write("few.txt", texts), "--reference", "real.txt", "--json"))["few.txt"]
    for name in undefined:
        assert cells[name]["value"] is None, name
    for name, value in defined.items():
        assert cells[name]["value"] is not None
        assert value is None or cells[name]["value"] == pytest.approx(value), name
    assert files("score", "few.txt", "--reference", "real.txt").code == 0


def test_sorted_files_do_not_look_different(bgan: Command) -> None:
    """The resamples of two models are independent, whatever the order of their lines."""
    from bgan_text.corpora.grammar import sentences

    texts = list(sentences(9, 400))
    write("real.txt", texts[:100])
    wrong = 0
    for part in range(6):
        one, other = (texts[100 + 50 * part :: 7][:24], texts[103 + 45 * part :: 7][:24])
        write("one.txt", sorted(one, key=len))
        write("other.txt", sorted(other, key=len))
        made = bgan("score", "--compare", "one.txt", "other.txt", "--reference", "real.txt", "--json")
        wrong += json.loads(made.out)["comparison"]["differences"]["length"]["verdict"] != "within noise"
    assert wrong <= 2


def test_copies_are_copies_of_tokens(bgan: Command) -> None:
    """Spaces that a tokenizer does not see hide no copy; characters see them."""
    write("samples.txt", ["a b c", "d e f", "a  b c", "a b\tc "])
    write("train.txt", ["a b c ", "d e f "])
    write("real.txt", ["a b d", "d e g"])
    words = ("score", "samples.txt", "--reference", "real.txt", "--train", "train.txt", "--json")
    for unit in ("whitespace", "word", "13a"):
        cells = scored(bgan(*words, "--tokenize", unit))["samples.txt"]
        assert [cells[name]["value"] for name in ("memorised", "memorised-span", "unique")] == [1, 1, 0.5], (
            unit
        )
    cells = scored(bgan(*words, "--tokenize", "char"))["samples.txt"]
    assert (cells["memorised"]["value"], cells["unique"]["value"]) == (0.0, 1.0)
    write("known.txt", ["a b x", "a b y"])  # tokens that the samples lack are not all the same
    cells = scored(bgan("score", "known.txt", "--reference", "real.txt", "--train", "known.txt", "--json"))
    assert cells["known.txt"]["memorised"]["value"] == cells["known.txt"]["unique"]["value"] == 1.0
    cells = scored(bgan("score", "samples.txt", "--reference", "real.txt", "--train", "known.txt", "--json"))
    assert cells["samples.txt"]["memorised"]["value"] == 0.0


def test_lowercase_is_for_all_scores(files: Command) -> None:
    upper = [text.upper() for text in Path("train.txt").read_text().splitlines()]
    words = ("--reference", "real.txt", "--train", "train.txt", "--grammar", "--lowercase", "--json")
    cells = scored(files("score", write("upper.txt", upper), *words))["upper.txt"]
    assert (
        cells["memorised"]["value"]
        == cells["memorised-span"]["value"]
        == cells["grammatical"]["value"]
        == 1.0
    )


def test_one_endless_line_does_not_set_the_window(files: Command) -> None:
    write("long.txt", [*Path("real.txt").read_text().splitlines(), "word " * 5000])
    one, other = (
        json.loads(files("score", "good.txt", "--reference", name, "--json").out)
        for name in ("real.txt", "long.txt")
    )
    assert one["settings"]["window"] == other["settings"]["window"] < 25
    js, other_js = (made["models"][0]["scores"]["js-4"]["value"] for made in (one, other))
    assert js == pytest.approx(other_js, abs=0.01)


def test_an_anchor_with_fewer_references_says_so(files: Command) -> None:
    assert "real has half the references" in files("score", "good.txt", "--reference", "real.txt").out
    with_training = files("score", "good.txt", "--reference", "real.txt", "--train", "train.txt").out
    assert "half the references" not in with_training


def test_real_text_may_come_from_a_pipe(files: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import threading

    expected = scored(files("score", "good.txt", "--reference", "real.txt", "--json"))
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_bytes(Path("real.txt").read_bytes()))
    writer.start()
    assert scored(files("score", "good.txt", "--reference", "pipe", "--json")) == expected
    writer.join()
    stdin = io.TextIOWrapper(io.BytesIO(Path("real.txt").read_bytes()))
    monkeypatch.setattr("sys.stdin", stdin)
    assert scored(files("score", "good.txt", "--reference", "-", "--json")) == expected


def test_what_makes_scores_meaningless_is_noticed(files: Command) -> None:
    made = files("score", "good.txt", "--reference", "good.txt", "--json")
    assert "good.txt and --reference are the same file" in made.err
    made = files("score", "good.txt", "--reference", "real.txt", "--train", "real.txt", "--json")
    assert "--reference and --train are the same file" in made.err
    write("a.smi", ["CCO", "CCN", "CCC"])
    write("b.smi", ["OCC", "NCC", "CCCC", "CCCO"])
    made = files("score", "a.smi", "--reference", "b.smi", "--json")
    assert "use --tokenize char" in made.err
    assert (
        "use --tokenize char" not in files("score", "a.smi", "--reference", "b.smi", "--tokenize", "char").err
    )


def test_a_single_reference_is_enough(files: Command) -> None:
    cells = scored(files("score", "good.txt", "--reference", write("one.txt", ["a b c"]), "--json"))
    assert cells["good.txt"]["bleu-1"]["value"] is not None
    assert cells["real"]["bleu-1"]["value"] is None  # there is no other reference to hold it against


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["blank.txt", "--reference", "real.txt"], "blank.txt is empty"),
        (["good.txt", "--reference", "blank.txt"], "blank.txt is empty"),
        (["good.txt", "--reference", "real.txt", "--train", "blank.txt"], "blank.txt is empty"),
        (["good.txt", "--reference", "junk.bin"], "junk.bin is not UTF-8"),
        (["junk.bin", "--reference", "real.txt"], "junk.bin is not UTF-8"),
        (["cut.gz", "--reference", "real.txt"], "cut.gz is not a whole gzip file"),
        (
            ["good.txt", "--reference", "real.txt", "--json", "--csv"],
            "--json and --csv: one format at a time",
        ),
        (["good.txt", "--reference", "real.txt", "--resamples", "-1"], "--resamples -1"),
        (["good.txt", "--reference", "real.txt", "--resamples", "1"], "--resamples 1: 0 or at least 20"),
        (["good.txt", "--reference", "real.txt", "--temperature", "nan"], "--temperature nan"),
        (
            ["good.txt", "--reference", "real.txt", "--temperature", "0.5"],
            "for runs, and good.txt is none",
        ),
        (["good.txt", "--reference", "real.txt", "--window", "99999999"], "at most 1,000,000 is possible"),
        (["real", "--reference", "real.txt"], "a model called 'real' would be taken for the anchor"),
        (["t.csv", "--reference", "real.txt"], "t.csv is a table"),
        (["good.txt", "--reference", "t.csv"], "t.csv is a table"),
        (["good.txt", "--reference", "real.txt", "--seed", "-1"], "--seed -1"),
        (["--compare", "good.txt", "none.txt", "--reference", "real.txt"], "there is no file none.txt"),
    ],
)
def test_bad_input_is_refused_in_one_line(files: Command, words: list[str], part: str) -> None:
    write("blank.txt", ["", "  "])
    Path("junk.bin").write_bytes(bytes(range(256)))
    write("t.csv", ["SMILES", "CCO"])
    Path("cut.gz").write_bytes(b"\x1f\x8b\x08\x00")
    refused(files("score", *words), part)


def test_drawn_lines_are_a_random_choice_in_their_order() -> None:
    texts = [str(number) for number in range(100)]
    assert drawn(iter(texts), 200, 0) == texts
    chosen = drawn(iter(texts), 20, 0)
    assert len(set(chosen)) == 20
    assert chosen == sorted(chosen, key=int)
    times = np.zeros(100)
    for seed in range(600):
        times[[int(text) for text in drawn(iter(texts), 20, seed)]] += 1
    assert times.min() > 60
    assert times.max() < 190


def test_a_spool_gives_back_what_it_took_and_every_second_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bgan_text.evaluation.coded_units.CHUNK_CHARACTERS", 3)
    texts = ["abc", "d", "abca", "", "bb", "cab", "zz"]
    coder = Characters()
    coder.numbers(["abcd"], add=True)
    spool = Spool(texts, coder)
    assert len(spool) == 7
    assert spool.lengths == {3: 2, 1: 1, 4: 1, 0: 1, 2: 2}
    for _ in range(2):
        chunks = list(spool)
        assert len(chunks) > 2
        assert np.concatenate([chunk.tokens for chunk in chunks]).tolist() == [
            "abcd".find(letter) for text in texts for letter in text
        ]
    odd = [chunk for chunk in spool.alternate() if len(chunk)]
    assert np.concatenate([chunk.tokens for chunk in odd]).tolist() == [3, 2, 0, 1]
    assert sum(len(chunk) for chunk in odd) == 3
