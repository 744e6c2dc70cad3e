"""Files that are made to do harm: bombs, claims of sizes, links, code. All must be refused."""

import gzip
import io
import pickle
import pickletools
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import cache

from faults.input_files import COLUMN, IMAGES, LINES, SETTINGS, Words
from faults.world import TINY

Made = tuple[str, bytes, Words]
CIFAR: Words = ("prepare", "cifar10", "--path", "FOLDER", "--out", "made")
MNIST: Words = ("prepare", "mnist", "--path", "FOLDER", "--out", "made")
BOMB = 700 << 20
"""Bytes that a bomb has when it is unpacked."""


@cache
def _zeros(window: int) -> bytes:
    """That many zeros, deflated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    return b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(BOMB >> 20)), packer.flush()])


def deep_lines(rng: random.Random) -> Made:
    depth = rng.choice((2_000, 50_000, 1_000_000))
    opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
    text = f'{{"text":{opening * depth}1{closing * depth}}}\n'
    return "deep.jsonl", text.encode(), COLUMN


def deep_settings(rng: random.Random) -> Made:
    depth = rng.choice((2_000, 100_000))
    return rng.choice(
        (
            ("deep.json", b'{"width":' + b"[" * depth + b"]" * depth + b"}", SETTINGS),
            ("deep.toml", b"width = " + b"[" * depth + b"]" * depth, SETTINGS),
            ("long.json", b'{"width":' + b"9" * 5000 + b"}", SETTINGS),
            ("long.toml", b"width = " + b"9" * 5000, SETTINGS),
        )
    )


def text_bomb(rng: random.Random) -> Made:
    return "bomb.txt.gz", _zeros(31), LINES


def image_bomb(rng: random.Random) -> Made:
    """A member of a zip whose size is true, or understated."""
    packed, name = _zeros(-15), b"a.png"
    told = rng.choice((BOMB, 1000))
    sizes = struct.pack("<III", 0, len(packed), told) + struct.pack("<H", len(name))
    local = b"PK\3\4" + struct.pack("<HHHHH", 20, 0, 8, 0, 0) + sizes + b"\0\0" + name + packed
    entry = b"PK\1\2" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 0) + sizes + bytes(8) + bytes(8) + name
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry), len(local), 0)
    return "bomb.zip", local + entry + end, IMAGES


def array_bomb(rng: random.Random) -> Made:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "images.npy",
            _npy("'|u1'", rng.choice(("(700000, 32, 32)", "(1, 40000, 40000)"))) + bytes(1 << 20),
        )
    return "bomb.npz", made.getvalue(), IMAGES


def _npy(dtype: str, shape: str) -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (64 - (len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text


def array_claims(rng: random.Random) -> Made:
    """Heads of arrays that are unclosed, endless, or no numbers."""
    head = rng.choice(
        (
            _npy("'|u1'", f"({2**40},)"),
            _npy("'|u1'", "(-1, 8, 8)"),
            _npy("'|u1'", f"({2**63}, 8, 8)"),
            _npy("'|u1'", "(2, 8, 8" + ", 1" * 100 + ")"),
            _npy("'|O'", "(2, 8, 8)") + pickle.dumps([0] * 128),
            _npy("[('a', '<i4')]", "(2, 8, 8)") + bytes(512),
            _npy("'<f8'", "(2, 8, 8)") + struct.pack("<d", float("nan")) * 128,
            _npy("__import__('os').system('true')", "(2,)"),
            b"\x93NUMPY\1\0\x0a\0{'descr': ",
            b"\x93NUMPY\2\0" + struct.pack("<I", 2**32 - 1) + b"{",
            b"\x93NUMPY\7\0\0\0",
        )
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("images.npy", head)
    return "claims.npz", made.getvalue(), IMAGES


def idx_claims(rng: random.Random) -> Made:
    kind, sizes = rng.choice(
        (
            (8, (2**31, 28, 28)),
            (8, (2**32 - 1,) * 3),
            (8, (1,) * 100),
            (8, (0, 28, 28)),
            (13, (2, 28, 28)),
            (8, ()),
            (99, (2, 28, 28)),
        )
    )
    head = bytes((0, 0, kind, len(sizes))) + b"".join(struct.pack(">I", size) for size in sizes)
    return "train-images-idx3-ubyte", head + bytes(20), MNIST


def picture_claims(rng: random.Random) -> Made:
    """A PNG whose head claims a size, or hides a bomb in a text."""
    width, height = rng.choice(((2**31 - 1, 2**31 - 1), (100_000, 100_000), (0, 5), (13_000, 13_000)))
    parts = [("IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))]
    if rng.random() < 0.5:
        parts.append(("zTXt", b"a\0\0" + _zeros(15)))
    parts += [("IDAT", zlib.compress(bytes(1 << 20))), ("IEND", b"")]
    return "wide.png", _png(parts), IMAGES


def _png(parts: list[tuple[str, bytes]]) -> bytes:
    chunks = (
        struct.pack(">I", len(content))
        + name.encode()
        + content
        + struct.pack(">I", zlib.crc32(name.encode() + content))
        for name, content in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def hostile_pickle(rng: random.Random) -> Made:
    """A batch of CIFAR-10 that claims sizes, or names functions."""

    class Evil:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
            import os

            return os.system, ("touch owned",)

    content = rng.choice(
        (
            b"\x80\x02Nr" + struct.pack("<I", rng.choice((1 << 28, 2**32 - 1))) + b".",
            b"\x80\x04\x8d" + struct.pack("<Q", rng.choice((1 << 40, 2**63))) + b"a.",
            b"\x80\x02\x8a\xff" + b"\xff" * 255 + b".",
            b"\x80\x02X" + struct.pack("<I", 2**31 - 1) + b"a.",
            b"\x80\x04\x96" + struct.pack("<Q", 1 << 40) + b".",
            b"\x80\x02" + b"]" + b"2" * 1000 + b"a" * 900 + b".",
            pickle.dumps({b"data": Evil(), b"labels": []}),
            b"cos\nsystem\n(S'touch owned'\ntR.",
            b"cbuiltins\neval\n(S'1'\ntR.",
            b"cnumpy\nzeros\n(I1000000000\ntR.",
            pickletools.optimize(pickle.dumps({b"data": b"x" * 3072, b"labels": [2**70]})),
        )
    )
    return "data_batch_1", content, CIFAR


def hostile_tar(rng: random.Random) -> Made:
    """Members that are links, devices or pipes, or lie outside; none is an image."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        member = tarfile.TarInfo(rng.choice(("a.png", "../a.png", "/tmp/a.png", "a\nb.png")))
        member.type = rng.choice(
            (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE)
        )
        member.linkname = rng.choice(("/etc/passwd", "/dev/zero", "a.png", "../x"))
        archive.addfile(member)
    return "links.tar", made.getvalue(), IMAGES


def hostile_zip(rng: random.Random) -> Made:
    """Many empty members, or one that is encrypted, or not what it is called."""
    made = io.BytesIO()
    how = rng.randrange(3)
    with zipfile.ZipFile(made, "w") as archive:
        for number in range(20_000 if how == 0 else 1):
            archive.writestr(f"{number}.png", (b"", b"secret", b"GIF89a" + bytes(10))[how])
    content = made.getvalue()
    if how == 1:
        content = content.replace(b"PK\3\4\x14\0\0\0", b"PK\3\4\x14\0\1\0").replace(
            b"PK\1\2\x14\x03\x14\0\0\0", b"PK\1\2\x14\x03\x14\0\1\0"
        )
    return "many.zip", content, IMAGES


def not_what_it_claims(rng: random.Random) -> Made:
    other = rng.choice((gzip.compress(b"x"), b"%PDF-1.7", bytes(100), b"\x7fELF", b"PK\5\6" + bytes(18)))
    name, words = rng.choice(
        (
            ("a.parquet", COLUMN),
            ("a.npz", IMAGES),
            ("a.zip", IMAGES),
            ("a.tar", IMAGES),
            ("a.model", ("prepare", "grammar", "--limit", 60, "--tokenizer", "FILE", "--out", "made")),
            ("a.toml", SETTINGS),
            ("a.json", SETTINGS),
            ("train-images-idx3-ubyte.gz", MNIST),
            ("data_batch_1", CIFAR),
        )
    )
    return name, other + bytes(rng.randrange(3)), words


def settings_of_code(rng: random.Random) -> Made:
    """A file of settings never imports code."""
    part = rng.choice(("generator", "discriminator", "divergence"))
    content = f'{{"{part}": "{rng.choice(("os:system", "antigravity:x", "evil:Net"))}"}}'
    return (
        "code.json",
        content.encode(),
        ("train", "--data", "words", "--run", "made", *TINY, "--config", "FILE"),
    )


CRAFTED: tuple[Callable[[random.Random], Made], ...] = (
    deep_lines,
    deep_settings,
    text_bomb,
    image_bomb,
    array_bomb,
    array_claims,
    idx_claims,
    picture_claims,
    hostile_pickle,
    hostile_tar,
    hostile_zip,
    not_what_it_claims,
    settings_of_code,
)
