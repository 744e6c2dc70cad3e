"""The page of `explore` in a browser. The fixture notices errors, exceptions and requests to the outside."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bgan_text as bt

TINY: dict[str, Any] = {"steps": 3, "width": 8, "batch": 8}
MARKUP = "<img src=x onerror=alert(1)> <b>bold</b>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def text(data: bt.DatasetDirectory, folder: Path) -> Iterator[bt.Exploration]:
    with bt.explore(bt.train(data, out=folder / "text", discriminator_lr=0.05, **TINY)) as page:
        yield page


@pytest.fixture(scope="module")
def pictures(folder: Path) -> Iterator[bt.Exploration]:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    data = bt.prepare(pixels, colors=4, out=folder / "data")
    with bt.explore(bt.train(data, out=folder / "images", **TINY)) as page:
        yield page


def value(shown: str) -> float:
    """A number of the page, which has a true minus sign."""
    return float(shown.replace("\N{MINUS SIGN}", "-"))


def lines(page: Any, section: str) -> list[str]:
    page.wait_for_selector(f"#{section}:not(.busy) .results .text")
    found: list[str] = page.locator(f"#{section} .results .text").all_text_contents()
    return found


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (400, True)])
def test_drawing(text: bt.Exploration, open_page: Any, width: int, dark: bool) -> None:
    page = open_page(text.url, width=width, dark=dark)
    run = text.explorer.run
    assert lines(page, "draw") == run.sample(10, seed=0)
    page.get_by_label("Samples").first.fill("4")
    page.get_by_label("Seed", exact=True).fill("7")
    page.get_by_label("Temperature").first.fill("0.5")
    page.get_by_label("Candidates").fill("3")
    page.get_by_role("button", name="Draw").click()
    page.wait_for_selector("#draw code:has-text('--n 4')")
    assert lines(page, "draw") == run.sample(4, seed=7, temperature=0.5, candidates=3)
    command = page.locator("#draw code").text_content()
    assert command.endswith("--n 4 --seed 7 --temperature 0.5 --candidates 3 --step 3")
    assert "effective candidates" in page.locator("#draw .status").text_content()
    page.get_by_role("button", name="Next seed").click()
    page.wait_for_selector("#draw code:has-text('--seed 8')")
    assert lines(page, "draw") == run.sample(4, seed=8, temperature=0.5, candidates=3)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_exported_model_offers_the_weights_that_it_has(
    text: bt.Exploration, open_page: Any, tmp_path: Path
) -> None:
    run = text.explorer.run
    run.export(tmp_path / "exported", weights="last")
    with bt.explore(tmp_path / "exported") as exported:
        page = open_page(exported.url)
        assert lines(page, "draw") == run.sample(10, seed=0, average=False)
        offered = page.locator("#draw select[name=weights] option").all_text_contents()
        assert offered == ["last step"]
        shown = f"bgan-text sample {tmp_path / 'exported'} --n 10 --seed 0 --weights last --step 3"
        assert page.locator("#draw code").text_content() == shown


def test_walking(text: bt.Exploration, open_page: Any) -> None:
    page = open_page(text.url, width=400)
    lines(page, "draw")
    page.get_by_role("tab", name="Draw").press("ArrowRight")  # by the keyboard alone
    assert page.evaluate("document.activeElement.id") == "tab-walk"
    walked = text.explorer.walk()
    assert lines(page, "walk") == walked.places[0]
    slider = page.get_by_label("Place", exact=True)
    for place in (1, 2):
        slider.press("ArrowRight")
        assert lines(page, "walk") == walked.places[place]
    assert page.locator("#where").text_content() == "3 of 11, 20 % of the way"
    slider.press("End")
    assert lines(page, "walk") == walked.places[-1]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_scoring_a_text_that_is_typed(text: bt.Exploration, open_page: Any) -> None:
    page = open_page(text.url, dark=True)
    page.get_by_role("tab", name="Score").click()
    typed = ["The index rose .", "<b>bold</b> rose"]
    page.get_by_label("Texts, one a line").fill("\n".join(typed))
    page.get_by_label("Texts, one a line").press("Control+Enter")
    page.wait_for_selector("#score .verdict")
    found = text.explorer.score(*typed)
    numbers = page.locator("#score .verdict b").all_text_contents()
    assert list(map(value, numbers)) == pytest.approx([one.score for one in found], abs=0.006)
    above = page.locator("#score .verdict .above").all_text_contents()
    shares = [int(100 * (one.above or 0.0) + 0.5) for one in found]
    assert above == [f"{share} % of 200 samples of this run score higher" for share in shares]
    for number, one in enumerate(found):
        tokens = page.locator("#score .verdict").nth(number).locator(".token")
        pieces = [token.text.strip() for token in one.tokens[:-1]]
        assert tokens.locator(".piece").all_text_contents() == [*pieces, "end"]
        worths = tokens.locator(".worth").all_text_contents()
        assert list(map(value, worths)) == pytest.approx([token.score for token in one.tokens], abs=0.006)
        signs = [int(tokens.nth(place).get_attribute("data-sign")) for place in range(len(one.tokens))]
        assert signs == [int(np.sign(token.score or 0.0)) for token in one.tokens]
    colours = page.locator("#score .verdict .token").evaluate_all(
        "tokens => tokens.map(token => getComputedStyle(token).backgroundColor)"
    )
    for colour, token in zip(colours, (token for one in found for token in one.tokens), strict=True):
        red, _, blue = (float(part) for part in re.findall(r"[\d.]+", colour)[:3])
        if token.score:  # 0 of what the vocabulary lacks
            assert (red > blue) == (token.score < 0), colour
    assert len(set(colours)) > 2
    assert page.locator("#score img, #score .results b b").count() == 0  # what was typed is no markup
    assert "not in the vocabulary" in page.locator("#score .verdict").nth(1).text_content()


def test_a_line_that_is_too_long_is_named_and_capitals_are_read_as_small(
    folder: Path, open_page: Any
) -> None:
    lines = [f"On Monday I saw {number} roses" for number in range(40)]
    data = bt.prepare(lines, lowercase=True, out=folder / "lowercase")
    with bt.explore(bt.train(data, out=folder / "lower", **TINY)) as opened:
        page = open_page(opened.url)
        page.get_by_role("tab", name="Score").click()
        page.get_by_label("Texts, one a line").fill("\nOn Monday I saw 3 roses\n" + "roses " * 50)
        page.get_by_label("Texts, one a line").press("Control+Enter")
        page.wait_for_selector("#score .verdict")
        verdicts = page.locator("#score .verdict").all_text_contents()
        assert len(verdicts) == 2
        assert "not in the vocabulary" not in verdicts[0]
        assert verdicts[1].startswith("Line 3 is not scored: ")
        assert "samples of this run have at most" in verdicts[1]
        status = page.locator("#score .status").text_content()
        assert "1 of 2 texts are scored" in status
        assert "as the data are in lower case" in status
        assert "Texts are read in lower case" in page.locator("#score .hint").text_content()


def test_a_drawn_sample_is_scored_by_its_button(text: bt.Exploration, open_page: Any) -> None:
    page = open_page(text.url)
    first = lines(page, "draw")[0]
    page.get_by_role("button", name="Score sample 1", exact=True).click()
    page.wait_for_selector("#score .verdict")
    assert page.get_by_label("Texts, one a line").input_value() == first
    assert page.get_by_role("tab", name="Score").get_attribute("aria-selected") == "true"


@pytest.mark.parametrize(
    ("label", "value", "line"),
    [
        ("Samples", "5000", "Samples 5000: it must be below 201"),
        ("Temperature", "0", "Temperature 0.0: a number above 0 is needed"),
        ("Seed", "-1", "Seed -1: at least 0 is needed"),
        ("Seed", "1.5", "Seed 1.5: an integer is needed"),
    ],
)
def test_a_bad_value_is_told_in_one_line(
    text: bt.Exploration, open_page: Any, label: str, value: str, line: str
) -> None:
    page = open_page(text.url)
    before = lines(page, "draw")
    page.locator("#draw").get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Draw").click()
    page.wait_for_selector("#draw .problem:visible")
    assert page.locator("#draw .problem").text_content() == line
    assert lines(page, "draw") == before
    assert open_page.faults == [
        "console: Failed to load resource: the server responded with a status of 400 (Bad Request)"
    ]
    open_page.faults.clear()
    page.locator("#draw").get_by_label(label, exact=True).fill("1")
    page.get_by_role("button", name="Draw").click()
    page.wait_for_selector("#draw .problem", state="hidden")


def test_pictures(pictures: bt.Exploration, open_page: Any) -> None:
    page = open_page(pictures.url)
    page.locator("#draw img").nth(63).wait_for()
    assert page.evaluate("[...document.querySelectorAll('#draw img')].every(one => one.naturalWidth === 8)")
    assert not page.get_by_role("tab", name="Score").is_visible()
    page.get_by_role("tab", name="Walk").click()
    page.locator("#places td img").nth(54).wait_for()
    page.get_by_label("Place", exact=True).press("ArrowRight")
    places = page.evaluate("[...document.querySelectorAll('#places td.here')].map(one => one.dataset.place)")
    assert places == ["1"] * 5
    shown = page.evaluate("[...document.querySelectorAll('#walk .results img')].map(one => one.src)")
    table = page.evaluate("[...document.querySelectorAll('#places td.here img')].map(one => one.src)")
    assert shown == table
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_markup_in_samples_is_text(folder: Path, open_page: Any) -> None:
    data = bt.prepare(
        [f"{MARKUP} {word}" for word in "abcdefgh" * 20], tokenizer="whitespace", out=folder / "bad"
    )
    with bt.explore(bt.train(data, out=folder / "markup", objective="mle", **TINY)) as exploration:
        page = open_page(exploration.url)
        lines(page, "draw")  # the fields have their values now
        page.get_by_label("Samples").first.fill("100")
        page.get_by_role("button", name="Draw").click()
        page.locator("#draw .text").nth(99).wait_for()
        shown = lines(page, "draw")
        assert any("<b>bold</b>" in line or "<img" in line for line in shown)
        assert page.locator("main img").count() == 0
        page.get_by_role("tab", name="Score").click()
        assert "it has no discriminator" in page.locator("#score .reason").text_content()


def test_an_ended_page_says_so(folder: Path, text: bt.Exploration, open_page: Any) -> None:
    with bt.explore(text.explorer.run) as exploration:
        page = open_page(exploration.url)
        lines(page, "draw")
    page.get_by_role("button", name="Draw").click()
    page.wait_for_selector("#draw .problem:visible")
    assert "bgan-text explore" in page.locator("#draw .problem").text_content()
    assert all("ERR_CONNECTION_REFUSED" in fault for fault in open_page.faults)
    open_page.faults.clear()


def test_every_field_has_a_label_and_every_button_a_name(text: bt.Exploration, open_page: Any) -> None:
    page = open_page(text.url)
    lines(page, "draw")
    unlabelled = page.evaluate(
        "[...document.querySelectorAll('input, select, textarea')].filter(one => !one.labels.length).length"
    )
    assert unlabelled == 0
    names = [
        button.get_attribute("aria-label") or button.text_content() for button in page.locator("button").all()
    ]
    assert all(name.strip() for name in names)
