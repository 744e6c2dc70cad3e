"""Images of a stranger: small files that claim, or unpack to, any size are refused before it takes memory."""

import bz2
import gzip
import io
import lzma
import pickle
import struct
import tarfile
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import bgan_text as bt
from bgan_text.corpora import archives, image_files, images, stored_arrays
from bgan_text.corpora.image_arrays import read_npz
from bgan_text.corpora.image_files import read_images
from bgan_text.corpora.images import CorruptImageError, Raw, Shape

Command = Callable[..., Any]


def png(seed: int = 0, side: int = 8) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def zipped(path: Path, members: list[tuple[str, bytes]]) -> Path:
    with (
        warnings.catch_warnings(action="ignore"),
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, content in members:
            archive.writestr(name, content)
    return path


def taped(members: list[tuple[str, bytes]]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def heading(shape: str, descr: str = "'|u1'", fortran: bool = False) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(array), allow_pickle=True)
    return file.getvalue()


def refusal(path: Path, read: Callable[[Path], Iterator[Raw]] = read_images, most: int = 2**25) -> str:
    """The line that refuses a file, which takes no more than `most` bytes of memory."""
    tracemalloc.start()
    try:
        with pytest.raises(bt.UserError) as caught:
            list(read(path))
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert message.startswith(str(path))
    assert len(message.splitlines()) == 1
    assert len(message) < 600
    return message.removeprefix(str(path))


# Archives


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", [("a.png", png(0)), ("b.png", png(1)), ("a.png", png(2))])
    assert refusal(path) == ":a.png is in the archive 2 times: one file of a name was expected"


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", [("a.png", png())])
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert refusal(path) == ":a.png is encrypted: unpack it, and give the folder"


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", [("a.png", png(0)), ("b.png", png(1))])
    content = bytearray(path.read_bytes())
    second = content.rindex(b"PK\x01\x02")
    content[second + 42 : second + 46] = bytes(4)
    path.write_bytes(content)
    assert refusal(path) == " is not a whole zip archive: b.png begins within another member"


def test_members_are_counted_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members = [(f"{number}.png", png()) for number in range(9)]
    zipped(tmp_path / "a.zip", members)
    (tmp_path / "a.tar").write_bytes(taped(members))
    monkeypatch.setattr(archives, "MOST_MEMBERS", 9)
    assert len(list(read_images(tmp_path / "a.zip"))) == len(list(read_images(tmp_path / "a.tar"))) == 9
    monkeypatch.setattr(archives, "MOST_MEMBERS", 8)
    for name in ("a.zip", "a.tar"):
        assert refusal(tmp_path / name) == " has more than 8 members: unpack it, and give the folder"
    monkeypatch.setattr(archives, "MOST_BYTES_OF_DIRECTORY", 400)
    assert refusal(tmp_path / "a.zip") == " has more than 8 members: unpack it, and give the folder"


def test_empty_members_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_EMPTY", 3)
    members = [(f"{number}.txt", b"") for number in range(4)]
    (tmp_path / "a.tar").write_bytes(taped(members))
    for path in (zipped(tmp_path / "a.zip", members), tmp_path / "a.tar"):
        assert refusal(path) == " has more than 3 empty files: files with content were expected"


def test_an_archive_unpacks_to_no_more_than_its_size_explains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_files, "FREE_UNPACKED", 2**20)
    path = zipped(tmp_path / "a.zip", [(f"{number}.png", png(number) + bytes(2**20)) for number in range(9)])
    assert "for each byte of the file: it may be a decompression bomb" in refusal(path)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("kind", [b"0", b"x", b"L"], ids=["member", "extended heading", "long name"])
def test_a_tape_that_is_a_bomb_is_refused(tmp_path: Path, pack: Any, kind: bytes) -> None:
    member = tarfile.TarInfo("a.txt")
    member.size, member.type = 2**24 + 2**20, kind
    path = tmp_path / "a.tar.gz"
    path.write_bytes(pack(member.tobuf(tarfile.GNU_FORMAT) + bytes(2**24 + 2**20)))
    assert refusal(path) == (
        " unpacks to more than 200 bytes for each of its own: it may be a decompression bomb; unpack it "
        "yourself if it is not"
    )


def tape_of(kind: bytes, size: int, content: bytes) -> bytes:
    member = tarfile.TarInfo("x")
    member.size, member.type = size, kind
    return member.tobuf(tarfile.GNU_FORMAT) + content


def sparse() -> bytes:
    record = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
    heading = tape_of(b"x", len(record), record.ljust(512, b"\0"))
    return heading + tape_of(b"0", 2**30, b"1" * 2**22)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (tape_of(b"x", 2**22, b"1" * 2**22), "a heading is too long"),
        (tape_of(b"L", 2**22, b"1" * 2**22), "a heading is too long"),
        (tape_of(b"x", 0, b"") * 3000, "heading"),
        (sparse(), ""),
        (taped([("a.png", png())])[:1024], "it ends without its mark"),
        (taped([("a.png", png())])[:700], "unexpected end of data"),
        (taped([("a.png", png())])[:1024] + b"x" * 1024, "a heading is damaged"),
        (taped([("a.png", png())])[:1024] + bytes(512) + taped([("b.png", png())]), "it goes on after"),
    ],
    ids=["extended", "long name", "chain", "sparse", "no end", "cut", "damaged", "blank"],
)
def test_a_damaged_tape_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    message = refusal(tmp_path / "a.tar")
    assert message.startswith(" is not a whole tar archive: ")
    assert reason in message


def test_links_and_devices_are_other_files_and_names_are_only_names(tmp_path: Path) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, kind in (
            ("l.png", tarfile.SYMTYPE),
            ("d.png", tarfile.CHRTYPE),
            ("p.png", tarfile.FIFOTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        for number, name in enumerate(("../../up.png", "/abs.png", "a\nb.png")):
            member = tarfile.TarInfo(name)
            member.size = len(png(number))
            archive.addfile(member, io.BytesIO(png(number)))
    (tmp_path / "a.npz").write_bytes(file.getvalue())  # what it is follows from its content
    before = sorted(tmp_path.iterdir())
    found = list(read_images(tmp_path / "a.npz"))
    assert [raw.image for raw in found] == [False] * 3 + [True] * 3
    assert [raw.name.partition(":")[2] for raw in found[3:]] == ["../../up.png", "/abs.png", "a\nb.png"]
    assert sorted(tmp_path.iterdir()) == before


# Arrays

SOME = np.arange(5 * 8 * 8, dtype=np.uint8).reshape(5, 8, 8)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (heading("(1099511627776,)") + bytes(99), "announces 1,099,511,627,776 bytes"),
        (heading("(1099511627776, 8, 8, 3)") + bytes(99), "and has 99: it is damaged"),
        (heading("(4294967296, 4294967296, 4294967296)"), "and has 0: it is damaged"),
        (heading("(-1, 8, 8)") + bytes(64), "sizes from 0 up were expected"),
        (heading("(True, 8, 8)") + bytes(64), "sizes from 0 up were expected"),
        (heading("(0, 1099511627776, 8)"), " holds no images"),
        (heading("(5, 8, 8)") + bytes(321), "announces 320 bytes in its shape (5, 8, 8) and has 321"),
        (npy(np.array([{}], dtype=object)), "its type is object: numbers were expected"),
        (npy(np.zeros(3, dtype=[("a", "u1"), ("b", "f8")])), "numbers were expected"),
        (heading("(5, 8, 8)", "('|u1', (1000000,))"), "numbers were expected"),
        (heading("(5, 8, 8)", "'|V2147483647'"), "announces 687,194,767,040 bytes"),
        (heading("(2, 100000, 100000)", "'|u1'", True), "announces"),
        (b"\x93NUMPY\x01\x00\x0a\x00{'descr': ", "not closed"),
        (b"\x93NUMPY\x01\x00\x28\x23" + b"(" * 9000, "not closed"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(2**26), "its heading has 4,294,967,295 bytes"),
        (b"\x93NUMPY\x09\x00\x0a\x00{'descr': ", "version 9.0 of .npy"),
        (b"\x93NUMPY\x02\x00\xff", "its heading is cut off"),
        (b"", "magic"),
    ],
)
def test_an_array_that_is_not_what_it_announces_is_refused(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = zipped(tmp_path / "a.npz", [("images.npy", content)])
    assert reason in refusal(path)


def test_an_array_that_is_a_bomb_is_refused_by_its_heading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_arrays, "FREE_UNPACKED", 2**20)
    path = zipped(tmp_path / "a.npz", [("images.npy", heading("(16, 1024, 1024)") + bytes(2**24))])
    assert "for each byte of the file: it may be a decompression bomb" in refusal(path)


def test_arrays_are_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, 16, 16, 3), dtype=np.uint8)
    for name, array in (("c", images), ("fortran", np.asfortranarray(images))):
        np.savez_compressed(tmp_path / f"{name}.npz", images=array, labels=np.arange(50))
    monkeypatch.setattr(stored_arrays, "BLOCK", 1000)
    for name in ("c", "fortran"):
        found = list(read_npz(tmp_path / f"{name}.npz"))
        np.testing.assert_array_equal([raw.content for raw in found], images)
        assert [raw.label for raw in found] == list(range(50))
    monkeypatch.setattr(stored_arrays, "MOST_BYTES_OF_FORTRAN_ARRAY", 1000)
    assert "the order of C (numpy.ascontiguousarray), were expected" in refusal(tmp_path / "fortran.npz")
    monkeypatch.setattr(stored_arrays, "MOST_BYTES_OF_IMAGE", 700)
    assert "768 bytes in each row" in refusal(tmp_path / "c.npz")


@pytest.mark.parametrize("offsets", [[0, -5, 10], [0, 50, 20], [0, 2**40], [2**40, 2**41]])
def test_places_of_encoded_images_follow_one_another(tmp_path: Path, offsets: list[int]) -> None:
    np.savez(tmp_path / "a.npz", jpeg=np.frombuffer(png(), np.uint8), offsets=offsets)
    assert "and none beyond the end, was expected" in refusal(tmp_path / "a.npz")


def test_an_image_of_an_array_has_the_pixels_that_are_allowed() -> None:
    with pytest.raises(bt.UserError, match="has 100 pixels, more than the 99"):
        Shape(most_pixels=99).pixels(Raw("a", np.zeros((10, 10), np.uint8)))


# Labels

WRONG_LABELS: dict[str, Any] = {
    "-2**40": [-(2**40)] * 5,
    "2**63": np.full(5, 2**63, np.uint64),
    "-1": [0, 1, 2, 3, -1],
    "nan": [np.nan] * 5,
    "infinite": [np.inf] * 5,
    "words": ["cat"] * 5,
    "None": [None] * 5,
    "2.5": [2.5] * 5,
    "booleans": [True] * 5,
    "none at all": [],
    "too few": [1] * 4,
    "too many": [1] * 6,
    "two each": [[1, 2]] * 5,
    "one": 3,
}


@pytest.mark.parametrize("name", WRONG_LABELS)
def test_labels_that_are_no_classes_are_refused_wherever_they_come_from(name: str, tmp_path: Path) -> None:
    value = WRONG_LABELS[name]
    zipped(tmp_path / "a.npz", [("images.npy", npy(SOME)), ("labels.npy", npy(value))])
    assert "expected" in refusal(tmp_path / "a.npz")
    batch = {b"data": np.zeros((5, 3072), np.uint8), b"labels": value}
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps(batch, protocol=3))
    for source, more in (("cifar10", {"path": tmp_path}), (SOME, {"labels": value})):
        with pytest.raises(bt.UserError) as caught:
            bt.prepare(source, out=tmp_path / "out", **more)
        assert "expected" in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_rows_of_labels_of_several_lengths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(bt.UserError, match="has no row of labels"):
        bt.prepare(SOME, labels=[[1], [1, 2], 3, 4, 5], out=tmp_path / "out")


# The files of MNIST and CIFAR-10


def idx(kind: int, *shape: int) -> bytes:
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        (idx(8, *[2**31] * 100), "has 100 dimensions: 3 were expected"),
        (idx(8, 2**31, 8, 8) + bytes(20), "labels of shape (5,)"),
        (idx(8, 5, 2**31, 2**31) + bytes(20), "bytes in each row"),
        (idx(8, 5, 8, 8) + bytes(20), "announces 320 bytes and has 20: it is damaged"),
        (idx(8, 5, 8, 8) + bytes(321), "announces 320 bytes and has more: it is damaged"),
        (idx(8, 5, 0, 8), "images without a pixel"),
        (idx(13, 5, 8, 8) + bytes(1280), "it holds float32, uint8 was expected"),
        (idx(11, 5, 8, 8) + bytes(640), "it holds int16, uint8 was expected"),
        (b"\3\x08\0\0" + bytes(400), "no idx file of bytes"),
        (idx(8, 5, 8, 8)[:9], "it ends inside its heading"),
        (idx(8, 5, 8, 8) + bytes(2**25), "decompression bomb"),
    ],
)
@pytest.mark.parametrize("pack", [gzip.compress, bytes], ids=["gzip", "plain"])
def test_idx_files_that_are_not_what_they_announce_are_refused(
    tmp_path: Path, pack: Any, images: bytes, reason: str
) -> None:
    if "bomb" in reason and pack is bytes:
        reason = "has more"
    for stem in ("t10k", "train"):
        (tmp_path / f"{stem}-images-idx3-ubyte.gz").write_bytes(pack(images))  # whatever its name says
        (tmp_path / f"{stem}-labels-idx1-ubyte").write_bytes(idx(8, 5) + bytes(5))
    with pytest.raises(bt.UserError) as caught:
        bt.prepare("mnist", path=tmp_path, out=tmp_path / "out")
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 400


# Pictures


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def made_png(width: int, height: int, kind: int, rows: bytes, *more: bytes) -> bytes:
    start = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", start) + b"".join(more) + pixels + chunk(b"IEND", b"")


def saved(image: Image.Image, kind: str, **more: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def scans() -> bytes:
    content = saved(Image.new("L", (64, 64)), "JPEG", progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + last * 300 + content[-2:]


def values() -> bytes:
    entries = [(256, 3, 1, 8), (257, 3, 1, 8), (273, 4, 60_000_000, 200)]
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + packed


PALETTE = chunk(b"PLTE", bytes(6))
LONG = zlib.compress(bytes(2**26))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (made_png(8, 8, 3, (b"\0" + bytes([200] * 8)) * 8, PALETTE), "colour 200 of a palette of 2"),
        (made_png(8, 8, 0, bytes(72), chunk(b"zTXt", b"x\0\0" + LONG)), "too large"),
        (made_png(8, 8, 0, bytes(72), chunk(b"iCCP", b"x\0\0" + LONG)), "too large"),
        (made_png(0, 8, 0, b""), ""),
        (png()[:-60], ""),
        (png() + bytes(2**24 + 2000), "bytes for 64 pixels"),
        (scans(), "scans: at most 200"),
        (values(), "tag 273 has 60,000,000 values"),
        (values()[:20], ""),
    ],
    ids=["palette", "text", "profile", "no pixel", "cut", "rest", "scans", "values", "tags cut"],
)
def test_a_picture_that_asks_for_more_than_its_pixels_is_unreadable(content: bytes, reason: str) -> None:
    tracemalloc.start()
    with pytest.raises(CorruptImageError) as caught:
        Shape().pixels(Raw("a", content))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2**25
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        saved(Image.new("1", (9, 9)), "PNG"),
        saved(Image.new("P", (9, 9)), "PNG"),
        saved(Image.new("L", (65535, 1)), "PNG"),
        saved(Image.new("CMYK", (9, 9)), "JPEG"),
        saved(Image.new("RGB", (64, 64)), "JPEG", progressive=True),
        saved(Image.new("RGB", (64, 64)), "TIFF"),
        saved(Image.new("I;16", (9, 9)).convert("RGB"), "PNG"),
    ],
)
def test_unusual_pictures_are_read(content: bytes) -> None:
    assert Shape(size=8, grey=False).pixels(Raw("a", content)).shape == (8, 8, 3)


def test_pixels_of_all_images_are_bounded_by_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "FREE_PIXELS", 10_000)
    monkeypatch.setattr(images, "PIXELS_PER_BYTE", 10)
    shape = Shape()
    empty = Raw("a", saved(Image.new("1", (100, 100)), "PNG"))
    shape.pixels(empty)
    with pytest.raises(bt.UserError, match=r"the set of images up to a unpacks to more than .* pixels"):
        list(map(shape.pixels, [empty] * 9))


def test_images_of_which_only_the_first_frame_is_read_are_counted_and_named(
    tmp_path: Path, bgan: Command
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(4):
        (tmp_path / "in" / f"{number}.png").write_bytes(png(number))
    frames = [Image.new("L", (8, 8), 20 * number) for number in range(5)]
    (tmp_path / "in" / "moving.gif").write_bytes(
        saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    )
    made = bgan("prepare", "images", "--path", "in", "--no-grey", "--colors", "none", "--out", "out")
    assert made.code == 0
    assert "Read only the first frame of 1 image with more: in/moving.gif" in made.err
    assert "1 read to their first frame" in made.err
    assert bt.DatasetDirectory(tmp_path / "out").counts["animated"] == 1


def test_pipes_and_devices_in_a_folder_are_other_files(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    found = list(read_images(tmp_path))
    assert [raw.image for raw in found] == [True, False]


def test_few_colours_are_all_kept_unless_a_number_was_asked_for(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    grey = rng.choice(np.array([10, 20, 90], np.uint8), (20, 8, 8))
    colors = rng.integers(0, 256, (5, 3), dtype=np.uint8)[rng.integers(0, 5, (20, 8, 8))]
    for name, array, count in (("grey", grey, 3), ("colors", colors, 5)):
        data = bt.prepare(array, out=tmp_path / name)
        assert data.settings["colors"] == data.space.vocabulary == count
        row = data.split("train")[0]["tokens"]
        assert any(np.array_equal(data.palette().decode(row).squeeze(), image) for image in array)
        with pytest.raises(bt.UserError, match="`colors` 16: the images have only"):
            bt.prepare(array, colors=16, out=tmp_path / "out")
