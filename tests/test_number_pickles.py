"""Pickles of numbers: what CIFAR-10 holds is read. One that wants more is refused in little memory."""

import pickle
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bgan_text as bt
from bgan_text.corpora import number_pickles
from bgan_text.corpora.number_pickles import read_numbers

ERRORS = (pickle.UnpicklingError, EOFError, LookupError, ValueError, TypeError, AttributeError)


@pytest.mark.parametrize("protocol", [3, 4])
def test_arrays_lists_and_bytes_are_read(protocol: int) -> None:
    rows = np.arange(60, dtype=np.uint8).reshape(5, 12)
    found = read_numbers(pickle.dumps({b"data": rows, b"labels": [1, 2, 3]}, protocol=protocol))
    assert found[b"labels"] == [1, 2, 3]
    np.testing.assert_array_equal(found[b"data"], rows)


def test_a_batch_of_python_2_is_read() -> None:
    """As the official files are: protocol 2, and its texts are strings of bytes."""

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value

    numbers = bytes(range(12))
    kind = b"cnumpy\ndtype\n" + text(b"u1") + b"K\x00K\x01\x87R(K\x03" + text(b"|")
    kind += b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R"
    array = made + b"(K\x01K\x03K\x04\x86" + kind + b"\x89" + text(numbers) + b"tb"
    content = b"\x80\x02}(" + text(b"data") + array + text(b"labels") + b"](K\x06K\x09eu."
    found = read_numbers(content)
    assert found[b"labels"] == [6, 9]
    np.testing.assert_array_equal(found[b"data"], np.arange(12, dtype=np.uint8).reshape(3, 4))


class Calls:
    """A pickle that calls a function."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call


def bombs() -> dict[str, bytes]:
    length = struct.pack("<Q", 2**40)
    return {
        "note": b"\x80\x02Nr" + struct.pack("<I", 1 << 28) + b".",
        "text note": b"Np268435456\n.",
        "array": pickle.dumps(Calls(np.ndarray, ((2**33,),))),
        "made array": pickle.dumps(Calls(np.ndarray((0,)).__reduce__()[0], (np.ndarray, (2**33,), b"b"))),
        "bytes": b"\x80\x04\x8e" + length + b"x.",
        "characters": b"\x80\x04\x8d" + length + b"x.",
        "frame": b"\x80\x04\x95" + length + b"N.",
        "bytearray": b"\x80\x05\x96" + length + b"x.",
        "number": b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"x.",
        "system": pickle.dumps(Calls(exec, ("raise SystemExit",))),
        "cut": pickle.dumps({b"data": np.zeros(9)})[:-9],
        "empty": b"",
    }


@pytest.mark.parametrize("name", bombs())
def test_what_asks_for_more_than_its_size_explains_is_refused(name: str) -> None:
    tracemalloc.start()
    with pytest.raises(ERRORS):
        read_numbers(bombs()[name])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**22


def test_a_batch_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(number_pickles, "MOST_BYTES", 10)
    with pytest.raises(pickle.UnpicklingError, match="more than the 10 bytes"):
        read_numbers(pickle.dumps(list(range(20))))


@pytest.mark.parametrize("name", bombs())
def test_such_a_batch_is_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(bombs()[name])
    with pytest.raises(bt.UserError, match=r"data_batch_1 is no batch of CIFAR-10: .") as caught:
        bt.prepare("cifar10", path=tmp_path, out=tmp_path / "out")
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 600
