"""Experiments of the paper at the scale of a smoke test, on a few images and lines of this machine."""

import io
import json
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bgan_text.config import Config
from bgan_text.files import digest_of
from bgan_text.space import CONTINUOUS_IMAGES, QUANTISED_IMAGES
from bgan_text.studies.experiment import Claim, Conclusion, Scale
from bgan_text.studies.experiment_result import ExperimentResult, markdown_table, page
from bgan_text.studies.experiments import EXPERIMENTS
from bgan_text.studies.figures import GAP, HEADING, side_by_side
from bgan_text.studies.reproduction_options import SCALES

Command = Callable[..., Any]
PAPER = {
    "cifar10-classification",
    "mnist-distances",
    "celeba-quantized",
    "billion-word",
    "stability",
    "continuous-celeba",
    "continuous-lsun",
    "continuous-imagenet",
}


def labelled(path: str, count: int, channels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count)
    images = rng.integers(0, 140, (count, 28, 28, channels), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 4] = 255
    np.savez(path, images=images if channels > 1 else images[..., 0], labels=labels)


@pytest.fixture
def sources(bgan: Command) -> dict[str, str]:
    """A path for each corpus, in the folder where `bgan` works."""
    Path("cifar10").mkdir()
    Path("mnist").mkdir()
    labelled("cifar10/train.npz", 200, 3, 0)
    labelled("cifar10/test.npz", 50, 3, 1)
    labelled("mnist.npz", 300, 1, 2)
    rng = random.Random(0)
    lines = {" ".join(rng.choices(["who", "went", "there", "again", "and"], k=6)) for _ in range(400)}
    Path("words.txt").write_text("\n".join(sorted(lines)) + "\n")
    faces = "cifar10/train.npz"
    return {
        "cifar10": "cifar10",
        "mnist": "mnist.npz",
        "lm1b": "words.txt",
        "celeba": faces,
        "lsun": faces,
        "imagenet": faces,
    }


def kept(home: Path) -> dict[Path, int]:
    """When each file that takes long to make was written."""
    files = [
        file for name in ("checkpoint-*", "scores.json", "error.json") for file in home.glob(f"runs/*/{name}")
    ]
    return {file: file.stat().st_mtime_ns for file in files}


def test_every_experiment_of_the_paper_has_every_scale() -> None:
    assert set(EXPERIMENTS) == PAPER
    for experiment in EXPERIMENTS.values():
        assert tuple(experiment.scales) == SCALES
        pixels = None
        if experiment.corpus != "lm1b":
            pixels = (
                QUANTISED_IMAGES
                if experiment.name in ("mnist-distances", "celeba-quantized")
                else CONTINUOUS_IMAGES
            )
        for scale in experiment.scales.values():
            for options in experiment.methods_at(scale).values():
                Config.given(options, pixels)  # none is refused


@pytest.mark.parametrize("name", sorted(PAPER))
def test_a_smoke_test_ends_with_a_table_and_makes_nothing_twice(
    name: str, bgan: Command, sources: dict[str, str]
) -> None:
    experiment = EXPERIMENTS[name]
    path = sources[experiment.corpus]
    made = bgan("reproduce", name, "--scale", "smoke", "--path", path, "--json")
    assert made.code == 0, made.err
    home, result = Path(f"reproductions/{name}-smoke"), json.loads(made.out)
    assert result == json.loads((home / "result.json").read_text())
    methods = list(experiment.methods_at(experiment.scales["smoke"]))
    shown = [row[0] for row in result["table"]["rows"]]
    assert [row for row in shown if row in methods] == methods
    assert all(len(row) == len(result["table"]["headings"]) for row in result["table"]["rows"])
    text = (home / "result.md").read_text()
    assert all(method in text for method in methods)
    assert "the numbers mean nothing" in text
    for file in result["figures"]:
        assert f"]({file})" in text
        with Image.open(home / file) as image:
            assert min(image.size) > 50
    assert result["claims"] == []  # so little training bears nothing out
    written = kept(home)
    assert len(written) == 2 * len(methods)  # a checkpoint, and what was measured
    again = bgan("reproduce", name, "--scale", "smoke", "--json")  # the data are there: no path is needed
    assert again.code == 0, again.err
    assert json.loads(again.out) == result
    assert "Run 1" not in again.err
    assert kept(home) == written


def test_what_is_missing_is_made_again(bgan: Command, sources: dict[str, str]) -> None:
    command = "reproduce", "celeba-quantized", "--scale", "smoke", "--path", sources["celeba"], "--json"
    first = bgan(*command)
    home = Path("reproductions/celeba-quantized-smoke")
    for file in home.glob("runs/importance-seed0/checkpoint-*"):
        file.unlink()
    (home / "runs/importance-seed0/scores.json").unlink()
    lost = bgan(*command)
    assert lost.code == 1
    assert "has no checkpoint, but it had one: bring it back, or remove the folder" in lost.err
    shutil.rmtree(home / "runs/importance-seed0")
    second = bgan(*command)
    assert second.code == 0, second.err
    assert "Run 1 of 1" in second.err
    one, other = (json.loads(made.out) for made in (first, second))
    assert one.pop("runs")[0]["steps"] == other.pop("runs")[0]["steps"]  # its seconds differ
    assert one == other  # of the same seed


def test_bad_input_is_one_clear_line(bgan: Command, sources: dict[str, str]) -> None:
    Path("other").mkdir()
    Path("other/file.txt").write_text("x")
    smoke = "reproduce", "stability", "--scale", "smoke"
    for command, part in (
        (("reproduce",), "reproduce --list"),
        (("reproduce", "nothing"), "unknown experiment 'nothing'"),
        (("reproduce", "stability", "--scale", "big"), "unknown scale 'big'"),
        (("reproduce", "stability", "--list"), "leave out stability"),
        ((*smoke, "--path", "nowhere"), "there is no file or folder nowhere"),
        ((*smoke, "--path", "cifar10", "--out", "other"), "holds something else"),
        ((*smoke, "--path", "cifar10", "--out", "words.txt"), "is a file"),
        ((*smoke, "--path", "cifar10", "--device", "tpu"), "tpu"),
    ):
        made = bgan(*command)
        assert made.code in (1, 2), command
        assert part in made.err
        assert "Traceback" not in made.err
        assert made.out == ""
    assert Path("other/file.txt").read_text() == "x"
    assert not Path("reproductions").exists()


def test_other_data_in_the_folder_are_refused(bgan: Command, sources: dict[str, str]) -> None:
    command = "reproduce", "continuous-celeba", "--scale", "smoke", "--path"
    assert bgan(*command, sources["celeba"]).code == 0
    labelled("others.npz", 100, 3, 7)
    made = bgan(*command, "others.npz")
    assert made.code == 1
    assert f"was prepared with other settings, from {sources['celeba']}: give the same --path" in made.err


def test_the_folder_of_another_experiment_or_scale_is_refused(bgan: Command, sources: dict[str, str]) -> None:
    smoke = "--scale", "smoke", "--out", "here"
    assert bgan("reproduce", "continuous-celeba", *smoke, "--path", sources["celeba"]).code == 0
    before = Path("here/result.json").read_bytes()
    for other in (("continuous-lsun", *smoke), ("continuous-celeba", "--scale", "small", "--out", "here")):
        made = bgan("reproduce", *other)
        assert made.code == 1
        assert "--out here is the folder of continuous-celeba at scale smoke: choose another" in made.err
    assert Path("here/result.json").read_bytes() == before


def test_data_made_with_other_settings_are_refused_without_a_path(
    bgan: Command, sources: dict[str, str]
) -> None:
    command = "reproduce", "continuous-celeba", "--scale", "smoke"
    assert bgan(*command, "--path", sources["celeba"]).code == 0
    card = Path("reproductions/continuous-celeba-smoke/data/card.json")
    content = json.loads(card.read_text())
    content["settings"]["limit"] = 65
    card.write_text(json.dumps(content | {"sha256": digest_of(content)}))
    made = bgan(*command)
    assert made.code == 1
    assert "was prepared with other settings" in made.err


def test_a_run_that_fails_is_said_to_have_failed(bgan: Command, sources: dict[str, str]) -> None:
    command = "reproduce", "celeba-quantized", "--scale", "smoke"
    assert bgan(*command, "--path", sources["celeba"]).code == 0
    home = Path("reproductions/celeba-quantized-smoke")
    failed = {"reason": "the loss is not finite", "step": 3, "seconds": 1.0}
    (home / "runs/importance-seed0/failed.json").write_text(json.dumps(failed))
    made = bgan(*command)
    assert made.code == 0
    assert "failed: importance, seed 0, after 3 steps: the loss is not finite" in made.out
    assert json.loads((home / "result.json").read_text())["runs"][0]["failed"] == failed["reason"]
    assert "**Failed**: importance, seed 0" in (home / "result.md").read_text()


def test_a_method_is_given_only_the_options_that_it_reads() -> None:
    scale = Scale(options={"steps": 5, "draws": 3, "discriminator_width": 8}, lasts="no time")
    experiment = replace(EXPERIMENTS["cifar10-classification"], scales={"small": scale})
    methods = experiment.methods_at(scale)
    assert methods["cross-entropy"] == {"steps": 5, "objective": "mle"}
    assert methods["wgan"] == {"steps": 5, "discriminator_width": 8, "objective": "wgan"}
    assert methods["importance-kl"] == scale.options | {"objective": "importance", "divergence": "kl"}
    assert list(experiment.methods_at(replace(scale, methods=("wgan",)))) == ["wgan"]


def test_grids_stand_side_by_side() -> None:
    white, black = (np.full((4, 4, 3), level, np.uint8) for level in (255, 0))
    with Image.open(io.BytesIO(side_by_side({"one": [white] * 64, "other": [black] * 64}))) as image:
        pixels = np.asarray(image.convert("L"))
    below = pixels[HEADING:]
    half = below.shape[1] // 2
    assert (below[:, : half - GAP] == 255).mean() > 0.3
    assert not (below[:, : half - GAP] == 0).any()
    assert (below[:, half + GAP :] == 0).mean() > 0.3


def test_the_list_says_what_was_found(bgan: Command) -> None:
    made = bgan("reproduce", "--list")
    assert made.code == 0
    assert all(name in made.out for name in PAPER)
    listed = json.loads(bgan("reproduce", "--list", "--json").out)
    assert set(listed) == PAPER
    assert set(listed["stability"]["lasts"]) == set(SCALES)


def test_the_page_says_what_became_of_the_claims(tmp_path: Path) -> None:
    experiment = EXPERIMENTS["stability"]
    found = Conclusion(
        headings=["", "score"],
        rows=[["a", "1"], ["b", "2"]],
        claims=[Claim("a is less", True), Claim("b is less", False), Claim("c is less", None)],
        figures={"some-grid.png": b"png"},
        samples=["first", "second"],
        numbers={"a": float("nan")},
    )
    made = {
        "data": {"from": "files", "counts": {"train": 5000}, "signature": "0123"},
        "device": "cpu",
        "threads": 2,
        "runs": [
            {"method": "gan", "seed": 0, "steps": 1300, "seconds": 9.5, "failed": "the loss is nan"},
            {"method": "non-saturating", "seed": 0, "steps": 2000, "seconds": 15.0, "failed": None},
            {"method": "bgan", "seed": 0, "steps": 2001, "seconds": 15.0, "failed": None},
        ],
    }
    whole = ExperimentResult.of(experiment, "small", found, made)
    whole.write(tmp_path)
    result = whole.to_json()
    assert json.loads((tmp_path / "result.json").read_text()) == result
    assert result["numbers"] == {"a": None}
    assert (tmp_path / "some-grid.png").read_bytes() == b"png"
    text = (tmp_path / "result.md").read_text()
    assert text.startswith("# stability, small\n")
    assert "| a | 1 |\n| b | 2 |" in text
    assert "- a is less: **holds**\n- b is less: **does not hold**\n- c is less: **inconclusive**" in text
    assert "- **Failed**: gan, seed 0, after 1,300 steps: the loss is nan.\n" in text
    assert "Data: 5,000 training samples from files, signature 0123." in text
    assert "2 threads on cpu" in text
    assert "Generator steps: gan 1,300; non-saturating 2,000; bgan 2,001." in text
    assert "![some grid](some-grid.png)" in text
    assert "![some grid](there/some-grid.png)" in page(experiment, result, "there/")
    assert "first\nsecond" in text
    assert "generator steps 5" in text
    assert "objective" not in text.split("Settings")[1]  # in which the methods differ
    assert markdown_table(["", "x"], [["y", "1"]]) == "|  | x |\n| --- | --: |\n| y | 1 |"
