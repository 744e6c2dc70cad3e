"""FID and KID against literal formulas, on a stand-in for the Inception network and on random weights."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import linalg
from torch import Tensor, nn

from bgan_text.errors import UserError
from bgan_text.evaluation import Judges, evaluate
from bgan_text.scores import inception
from bgan_text.scores.feature_classifier_fit import ClassifierSettings
from bgan_text.scores.inception import kernel_distance, load_inception

Command = Callable[..., Any]
Array = NDArray[np.float64]
HAS_LIBRARY = pytest.mark.skipif(
    inception.find_spec("torch_fidelity") is None,
    reason="torch-fidelity is absent: pip install --no-deps torch-fidelity",
)


class Statistics(nn.Module):
    """Means of the quarters of an image and of its squares: a network that any image passes in no time."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(255.0))

    def forward(self, images: Tensor) -> Tensor:
        assert images.dtype == torch.uint8
        assert images.shape[1] == 3
        rows = nn.functional.adaptive_avg_pool2d(images.float() / self.scale, 2).flatten(1)
        return torch.cat([rows, rows.square()], dim=1)


def literal_fid(samples: Array, reals: Array) -> float:
    first, second = np.cov(samples, rowvar=False), np.cov(reals, rowvar=False)
    shift = samples.mean(axis=0) - reals.mean(axis=0)
    root = linalg.sqrtm(first @ second).real
    return float(shift @ shift + np.trace(first + second - 2 * root))


def literal_kid(samples: Array, reals: Array) -> float:
    """The unbiased estimate of Bińkowski et al. 2018, pair by pair."""

    def kernel(one: Array, other: Array) -> float:
        return float((one @ other / len(one) + 1) ** 3)

    def among(rows: Array) -> float:
        pairs = [kernel(a, b) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j]
        return sum(pairs) / len(pairs)

    between = np.mean([kernel(a, b) for a in samples for b in reals])
    return among(samples) + among(reals) - 2 * float(between)


@pytest.mark.parametrize("block", [1 << 20, 5])
def test_kid_and_its_jackknife_are_the_literal_sums(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inception, "KERNEL_BLOCK", block)
    rng = np.random.default_rng(0)
    samples, reals = rng.normal(size=(12, 4)) + 0.5, rng.normal(size=(9, 4))
    found = kernel_distance(samples, reals)
    assert found.value == pytest.approx(literal_kid(samples, reals), rel=1e-9)
    without = np.array([literal_kid(np.delete(samples, at, axis=0), reals) for at in range(12)])
    assert found.each == pytest.approx(12 * found.value - 11 * without, rel=1e-7)
    assert math.isnan(kernel_distance(samples[:1], reals).value)
    assert kernel_distance(samples[:2], reals).value == pytest.approx(literal_kid(samples[:2], reals))


@pytest.fixture
def images(bgan: Command) -> dict[str, NDArray[np.uint8]]:
    """A dataset directory of grey images, and samples."""
    rng = np.random.default_rng(1)
    grey = [0, 255]
    made = {
        "real": rng.choice(grey, (300, 8, 8), p=[0.7, 0.3]).astype(np.uint8),
        "near": rng.choice(grey, (40, 8, 8), p=[0.7, 0.3]).astype(np.uint8),
        "far": rng.choice(grey, (40, 8, 8), p=[0.3, 0.7]).astype(np.uint8),
    }
    np.savez("real.npz", images=made["real"])
    result = bgan("prepare", "images", "--path", "real.npz", "--colors", 2)
    assert result.code == 0, result.err
    return made


def test_the_report_has_fid_and_kid_of_models_and_of_the_anchor(images: dict[str, NDArray[np.uint8]]) -> None:
    network = Statistics()
    judges = Judges(classifier=ClassifierSettings(width=4, batch=16, steps=2), image_features=network)
    models = {name: images[name] for name in ("near", "far")}
    report = evaluate(models, data="data/images", judges=judges, fid="inception", resamples=50)
    near, far, real = (column.cells for column in report.columns)
    for name in ("fid", "kid"):
        assert far[name].value > 10 * near[name].value
        assert far[name].low < far[name].value < far[name].high
        assert real[name].value < far[name].value / 10
        assert report.entries[name].better == "lower"
    assert near["classifier-frechet"].value != near["fid"].value
    assert report.settings["fid"]["network"].startswith("Statistics, weights ")
    assert "fid: network Statistics" in report.to_markdown()
    assert report.settings["fid"]["references"] == 30  # all test images
    assert "too little data" in near["fid"].note
    assert network.training
    plain = evaluate(models, data="data/images", judges=judges, resamples=0)
    assert not {"fid", "kid"} & set(plain.columns[0].cells)


def test_the_numbers_are_those_of_the_features(images: dict[str, NDArray[np.uint8]]) -> None:
    from bgan_text.corpora.dataset_directory import DatasetDirectory
    from bgan_text.evaluation.image_inputs import shown

    judges = Judges(classifier=ClassifierSettings(width=4, batch=16, steps=2), image_features=Statistics())
    report = evaluate(images["far"], data="data/images", judges=judges, fid="inception", resamples=0)
    data = DatasetDirectory(Path("data/images"))
    test = shown(data.chosen("test", np.arange(data.counts["test"])), data.palette()).view(-1, 1, 8, 8)
    sides = [torch.from_numpy(images["far"]).unsqueeze(1), test]
    ours, theirs = (Statistics()(side.expand(-1, 3, -1, -1)).detach().double().numpy() for side in sides)
    cells = report.columns[0].cells
    assert cells["fid"].value == pytest.approx(literal_fid(ours, theirs), rel=1e-4)
    assert cells["kid"].value == pytest.approx(literal_kid(ours, theirs), rel=1e-6)


def test_a_network_of_ones_own_must_give_rows(images: dict[str, NDArray[np.uint8]]) -> None:
    judges = Judges(classifier=ClassifierSettings(width=4, batch=16, steps=2), image_features=nn.Identity())
    with pytest.raises(UserError, match=r"`image_features` gives \(30, 3, 8, 8\) for 30 images"):
        evaluate(images["far"], data="data/images", judges=judges, fid="inception")


@HAS_LIBRARY
def test_the_inception_network_is_read_from_a_file_of_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = inception._library()
    assert "torchvision" not in sys.modules
    made = library.FeatureExtractorInceptionV3
    with monkeypatch.context() as patched:  # the constructor cannot do without weights
        patched.setattr(library, "load_state_dict_from_url", lambda *_, **__: {})
        patched.setattr(made, "load_state_dict", lambda *_: None)
        expected = made("inception", ["2048"])
    torch.save(expected.state_dict(), tmp_path / "weights.pth")
    images = torch.randint(0, 256, (2, 3, 16, 16), dtype=torch.uint8)
    network = load_inception(tmp_path / "weights.pth")
    features = network(images)
    assert features.shape == (2, 2048)
    torch.testing.assert_close(features, expected(images)[0])


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("harmed"),)


@HAS_LIBRARY
def test_files_that_are_no_weights_are_refused_and_run_no_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(Harmful(), "harmful.pth")
    torch.save({"weight": torch.zeros(2)}, "other.pth")
    Path("text.pth").write_text("no weights")
    for name in ("harmful.pth", "other.pth", "text.pth", "absent.pth"):
        with pytest.raises(
            UserError, match=f"^`fid` {name}: weights of torch-fidelity's Inception network.* [^\\n]+$"
        ):
            load_inception(name)
    assert not Path("harmed").exists()


@HAS_LIBRARY
def test_weights_that_cannot_be_downloaded_are_named_in_one_line(
    images: dict[str, NDArray[np.uint8]], bgan: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(url: str, timeout: float) -> None:
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: "hub")
    monkeypatch.setattr(inception, "urlopen", unreachable)
    np.savez("far.npz", images=images["far"])
    made = bgan("score", "far.npz", "--data", "data/images", "--fid", "inception")
    assert (made.code, made.out) == (1, "")
    (line,) = [line for line in made.err.splitlines() if "Inception network" in line]
    assert "cannot be downloaded (no network): save https" in line
    assert "or name the file with --fid" in line


def test_the_extra_is_named_and_text_has_no_fid(monkeypatch: pytest.MonkeyPatch, bgan: Command) -> None:
    monkeypatch.setattr(inception, "find_spec", lambda name: None)
    inception._library.cache_clear()
    with pytest.raises(UserError, match=r"^FID and KID need an extra: pip install .*'\.\[fid\]' in a clone"):
        load_inception()
    Path("a.txt").write_text("a cat\na dog\n")
    made = bgan("score", "a.txt", "--reference", "a.txt", "--fid", "inception", "--json")
    assert made.code == 1
    assert "--fid inception has no meaning for text" in made.err
    assert json.loads(made.out or "{}") == {}
