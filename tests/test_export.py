"""A run is exported as a folder that others read, also without bgan-text."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from faults.mutations import damage
from huggingface_hub import ModelCard
from safetensors.torch import load_file, save_file
from torch import nn

import bgan_text as bt
from bgan_text.files import digest_of
from bgan_text.outputs import is_exported
from bgan_text.training import exported

CPU = torch.device("cpu")
SMALL: dict[str, Any] = {"batch": 8, "width": 16, "precision": "float32", "device": "cpu"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, data: bt.DatasetDirectory) -> bt.Run:
    folder = tmp_path_factory.mktemp("runs") / "rnn"
    return bt.train(data, steps=6, evaluate_every="2", save_every="2", blocks=2, out=folder, **SMALL)


@pytest.fixture(scope="module")
def folder(run: bt.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(run.export(tmp_path_factory.mktemp("exported") / "model", license="mit", language=("en",)))


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def test_an_exported_model_draws_what_its_run_draws(run: bt.Run, folder: Path) -> None:
    model = bt.load_run(folder, device="cpu")
    assert model.steps == run.best
    for options in ({}, {"candidates": 4}, {"candidates": 3, "correct": "prefixes"}, {"temperature": 0.5}):
        assert model.sample(4, seed=2, **options) == run.sample(4, seed=2, step="best", **options)


def test_step_and_weights_are_chosen(run: bt.Run, tmp_path: Path) -> None:
    run.export(tmp_path / "last", step=6, weights="last")
    model = bt.load_run(tmp_path / "last", device="cpu")
    assert model.sample(3, average=False) == run.sample(3, step=6, average=False)
    with pytest.raises(bt.UserError, match="was exported with the weights last"):
        model.sample(3)
    with pytest.raises(bt.UserError, match="has no checkpoint of step 5"):
        run.export(tmp_path / "none", step=5)
    assert not (tmp_path / "none").exists()


def test_nothing_in_it_tells_of_the_machine(run: bt.Run, folder: Path) -> None:
    for name in ("config.json", "README.md"):
        text = (folder / name).read_text()
        assert str(run.folder) not in text
        assert str(run.dataset().folder) not in text
        assert "tmp" not in text


def test_it_is_verified(copy: Path, run: bt.Run) -> None:
    found = bt.verify(copy)
    assert (found.kind, found.sound, len(found.findings)) == ("exported model", True, 4)
    for name in ("model.safetensors", "discriminator.safetensors", "tokenizer.json", "config.json"):
        content = (copy / name).read_bytes()
        place = len(content) - 20
        (copy / name).write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        found = bt.verify(copy)
        assert [Path(one.part).name for one in found.findings if one.problem] == [name]
        with pytest.raises(bt.UserError, match=r"damaged|the folder was changed"):
            bt.load_run(copy).sample(2, candidates=2)
        (copy / name).write_bytes(content)
    assert bt.verify(copy).sound


def test_what_is_written_is_replaced_as_a_whole_or_not_at_all(run: bt.Run, copy: Path) -> None:
    with pytest.raises(bt.UserError, match="exists already: `overwrite` replaces it"):
        run.export(copy)
    (copy / "mine.txt").write_text("mine")
    with pytest.raises(bt.UserError, match=r"it also holds mine\.txt, which no exported model has"):
        run.export(copy, overwrite=True)
    (copy / "mine.txt").unlink()
    run.export(copy, step=4, overwrite=True)
    assert bt.load_run(copy).steps == 4
    with pytest.raises(bt.UserError, match="lies in the run"):
        run.export(run.folder / "model")
    with pytest.raises(bt.UserError, match="lies in the exported model"):
        bt.load_run(run.folder).export(copy / "below")
    assert sorted(path.name for path in copy.parent.iterdir()) == [copy.name]


def test_a_foreign_config_is_not_overwritten(run: bt.Run, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(bt.UserError, match="is no whole config of an exported model"):
        run.export(tmp_path / "other", overwrite=True)


def resealed(folder: Path, **changes: Any) -> None:
    """Change config.json as a stranger can, with a digest that fits."""
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(config | {"sha256": digest_of(config)}))


def listed(folder: Path, name: str) -> dict[str, Any]:
    import hashlib

    content = (folder / name).read_bytes()
    files = json.loads((folder / "config.json").read_text())["files"]
    return files | {name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}}


@pytest.mark.parametrize("sizes", [{"width": 2**16, "blocks": 1000}, {"width": 24}])
def test_weights_of_other_shapes_are_refused_before_a_net_is_built(
    copy: Path, sizes: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def built(seed: int) -> None:
        raise AssertionError("a net is built")

    monkeypatch.setattr(exported, "seeded_initialisation", built)
    settings = json.loads((copy / "config.json").read_text())["settings"]
    resealed(copy, settings=settings | sizes)
    with pytest.raises(bt.UserError, match="does not fit its settings"):
        bt.load_run(copy).sample(1)


def test_weights_that_are_not_finite_are_refused(copy: Path) -> None:
    tensors = load_file(copy / "model.safetensors")
    tensors["logits.bias"][0] = float("nan")
    save_file(tensors, copy / "model.safetensors")
    resealed(copy, files=listed(copy, "model.safetensors"))
    with pytest.raises(bt.UserError, match=r"logits\.bias is not finite"):
        bt.load_run(copy).sample(1)
    assert not bt.verify(copy).sound


def test_a_pickle_is_refused(copy: Path) -> None:
    torch.save({"embedding.weight": torch.zeros(2)}, copy / "model.safetensors")
    resealed(copy, files=listed(copy, "model.safetensors"))
    with pytest.raises(bt.UserError, match="is damaged or cut short"):
        bt.load_run(copy).sample(1)


@pytest.mark.parametrize("seed", range(40))
def test_damage_is_refused_or_changes_nothing(run: bt.Run, copy: Path, seed: int) -> None:
    """Bits, bytes and lengths of a file, names and values of config.json."""
    rng = random.Random(seed)
    path = rng.choice(sorted(path for path in copy.iterdir() if path.name != "README.md"))
    how, changed = damage(path.read_bytes(), rng, is_json=path.suffix == ".json")
    path.write_bytes(changed)
    try:
        drawn = bt.load_run(copy, device="cpu").sample(2, candidates=2)
    except bt.UserError:
        assert not is_exported(copy) or not bt.verify(copy).sound
    else:
        assert drawn == run.sample(2, candidates=2, step="best"), how


def test_a_run_starts_from_it_and_it_is_not_resumed(
    folder: Path, data: bt.DatasetDirectory, tmp_path: Path
) -> None:
    begun = bt.train(
        data, start_from=folder, freeze_generator=1.0, steps=2, batch=8, out=tmp_path / "begun", device="cpu"
    )
    assert begun.sample(3) == bt.load_run(folder, device="cpu").sample(3)
    with pytest.raises(bt.UserError, match="which cannot be resumed"):
        bt.load_run(folder).resume(steps=9)


def test_its_data_are_found_by_their_signature(
    folder: Path, data: bt.DatasetDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(bt.UserError, match="without the data that it was trained on"):
        bt.evaluate(folder, count=20, resamples=0)
    shutil.copytree(data.folder, tmp_path / "data" / "mine")
    report = bt.evaluate(folder, count=20, resamples=0)
    assert report.settings["data"] == data.signature


def test_the_card_has_scores_with_intervals_and_the_anchor(run: bt.Run, tmp_path: Path) -> None:
    report = bt.evaluate(run, count=40, resamples=20, step=run.best)
    run.export(tmp_path / "scored", report=report)
    card = ModelCard.load(tmp_path / "scored" / "README.md")
    told = {result.metric_type: result.metric_value for result in card.data.eval_results}
    other = max(run.checkpoints().keys() - {run.best})
    model, real = (column.cells for column in report.columns)
    assert told["js-2"] == model["js-2"].value
    cells = [f"{one.value:.4g} ({one.low:.4g} to {one.high:.4g})" for one in (model["js-2"], real["js-2"])]
    assert f"| js-2 ↓ | {cells[0]} | {cells[1]} |" in card.text
    with pytest.raises(bt.UserError, match=f"has scores of step {run.best}, and step {other} is exported"):
        run.export(tmp_path / "other", report=report, step=other)
    with pytest.raises(bt.UserError, match="is none that"):
        run.export(tmp_path / "other", report={"models": 3})
    assert not (tmp_path / "other").exists()


def test_the_card_has_the_scores_of_its_model_and_of_its_checkpoint(run: bt.Run, tmp_path: Path) -> None:
    """Of a report of several models, and whatever the run's last checkpoint is by now."""
    report = bt.evaluate(run, count=40, resamples=0).to_json()
    report["models"].insert(0, report["models"][0] | {"name": "other"})
    report["settings"]["samples"]["other"] = 700
    folder = Path(run.export(tmp_path / "model", report=report, step=6))
    assert "\n40 samples, measured with bgan-text" in (folder / "README.md").read_text()
    report["settings"]["steps"][str(run.folder)] = 4
    with pytest.raises(bt.UserError, match="has scores of step 4, and step 6 is exported"):
        run.export(tmp_path / "other", report=report, step=6)
    del report["settings"]["steps"]  # as of an older version, or of samples in a file
    with pytest.raises(bt.UserError, match="does not tell of which step its scores are"):
        run.export(tmp_path / "other", report=report, step=6)


def test_a_classifier_is_not_said_to_draw_samples(digits: Any, bgan: Any, tmp_path: Path) -> None:
    images, labels = digits["train"]
    data = bt.prepare(images[:200], labels=labels[:200], colors="none", out=tmp_path / "labelled")
    nets = {"generator": "classifier", "width": 4, "discriminator_width": 4}
    run = bt.train(data, nets, steps=2, batch=8, out=tmp_path / "run", device="cpu")
    made = bgan("export", run.folder, "a model")
    assert "Next: bgan-text show 'a model'" in made.err
    assert bgan("show", "a model").code == 0
    assert ".sample(" not in (tmp_path / "a model" / "README.md").read_text()


def test_the_card_says_what_was_said_and_what_was_not(run: bt.Run, folder: Path, tmp_path: Path) -> None:
    text = (folder / "README.md").read_text()
    for heading in ("Data", "Training", "Settings", "Scores", "Samples", "Intended use", "Limits", "Licence"):
        assert f"\n## {heading}\n" in text
    assert all(sample in text for sample in run.sample(5, step="best"))
    silent = Path(run.export(tmp_path / "silent", title="Mine", description="Made for a test."))
    text = (silent / "README.md").read_text()
    assert "# Mine\n\nMade for a test.\n" in text
    assert "its author stated no licence" in text
    assert ModelCard(text).data.license is None


@pytest.mark.parametrize(
    "wrong", [{"license": "My Own"}, {"language": ("english please",)}, {"dataset": ("a/b/c",)}]
)
def test_what_the_hub_does_not_accept_is_refused_first(run: bt.Run, tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(bt.UserError, match=f"`{next(iter(wrong))}`"):
        run.export(tmp_path / "wrong", **wrong)


def test_images_have_a_grid_and_a_palette(digits: Any, tmp_path: Path) -> None:
    images, _ = digits["train"]
    data = bt.prepare(images[:200], colors=2, out=tmp_path / "digits")
    run = bt.train(data, steps=2, batch=8, width=4, discriminator_width=4, out=tmp_path / "run", device="cpu")
    folder = Path(run.export(tmp_path / "model"))
    assert {"palette.json", "samples.png"} <= {path.name for path in folder.iterdir()}
    assert np.array_equal(bt.load_run(folder, device="cpu").sample(3), run.sample(3, step="best"))
    assert ModelCard.load(folder / "README.md").data.pipeline_tag == "unconditional-image-generation"
    assert bt.verify(folder).sound


def test_the_weights_of_an_rnn_load_into_the_classes_of_torch(folder: Path) -> None:
    """`torch.nn.GRU`, `Embedding` and `Linear` give the logits of the generator, without bgan-text."""
    config = json.loads((folder / "config.json").read_text())
    settings, space = config["settings"], config["space"]
    width, layers, noise_size = (settings[name] for name in ("width", "blocks", "noise"))
    vocabulary = space["vocabulary"]
    net = nn.ModuleDict(
        {
            "embedding": nn.Embedding(vocabulary + 1, width),
            "from_noise": nn.Linear(noise_size, width),
            "state_from_noise": nn.Linear(noise_size, layers * width),
            "cell": nn.GRU(width, width, num_layers=layers, batch_first=True),
            "logits": nn.Linear(width, vocabulary),
        }
    )
    net.load_state_dict(load_file(folder / "model.safetensors"), strict=True)
    rng = torch.Generator().manual_seed(0)
    noise = torch.randn(5, noise_size, generator=rng)
    tokens = torch.randint(vocabulary, (5, space["positions"]), generator=rng)
    with torch.no_grad():
        before = torch.cat([torch.full((5, 1), vocabulary), tokens[:, :-1]], dim=1)
        state = net["state_from_noise"](noise).tanh().view(5, layers, width).transpose(0, 1).contiguous()
        hidden, _ = net["cell"](net["embedding"](before) + net["from_noise"](noise).unsqueeze(1), state)
        logits = net["logits"](hidden)
    assert_same_logits(logits, folder, noise, tokens)


def assert_same_logits(logits: torch.Tensor, folder: Path, noise: torch.Tensor, tokens: torch.Tensor) -> None:
    generator: Any = bt.load_run(folder, device="cpu")._run.generator(CPU)
    with torch.no_grad():
        ours = generator(noise).next_token_logits(tokens, None).view_as(logits)
    possible = ours > -1e8
    assert possible.float().mean() > 0.9  # the token that the data never hold has no probability
    torch.testing.assert_close(logits[possible], ours[possible], rtol=1e-5, atol=1e-5)


RENAMED = {
    "attention.project.weight": "self_attn.in_proj_weight",
    "attention.project.bias": "self_attn.in_proj_bias",
    "attention.out.": "self_attn.out_proj.",
    "attention_norm.": "norm1.",
    "mlp_norm.": "norm2.",
    "expand.": "linear1.",
    "contract.": "linear2.",
}


def test_the_weights_of_a_transformer_load_into_the_classes_of_torch(
    data: bt.DatasetDirectory, tmp_path: Path
) -> None:
    """`torch.nn.TransformerEncoder` with `norm_first` gives the logits of the generator, without our code."""
    run = bt.train(data, generator="transformer", blocks=2, heads=2, steps=3, out=tmp_path / "run", **SMALL)
    folder = Path(run.export(tmp_path / "model"))
    tensors = load_file(folder / "model.safetensors")
    layer = nn.TransformerEncoderLayer(
        16, 2, dim_feedforward=64, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    encoder = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(16), enable_nested_tensor=False).eval()
    renamed = {}
    for name, tensor in tensors.items():
        if name.startswith("body.") and name != "body.places":
            new = name.removeprefix("body.").replace("blocks.", "layers.")
            for ours, theirs in RENAMED.items():
                new = new.replace(f".{ours}", f".{theirs}")
            renamed[new] = tensor
    encoder.load_state_dict(renamed, strict=True)
    rng = torch.Generator().manual_seed(0)
    noise = torch.randn(5, run.config.noise, generator=rng)
    vocabulary, positions = data.space.vocabulary, data.space.positions
    tokens = torch.randint(vocabulary, (5, positions), generator=rng)
    before = torch.cat([torch.full((5, 1), vocabulary), tokens[:, :-1]], dim=1)
    added = nn.functional.linear(noise, tensors["from_noise.weight"], tensors["from_noise.bias"]).unsqueeze(1)
    x = tensors["embedding.weight"][before] + added + tensors["body.places"]
    with torch.no_grad():
        hidden = encoder(x, mask=nn.Transformer.generate_square_subsequent_mask(positions), is_causal=True)
        logits = hidden @ tensors["embedding.weight"][:vocabulary].T + tensors["logits.bias"]
    assert_same_logits(logits, folder, noise, tokens)


def test_the_command_tells_what_is_next(run: bt.Run, bgan: Any, tmp_path: Path) -> None:
    made = bgan("export", run.folder, "model", "--license", "mit", "--score", "--json")
    assert made.code == 0, made.err
    assert json.loads(made.out)["made"] == "model"
    assert "Next: bgan-text sample model --n 3" in made.err
    assert bgan("verify", "model").code == 0
    assert bgan("sample", "model", "--n", 2).out.splitlines() == run.sample(2, step="best")
    assert "trained on  (texts, signature" in bgan("show", "model").out
    again = bgan("export", run.folder, "model")
    assert (again.code, again.err) == (
        1,
        "bgan-text: model exists already: --overwrite replaces it, or name another folder\n",
    )
    assert bgan("export", run.folder).code == 1
    for words in (("plot", "model"), ("watch", "model")):
        assert "not a run folder: it is an exported model; bgan-text sample, explore" in bgan(*words).err
    assert "name the run that it was exported from" in bgan("report", "model").err
    told = bgan("train", "--resume", "--run", "model").err
    assert "bgan-text train --from model starts a new run from it" in told
    assert bt.ExportOptions(language="en", dataset="ylecun/mnist").language == ("en",)  # type: ignore[arg-type]
    with pytest.raises(bt.UserError, match="`language` 3: a list is needed, each entry a text"):
        bt.ExportOptions(language=3)  # type: ignore[arg-type]
    assert bgan("export", run.folder, "x", "--private").err.startswith("bgan-text: --private is for --push")
