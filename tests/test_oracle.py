"""SeqGAN's oracle: exact likelihoods of a random LSTM, the corpus drawn from it, and its scores."""

import json
import math
import os
import shutil
from collections import Counter
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy.stats import chisquare

import bgan_text as bt
from bgan_text.corpora.dataset_check import files_of
from bgan_text.corpora.oracle import Oracle
from bgan_text.evaluation import evaluate
from bgan_text.evaluation.oracle import nll_oracle
from bgan_text.files import digest_of
from bgan_text.sampling import sample_tensors
from bgan_text.sampling_options import SamplingOptions
from bgan_text.scores.score import Score
from bgan_text.scores.uncertainty import deviations
from bgan_text.training.run import RunFolder

Command = Callable[..., Any]
CPU = torch.device("cpu")
ROWS = torch.tensor(list(product(range(3), repeat=3)))
"""All rows of three positions and three tokens."""


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def small() -> Oracle:
    return Oracle.random(3, 2, 4, generator(5))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> bt.DatasetDirectory:
    """1,000 training rows of 4 of 30 tokens, to be read only."""
    folder = tmp_path_factory.mktemp("oracle") / "data"
    return bt.prepare("oracle", vocabulary=30, length=4, limit=1000, out=folder)


@pytest.fixture(scope="module")
def run(data: bt.DatasetDirectory) -> bt.Run:
    return bt.train(
        data, objective="mle", steps=2, width=8, precision="float32", out=data.folder.parent / "mle"
    )


def literal_log_prob(oracle: Oracle, row: list[int]) -> float:
    """One token after the other by the formulas of an LSTM, in numpy."""
    weights = {name: weight.numpy().astype(np.float64) for name, weight in oracle.weights().items()}
    size = weights["logits.weight"].shape[1]
    hidden, cell, token, total = np.zeros(size), np.zeros(size), 0, 0.0
    for following in row:
        gates = weights["cell.weight_ih"] @ weights["embedding.weight"][token]
        gates += weights["cell.weight_hh"] @ hidden + weights["cell.bias_ih"]
        enter, forget, candidate, leave = np.split(gates, 4)
        cell = cell / (1 + np.exp(-forget)) + np.tanh(candidate) / (1 + np.exp(-enter))
        hidden = np.tanh(cell) / (1 + np.exp(-leave))
        logits = weights["logits.weight"] @ hidden + weights["logits.bias"]
        total += logits[following] - math.log(np.exp(logits).sum())
        token = following
    return total


def test_the_probabilities_of_all_rows_sum_to_one(small: Oracle) -> None:
    assert small.log_prob(ROWS).exp().sum().item() == pytest.approx(1.0, abs=1e-12)


def test_the_likelihood_is_that_of_a_literal_lstm(small: Oracle) -> None:
    expected = [literal_log_prob(small, row) for row in ROWS.tolist()]
    np.testing.assert_allclose(small.log_prob(ROWS).numpy(), expected, rtol=0, atol=1e-12)
    long = torch.randint(3, (300, 9), generator=generator(1))  # more than are read at a time
    assert small.log_prob(long)[-1].item() == pytest.approx(literal_log_prob(small, long[-1].tolist()))


def test_samples_have_the_exact_probabilities(small: Oracle) -> None:
    rows = small.sample(20_000, 3, generator(2))
    assert rows.shape == (20_000, 3)
    assert fit_to(small, rows) > 0.01
    assert fit_to(Oracle.random(3, 2, 4, generator(6)), rows) < 1e-9  # the test tells oracles apart


def fit_to(oracle: Oracle, rows: torch.Tensor) -> float:
    """The p-value of a chi-square test of frequencies; rare rows are taken together."""
    counted = Counter(map(tuple, rows.tolist()))
    expected = oracle.log_prob(ROWS).exp().numpy() * len(rows)
    seen = np.array([counted[tuple(row)] for row in ROWS.tolist()])
    rare = expected < 5
    cells = [np.append(values[~rare], values[rare].sum()) for values in (seen, expected)]
    return float(chisquare(*(cell[cells[1] > 0] for cell in cells)).pvalue)


def test_all_weights_are_standard_normal_and_only_the_generator_passed_in_is_used() -> None:
    before = torch.random.get_rng_state()
    oracle = Oracle.random(500, 32, 32, generator(0))
    assert torch.equal(torch.random.get_rng_state(), before)
    weights = oracle.weights()
    assert {name: tuple(weight.shape) for name, weight in weights.items()} == {
        "embedding.weight": (500, 32), "cell.weight_ih": (128, 32), "cell.weight_hh": (128, 32),
        "cell.bias_ih": (128,), "logits.weight": (500, 32), "logits.bias": (500,),
    }  # fmt: skip
    for weight in weights.values():
        assert abs(weight.mean().item()) < 5 / math.sqrt(weight.numel())
        assert abs(weight.std().item() - 1) < 5 / math.sqrt(2 * weight.numel())
    assert not oracle.cell.bias_hh.any()  # one bias for each gate
    again = Oracle.random(500, 32, 32, generator(0))
    assert torch.equal(again.log_prob(ROWS), oracle.log_prob(ROWS))
    drawn = [oracle.sample(4, 5, generator(seed)) for seed in (3, 3, 4)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_the_setting_of_seqgan_is_the_default() -> None:
    from bgan_text.corpora.preparation_options import OraclePreparation
    from bgan_text.corpora.sources import ORACLE

    recipe = OraclePreparation()
    sizes = recipe.vocabulary, recipe.length, recipe.embedding_size, recipe.hidden_size, ORACLE.limit
    assert sizes == (5000, 20, 32, 32, 10_000)


def test_the_corpus_is_independent_rows_of_the_oracle_that_it_keeps(tmp_path: Path) -> None:
    sizes = {"vocabulary": 3, "length": 3, "embedding_size": 2, "hidden_size": 4}
    data = bt.prepare("oracle", **sizes, limit=3000, seed=5, out=tmp_path / "data")
    assert [data.counts[name] for name in ("train", "validation", "test")] == [3000, 300, 300]
    assert (data.space.positions, data.space.vocabulary, data.space.end) == (3, 3, None)
    oracle = data.oracle()
    assert oracle is not None
    assert torch.equal(oracle.log_prob(ROWS), Oracle.random(3, 2, 4, generator(5)).log_prob(ROWS))
    for split in ("train", "validation", "test"):
        assert fit_to(oracle, data.rows(split)) > 0.001
    again = bt.prepare("oracle", **sizes, limit=3000, seed=5, out=tmp_path / "data", overwrite=True)
    assert again.signature == data.signature
    assert bt.prepare("oracle", **sizes, seed=6, limit=9, out=tmp_path / "six").counts["validation"] == 1


def test_other_data_have_no_oracle(tmp_path: Path) -> None:
    rows = bt.prepare(torch.randint(5, (50, 4), generator=generator(0)), vocabulary=5, out=tmp_path / "rows")
    assert rows.oracle() is None


def test_samples_that_are_no_rows_have_no_likelihood(small: Oracle) -> None:
    assert nll_oracle(["0 1 2", "2 2 2"], small, 3).value == pytest.approx(
        -float(small.log_prob(torch.tensor([[0, 1, 2], [2, 2, 2]])).sum()) / 6, abs=1e-12
    )
    for text in ("", "0 1", "0 1 3", "0 1 -1", "0 1 x", "0 1 " + "9" * 5000, "0 1 1.0", "0 1 ²"):
        found = nll_oracle(["0 1 2", text], small, 3)
        assert math.isnan(found.value)
        assert found.note == "1 of 2 samples are not 3 tokens below 3 and have probability 0"


def test_score_tells_both_scores_with_anchor_and_interval(data: bt.DatasetDirectory, run: bt.Run) -> None:
    report = evaluate([run], data=data, count=150, resamples=50)
    model, real = (column.cells for column in report.columns)
    oracle = data.oracle()
    assert oracle is not None
    rows = torch.cat(list(sample_tensors(RunFolder(run.folder), SamplingOptions(count=150, seed=0), CPU)))
    each = [-literal_log_prob(oracle, row) / 4 for row in rows.tolist()]
    assert model["nll-oracle"].value == pytest.approx(np.mean(each), abs=1e-9)
    assert model["nll-test"].value == pytest.approx(-model["held-out-likelihood"].value)
    assert model["nll-test"].value == pytest.approx(math.log(30), abs=0.2)  # untrained: nearly uniform
    held_out = oracle.log_prob(data.rows("test"))
    assert real["nll-test"].value == pytest.approx(-held_out.mean().item() / 4)
    deviation = held_out.std().item() / 4 / math.sqrt(len(held_out))
    assert real["nll-test"].high - real["nll-test"].low == pytest.approx(3.92 * deviation, rel=0.4)
    for cell in (model["nll-oracle"], model["nll-test"], real["nll-oracle"], real["nll-test"]):
        assert cell.low < cell.value < cell.high
    assert real["nll-oracle"].high < model["nll-oracle"].low
    written = report.to_json()["models"][0]["scores"]
    assert {name: written[name]["better"] for name in ("nll-oracle", "nll-test")} == {
        "nll-oracle": "lower", "nll-test": "lower",
    }  # fmt: skip


def test_scores_of_other_numbers_of_things_have_intervals_of_their_own() -> None:
    rng = np.random.default_rng(0)
    few, many = rng.normal(size=50), rng.normal(size=400)
    scores = [Score(0.0, few), Score(0.0, many), Score(1.0, np.empty(0)), Score(0.0, -few)]
    moved = deviations(scores, 3, 400)
    assert moved[0].std() == pytest.approx(few.std() / math.sqrt(50), rel=0.15)
    assert moved[1].std() == pytest.approx(many.std() / math.sqrt(400), rel=0.15)
    np.testing.assert_allclose(moved[3], -moved[0])
    assert np.isnan(moved[2]).all()
    np.testing.assert_allclose(moved[0], deviations([Score(0.0, few)], 3, 400)[0], atol=1e-12)


def test_training_validates_by_the_oracle(data: bt.DatasetDirectory, run: bt.Run) -> None:
    row = run.metrics()[-1]
    folder, oracle = RunFolder(run.folder), data.oracle()
    assert oracle is not None
    rows = torch.cat(list(sample_tensors(folder, SamplingOptions(count=1000, seed=0), CPU)))
    assert row["nll-oracle"] == pytest.approx(-oracle.log_prob(rows).mean().item() / 4, abs=1e-5)
    assert row["nll-validation"] == pytest.approx(math.log(30), abs=0.2)
    assert folder.evaluations().score == "nll-validation"
    assert folder.best() == 2
    assert [axes.get_title(loc="left") for axes in bt.plot(run).axes][-1] == "validation (nats per token)"


def test_a_generator_without_probabilities_has_samples_alone(
    data: bt.DatasetDirectory, tmp_path: Path
) -> None:
    conv = bt.train(data, preset="bgan", steps=1, width=8, out=tmp_path / "conv")
    assert "nll-validation" not in conv.metrics()[-1]
    assert RunFolder(conv.folder).evaluations().score == "nll-oracle"
    cells = evaluate([conv], data=data, count=20, resamples=0).columns[0].cells
    assert "nll-oracle" in cells
    assert "nll-test" not in cells
    with pytest.raises(bt.UserError, match="nll-validation is not measured here: choose js-1, js-2"):
        bt.train(data, preset="bgan", steps=1, best_by="nll-validation", out=tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_only_data_of_an_oracle_have_its_validation_scores(tmp_path: Path) -> None:
    rows = bt.prepare(torch.randint(5, (50, 4), generator=generator(0)), vocabulary=5, out=tmp_path / "rows")
    with pytest.raises(bt.UserError, match="`best_by` nll-oracle is not measured here: choose js-1"):
        bt.train(rows, steps=1, width=8, best_by="nll-oracle", out=tmp_path / "run")
    run = bt.train(rows, steps=1, width=8, objective="mle", out=tmp_path / "run")
    with pytest.raises(bt.UserError, match="`best_by` nll-oracle is not measured here"):
        run.resume(steps=2, best_by="nll-oracle")


def test_the_whole_chain_on_the_command_line(bgan: Command) -> None:
    small = ("--vocabulary", 20, "--length", 3, "--embedding-size", 4, "--hidden-size", 4, "--limit", 200)
    made = bgan("prepare", "oracle", *small, "--seed", 3)
    assert made.code == 0
    assert "200 train, 20 validation, 20 test samples of 3 positions; 20 tokens" in made.err
    trained = bgan("train", "--steps", 2, "--width", 8, "--run", "run", "--json")
    assert trained.code == 0
    assert "JS-1..3, NLL-oracle, NLL-validation" in trained.err
    sampled = bgan("sample", "run", "--n", 4)
    assert all(len(line.split()) == 3 for line in sampled.out.splitlines())
    scored = json.loads(bgan("score", "run", "--n", 30, "--resamples", 20, "--json").out)
    model, real = (column["scores"] for column in scored["models"])
    assert real["nll-oracle"]["value"] < model["nll-oracle"]["value"]
    assert real["nll-test"]["value"] < model["nll-test"]["value"]
    assert "by the oracle" in bgan("score", "run", "--n", 30, "--resamples", 20).out
    Path("samples.txt").write_text("1 2 3\n4 5\n")
    noted = json.loads(bgan("score", "samples.txt", "--json").out)["models"][0]["scores"]["nll-oracle"]
    assert noted["value"] is None
    assert "1 of 2 samples are not 3 tokens below 20" in noted["note"]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--path", "x"), "--path x does not apply to the corpus oracle, which is built in"),
        (("--tokenizer", "char"), "--tokenizer char does not apply here"),
        (("--keep-duplicates",), "--keep-duplicates"),
        (("--vocabulary", 1), "--vocabulary 1: at least 2 is needed"),
        (("--length", 0), "--length 0: at least 1 is needed"),
        (("--length", 10**6), "--length 1000000: it must be below 10000"),
        (("--hidden-size", 0), "--hidden-size 0: at least 1 is needed"),
        (("--embedding-size", 5000), "--embedding-size 5000: it must be below 4096"),
        (("--vocabulary", 10**6), "at most 10,000,000 are possible"),
    ],
)
def test_options_that_do_not_suit_it_are_refused(bgan: Command, words: tuple[Any, ...], part: str) -> None:
    made = bgan("prepare", "oracle", *words)
    assert made.code in (1, 2)
    assert part in made.err
    assert len(made.err.splitlines()) == 1
    assert not Path("data/oracle").exists()


def test_its_options_belong_to_no_other_corpus(bgan: Command) -> None:
    made = bgan("prepare", "grammar", "--hidden-size", 3)
    assert "--hidden-size 3 does not apply here: grammar is a corpus of text" in made.err


def changed(change: Callable[[dict[str, torch.Tensor]], Any]) -> Callable[[Path], None]:
    """What changes the weights, and writes digests that fit, as someone who means harm would."""

    def apply(folder: Path) -> None:
        weights = load_file(folder / "oracle.safetensors")
        change(weights)
        save_file(weights, folder / "oracle.safetensors")
        signed(folder)

    return apply


def signed(folder: Path, **settings: Any) -> None:
    card = json.loads((folder / "card.json").read_text()) | {
        "files": files_of(folder, ("train", "validation", "test"))
    }
    card["settings"] |= settings
    (folder / "card.json").write_text(json.dumps(card | {"sha256": digest_of(card)}))


def flipped(folder: Path) -> None:
    content = bytearray((folder / "oracle.safetensors").read_bytes())
    content[-5] ^= 1
    (folder / "oracle.safetensors").write_bytes(content)


def pipe(folder: Path) -> None:
    (folder / "oracle.safetensors").unlink()
    os.mkfifo(folder / "oracle.safetensors")


def no_safetensors(folder: Path) -> None:
    (folder / "oracle.safetensors").write_bytes(b"\xff" * 100)
    signed(folder)


def not_finite(weights: dict[str, torch.Tensor]) -> None:
    weights["logits.bias"][3] = math.nan


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a bit": (flipped, "is damaged: it is not as it was written"),
    "gone": (lambda folder: (folder / "oracle.safetensors").unlink(), "is missing"),
    "a pipe": (pipe, "is no file"),
    "no safetensors": (no_safetensors, "is damaged"),
    "not finite": (changed(not_finite), "logits.bias is not finite"),
    "a shape": (
        changed(lambda weights: weights.update({"logits.bias": torch.zeros(29)})),
        "logits.bias is .29,. of torch.float32, expected .30,.",
    ),
    "a type": (
        changed(lambda weights: weights.update({"logits.bias": torch.zeros(30, dtype=torch.float16)})),
        "logits.bias is .30,. of torch.float16",
    ),
    "a name": (changed(lambda weights: weights.pop("logits.bias")), "other names than cell.bias_ih"),
    "sizes": (lambda folder: signed(folder, hidden_size=10**9), "settings.hidden_size: at most 4,095"),
    "no number": (
        lambda folder: signed(folder, hidden_size="32" * 10**6),
        "hidden_size: an integer is needed",
    ),
    "other sizes": (lambda folder: signed(folder, hidden_size=31), "is damaged"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_oracle_is_refused_in_one_line(
    data: bt.DatasetDirectory, tmp_path: Path, fault: str
) -> None:
    damage, part = FAULTS[fault]
    shutil.copytree(data.folder, tmp_path / "data")
    damage(tmp_path / "data")
    with pytest.raises(bt.UserError, match=part) as caught:
        bt.DatasetDirectory(tmp_path / "data").oracle()
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 500
