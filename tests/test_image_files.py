"""What image files really hold: transparency in each form, files under wrong names, and other files."""

import io
import json
import shutil
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.image_files import is_collection, read_images
from bgan_text.corpora.image_kinds import is_image
from bgan_text.corpora.image_preparation import prepare_images
from bgan_text.corpora.images import Raw, Shape
from bgan_text.corpora.palette import Palette
from bgan_text.corpora.preparation_options import ImagePreparation
from bgan_text.corpora.transparency import color_of
from bgan_text.errors import UserError
from bgan_text.evaluation import Judges, evaluate

Command = Callable[..., Any]
SIDE = 28


def rings() -> NDArray[np.bool_]:
    """30 different rings: (30, side, side), true where one is drawn."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    places = [(8 + index % 6 * 2, 8 + index // 6 * 2) for index in range(30)]
    radii = [np.hypot(rows - top, columns - left) for top, left in places]
    return np.stack([(radius >= 4) & (radius < 6) for radius in radii])


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def with_alpha(ring: NDArray[np.bool_]) -> Image.Image:
    pixels = np.zeros((SIDE, SIDE, 4), np.uint8)
    pixels[..., 3] = 255 * ring
    return Image.fromarray(pixels)


def marked(ring: NDArray[np.bool_], bits: str) -> Image.Image:
    """An image in which one colour or level, that of all that is no ring, is to be marked as transparent."""
    grey = Image.fromarray(np.where(ring, 0, 3).astype(np.uint8))
    return {"L": grey, "RGB": grey.convert("RGB"), "1": Image.fromarray(~ring)}[bits]


def in_a_palette(ring: NDArray[np.bool_]) -> Image.Image:
    image = Image.fromarray(ring.astype(np.uint8), "L").convert("P")
    image.putpalette([255, 0, 0, 0, 0, 0])
    return image


def deep(ring: NDArray[np.bool_]) -> bytes:
    """A PNG of 16 bits in each of red, green and blue, in which 300 is transparent and the ring is 0."""
    levels = np.where(ring, 0, 300).astype(">u2")[..., None].repeat(3, axis=2)
    rows = b"".join(b"\0" + row.tobytes() for row in levels)
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", SIDE, SIDE, 16, 2, 0, 0, 0),
        b"tRNS": struct.pack(">HHH", 300, 300, 300),
        b"IDAT": zlib.compress(rows),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks.items()
    )


FORMS: dict[str, Callable[[NDArray[np.bool_]], bytes]] = {
    "rgba.png": lambda ring: saved(with_alpha(ring)),
    "la.png": lambda ring: saved(with_alpha(ring).convert("LA")),
    "index.png": lambda ring: saved(in_a_palette(ring), transparency=0),
    "entries.png": lambda ring: saved(in_a_palette(ring), transparency=b"\x00\xff"),
    "index.gif": lambda ring: saved(in_a_palette(ring), "GIF", transparency=0),
    "rgba.webp": lambda ring: saved(with_alpha(ring), "WEBP", lossless=True),
    "rgba.tif": lambda ring: saved(with_alpha(ring), "TIFF"),
    "level.png": lambda ring: saved(marked(ring, "L"), transparency=3),
    "color.png": lambda ring: saved(marked(ring, "RGB"), transparency=(3, 3, 3)),
    "two-bit.png": lambda ring: saved(
        Image.fromarray(np.where(ring, 0, 255).astype(np.uint8)), bits=2, transparency=3
    ),
    "deep.png": lambda ring: deep(ring),
    "bit.png": lambda ring: saved(marked(ring, "1"), transparency=1),
}


@pytest.mark.parametrize("form", FORMS)
def test_transparent_images_are_drawn_on_the_background(form: str) -> None:
    for ring in rings()[::7]:
        raw = Raw(form, FORMS[form](ring))
        for options in ({}, {"grey": True}, {"grey": False}):
            pixels = Shape(**options).pixels(raw)
            np.testing.assert_array_equal(
                pixels, np.where(ring, 0, 255)[..., None].repeat(pixels.shape[2], 2)
            )
        red = Shape(background="#ff0000").pixels(raw)
        np.testing.assert_array_equal(red[~ring], np.tile([255, 0, 0], ((~ring).sum(), 1)))
        assert (red[ring] == 0).all()


def test_half_transparent_is_half_of_each() -> None:
    pixels = np.full((4, 4, 4), [200, 100, 0, 128], np.uint8)
    (color,) = np.unique(Shape().pixels(Raw("x", saved(Image.fromarray(pixels)))).reshape(-1, 3), axis=0)
    np.testing.assert_allclose(color, [227, 177, 127], atol=1)
    grey = Shape().pixels(Raw("x", saved(Image.fromarray(np.full((4, 4, 2), [0, 128], np.uint8)))))
    assert grey.shape == (4, 4, 1)
    assert np.unique(grey).tolist() == [127]


def test_rings_on_nothing_are_thirty_images_in_prepare_and_in_score(bgan: Command) -> None:
    Path("glyphs").mkdir()
    for index, ring in enumerate(rings()):
        Path("glyphs", f"{index:02}.png").write_bytes(FORMS["rgba.png"](ring))
    made = bgan("prepare", "images", "--path", "glyphs", "--size", SIDE, "--colors", 2, "--json")
    assert made.code == 0, made.err
    card = json.loads(made.out)
    assert (card["counts"]["read"], card["counts"]["duplicates"]) == (30, 0)
    assert card["settings"]["background"] == "white"
    data = DatasetDirectory("data/images")
    rows = np.concatenate([data.rows(split).numpy() for split in ("train", "validation", "test")])
    assert {row.tobytes() for row in rows.reshape(30, -1)} == {
        (~ring).astype(np.int64).tobytes() for ring in rings()
    }
    scores = evaluate("glyphs", data=data, judges=Judges.quick(), resamples=0).columns[0].cells
    assert scores["unique"].value == 1.0
    assert scores["memorised"].value == card["counts"]["train"] / 30
    made = bgan(
        "prepare", "images", "--path", "glyphs", "--colors", 2, "--background", "black", "--out", "data/black"
    )
    assert made.code == 1
    assert "the corpus has 1 distinct sample" in made.err


def test_score_takes_the_background_of_the_data(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for index, ring in enumerate(rings()):
        (tmp_path / "in" / f"{index}.png").write_bytes(FORMS["la.png"](ring))
    recipe = ImagePreparation.given("images", paths=(str(tmp_path / "in"),), colors=3, background="#808080")
    with pytest.raises(UserError, match="only 2 different grey levels"):
        prepare_images(recipe, tmp_path / "out")
    recipe = ImagePreparation.given("images", paths=(str(tmp_path / "in"),), colors="none", background="gray")
    data = prepare_images(recipe, tmp_path / "out")
    pixels = np.stack([np.where(ring, 0, 128).astype(np.uint8) for ring in rings()])
    report = evaluate(
        {"folder": tmp_path / "in", "array": pixels}, data=data, judges=Judges.quick(), resamples=0
    )
    folder, array, _ = report.columns
    values = [{name: cell.value for name, cell in one.cells.items()} for one in (folder, array)]
    assert values[0] == pytest.approx(values[1], rel=1e-9, nan_ok=True)
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    for entry in ("files", "sha256"):  # of an earlier version
        del card[entry]
    del card["settings"]["background"]
    (tmp_path / "out" / "card.json").write_text(json.dumps(card))
    report = evaluate({"white": tmp_path / "in"}, data=tmp_path / "out", judges=Judges.quick(), resamples=0)
    assert report.columns[0].cells["memorised"].value == 0.0


@pytest.mark.parametrize("color", ["", "whitest", "#12", "#12345g", "rgb(1,2,3)", "#11223344"])
def test_what_is_no_color_is_refused(color: str) -> None:
    with pytest.raises(UserError, match=r"`background` .*: the name of a colour, such as white, or #rrggbb"):
        ImagePreparation.given("images", background=color)
    assert color_of("#FFf") == color_of("White") == (255, 255, 255)


IMAGE = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", ["BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP"])
def test_every_format_is_known_by_its_content(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "photograph"
    for image in (
        Image.fromarray(IMAGE),
        Image.fromarray(IMAGE[..., 0]),
        Image.fromarray(IMAGE[..., 0] > 99),
    ):
        path.write_bytes(saved(image.convert("L") if kind in ("JPEG", "WEBP") else image, kind))
        assert is_collection(path)
        (raw,) = read_images(path)
        assert Shape(grey=True).pixels(raw).shape == (9, 9, 1)


@pytest.mark.parametrize(
    "text", [b"BM is short for Benchmark, 10 words", b"P1 of the plan", b"MM", b"II", b""]
)
def test_text_that_begins_as_an_image_is_none(text: bytes) -> None:
    assert not is_image(text)


def test_names_say_nothing_and_other_files_are_counted_and_named(bgan: Command) -> None:
    images = np.random.default_rng(1).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    folder = Path("mixed")
    folder.mkdir()
    names = ["a.PNG", "b.jpg", "c", "d.dat", *(f"{index:02}.png" for index in range(4, 40))]
    for name, image in zip(names, images, strict=True):
        (folder / name).write_bytes(saved(Image.fromarray(image)))  # b.jpg is a PNG, too
    for name in ("labels.csv", "notes.txt", "photo.heic", "z.svg"):
        (folder / name).write_bytes(b"no image at all")
    (folder / ".DS_Store").write_bytes(b"hidden")
    with zipfile.ZipFile("mixed.dat", "w") as archive, tarfile.open("mixed.tape", "w:bz2") as tape:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
            tape.add(file, file.name)
    cards = []
    for path in ("mixed", "mixed.dat", "mixed.tape"):
        made = bgan("prepare", path, "--colors", 4, "--json")
        assert made.code == 0, made.err
        (line, *_) = made.err.splitlines()
        separator = "/" if path == "mixed" else ":"
        assert line.startswith("Left out 4 files without BMP, GIF, JPEG, PNG, PPM, TIFF or WEBP content: ")
        assert line.endswith(f"{path}{separator}labels.csv, {path}{separator}notes.txt, "
                             f"{path}{separator}photo.heic, ...")  # fmt: skip
        assert "40 images read: 0 unreadable, 4 other files left out" in made.err
        cards.append(json.loads(made.out))
        assert cards[-1]["counts"]["other_files"] == 4
        shutil.rmtree("data")
    assert len({card["signature"] for card in cards}) == 1


def test_other_files_do_not_count_as_images(tmp_path: Path) -> None:
    from bgan_text.corpora.corpus import Request
    from bgan_text.corpora.image_sources import IMAGE_CORPORA

    for index in range(9):
        (tmp_path / f"{index}.txt").write_text("text")
        (tmp_path / f"{index}.png").write_bytes(saved(Image.fromarray(IMAGE)))
    found = list(IMAGE_CORPORA["images"].read(Request((str(tmp_path),), limit=5)))
    assert sum(raw.image for raw in found) == 5
    for file in tmp_path.glob("*.png"):
        file.unlink()
    with pytest.raises(UserError, match=r"holds no images, but 9 files without BMP.* content: .*0\.txt"):
        list(read_images(tmp_path))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"")
    with pytest.raises(UserError, match=f"bgan-text prepare mnist --path {tmp_path} reads them"):
        list(read_images(tmp_path))


def test_colours_are_chosen_in_little_memory() -> None:
    """Of 512 x 512 pixels in 256 colours the distances alone would take 256 MiB."""
    rng = np.random.default_rng(0)
    palette = Palette(512, 512, 3, rng.integers(0, 256, (256, 3), dtype=np.uint8))
    pixels = rng.integers(0, 256, (512, 512, 3), dtype=np.uint8)
    tracemalloc.start()
    palette.encode(pixels)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20


def test_large_images_give_the_pixels_that_a_palette_is_chosen_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part of the pixels, in blocks of a few images, is that of all of them at once."""
    images = np.random.default_rng(3).integers(0, 256, (30, 12, 12, 3), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=images)
    signatures = []
    monkeypatch.setattr("bgan_text.corpora.image_preparation.PALETTE_PIXELS", 1000)
    for size in (1 << 25, 1000):
        monkeypatch.setattr("bgan_text.corpora.image_preparation.BLOCK_BYTES", size)
        recipe = ImagePreparation.given("images", paths=(str(tmp_path / "a.npz"),), colors=8)
        signatures.append(prepare_images(recipe, tmp_path / f"out{size}").signature)
    assert signatures[0] == signatures[1]
