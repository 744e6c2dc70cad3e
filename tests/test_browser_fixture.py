"""The fixture that opens pages in Chromium notices what a page does wrong."""

from pathlib import Path
from typing import Any

import pytest

FAULTS = {
    "console: it is wrong": "console.error('it is wrong')",
    "exception: it fails": "setTimeout(() => { throw new Error('it fails') })",
    "request: http://example.invalid/": "fetch('http://example.invalid/').catch(() => 0)",
}


def test_a_page_is_opened_from_the_disk(open_page: Any, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("<title>of the disk</title><style>:root { color-scheme: light dark }</style>", "utf-8")
    page = open_page(file.as_uri(), width=400, dark=True)
    assert page.title() == "of the disk"
    assert page.evaluate("[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]") == [400, True]


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_a_page_are_noticed(fault: str, open_page: Any, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(f"<script>{FAULTS[fault]}</script>", "utf-8")
    open_page(file.as_uri()).wait_for_timeout(200)
    assert fault in open_page.faults
    open_page.faults.clear()
