"""Classifiers as generators: their nets, their batches, their runs."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bgan_text.batch import LabelledImages
from bgan_text.config import Config
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.labelled import augment, labelled_batches, labelled_split, labels_space
from bgan_text.errors import UserError
from bgan_text.models.classifier import ImageClassifier, LabelDiscriminator
from bgan_text.objective_table import OBJECTIVES, TOKENS, needs_likelihood, objectives_on
from bgan_text.objectives.gradient_penalty import gradient_norms
from bgan_text.presets import DIVERGENCES
from bgan_text.space import LabelSpace, PixelSpace, TokenSpace, is_image, space_from_json, space_to_json
from bgan_text.training.run import RunFolder
from bgan_text.training.state import State
from bgan_text.training.trainer import train
from bgan_text.training.validation import classification_error, evaluate_classifier

CPU = torch.device("cpu")
SPACE = LabelSpace(PixelSpace(3, 8, 8), 4)
TINY = {"generator": "classifier", "batch": 8, "width": 4, "precision": "float32"}
MATRIX = [
    (objective, divergence)
    for objective, divergence in itertools.product(objectives_on(TOKENS), [None, *DIVERGENCES])
    if not (divergence and OBJECTIVES[objective].no_divergence)
]

Command = Callable[..., Any]


def labelled(count: int, rng: torch.Generator) -> LabelledImages:
    """Images whose mean tells the label."""
    labels = torch.randint(SPACE.classes, (count, 1), generator=rng)
    noise = 0.3 * torch.randn(count, 3, 8, 8, generator=rng)
    return LabelledImages(noise + (labels.view(-1, 1, 1, 1) - 1.5) / 2, labels)


def test_a_space_of_labels() -> None:
    assert space_from_json(json.loads(json.dumps(space_to_json(SPACE)))) == SPACE
    assert not is_image(SPACE)
    with pytest.raises(UserError, match="1 class: at least 2 are needed"):
        LabelSpace(SPACE.image, 1)


def test_a_label_is_a_sequence_of_one_token(rng: torch.Generator) -> None:
    net = ImageClassifier(SPACE, width=4)
    conditional = net(torch.randn(5, 3, 8, 8, generator=rng))
    labels = conditional.sample(7, rng)
    assert labels.shape == (7, 5, 1)
    exact = conditional.logits.log_softmax(dim=2)[torch.arange(5), 0, labels.squeeze(2)]
    torch.testing.assert_close(conditional.log_prob(labels), exact)


@pytest.mark.parametrize("spectral", [False, True])
def test_scores_that_are_looked_up_are_those_of_each_pair(spectral: bool, rng: torch.Generator) -> None:
    """Three draws for each of five images, against one pair of image and label at a time."""
    net = LabelDiscriminator(SPACE, width=4, spectral=spectral).eval()
    images = torch.randn(5, 3, 8, 8, generator=rng)
    labels = torch.randint(SPACE.classes, (3, 5, 1), generator=rng)
    scores = net.given(images)(labels.flatten(0, 1)).view(3, 5)
    for draw, row in itertools.product(range(3), range(5)):
        alone = net.given(images[row : row + 1])(labels[draw, row : row + 1])
        torch.testing.assert_close(scores[draw, row], alone[0])
    assert scores.std() > 1e-3


def test_corners_of_the_simplex_score_as_the_labels_do(rng: torch.Generator) -> None:
    net = LabelDiscriminator(SPACE, width=4, spectral=False).eval()
    given = net.given(torch.randn(5, 3, 8, 8, generator=rng))
    labels = torch.randint(SPACE.classes, (10, 1), generator=rng)
    corners = torch.eye(SPACE.classes)[labels]
    torch.testing.assert_close(given.score_embedded(given.embed_relaxed(corners)), given(labels))
    middle = torch.full((5, 1, SPACE.classes), 1 / SPACE.classes)
    mean = torch.stack([given(torch.full((5, 1), label)) for label in range(SPACE.classes)]).mean(dim=0)
    between = given.score_embedded(given.embed_relaxed(middle))
    assert (between - mean).abs().max() > 1e-4  # a score that was linear in the label could not tell more


def test_slopes_with_respect_to_points_are_those_of_autograd(rng: torch.Generator) -> None:
    given = (
        LabelDiscriminator(SPACE, width=4, spectral=False)
        .eval()
        .given(torch.randn(5, 3, 8, 8, generator=rng))
    )
    one, other = (torch.rand(5, 1, SPACE.classes, generator=rng).softmax(dim=-1) for _ in range(2))
    mix = torch.rand(5, generator=rng)
    between = torch.lerp(one, other, mix.view(-1, 1, 1)).requires_grad_()
    (gradient,) = torch.autograd.grad(given.score_embedded(given.embed_relaxed(between)).sum(), between)
    got = gradient_norms(given, given.embed_relaxed(one), given.embed_relaxed(other), mix)
    torch.testing.assert_close(got, gradient.flatten(1).norm(dim=1))


@pytest.mark.parametrize(("objective", "divergence"), MATRIX)
def test_every_objective_labels(objective: str, divergence: str | None) -> None:
    values = TINY | {"objective": objective, "divergence": divergence, "steps": 3}
    config = Config.given(values if needs_likelihood(objective) else values | {"discriminator_width": 4})
    state = State.fresh(config, SPACE, CPU)
    before = [parameter.detach().clone() for parameter in state.generator.parameters()]
    real = labelled(8, torch.Generator().manual_seed(1))
    (*_, last) = train(state, config, lambda step, index: real, lambda state: state.step / 3)
    assert state.nonfinite.item() == 0
    assert all(np.isfinite(value) for value in last.read().values())
    assert not any(torch.equal(*pair) for pair in zip(before, state.generator.parameters(), strict=True))


def test_a_classifier_and_its_renewed_copy_score_nothing(rng: torch.Generator) -> None:
    """Both normalise by the statistics of the batch. The running ones are far from them at first."""
    config = Config.given(TINY | {"objective": "implicit", "steps": 4, "reference_steps": 2})
    state, real = State.fresh(config, SPACE, CPU), labelled(8, rng)
    steps = train(state, config, lambda step, index: real, lambda state: state.step / 4)
    found = [report.read() for report in steps]
    for name in ("real_score", "fake_score", "bound"):
        assert [abs(numbers[name]) > 1e-4 for numbers in found] == [False, True, False, True], name


@pytest.mark.parametrize(
    ("objective", "most"),
    [("mle", 0.1), ("importance", 0.1), ("partition", 0.1), ("reinforce", 0.1), ("wgan", 0.6)],
)
def test_labels_are_learnt(objective: str, most: float) -> None:
    """Of labels at random three in four are wrong; a clipped critic teaches slowly."""
    rng = torch.Generator().manual_seed(1)
    values = TINY | {"objective": objective, "steps": 200, "batch": 32, "ema_decay": 0.9, "width": 8}
    values |= {"generator_lr": 0.01}
    if objective != "mle":
        values |= {"discriminator_width": 8}
    config = Config.given(values | ({"weight_clip": 0.1} if objective == "wgan" else {}))
    state = State.fresh(config, SPACE, CPU)
    for _ in train(state, config, lambda step, index: labelled(32, rng), lambda state: state.step / 200):
        pass
    error, _ = evaluate_classifier(state.sampler(), labelled(400, rng), CPU)
    assert error < most


def test_a_classifier_is_judged_by_its_most_probable_labels() -> None:
    class Known(torch.nn.Module):
        def forward(self, images: Tensor) -> Any:
            return type("Logits", (), {"logits": images.mean(dim=(2, 3)).log().unsqueeze(1)})

    shares = torch.tensor([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.1, 0.8, 0.1]])
    images = shares.view(3, 3, 1, 1).expand(-1, -1, 8, 8).repeat(400, 1, 1, 1)  # more than go at once
    labels = torch.tensor([0, 1, 1]).repeat(400).unsqueeze(1)
    error, loss = evaluate_classifier(Known(), LabelledImages(images, labels), CPU)
    assert error == pytest.approx(1 / 3)
    assert loss == pytest.approx(-np.log([0.7, 0.3, 0.8]).mean(), rel=1e-5)


def test_variations_are_windows_of_the_reflected_image(rng: torch.Generator) -> None:
    image = torch.randn(2, 16, 8, generator=rng)
    made = augment(image.expand(300, -1, -1, -1), np.random.default_rng(0))
    padded = np.pad(image.numpy(), ((0, 0), (2, 2), (1, 1)), mode="reflect")
    windows = [padded[:, down : down + 16, across : across + 8] for down in range(5) for across in range(3)]
    expected = {window.tobytes() for shown in windows for window in (shown, shown[:, :, ::-1])}
    assert {one.contiguous().numpy().tobytes() for one in made} == expected


@pytest.fixture
def numbers(bgan: Command) -> Command:
    """Images of numbers, in three classes told apart by brightness."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 200)
    images = (random.integers(0, 60, (200, 8, 8, 3)) + 90 * labels[:, None, None, None]).astype(np.uint8)
    np.savez("images.npz", images=images, labels=labels)
    assert bgan("prepare", "images", "--path", "images.npz", "--colors", "none").code == 0
    return bgan


def test_batches_follow_from_seed_step_and_index_alone(numbers: Command) -> None:
    prepared = DatasetDirectory(Path("data/images"))
    assert labels_space(prepared) == LabelSpace(PixelSpace(3, 8, 8), 3)
    one, other = (labelled_batches(prepared, 50, 3, CPU) for _ in range(2))
    other(0, 0)
    for part, again in zip(one(4, 1), other(4, 1), strict=True):
        torch.testing.assert_close(part, again, rtol=0, atol=0)
    assert not torch.equal(one(4, 1).images, one(4, 0).images)
    images, labels = one(5, 0)
    assert (images.shape, labels.shape) == ((50, 3, 8, 8), (50, 1))
    levels = ((images + 1) * 127.5).flatten(1).mean(dim=1)  # an image still goes with its label
    torch.testing.assert_close(((levels - 30) / 90).round().long(), labels.squeeze(1))
    torch.testing.assert_close(labelled_split(prepared, "validation").images, prepared.rows("validation"))


def test_a_classifier_from_a_file_to_its_error(numbers: Command) -> None:
    tiny = ["--generator", "classifier", "--width", 4, "--discriminator-width", 4, "--batch", 16]
    made = numbers("train", *tiny, "--steps", 60, "--ema-decay", 0.9, "--evaluate-every", 30, "--json")
    assert made.code == 0, made.err
    assert "error, cross-entropy" in made.err
    folder = Path(json.loads(made.out)["run"])
    assert folder == Path("runs/images-classifier-importance-js")
    run, prepared = RunFolder(folder), DatasetDirectory(Path("data/images"))
    looks = [row for row in run.metrics() if "error" in row]
    assert [row["step"] for row in looks] == [30, 60]
    real = labelled_split(prepared, "validation")
    logits = run.generator(CPU)(real.images).logits.squeeze(1)
    wrong = logits.argmax(dim=1) != real.labels.squeeze(1)
    assert looks[-1]["error"] == pytest.approx(wrong.float().mean().item())
    assert looks[-1]["error"] < 0.2
    assert 0 <= classification_error(run, prepared, CPU) < 0.3
    assert "labels, 3 classes, of 8 x 8 pixels of 3 numbers" in numbers("show").out
    refused = numbers("sample")
    assert refused.code == 1
    assert "labels images and makes none" in refused.err
    assert "labels images and makes none" in numbers("score", folder).err


def test_an_interrupted_run_ends_as_one_that_was_not(numbers: Command) -> None:
    tiny = ["--generator", "classifier", "--width", 4, "--discriminator-width", 4, "--batch", 8]
    assert numbers("train", *tiny, "--steps", 8, "--lr-schedule", "constant", "--run", "whole").code == 0
    assert numbers("train", *tiny, "--steps", 5, "--lr-schedule", "constant", "--run", "part").code == 0
    assert numbers("train", "--resume", "--run", "part", "--steps", 8).code == 0
    name = "checkpoint-000000008.safetensors"
    space = labels_space(DatasetDirectory(Path("data/images")))
    whole, part = (State.fresh(RunFolder(Path(run)).config, space, CPU) for run in ("whole", "part"))
    from bgan_text.training.checkpoint import load_checkpoint

    for run, state in (("whole", whole), ("part", part)):
        load_checkpoint(Path(run) / name, state)
    for one, other in ((whole.generator, part.generator), (whole.average, part.average),
                       (whole.discriminator, part.discriminator)):  # fmt: skip
        for key, tensor in one.state_dict().items():
            assert torch.equal(tensor, other.state_dict()[key]), key
    assert torch.equal(whole.rng.get_state(), part.rng.get_state())


@pytest.mark.parametrize(
    ("colors", "labels", "line"),
    [
        ("none", None, "has images without labels in train"),
        (4, [0, 1], "holds images in colours"),
        ("none", [0], "1 class: at least 2"),
    ],
)
def test_data_that_no_classifier_can_learn_from(
    colors: object, labels: list[int] | None, line: str, bgan: Command
) -> None:
    random = np.random.default_rng(0)
    arrays = {"images": random.integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)}
    if labels is not None:
        arrays["labels"] = np.resize(np.array(labels), 60)
    np.savez("images.npz", **arrays)
    assert bgan("prepare", "images", "--path", "images.npz", "--colors", colors).code == 0
    refused = bgan("train", "--generator", "classifier", "--steps", 1)
    assert refused.code == 1
    assert len(refused.err.splitlines()) == 1, refused.err
    assert line in refused.err
    assert not Path("runs").exists()


def test_what_means_nothing_to_a_classifier_is_refused(numbers: Command) -> None:
    for words, line in (
        (("--noise", 5), "--noise 5 does not apply to"),
        (("--objective", "bgan"), "needs continuous images"),
        (("--credit", "prefix"), "use --generator rnn"),
        (("--plain-nets",), "no such form"),
    ):
        refused = numbers("train", "--generator", "classifier", *words, "--steps", 1)
        assert refused.code == 1
        assert line in refused.err
    for space in (PixelSpace(3, 8, 8), TokenSpace(6, 4)):
        with pytest.raises(UserError, match="`generator` classifier labels continuous images"):
            State.fresh(Config.given(TINY), space, CPU)
