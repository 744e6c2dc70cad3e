"""`score` on images, as a user calls it."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.palette import Palette
from bgan_text.evaluation import Judges, evaluate
from bgan_text.evaluation.image_inputs import shown, tokens_of
from bgan_text.evaluation.report import Report
from bgan_text.reporter import Reporter
from bgan_text.scores.critic_training import CriticSettings
from bgan_text.scores.feature_classifier_fit import ClassifierSettings

Command = Callable[..., Any]
TINY = ["--width", 4, "--discriminator-width", 4, "--noise", 4, "--draws", 3, "--batch", 8, "--steps", 2]
RUN = Path("runs/images-conv-importance-js")


def stripes(count: int, seed: int, side: int = 8) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Stripes down, across or oblique, a pixel in ten wrong, and which they are."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    kinds = np.stack([places % 4 < 2 for places in (columns, rows, rows + columns)])
    labels = rng.integers(0, 3, count)
    wrong = rng.random((count, side, side)) < 0.1
    return 255 * (kinds[labels] ^ wrong).astype(np.uint8), labels


JUDGES = Judges(
    classifier=ClassifierSettings(width=4, batch=32, steps=80, shift=1),
    image_critic=CriticSettings(width=4, batch=16, steps=40),
)
"""Networks that take a second."""


def scored(*models: Any, **options: Any) -> Report:
    return evaluate(list(models), data=options.pop("data", "data/images"), judges=JUDGES, **options)


def prepare(bgan: Command, *options: object, labels: bool = True) -> None:
    images, kinds = stripes(400, 0)
    np.savez("stripes.npz", images=images, **({"labels": kinds} if labels else {}))
    made = bgan("prepare", "images", "--path", "stripes.npz", *(options or ("--colors", 2)))
    assert made.code == 0, made.err
    np.savez("new.npz", images=stripes(90, 1)[0])
    np.savez("noise.npz", images=255 * np.random.default_rng(2).integers(0, 2, (90, 8, 8), dtype=np.uint8))
    one, _ = stripes(1, 3)
    np.savez("one.npz", images=np.repeat(one, 90, axis=0))


def report(result: Any) -> dict[str, Any]:
    assert result.code == 0, result.err
    return json.loads(result.out)


def values(found: dict[str, Any]) -> dict[str, dict[str, float]]:
    return {
        model["name"]: {name: cell["value"] for name, cell in model["scores"].items()}
        for model in found["models"]
    }


def refused(result: Any, *parts: str) -> None:
    assert result.code == 1
    assert result.out == ""
    assert len(result.err.splitlines()) == 1, result.err
    for part in parts:
        assert part in result.err


def test_new_images_are_near_real_ones_noise_and_copies_are_not(bgan: Command) -> None:
    prepare(bgan)
    training = DatasetDirectory(Path("data/images")).rows("train")[:90].view(-1, 8, 8).numpy()
    np.savez("copies.npz", images=255 * training.astype(np.uint8))
    found = scored("new.npz", "noise.npz", "one.npz", "copies.npz").to_json()
    by_name = values(found)
    new, noise, one, copies, real = by_name.values()
    assert list(by_name) == ["new.npz", "noise.npz", "one.npz", "copies.npz", "real"]
    for name in ("patch-js-3", "pixel-distance", "classifier-frechet"):
        assert new[name] < 2.5 * real[name] + 0.02 < noise[name], name
        assert one[name] > 2 * new[name], name
    assert new["classifier-precision"] > 0.8 > noise["classifier-precision"]
    assert new["classifier-recall"] > 0.5 > one["classifier-recall"]
    assert new["modes-covered"] == real["modes-covered"] == 3
    assert (one["modes-covered"], one["largest-class"], one["smallest-class"]) == (1, 1, 0)
    assert one["class-distance"] > 0.5 > new["class-distance"]
    assert new["confidence"] > noise["confidence"]
    assert one["unique"] == pytest.approx(1 / 90)
    assert (copies["memorised"], noise["memorised"]) == (1, 0)
    assert copies["neighbour-distance"] == 0
    assert 0 < new["neighbour-distance"] < noise["neighbour-distance"]
    assert new["neighbour-distance"] == pytest.approx(real["neighbour-distance"], rel=0.1)
    assert "memorised" not in real
    settings = found["settings"]
    counts = json.loads(Path("data/images/card.json").read_text())["counts"]
    assert settings["references"] == counts["test"]
    assert settings["samples"] == dict.fromkeys(["new.npz", "noise.npz", "one.npz", "copies.npz"], 90)
    assert settings["anchor"].startswith("90 images of data/images/train")
    assert settings["classifier"]["trained on"] == "labels"
    assert settings["classifier"]["test accuracy"] > 0.9
    cell = found["models"][0]["scores"]["patch-js-2"]
    assert cell["low"] < cell["value"] < cell["high"]


def test_runs_are_scored_in_every_format(bgan: Command) -> None:
    prepare(bgan)
    assert bgan("train", *TINY).code == 0
    table = bgan("score", "--n", 40)
    assert table.code == 0, table.err
    for part in ("classifier-frechet ↓", "class-distance ↓", "classes of images", "samples 40"):
        assert part in table.out
    assert "trained on labels" in " ".join(table.out.split())
    same = [scored(RUN, count=40, resamples=50) for _ in range(2)]
    assert same[0].to_json() == same[1].to_json()
    other = scored(RUN, count=40, resamples=50, seed=1)
    assert other.to_json()["models"] != same[0].to_json()["models"]
    assert "| patch-js-1 ↓ |" in same[0].to_markdown()
    assert "patch-js-1 $\\downarrow$ &" in same[0].to_latex()
    rows = list(csv.DictReader(io.StringIO(same[0].to_csv())))
    assert {row["model"] for row in rows} == {str(RUN), "real"}
    assert json.loads(rows[0]["settings"])["scored"] == "images"
    compared = scored("new.npz", RUN, count=40).compare("new.npz", str(RUN))
    assert compared.differences["patch-js-3"].verdict == "first better"


def test_folders_and_archives_are_those_images(bgan: Command) -> None:
    """In colour and grey, as the data have it; with as many chosen as was asked for."""
    prepare(bgan)
    Path("folder").mkdir()
    images, _ = stripes(30, 1)
    with zipfile.ZipFile("archive.zip", "w") as archive:
        for index, image in enumerate(images):
            name = f"{index:03d}.png"
            Image.fromarray(image).convert("RGB").save(f"folder/{name}")
            archive.write(f"folder/{name}", name)
    (Path("folder") / "bad.png").write_bytes(b"no image")
    np.savez("array.npz", images=images)
    heard: list[str] = []

    class Listening(Reporter):
        def message(self, text: str) -> None:
            heard.append(text)

    made = scored("folder", "archive.zip", "array.npz", images, reporter=Listening())
    assert [line.startswith("Skipped folder/bad.png") for line in heard] == [True]
    by_name = values(made.to_json())
    assert by_name["folder"] == by_name["archive.zip"] == by_name["array.npz"] == by_name["samples"]
    assert scored("folder", count=7, resamples=0).settings["samples"] == {"folder": 7}


def test_critics_come_with_deviations(bgan: Command) -> None:
    prepare(bgan)
    found = scored("noise.npz", critic=True).to_json()
    noise, real = (model["scores"] for model in found["models"])
    for name in ("critic-js", "critic-reverse-kl", "critic-wasserstein"):
        assert noise[name]["deviation"] > 0
        assert noise[name]["value"] > real[name]["value"], name
    assert found["settings"]["critic"]["seeds"] == 3
    refused(bgan("score", "new.npz", "--critic", "--n", 20), "new.npz has 20 images: --critic needs")


def test_without_labels_features_are_learnt_from_turns(bgan: Command) -> None:
    prepare(bgan, "--colors", "none", labels=False)
    by_name = values(found := scored("new.npz", "noise.npz").to_json())
    assert found["settings"]["classifier"]["trained on"] == "rotations"
    new, noise = by_name["new.npz"], by_name["noise.npz"]
    assert not new.keys() & {"confidence", "modes-covered", "class-distance", "pixel-distance"}
    for name in ("pixel-mean-distance", "pixel-deviation-distance", "patch-js-2", "classifier-frechet"):
        assert 0 <= new[name] < noise[name], name


def test_neighbours_are_drawn_beside_samples(bgan: Command) -> None:
    prepare(bgan)
    training = DatasetDirectory(Path("data/images")).rows("train").view(-1, 8, 8).numpy()
    np.savez("copies.npz", images=255 * training[:20].astype(np.uint8))
    made = bgan("score", "copies.npz", "--neighbours", "near.png", "--json")
    assert made.code == 0, made.err
    assert "wrote near.png" in made.err
    drawn = np.asarray(Image.open("near.png"))
    factor = drawn.shape[1] // (6 * 10 + 2)
    pixels = drawn[::factor, ::factor]
    assert pixels.shape == (8 * 10 + 2, 6 * 10 + 2)
    cells = pixels[2:, 2:].reshape(8, 10, 6, 10)[:, :8, :, :8].transpose(0, 2, 1, 3) // 255
    for sample, *near in cells:
        distances = sorted(np.square(training - sample).mean(axis=(1, 2)))[:5]
        assert distances[0] == 0
        assert [np.square(one.astype(int) - sample).mean() for one in near] == pytest.approx(distances)


def test_what_images_look_like_and_back() -> None:
    colours = np.array([[0, 0, 0], [255, 0, 9], [7, 200, 255]], dtype=np.uint8)
    palette = Palette(2, 3, 3, colours)
    tokens = torch.tensor([[0, 1, 2, 2, 1, 0], [1, 1, 1, 0, 0, 2]])
    looks = shown(tokens, palette)
    assert looks.tolist() == colours[tokens.numpy()].reshape(2, -1).tolist()
    assert torch.equal(tokens_of(looks.view(2, 2, 3, 3).numpy(), palette), tokens)
    numbers = Palette(2, 3, 3, None)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 2, 3, 3), dtype=np.uint8)
    canvas = tokens_of(pixels, numbers)
    assert canvas.shape == (4, 3, 2, 3)
    assert (canvas.min() >= -1, canvas.max() <= 1) == (True, True)
    assert shown(canvas, numbers).tolist() == pixels.reshape(4, -1).tolist()


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--reference", "x.txt"), "--reference x.txt has no meaning for images"),
        (("--train", "x.txt"), "--train x.txt has no meaning"),
        (("--tokenize", "char"), "--tokenize char has no meaning"),
        (("--lowercase",), "--lowercase has no meaning"),
        (("--window", 3), "--window 3 has no meaning"),
        (("--grammar",), "--grammar has no meaning"),
        (("--likelihood",), "--likelihood has no meaning"),
        (("--embed", "m"), "--embed m has no meaning"),
        (("--embed", "m", "--mauve"), "has no meaning"),
        (("--sweep",), "--sweep has no meaning for images"),
        (("--neighbours", "x.jpg"), "--neighbours x.jpg: a file NAME.png in an existing folder"),
        (("--neighbours", "nowhere/x.png"), "in an existing folder"),
        (("--temperature", 2), "continuous images follow from the noise alone"),
    ],
)
def test_options_that_mean_nothing_are_refused(bgan: Command, options: tuple[object, ...], part: str) -> None:
    prepare(bgan, "--colors", "none" if "--temperature" in options else 2)
    assert bgan("train", *[word for word in TINY if word not in ("--draws", 3)]).code == 0
    refused(bgan("score", "runs/" + next(path.name for path in Path("runs").iterdir()), *options), part)


def test_what_cannot_be_scored_is_refused(bgan: Command) -> None:
    prepare(bgan)
    assert bgan("train", *TINY).code == 0
    np.savez("large.npz", images=stripes(9, 1, side=16)[0])
    refused(bgan("score", "large.npz"), "large.npz has images of 16 x 16 pixels, the data of 8 x 8")
    refused(bgan("score", "absent.npz"), "there is no file or folder absent.npz")
    Path("empty").mkdir()
    refused(bgan("score", "empty"), "empty holds no images")
    Path("a.txt").write_text("text\n")
    refused(bgan("score", "a.txt"), "a.txt is not a collection of images")
    refused(bgan("score", "a.txt", "--reference", "a.txt", "--neighbours", "x.png"), "no meaning for text")
    assert bgan("prepare", "images", "--path", "stripes.npz", "--colors", "none", "--out", "data/n").code == 0
    refused(bgan("score", RUN, "--data", "data/n"), "another size or in other colours than data/n")
    words = ["--limit", 300, "--out", "data/words"]
    assert bgan("prepare", "grammar", *words).code == 0
    refused(bgan("score", RUN, "--data", "data/words"), "--data data/words holds text", "makes images")
    small = ["--width", 4, "--discriminator-width", 4, "--draws", 2, "--batch", 4, "--steps", 1]
    assert bgan("train", "--data", "data/words", "--run", "runs/words", *small).code == 0
    refused(bgan("score", RUN, "runs/words"), "runs/words makes text", "makes images: score one kind")


def test_images_that_are_not_square_without_labels_have_no_features(bgan: Command) -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 12), dtype=np.uint8)
    np.savez("wide.npz", images=images)
    assert bgan("prepare", "images", "--path", "wide.npz", "--colors", 4).code == 0
    scored = bgan("score", "wide.npz", "--json")
    assert "12 x 8 pixels without labels" in scored.err
    assert "classifier-frechet" not in values(report(scored))["wide.npz"]


@pytest.mark.parametrize("colors", [2, "none"])
def test_images_are_read_in_part_as_in_whole(
    bgan: Command, colors: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(bgan, "--colors", colors)
    data = DatasetDirectory(Path("data/images"))
    rows, places = data.rows("train"), np.array([17, 3, 200])
    assert torch.equal(data.chosen("train", places), rows[torch.from_numpy(places)])
    monkeypatch.setattr("bgan_text.corpora.dataset_directory.BLOCK", 70)
    blocks = list(data.blocks("train"))
    assert [len(block) for block in blocks[:2]] == [70, 70]
    assert torch.equal(torch.cat(blocks), rows)
