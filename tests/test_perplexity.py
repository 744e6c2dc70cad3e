"""Perplexity and MAUVE under a causal language model: a small random GPT-2, saved as the hub has them."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import bgan_text as bt
from bgan_text.errors import UserError
from bgan_text.scores.causal_language_model import load_causal, perplexity
from bgan_text.scores.mauve import mauve

transformers = pytest.importorskip("transformers", reason="absent: pip install '.[perplexity]'")
Command = Callable[..., Any]
WORDS = ["<s>", "?", "a", "the", "cat", "dog", "runs", "sat", "red", "car"]
TEXTS = ["a cat sat", "the dog", "", "a red red car runs", "a", "zebra the cat"]
POSITIONS = 8


def save(folder: Path, kind: str = "gpt2", start: str | None = "<s>") -> str:
    """A model with random weights and a tokenizer of words in a folder."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=words, bos_token=start, unk_token="?")
    fast.save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        shared = {"vocab_size": len(WORDS)}
        if kind == "gpt2":
            config = transformers.GPT2Config(n_positions=POSITIONS, n_embd=16, n_layer=2, n_head=2, **shared)
            model = transformers.GPT2LMHeadModel(config)
        else:
            config = transformers.BertConfig(
                hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, **shared
            )
            model = (
                transformers.BertForMaskedLM(config) if kind == "masked" else transformers.BertModel(config)
            )
        for parameter in model.parameters():
            parameter.data.mul_(20)  # so that probabilities differ
    model.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save(tmp_path_factory.mktemp("models") / "tiny-gpt")


@torch.no_grad()
def literal(folder: str, texts: list[str], start: int | None = 0) -> list[list[float]]:
    """The log-probability of every token after those before it, one call of the model each."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    found = []
    for text in texts:
        before = [] if start is None else [start]
        each = []
        for word in text.split():
            token = WORDS.index(word) if word in WORDS else 1
            if before and len(before) < POSITIONS:
                logits = model(input_ids=torch.tensor([before])).logits[0, -1].double()
                each.append(float(logits.log_softmax(dim=0)[token]))
            before.append(token)
        found.append(each)
    return found


@pytest.mark.parametrize("at_a_time", [1 << 26, 20])
def test_perplexity_is_that_of_a_loop_over_tokens(
    folder: str, at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bgan_text.scores.causal_language_model.LOGITS", at_a_time)
    texts = [*TEXTS, "the cat sat " * 5]  # the last one has more tokens than the model positions
    model, expected = load_causal(folder), literal(folder, texts)
    nats, tokens = model.log_likelihoods(texts)
    assert tokens.tolist() == [3, 2, 0, 5, 1, 3, POSITIONS - 1]
    assert nats == pytest.approx([sum(each) for each in expected], rel=1e-4)
    assert model.cut(texts) == 1
    every = [one for each in expected for one in each]
    found = perplexity(texts, model)
    assert found.value == pytest.approx(math.exp(-np.mean(every)), rel=1e-4)
    assert found.value > 2


def test_the_contributions_are_the_derivative_in_the_weight_of_a_text(folder: str) -> None:
    model = load_causal(folder)
    found = perplexity(TEXTS, model)
    for place in (0, 3):
        often = TEXTS * 500 + [TEXTS[place]]
        slope = (perplexity(often, model).value - found.value) * len(often)
        assert found.each[place] - found.each.mean() == pytest.approx(slope, rel=0.02, abs=0.01)
    assert math.isnan(perplexity(["", " "], model).value)


def test_without_a_start_token_the_first_one_is_only_context(tmp_path: Path) -> None:
    folder = save(tmp_path / "bare", start=None)
    model = load_causal(folder)
    nats, tokens = model.log_likelihoods(TEXTS)
    assert model.settings()["start"] is None
    assert tokens.tolist() == [2, 1, 0, 4, 0, 2]
    assert nats == pytest.approx([sum(each) for each in literal(folder, TEXTS, None)], rel=1e-4)
    with pytest.raises(UserError, match="bare has no start token, which a text without tokens needs"):
        model.features(["", "a"])


@torch.no_grad()
def test_features_are_the_last_hidden_state_of_the_last_token(folder: str) -> None:
    net = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    found = load_causal(folder).features(TEXTS)
    for row, text in zip(found, TEXTS, strict=True):
        tokens = [WORDS.index(word) if word in WORDS else 1 for word in text.split()] or [0]
        state = net(input_ids=torch.tensor([tokens]), output_hidden_states=True).hidden_states[-1][0, -1]
        assert row == pytest.approx(state.numpy(), rel=1e-4, abs=1e-4)


def test_the_report_has_both_with_an_anchor_and_settings(folder: str, bgan: Command) -> None:
    rng = np.random.default_rng(0)
    real = [" ".join(rng.choice(WORDS[2:], 5)) for _ in range(90)]
    samples = [" ".join(rng.choice(WORDS[2:5], 5)) for _ in range(30)]
    for name, texts in (("samples.txt", samples), ("real.txt", real[:60]), ("train.txt", real[60:])):
        Path(name).write_text("".join(f"{one}\n" for one in texts), "utf-8")
    words = ("--perplexity", folder, "--mauve-features", folder, "--resamples", 50, "--json")
    made = bgan("score", "samples.txt", "--reference", "real.txt", "--train", "train.txt", *words)
    assert made.code == 0, made.err
    report = json.loads(made.out)
    mine, anchor = (model["scores"] for model in report["models"])
    model = load_causal(folder)
    assert mine["perplexity"]["value"] == pytest.approx(perplexity(samples, model).value)
    assert mine["perplexity"]["low"] < mine["perplexity"]["value"] < mine["perplexity"]["high"]
    assert anchor["perplexity"]["value"] == pytest.approx(perplexity(real[60:], model).value)
    assert mine["perplexity"]["better"] == "real"
    assert 0 < mine["language-model-mauve"]["value"] <= 1
    settings = report["settings"]
    assert settings["perplexity"]["model"].startswith("tiny-gpt, weights ")
    assert (settings["perplexity"]["start"], settings["perplexity"]["texts cut"]) == ("<s>", [0, 0])
    assert settings["mauve features"]["references"] == [30, 30]
    assert settings["perplexity"]["transformers"] == transformers.__version__
    made = bgan("score", "samples.txt", "--reference", "real.txt", *words[:2])
    assert "perplexity: model tiny-gpt" in " ".join(made.out.split())


def test_mauve_is_that_of_the_features(folder: str) -> None:
    pytest.importorskip("mauve")
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice(WORDS[2:], 4)) for _ in range(60)]
    report = bt.evaluate({"mine": texts[:20]}, reference=texts[20:40], mauve_features=folder, resamples=0)
    model = load_causal(folder)
    expected = mauve(model.features(texts[:20]), model.features(texts[20:40]), 0).value
    assert report.columns[0].cells["language-model-mauve"].value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("masked", "looks at the tokens that follow"), ("headless", "its weights have no cls")],
)
def test_a_model_that_is_not_causal_is_refused(kind: str, reason: str, tmp_path: Path) -> None:
    folder = save(tmp_path / kind, kind)
    with pytest.raises(UserError, match=f"^cannot load the causal language model .*{kind}.* \\(.*{reason}"):
        load_causal(folder)


def test_an_absent_model_is_one_line(bgan: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bgan_text.scores.causal_language_model.reachable", lambda model: False)
    Path("a.txt").write_text("a cat\na dog\nthe dog\n")
    made = bgan("score", "a.txt", "--reference", "a.txt", "--perplexity", "no-such-model-here")
    assert (made.code, made.out) == (1, "")
    lines = [line for line in made.err.splitlines() if "Warning" not in line]
    assert "cannot load the causal language model 'no-such-model-here'" in " ".join(lines)
    made = bgan("score", "a.txt", "--reference", "a.txt", "--mauve-features", "")
    assert (made.code, made.out) == (1, "")
    assert "cannot load the causal language model ''" in " ".join(made.err.split())


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(
        UserError,
        match=r"^causal language models need an extra: pip install .*'\.\[perplexity\]'",
    ):
        load_causal("gpt2")
