"""Images on their way to tokens: files, sizes and modes, palettes, splits."""

import gzip
import io
import pickle
import struct
import tarfile
import warnings
import zipfile
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from bgan_text.corpora.corpus import Request
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.image_arrays import read_npz
from bgan_text.corpora.image_files import read_images
from bgan_text.corpora.image_grid import grid
from bgan_text.corpora.image_preparation import prepare_images
from bgan_text.corpora.image_sources import IMAGE_CORPORA, Hub, hub_images
from bgan_text.corpora.images import Corrupt, CorruptImageError, Raw, Shape
from bgan_text.corpora.official_images import read_cifar_files
from bgan_text.corpora.palette import Palette, fitted_colors, grey_levels, load_palette
from bgan_text.corpora.preparation_options import ImagePreparation
from bgan_text.errors import UserError
from bgan_text.reporter import Reporter

Array = NDArray[np.uint8]


class Listening(Reporter):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def message(self, text: str) -> None:
        self.heard.append(text)


def random_images(count: int, *shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def png(pixels: Array) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def prepared(out: Path, corpus: str = "images", **options: Any) -> DatasetDirectory:
    return prepare_images(ImagePreparation.given(corpus, **options), out)


def npz(path: Path, images: Array, **more: Any) -> str:
    np.savez(path, images=images, **more)
    return str(path)


# Files


def test_folders_archives_and_files_give_the_same_images(tmp_path: Path) -> None:
    images = random_images(4, 5, 6, 3)
    folder = tmp_path / "images"
    (folder / "test").mkdir(parents=True)
    names = ["a.png", "b.png", "test/c.png", "test/d.png"]
    for name, image in zip(names, images, strict=True):
        (folder / name).write_bytes(png(image))
    (folder / "notes.txt").write_text("no image")
    (folder / ".hidden.png").write_bytes(b"no image")
    with (
        zipfile.ZipFile(tmp_path / "p.zip", "w") as archive,
        tarfile.open(tmp_path / "p.tgz", "w:gz") as tape,
    ):
        for name in names:
            archive.write(folder / name, name)
            tape.add(folder / name, f"./{name}")
    for path in (folder, tmp_path / "p.zip", tmp_path / "p.tgz"):
        found = [raw for raw in read_images(path) if raw.image]
        assert [raw.held_out for raw in found] == [False, False, True, True]
        for raw, image in zip(found, images, strict=True):
            np.testing.assert_array_equal(Shape().pixels(raw), image)
    (one,) = read_images(folder / "a.png")
    np.testing.assert_array_equal(Shape().pixels(one), images[0])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none", None, "there is no file or folder"),
        ("a.zip", b"PK nonsense", "not a whole zip archive"),
        ("a.tar.gz", gzip.compress(b"x" * 2000, mtime=0)[:40], "not a whole tar archive"),
        ("a.npz", b"nonsense", "not a whole .npz"),
        ("a.txt", b"text", "not a collection of images"),
        ("empty", "folder", "holds no images"),
    ],
)
def test_what_is_no_collection_is_refused(name: str, content: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        list(read_images(path))


def test_arrays_of_each_form(tmp_path: Path) -> None:
    colour = random_images(3, 4, 4, 3)
    found = list(read_npz(Path(npz(tmp_path / "a.npz", colour, labels=[2, 0, 1]))))
    assert [raw.label for raw in found] == [2, 0, 1]
    np.testing.assert_array_equal(found[1].content, colour[1])
    bits = np.random.default_rng(1).integers(0, 2, (3, 16), dtype=np.uint8)
    np.savez(tmp_path / "b.npz", train=np.packbits(bits[:2], axis=1), test=np.packbits(bits[2:], axis=1))
    packed = list(read_npz(tmp_path / "b.npz"))
    assert [raw.held_out for raw in packed] == [True, False, False]
    np.testing.assert_array_equal(packed[1].content, 255 * bits[0].reshape(4, 4))
    np.testing.assert_array_equal(
        next(read_npz(Path(npz(tmp_path / "c.npz", bits.reshape(3, 4, 4).astype(bool))))).content,
        255 * bits[0].reshape(4, 4),
    )
    encoded = [png(image) for image in colour]
    offsets = np.cumsum([0, *map(len, encoded)])
    np.savez(tmp_path / "d.npz", jpeg=np.frombuffer(b"".join(encoded), np.uint8), offsets=offsets)
    np.testing.assert_array_equal(Shape().pixels(list(read_npz(tmp_path / "d.npz"))[2]), colour[2])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"photographs": np.zeros(3)}, "'images', 'jpeg' with 'offsets'"),
        ({"images": np.zeros((2, 3), np.uint8)}, "(count, height, width)"),
        ({"images": np.full((1, 2, 2), 0.5)}, "uint8, 0 to 255"),
        ({"images": np.zeros((2, 4, 4), np.uint8), "labels": [1]}, "an integer for each"),
        ({"train": np.zeros((2, 3), np.uint8)}, "packed bits"),
        ({"images": np.array([{}], dtype=object)}, "not a whole .npz of arrays of numbers"),
        ({"images": np.array(3)}, "(count, height, width)"),
        ({"images": np.zeros((2, 4, 4), np.uint8), "labels": ["a", "b"]}, "an integer for each"),
        ({"jpeg": np.zeros(9, np.uint8), "offsets": [0.0, 9.0]}, "a row of integers"),
        ({"images": np.zeros((5, 0, 0, 3), np.uint8)}, "without a pixel"),
        ({"images": np.zeros((2, 4, 4), complex)}, "uint8, 0 to 255"),
        ({"images": np.zeros((1, 4, 4), np.uint8), "labels": [2**40]}, "2147483647 at most"),
        ({"train": np.zeros((3, 0), np.uint8)}, "packed bits"),
        ({"train": np.array(0, np.uint8)}, "packed bits"),
    ],
)
def test_other_arrays_are_refused(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(UserError) as refused:
        list(read_npz(tmp_path / "a.npz"))
    assert message in str(refused.value)


def test_what_is_called_test_is_held_out(tmp_path: Path) -> None:
    for name in ("Test.npz", "val.npz", "train.npz"):
        npz(tmp_path / name, random_images(2, 4, 4))
        held_out = {raw.held_out for raw in read_images(tmp_path / name)}
        assert held_out == {name != "train.npz"}
    (tmp_path / "Validation").mkdir()
    (tmp_path / "Validation" / "a.png").write_bytes(png(random_images(1, 4, 4)[0]))
    assert next(raw for raw in read_images(tmp_path) if raw.image).held_out
    assert next(read_images(tmp_path / "Validation")).held_out


def test_an_array_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((2, 4, 4), np.uint8))
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(UserError, match=r"not a whole \.npz"):
        list(read_npz(tmp_path / "a.npz"))


def test_a_damaged_member_of_a_zip_is_one_corrupt_image(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_STORED) as archive:
        for name, image in zip(("a.png", "b.png"), random_images(2, 9, 9), strict=True):
            archive.writestr(name, png(image))
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[content.index(b"IDAT") + 8] ^= 255
    (tmp_path / "a.zip").write_bytes(content)
    bad, good = read_images(tmp_path / "a.zip")
    with pytest.raises(CorruptImageError):
        Shape().pixels(bad)
    assert Shape().pixels(good).shape == (9, 9, 1)


CORRUPT = b""


def read_or_none(path: Path) -> list[tuple[str, bytes, bool]] | None:
    """Name, pixels and part of each image; no pixels of a corrupt one. None if the file is refused."""
    try:
        raws = list(read_images(path))
    except UserError:
        return None
    found = []
    for raw in raws:
        try:
            content = Shape().pixels(raw).tobytes()
        except (CorruptImageError, UserError):
            content = CORRUPT
        found.append((raw.name, content, raw.held_out))
    return found


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("name", ["a.zip", "a.npz"])
def test_damage_anywhere_in_a_zip_or_npz_is_seen_or_harmless(name: str, method: int, tmp_path: Path) -> None:
    """Any byte changed: the file is refused, the image is corrupt, or it is what it was.

    Neither format inside has a checksum of its own.
    """
    path = tmp_path / name
    (image,) = random_images(1, 9, 9)
    content = io.BytesIO()
    if name == "a.npz":
        np.save(content, image[None])
    else:
        Image.fromarray(image).save(content, "PPM")
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("images.npy" if name == "a.npz" else "a.pgm", content.getvalue())
    whole = path.read_bytes()
    assert read_or_none(path) == [(ANY, image.tobytes(), False)]
    seen = 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 85]) + whole[place + 1 :])
        damaged = read_or_none(path)
        corrupt = damaged is None or damaged == [(ANY, CORRUPT, False)]
        assert corrupt or damaged == [(ANY, image.tobytes(), False)], place
        seen += corrupt
    assert seen > len(whole) / 2


def test_what_pillow_warns_of_is_not_heard(capfd: pytest.CaptureFixture[str]) -> None:
    file = io.BytesIO()
    with Image.fromarray(random_images(1, 9, 9, 3)[0]) as image:
        image.save(file, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\xff\0\0\0\x01")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Shape().pixels(Raw("a.jpg", file.getvalue())).shape == (9, 9, 3)
    assert capfd.readouterr().err == ""


def test_labels_and_drawn_bits_belong_to_the_signature(tmp_path: Path) -> None:
    images = random_images(40, 8, 8)
    paths = [npz(tmp_path / f"{shift}.npz", images, labels=(np.arange(40) + shift) % 5) for shift in (0, 1)]
    made = [prepared(tmp_path / f"labels{at}", paths=(path,)) for at, path in enumerate(paths)]
    assert made[0].signature != made[1].signature
    assert made[0].signature == prepared(tmp_path / "again", paths=(paths[0],)).signature
    bits = [
        prepared(
            tmp_path / f"bits{seed}", paths=(paths[0],), colors="2", binarize="static", seed=seed
        ).signature
        for seed in (0, 1)
    ]
    assert bits[0] != bits[1]


def test_sides_out_of_reason_are_refused() -> None:
    ImagePreparation.given("images", size=1024)
    with pytest.raises(UserError, match="`size` 1025: 4 to 1024 pixels were expected"):
        ImagePreparation.given("images", size=1025)


def test_images_of_other_numbers_of_channels_are_refused() -> None:
    for shape in ((4, 4, 2), (4, 4, 5)):
        with pytest.raises(UserError, match=f"has {shape[2]} channels"):
            Shape().pixels(Raw("x", np.zeros(shape, np.uint8)))


def idx(array: Array) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def mnist_files(folder: Path, train: int = 30, test: int = 6) -> Array:
    folder.mkdir(exist_ok=True)
    images = random_images(train + test, 28, 28)
    for stem, part in (("train", slice(0, train)), ("t10k", slice(train, None))):
        labels = (np.arange(len(images)) % 10).astype(np.uint8)[part]
        (folder / f"{stem}-images-idx3-ubyte").write_bytes(idx(images[part]))
        (folder / f"{stem}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    return images


def test_the_official_files_of_mnist(tmp_path: Path) -> None:
    images = mnist_files(tmp_path)
    found = list(IMAGE_CORPORA["mnist"].read(Request((str(tmp_path),), limit=None)))
    assert [raw.held_out for raw in found] == [True] * 6 + [False] * 30
    assert [raw.label for raw in found[6:16]] == list(range(10))
    np.testing.assert_array_equal(found[6].content, images[0])
    limited = list(IMAGE_CORPORA["mnist"].read(Request((str(tmp_path),), limit=12)))
    assert [raw.held_out for raw in limited] == [True] * 2 + [False] * 12
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(UserError, match="it is damaged"):
        list(IMAGE_CORPORA["mnist"].read(Request((str(tmp_path),), limit=None)))
    path.unlink()
    with pytest.raises(UserError, match="has no train-images-idx3-ubyte"):
        list(IMAGE_CORPORA["mnist"].read(Request((str(tmp_path),), limit=None)))


def batch(images: Array, labels: list[int]) -> bytes:
    rows = images.transpose(0, 3, 1, 2).reshape(len(images), 3072)
    return pickle.dumps({b"data": rows, b"labels": labels, b"batch_label": b"x"}, protocol=4)


def test_the_python_batches_of_cifar10(tmp_path: Path) -> None:
    images = random_images(5, 32, 32, 3)
    contents = {"data_batch_1": batch(images[:3], [3, 4, 5])}
    contents |= {f"data_batch_{number}": batch(images[:0], []) for number in range(2, 6)}
    contents["test_batch"] = batch(images[3:], [6, 7])
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
        for name, content in contents.items():
            (folder / name).write_bytes(content)
            archive.add(folder / name, f"cifar-10-batches-py/{name}")
    for path in (folder, tmp_path / "cifar-10-python.tar.gz"):
        found = list(IMAGE_CORPORA["cifar10"].read(Request((str(path),), limit=None)))
        assert [raw.label for raw in found] == [6, 7, 3, 4, 5]
        for raw, image in zip(found, [*images[3:], *images[:3]], strict=True):
            np.testing.assert_array_equal(Shape().pixels(raw), image)
    (folder / "data_batch_4").unlink()
    with pytest.raises(UserError, match="lacks data_batch_4"):
        list(read_cifar_files(folder))


def test_a_batch_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    (tmp_path / "data_batch_1").write_bytes(pickle.dumps({b"data": Evil(), b"labels": []}))
    with pytest.raises(UserError, match="it wants to load"):
        list(read_cifar_files(tmp_path))
    assert not (tmp_path / "ran").exists()


def test_a_data_set_of_the_hubs_shape(tmp_path: Path) -> None:
    import datasets

    images = random_images(5, 6, 6, 3)
    for split, part in (("train", images[:3]), ("test", images[3:])):
        decoded = [Image.fromarray(image) for image in part]
        data = datasets.Dataset.from_dict({"img": decoded, "label": list(range(len(part)))})
        data = data.cast_column("img", datasets.Image())
        (tmp_path / "plain_text").mkdir(exist_ok=True)
        data.to_parquet(tmp_path / "plain_text" / f"{split}-00000-of-00001.parquet")
    hub = Hub(str(tmp_path), column="img", label="label")
    for held_out, part in ((False, images[:3]), (True, images[3:])):
        found = list(hub_images(hub, held_out))
        assert [raw.label for raw in found] == list(range(len(part)))
        assert all(raw.held_out == held_out for raw in found)
        for raw, image in zip(found, part, strict=True):
            np.testing.assert_array_equal(Shape().pixels(raw), image)
    with pytest.raises(UserError, match="in the hub cannot be read"):
        list(hub_images(Hub(str(tmp_path), column="image"), False))


# Sizes and modes


def test_a_image_is_cut_to_its_central_square_and_scaled() -> None:
    wide = np.zeros((8, 16, 3), np.uint8)
    wide[:, 4:12] = 200
    scaled = Shape(size=4).pixels(Raw("x", wide))
    assert scaled.shape == (4, 4, 3)
    assert (scaled == 200).all()
    assert Shape(size=4, grey=True).pixels(Raw("x", wide)).shape == (4, 4, 1)


def test_mixed_sizes_and_modes_are_refused_unless_brought_to_one() -> None:
    colour, grey = Raw("colour", random_images(1, 6, 6, 3)[0]), Raw("grey", random_images(1, 6, 6)[0])
    large = Raw("large", random_images(1, 8, 6, 3)[0])
    shape = Shape()
    shape.pixels(colour)
    with pytest.raises(UserError, match=r"mixed sizes: colour has 6 x 6 pixels, large has 6 x 8; `size`"):
        shape.pixels(large)
    with pytest.raises(UserError, match=r"mixed modes: colour has colours, grey has grey levels; `grey`"):
        shape.pixels(grey)
    alpha = Image.fromarray(random_images(1, 6, 6, 4)[0], "RGBA")
    file = io.BytesIO()
    alpha.save(file, "PNG")
    printed = io.BytesIO()
    Image.new("CMYK", (6, 6)).save(printed, "TIFF")
    with pytest.raises(UserError, match="mode CMYK"):
        Shape().pixels(Raw("printed", printed.getvalue()))
    deep = io.BytesIO()
    Image.fromarray(np.full((6, 6), 300, np.uint16)).save(deep, "PNG")
    with pytest.raises(UserError, match=r"mode I;16: images of 8 bits"):
        Shape(grey=True).pixels(Raw("deep", deep.getvalue()))
    both = Shape(size=6, grey=False)
    assert {both.pixels(raw).shape for raw in (colour, grey, large, Raw("a", file.getvalue()))} == {(6, 6, 3)}


@pytest.mark.parametrize("content", [b"", b"no image", png(random_images(1, 20, 20)[0])[:-200]])
def test_corrupt_images_are_named_counted_and_at_last_too_many(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(CorruptImageError):
        Shape().pixels(Raw("x", content))
    (tmp_path / "in").mkdir()
    for index, image in enumerate(random_images(12, 20, 20)):
        (tmp_path / "in" / f"{index:02}.png").write_bytes(png(image))
    (tmp_path / "in" / "03.png").write_bytes(content)
    (tmp_path / "in" / "07.png").write_bytes(content)
    reporter = Listening()
    recipe = ImagePreparation.given("images", paths=(str(tmp_path / "in"),), corrupt=2)
    made = prepare_images(recipe, tmp_path / "out", reporter=reporter)
    assert [line.split(":")[0] for line in reporter.heard] == [
        f"Skipped {tmp_path / 'in' / name}" for name in ("03.png", "07.png")
    ]
    assert (made.counts["read"], made.counts["corrupt"]) == (12, 2)
    with pytest.raises(UserError, match=r"07.png cannot be read .* one more than the 1 unreadable"):
        prepared(tmp_path / "other", paths=(str(tmp_path / "in"),), corrupt=1)
    assert not (tmp_path / "other").exists()


def test_too_many_is_one_more_than_allowed() -> None:
    corrupt = Corrupt(0, Listening().message)
    with pytest.raises(UserError, match="`corrupt` allows"):
        corrupt.note("x", CorruptImageError("gone"))


# Colours


def test_tokens_are_the_nearest_colours() -> None:
    colors = random_images(16, 3, seed=3)
    palette, pixels = Palette(5, 7, 3, colors), random_images(1, 5, 7, 3, seed=4)[0]
    tokens = palette.encode(pixels)
    for token, pixel in zip(tokens, pixels.reshape(-1, 3), strict=True):
        distances = [
            sum((int(a) - int(b)) ** 2 for a, b in zip(pixel, color, strict=True)) for color in colors
        ]
        assert token == np.argmin(distances)
    np.testing.assert_array_equal(palette.decode(tokens).reshape(-1, 3), colors[tokens])


@pytest.mark.parametrize("quantizer", ["kmeans", "median-cut"])
def test_a_palette_finds_the_colours_that_there_are(quantizer: str) -> None:
    wanted = np.array([[0, 0, 0], [250, 10, 10], [10, 10, 250], [255, 255, 255]], np.uint8)
    pixels = np.repeat(wanted, [50, 20, 10, 40], axis=0)
    found = fitted_colors(pixels, 4, quantizer)
    assert sorted(found.tolist()) == sorted(wanted.tolist())
    assert found.sum(axis=1).tolist() == sorted(found.sum(axis=1).tolist())
    with pytest.raises(UserError, match="`colors` 5: the images have only 4 different colours"):
        fitted_colors(pixels, 5, quantizer)


def test_k_means_is_nearer_to_the_pixels() -> None:
    pixels = random_images(3000, 3, seed=5)
    errors = {}
    for quantizer in ("kmeans", "median-cut"):
        palette = Palette(1, len(pixels), 3, fitted_colors(pixels, 8, quantizer))
        errors[quantizer] = np.square(palette.decode(palette.encode(pixels)).astype(float) - pixels).mean()
    assert errors["kmeans"] < errors["median-cut"]


def test_a_palette_is_read_back(tmp_path: Path) -> None:
    palette = Palette(2, 3, 1, grey_levels(16))
    (tmp_path / palette.file).write_bytes(palette.content())
    loaded = load_palette(tmp_path)
    assert loaded.content() == palette.content()
    assert grey_levels(2).tolist() == [[0], [255]]
    (tmp_path / palette.file).write_text('{"height": 2, "width": 3, "channels": 3, "colors": [[1], [2]]}')
    with pytest.raises(UserError, match="damaged"):
        load_palette(tmp_path)
    with pytest.raises(UserError, match="no palette file"):
        load_palette(tmp_path / "nowhere")


# DatasetDirectory folders


def test_a_prepared_folder_of_colours(tmp_path: Path) -> None:
    images = random_images(40, 8, 8, 3)
    path = npz(tmp_path / "a.npz", np.concatenate([images, images[:3]]), labels=np.arange(43))
    made = prepared(tmp_path / "out", paths=(path,), colors="16")
    assert made.card["space"] == {"positions": 64, "vocabulary": 16, "end": None, "shape": [8, 8]}
    assert made.counts["duplicates"] == 3
    assert sum(made.counts[name] for name in ("train", "validation", "test")) == 40
    palette, train = made.palette(), made.split("train")
    for row in train:
        expected = palette.encode(images[row["label"]])
        assert row["tokens"] == expected.tolist()
    batch = made.batches(6, 0, torch.device("cpu"))(3, 0)
    assert batch.shape == (6, 64)
    assert batch.dtype == torch.int64
    assert torch.equal(batch, made.batches(6, 0, torch.device("cpu"))(3, 0))
    with pytest.raises(UserError, match="holds images, not text"):
        made.tokenizer()


def test_two_colours_by_threshold_once_or_anew(tmp_path: Path) -> None:
    images = np.tile(np.array([0, 64, 128, 255], np.uint8), (600, 4, 1))
    images[:, 0] = 255 * (np.arange(600)[:, None] >> np.arange(4) & 1)  # so that images differ
    paths = (npz(tmp_path / "a.npz", images),)
    options = {"paths": paths, "colors": "2", "keep_duplicates": True}
    threshold = prepared(tmp_path / "t", **options).rows("train")
    assert threshold.view(-1, 4, 4)[:, 1].float().mean(dim=0).tolist() == [0, 0, 1, 1]
    static = prepared(tmp_path / "s", binarize="static", **options)
    shares = static.rows("train").view(-1, 4, 4)[:, 1:].float().mean(dim=(0, 1))
    torch.testing.assert_close(shares, torch.tensor([0, 64 / 255, 128 / 255, 1]), rtol=0, atol=0.05)
    stochastic = prepared(tmp_path / "r", binarize="stochastic", **options)
    batches = stochastic.batches(400, 0, torch.device("cpu"))
    shares = batches(0, 0).view(-1, 4, 4)[:, 1:].float().mean(dim=(0, 1))
    torch.testing.assert_close(shares, torch.tensor([0, 64 / 255, 128 / 255, 1]), rtol=0, atol=0.05)
    assert torch.equal(batches(0, 0), batches(0, 0))
    assert stochastic.space.vocabulary == 2
    with pytest.raises(UserError, match="goes with `colors` 2"):
        prepared(tmp_path / "x", paths=paths, colors="16", binarize="static")


def test_equal_images_whose_bits_are_drawn_are_duplicates(tmp_path: Path) -> None:
    images = np.repeat(random_images(20, 8, 8), 3, axis=0)
    paths = (npz(tmp_path / "a.npz", images),)
    made = prepared(tmp_path / "out", paths=paths, colors="2", binarize="static")
    assert made.counts["duplicates"] == 40


def test_pixels_that_are_numbers(tmp_path: Path) -> None:
    images = random_images(30, 4, 6, 3)
    made = prepared(tmp_path / "out", paths=(npz(tmp_path / "a.npz", images),), colors="none")
    rows = made.rows("train")
    assert rows.shape == (24, 3, 4, 6)
    back = ((rows + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    assert {row.tobytes() for row in back} <= {image.tobytes() for image in images}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"colors": "1"}, "`colors` 1: 2 to 256, or none"),
        ({"colors": "257"}, "`colors` 257"),
        ({"colors": "many"}, "`colors` many"),
        ({"colors": "2", "binarize": "coin"}, "unknown binarize 'coin'"),
        ({"size": 1}, "`size` 1: 4 to 1024"),
        ({"quantizer": "x"}, "unknown quantizer"),
        ({"colors": "2", "grey": False}, "two colours are made of grey levels"),
        ({"paths": ("grey.npz",), "colors": "4", "quantizer": "kmeans"}, "nothing to choose"),
        ({}, "needs `path`"),
        ({"paths": ("few.npz",)}, "2 distinct samples"),
        ({"paths": ("grey.npz",), "colors": "256"}, "only 16 different grey levels"),
        ({"paths": ("zero.npz",)}, "holds no images"),
    ],
)
def test_what_cannot_be_prepared(
    options: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    npz(Path("few.npz"), random_images(2, 8, 8, 3))
    npz(Path("grey.npz"), (random_images(9, 8, 8) // 16) * 16)
    npz(Path("zero.npz"), random_images(0, 8, 8, 3))
    with pytest.raises(UserError) as refused:
        prepared(tmp_path / "out", **options)
    assert message in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_a_few_digits(digits: dict[str, tuple[Array, Array]], tmp_path: Path) -> None:
    """The official files of MNIST, with 600 and 200 digits in them."""
    (tmp_path / "in").mkdir()
    for stem, part in (("train", "train"), ("t10k", "test")):
        for kind, array in zip(("images-idx3", "labels-idx1"), digits[part], strict=True):
            (tmp_path / "in" / f"{stem}-{kind}-ubyte.gz").write_bytes(gzip.compress(idx(array)))
    made = prepared(tmp_path / "out", "mnist", paths=(str(tmp_path / "in"),))
    assert (made.space.positions, made.space.vocabulary) == (784, 2)
    assert made.counts["test"] == 200
    assert 0.08 < made.rows("train").float().mean() < 0.18
    images, labels = digits["test"]
    assert torch.equal(made.rows("test"), torch.from_numpy((images >= 128).reshape(200, -1)).long())
    assert torch.equal(made.labels("test"), torch.from_numpy(labels).long())


def test_real_images(real_data: Path, tmp_path: Path) -> None:
    digits = prepared(tmp_path / "m", "mnist", paths=(str(real_data / "mnist"),), limit=300)
    assert (digits.space.positions, digits.space.vocabulary) == (784, 2)
    assert digits.counts["test"] == 30
    assert 0.08 < digits.rows("train").float().mean() < 0.18
    photographs = prepared(tmp_path / "c", "cifar10", paths=(str(real_data / "cifar10"),), limit=60)
    assert photographs.card["space"]["shape"] == [32, 32]
    assert set(photographs.split("train")["label"]) <= set(range(10))
    faces = next((real_data / "celeba").glob("*.npz"))
    assert prepared(tmp_path / "f", "celeba", paths=(str(faces),), limit=50).space.vocabulary == 16
    static = next((real_data / "mnist_binarized_static").glob("*.npz"))
    assert prepared(tmp_path / "b", "mnist", paths=(str(static),), limit=50).counts["test"] == 5


def test_a_grid_of_images() -> None:
    images = list(random_images(5, 4, 6, 3))
    image = np.asarray(grid(images, columns=3))
    factor = image.shape[0] // (2 * 6 + 2)
    assert image.shape == (factor * (2 * 6 + 2), factor * (3 * 8 + 2), 3)
    small = image[::factor, ::factor]
    for index, image in enumerate(images):
        row, column = divmod(index, 3)
        top, left = 2 + 6 * row, 2 + 8 * column
        np.testing.assert_array_equal(small[top : top + 4, left : left + 6], image)


def test_labels_go_with_their_images(tmp_path: Path) -> None:
    images = random_images(40, 8, 8)
    path = npz(tmp_path / "labelled.npz", images, labels=list(range(40)))
    bare = npz(tmp_path / "bare.npz", images)
    by_image = {image.tobytes(): label for label, image in enumerate(images)}
    out = prepared(tmp_path / "a", paths=(path,), colors="none")
    for split in ("train", "validation", "test"):
        labels = out.labels(split)
        assert labels is not None
        rows = ((out.rows(split) + 1.0) * 127.5).round().byte()
        assert labels.tolist() == [by_image[row.numpy().tobytes()] for row in rows]
    assert prepared(tmp_path / "b", paths=(bare,), colors="none").labels("train") is None
