"""Images that are small as files and huge in memory are refused before they are decoded or unpacked."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import bgan_text as bt
from bgan_text.corpora import image_files

Command = Callable[..., Any]


def png(side: int, value: int = 0) -> bytes:
    file = io.BytesIO()
    Image.new("L", (side, side), value).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Five images of 8 x 8 pixels that differ."""
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(5):
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(folder / f"{number}.png")
    return folder


def test_an_image_of_too_many_pixels_is_refused_by_name(few: Path, tmp_path: Path, bgan: Command) -> None:
    (few / "wide.png").write_bytes(png(60))
    words = ("prepare", "images", "--path", few, "--size", 8, "--colors", 2, "--out", tmp_path / "out")
    made = bgan(*words, "--max-image-pixels", 3599)
    assert made.code == 1
    assert (
        "wide.png has 3,600 pixels, more than the 3,599 that --max-image-pixels of prepare allows" in made.err
    )
    assert len(made.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()
    assert bgan(*words, "--max-image-pixels", 3600).code == 0
    assert bt.DatasetDirectory(tmp_path / "out").settings["max_image_pixels"] == 3600
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "wide.png").write_bytes(png(7100))
    with pytest.raises(bt.UserError, match=r"wide\.png has 50,410,000 pixels"):
        bt.evaluate([tmp_path / "more"], data=tmp_path / "out")


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is Linux's")
def test_it_is_not_decoded(tmp_path: Path) -> None:
    Image.new("1", (13_000, 13_000)).save(tmp_path / "wide.png")
    code = (
        "import resource, bgan_text as bt\n"
        "import bgan_text.corpora.image_preparation\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n    bt.prepare('images', path='wide.png', size=8, out='out')\n"
        "except bt.UserError as error:\n    print(error)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    *_, message, grown = made.stdout.splitlines()
    assert "169,000,000 pixels" in message
    assert int(grown) < 60  # MiB


def test_a_member_of_an_archive_is_not_unpacked_beyond_the_limit(
    few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_files, "MOST_BYTES_OF_IMAGE", 2**20)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", png(8) + bytes(2**21))
    with pytest.raises(bt.UserError, match=r"a\.png has more than 1 MiB: it is not read as one image"):
        bt.prepare("images", path=tmp_path / "bomb.zip", size=8, out=tmp_path / "out")


def test_the_usual_limit_is_that_of_large_photographs() -> None:
    from bgan_text.corpora.limits import MOST_PIXELS

    assert 7_000 * 7_000 <= MOST_PIXELS < Image.MAX_IMAGE_PIXELS
