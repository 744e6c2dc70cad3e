"""Memory that was freed is kept: a tensor made again and again asks the system for no new pages."""

import os
import platform
import subprocess
import sys

import pytest

from bgan_text.allocator import keep_freed_memory

PAGES_OF_TENSORS = """
import resource, sys
from bgan_text.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory({})
import torch
torch.set_num_threads(1)

def use():
    one = torch.ones(8 * 2**20)
    return one + torch.ones(16 * 2**20)[::2]  # 32 and 64 MiB

for _ in range(10):
    use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    use()
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) * resource.getpagesize())
"""
glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has mallopt")


def _new_bytes(way: str) -> int:
    made = subprocess.run(
        [sys.executable, "-c", PAGES_OF_TENSORS, way], capture_output=True, text=True, check=True
    )
    return int(made.stdout)


@glibc
def test_a_tensor_made_again_takes_no_new_pages() -> None:
    """Ten rounds of 128 MiB, after ten more."""
    assert _new_bytes("kept") < 2**20
    assert _new_bytes("returned") > 2**20


@glibc
@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"])
def test_settings_of_the_user_take_precedence(name: str) -> None:
    code = (
        "from bgan_text.cli.entry import main; import bgan_text.allocator as a, ctypes, sys\n"
        "called = []; a.ctypes.CDLL = lambda name: called.append(name)\n"
        "sys.argv = ['bgan-text', '--version']\n"
        "try: main()\nexcept SystemExit: pass\nprint(called)"
    )
    for given, expected in (({}, "[None]"), ({name: "131072"}, "[]")):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
        made = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env={**environment, **given}
        )
        assert made.stdout.splitlines()[-1] == expected, made.stderr


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        """A C library without mallopt."""

    monkeypatch.setattr("ctypes.CDLL", lambda name: Other())
    assert keep_freed_memory({}) is False
