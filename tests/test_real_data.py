"""What tests do where the full-size data are absent."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("setting", "code", "says"),
    [
        (None, 0, "1 skipped"),
        ("optional", 0, "1 skipped"),
        ("required", 1, "1 error"),
        ("maybe", 4, "optional or required was expected"),
    ],
)
def test_absent_data_skip_or_fail(setting: str | None, code: int, says: str, tmp_path: Path) -> None:
    """In a checkout with no shared/data beside it."""
    tests = tmp_path / "checkout" / "tests"
    tests.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("conftest.py"), tests)
    (tests / "test_one.py").write_text("def test_one(real_data):\n    assert real_data.is_dir()\n")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("BGAN_TEXT_")}
    if setting is not None:
        environment["BGAN_TEXT_REAL_DATA"] = setting
    made = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", tests],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert made.returncode == code, made.stdout + made.stderr
    assert says in made.stdout + made.stderr
