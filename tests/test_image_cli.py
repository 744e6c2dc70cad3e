"""Images as a user comes by them: prepare, train, sample, show, and what is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

TINY = ["--width", 4, "--discriminator-width", 4, "--noise", 4, "--draws", 3, "--batch", 8, "--steps", 4]

Command = Callable[..., Any]


@pytest.fixture
def images(bgan: Command) -> Command:
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)
    np.savez("images.npz", images=images)
    made = bgan("prepare", "images", "--path", "images.npz", "--colors", 4, "--json")
    assert made.code == 0, made.err
    assert json.loads(made.out)["space"]["shape"] == [8, 8]
    assert "60 images read: 0 unreadable" in made.err
    assert "8 x 8 pixels in 4 colours" in made.err
    return bgan


def refused(result: Any, *parts: str) -> None:
    assert result.code == 1
    assert result.out == ""
    assert len(result.err.splitlines()) == 1, result.err
    for part in parts:
        assert part in result.err


def test_images_from_a_file_to_a_grid(images: Command) -> None:
    run = Path("runs/images-conv-importance-js")
    fast = ["--generator-lr", 0.1, "--ema-decay", 0]  # so that the two looks see different samples
    made = images("train", *TINY, *fast, "--evaluate-every", 2)
    assert made.code == 0, made.err
    assert "patch JS-1..3" in made.err
    assert [path.name for path in sorted((run / "grids").iterdir())] == ["000000002.png", "000000004.png"]
    evaluated = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()][-1]
    assert {"patch-js-1", "patch-js-3", "grid"} <= evaluated.keys()
    sampled = images("sample", "--n", 6)
    assert sampled.out.strip() == str(run / "samples.png")
    assert {pixel for _, pixel in Image.open(run / "samples.png").getcolors()} - {(128, 128, 128)} <= {
        tuple(color) for color in json.loads((run / "palette.json").read_text())["colors"]
    }
    rows = [json.loads(line) for line in images("sample", "--n", 2, "--json").out.splitlines()]
    assert [len(row["tokens"]) for row in rows] == [64, 64]
    assert images("sample", "--animate", "--out", "a.gif").out.strip() == "a.gif"
    colours = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(Image.open("a.gif"))]
    grids = [np.asarray(Image.open(path).convert("RGB")) for path in sorted((run / "grids").iterdir())]
    assert len(colours) == len(grids) == 2
    for frame, grid in zip(colours, grids, strict=True):
        assert np.abs(frame.astype(int) - grid).max() < 8
    shown = images("show")
    assert "8 x 8 pixels of 4 colours" in shown.out
    assert "60 images read" in images("show", "data/images").out
    (run / "grids" / "000000009.png").write_bytes(b"of steps that were lost")
    resumed = images("train", "--resume", "--run", run, "--steps", 6)
    assert resumed.code == 0, resumed.err
    assert "from step 4" in resumed.err
    assert [path.stem[-1] for path in sorted((run / "grids").iterdir())] == ["2", "4", "6"]


def test_a_resumed_run_changes_no_pictures_of_another_folder(images: Command, tmp_path: Path) -> None:
    """A run of a stranger may have a link in place of its folder of grids."""
    run, mine = Path("runs/images-conv-importance-js"), tmp_path / "photographs"
    made = images("train", *TINY, "--evaluate-every", 2)
    assert made.code == 0, made.err
    mine.mkdir()
    (mine / "000000777.png").write_bytes(b"mine")
    shutil.rmtree(run / "grids")
    (run / "grids").symlink_to(mine)
    refused(images("train", "--resume", "--run", run, "--steps", 6), f"{run / 'grids'} is a link")
    assert [path.read_bytes() for path in mine.iterdir()] == [b"mine"]


def test_a_missing_or_mixed_option_is_refused(images: Command) -> None:
    refused(images("prepare", "images", "--tokenizer", "char"), "--tokenizer char", "corpus of images")
    refused(images("prepare", "grammar", "--size", 8), "--size 8", "corpus of text")
    absent = images("prepare", "images", "--path", "nowhere", "--out", "x")
    refused(absent, "there is no file or folder nowhere")
    refused(images("train", *TINY, "--blocks", 2), "--blocks 2 does not apply to nets for images")
    refused(images("train", "--preset", "improved-wgan"), "--preset improved-wgan does not apply to nets")
    rnn = [*TINY, "--generator", "rnn"]
    refused(images("train", *rnn, "--discriminator-blocks", 2), "--discriminator-blocks 2 does not apply to")
    refused(images("sample", "--n", 0), "--n 0")
    refused(
        images("prepare", "photographs"), "unknown corpus 'photographs'", "lines, oracle, mnist", "images"
    )
    nowhere = images("prepare", "images", "--colors", "none", "--quantizer", "kmeans", "--out", "x")
    refused(nowhere, "--quantizer kmeans chooses colours")
    refused(images("train", "--steps", 4, "--objective", "lsgan"), "needs continuous images")
    assert not Path("runs").exists()  # what no net fits leaves nothing behind
    assert images("train", *TINY).code == 0
    refused(images("sample", "--out", "a.jpg"), "ends in .png")
    refused(images("sample", "--animate", "--out", "a.png"), "ends in .gif")
    refused(images("compare", "--objectives", "bgan"), "bgan does not train on quantised images")


def test_images_that_no_net_fits_are_refused(bgan: Command) -> None:
    np.savez("odd.npz", images=np.random.default_rng(0).integers(0, 256, (9, 33, 33), dtype=np.uint8))
    assert bgan("prepare", "images", "--path", "odd.npz", "--colors", 2).code == 0
    refused(bgan("train", *TINY), "33 x 33 pixels cannot be halved", "sides such as 28, 32 or 64")
