"""Reports in Chromium: what is hovered was logged, everything answers to keys, nothing scrolls sideways."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

import bgan_text as bt

if TYPE_CHECKING:
    from playwright.sync_api import Page

STYLES = Path(bt.__file__).parent / "html_report" / "templates" / "report.css"
SMALL: dict[str, Any] = {
    "width": 4, "discriminator_width": 4, "batch": 8, "precision": "float32", "log_every": 1,
    "evaluate_every": "20", "steps": 60,
}  # fmt: skip
LINES = {"Bound": {"Bound": "bound"}, "Scores of the": {"real": "real_score", "generated": "fake_score"}}
"""Metrics by the label of their lines, by the chart that they are in."""


@pytest.fixture(scope="module")
def folder(
    data: bt.DatasetDirectory,
    digits: dict[str, tuple[NDArray[np.uint8], Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Runs, and reports of one, of two and of images."""
    folder = tmp_path_factory.mktemp("reports")
    first = bt.train(data, out=folder / "first", **SMALL)
    second = bt.train(data, out=folder / "second", draws=3, **SMALL)
    images = bt.prepare(digits["train"][0][:120], colors=2, out=folder / "digits-data")
    third = bt.train(images, out=folder / "digits", **SMALL | {"steps": 4, "evaluate_every": "2"})
    scores = bt.evaluate([first, second], count=40, resamples=20).to_json()
    (folder / "scores.json").write_text(json.dumps(scores))
    bt.report(first, out=folder / "one.html")
    (folder / "score.json").write_text(json.dumps(bt.evaluate(first, count=40, resamples=20).to_json()))
    bt.report(first, out=folder / "scored.html", scores=[folder / "score.json"])
    bt.report([first, second], out=folder / "two.html", scores=[folder / "scores.json"])
    bt.report(third, out=folder / "images.html")
    return folder


def logged(folder: Path, run: str, metric: str) -> dict[int, float]:
    """The values of a metric by step, read without the package."""
    lines = (folder / run / "metrics.jsonl").read_text("utf-8").splitlines()
    rows = map(json.loads, lines)
    return {row["step"]: row[metric] for row in rows if metric in row}


def chart(page: "Page", title: str) -> Any:
    return page.locator("figure.chart", has=page.locator("h3", has_text=re.compile(f"^{title}")))


def tip(page: "Page") -> tuple[int, dict[str, float]]:
    """The step that is read, and the values by line."""
    shown = page.locator("#tip")
    step = int(shown.locator(".head").first.inner_text().split()[1].replace(",", ""))
    items = [item.inner_text().split("\n") for item in shown.locator(".item").all()]
    return step, {label: float(value.replace(",", "")) for label, value in items}


def test_what_is_hovered_is_what_was_logged(folder: Path, open_page: Any) -> None:
    page = open_page((folder / "one.html").as_uri())
    values = {name: logged(folder, "first", name) for name in ("bound", "real_score", "fake_score")}
    seen = set()
    for share in (0.15, 0.5, 0.83):
        for title, names in LINES.items():
            plot = chart(page, title).locator(".u-over")
            plot.scroll_into_view_if_needed()
            box = plot.bounding_box()
            page.mouse.move(box["x"] + share * box["width"], box["y"] + 40)
            step, shown = tip(page)
            assert shown == {label: float(f"{values[name][step]:.4g}") for label, name in names.items()}
            assert abs(step - share * 60) < 2
            seen.add(step)
    assert len(seen) == 3


def test_seconds_take_the_place_of_steps(folder: Path, open_page: Any) -> None:
    page = open_page((folder / "one.html").as_uri())
    seconds = logged(folder, "first", "seconds")
    page.get_by_text("seconds", exact=True).first.click()
    ends = page.evaluate("CHARTS.map((chart) => chart.plot.scales.x.max)")
    assert max(ends) == pytest.approx(max(seconds.values()), rel=1e-3)
    assert "over seconds" in str(chart(page, "Bound").locator(".plot").get_attribute("aria-label"))


def test_runs_can_be_switched_off_and_sorted(folder: Path, open_page: Any) -> None:
    page = open_page((folder / "two.html").as_uri())
    bound = "CHARTS.find((chart) => chart.told.title === 'Bound').visible().map((line) => line.run)"
    assert page.evaluate(bound) == [0, 1]
    page.get_by_label("first").first.uncheck()
    assert page.evaluate(bound) == [1]
    assert page.locator("#run-table tr[data-run='0']").get_attribute("class") == "off"
    page.get_by_role("button", name="None", exact=True).click()
    assert page.evaluate(bound) == []
    assert "No run" in chart(page, "Bound").inner_text()
    page.get_by_role("button", name="All", exact=True).click()
    assert page.evaluate(bound) == [0, 1]
    names = page.locator("#run-table tbody tr th")
    page.get_by_role("button", name="run", exact=True).click()
    assert [name.strip() for name in names.all_inner_texts()] == ["first", "second"]
    page.get_by_role("button", name="run", exact=True).click()
    assert [name.strip() for name in names.all_inner_texts()] == ["second", "first"]
    assert page.locator("th[aria-sort='descending']").count() == 1


def test_the_slider_changes_the_samples_and_the_marks(folder: Path, open_page: Any) -> None:
    page = open_page((folder / "one.html").as_uri())
    lines = (folder / "first" / "metrics.jsonl").read_text("utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if "samples" in row]
    slider = page.locator("#evaluation")
    assert slider.input_value() == "2"
    for place, row in ((0, rows[0]), (1, rows[1])):
        slider.fill(str(place))
        items = page.locator("#generated li")
        assert [" ".join(text.split()) for text in items.all_inner_texts()] == [
            " ".join(text.split()) or "empty" for text in row["samples"]
        ]
        assert f"step {row['step']}" in page.locator("#now").inner_text()
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "step 60"
    marks = {}
    for n in ("0", "1", "5"):
        page.select_option("#order", n)
        marks[n] = sum(map(len, page.locator("#generated mark, #real mark").all_inner_texts()))
    assert marks["0"] == 0
    assert marks["1"] < marks["5"]


def test_the_slider_changes_the_grid(folder: Path, open_page: Any) -> None:
    page = open_page((folder / "images.html").as_uri())
    image = page.locator("#generated img")
    last = image.get_attribute("src")
    page.locator("#evaluation").focus()
    page.keyboard.press("ArrowLeft")
    assert image.get_attribute("src") != last
    assert "step 2" in str(image.get_attribute("alt"))
    assert page.locator("#real img").evaluate("image => image.naturalWidth") > 100


def test_keys_read_and_enlarge_the_charts(folder: Path, open_page: Any) -> None:
    page = open_page((folder / "one.html").as_uri())
    values = logged(folder, "first", "real_score")
    chart(page, "Scores of the").locator(".plot").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert tip(page)[0] == 2
    label, value, step = re.split(r": | at step ", page.locator("#said").inner_text().partition(",")[0])
    assert (label, float(value), step) == ("real", float(f"{values[2]:.4g}"), "2")
    page.keyboard.press("ArrowDown")
    assert page.locator("#said").inner_text().startswith("generated")
    page.keyboard.press("End")
    assert tip(page)[0] == 60
    page.keyboard.press("+")
    assert page.evaluate("STATE.zoom[0]") > 0
    page.keyboard.press("0")
    assert page.evaluate("STATE.zoom") is None
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


def test_the_cross_hair_of_the_keyboard_is_in_all_charts(folder: Path, open_page: Any) -> None:
    page = open_page((folder / "one.html").as_uri())
    left = "plot.cursor.left"
    at = f"CHARTS.map(({{plot}}) => {left} < 0 ? null : plot.posToVal({left}, 'x'))"
    chart(page, "Bound").locator(".plot").focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    places = page.evaluate(at)
    assert len(places) > 3
    assert places == pytest.approx([30] * len(places), abs=0.5)
    page.keyboard.press("Escape")
    assert set(page.evaluate(at)) == {None}


def test_a_line_is_switched_off_by_its_name(folder: Path, open_page: Any) -> None:
    page = open_page((folder / "one.html").as_uri())
    figure = chart(page, "Scores of the")
    shown = "CHARTS.find((one) => one.told.title.startsWith('Scores')).plot.series.length"
    before = page.evaluate(shown)
    key = figure.get_by_role("button", name="generated")
    key.click()
    assert key.get_attribute("aria-pressed") == "false"
    assert page.evaluate(shown) < before
    assert "generated" not in str(figure.locator(".plot").get_attribute("aria-label"))
    figure.get_by_role("button", name="real").click()
    assert "All lines are switched off" in figure.inner_text()
    key.focus()
    page.keyboard.press("Enter")
    figure.get_by_role("button", name="real").click()
    assert page.evaluate(shown) == before


def test_dragging_enlarges_all_charts(folder: Path, open_page: Any) -> None:
    page = open_page((folder / "one.html").as_uri())
    plot = chart(page, "Bound").locator(".u-over")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 50, steps=4)
    page.mouse.up()
    for scale in page.evaluate("CHARTS.map((chart) => [chart.plot.scales.x.min, chart.plot.scales.x.max])"):
        assert scale == pytest.approx([15, 30], abs=1)
    page.locator("#reset").click()
    assert page.evaluate("CHARTS[0].plot.scales.x.max") == 60


def test_the_table_behind_a_chart_has_its_values(folder: Path, open_page: Any) -> None:
    page = open_page((folder / "one.html").as_uri())
    figure = chart(page, "Bound")
    figure.locator("summary").click()
    figure.locator("tbody tr").last.wait_for()
    rows = [row.inner_text().split("\t") for row in figure.locator("tbody tr").all()]
    values = logged(folder, "first", "bound")
    assert {int(step): float(value) for step, _, value in rows} == pytest.approx(values, rel=1e-5)


def test_light_and_dark_follow_the_system_and_the_button(folder: Path, open_page: Any) -> None:
    page = open_page((folder / "one.html").as_uri(), dark=True)
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    button = page.locator("#theme")
    button.click()
    light = page.evaluate(background)
    assert "light" in button.inner_text()
    button.click()
    assert page.evaluate(background) == dark != light
    page.reload()
    assert "dark" in button.inner_text()


@pytest.mark.parametrize("name", ["one", "two", "images"])
def test_a_narrow_page_does_not_scroll_sideways(folder: Path, open_page: Any, name: str) -> None:
    page = open_page((folder / f"{name}.html").as_uri(), width=400)
    for details in page.locator("details:not([open]) > summary").all():
        if details.is_visible():
            details.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 400


def test_a_narrow_page_shows_scores_beside_those_of_real_samples(folder: Path, open_page: Any) -> None:
    page = open_page((folder / "scored.html").as_uri(), width=400)
    table = page.locator(".scores")
    right = table.locator("xpath=..").evaluate("one => one.getBoundingClientRect().right")
    for cell in table.locator("td.real").all():
        assert cell.evaluate("one => one.getBoundingClientRect().right") <= right + 0.5
    page = open_page((folder / "scored.html").as_uri())
    assert page.locator(".scores td.picture svg").first.is_visible()


def test_a_hostile_page_runs_nothing(folder: Path, open_page: Any) -> None:
    hostile = "</script><script>window.bad = 1</script><img src=x onerror=window.bad=1>"
    path = bt.report(folder / "first", out=folder / "hostile.html", title=hostile)
    page = open_page(path.as_uri())
    assert page.locator("h1").inner_text() == hostile
    assert page.evaluate("window.bad") is None


def test_everything_that_answers_to_the_mouse_has_a_name(folder: Path, open_page: Any) -> None:
    page = open_page((folder / "two.html").as_uri())
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, select, input, [role=region], [role=img], .plot")]
        .filter((one) => !(one.textContent.trim() || one.getAttribute("aria-label") || one.labels?.length
            || document.getElementById(one.getAttribute("aria-labelledby"))))
        .map((one) => one.outerHTML)"""
    )
    assert unnamed == []


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


SEEN = {
    "all colours": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
"""Linear red, green and blue as they are seen: Machado, Oliveira and Fernandes 2009, table 1, severity 1."""
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colour: str, seen: list[list[float]]) -> NDArray[Any]:
    levels = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(XYZ @ np.clip(np.array(seen) @ linear, 0.0, 1.0) / XYZ.sum(axis=1))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("kind", SEEN)
def test_lines_can_be_told_apart_with_every_kind_of_vision(kind: str) -> None:
    sets = re.findall(r"--c0: .*?--c7: #\w{6}", STYLES.read_text("utf-8"))
    assert len(sets) == 3
    for colours in sets:
        seen = [lab(colour, SEEN[kind]) for colour in re.findall(r"#\w{6}", colours)]
        assert min(float(np.linalg.norm(one - other)) for one, other in combinations(seen, 2)) > 15.0


def test_colours_have_the_contrast_of_wcag_aa() -> None:
    """WCAG 2.2: 4.5 for text (1.4.3), 3 for lines of charts (1.4.11)."""
    themes = re.findall(r"\{\n?\s*(--page.*?)color-scheme", STYLES.read_text("utf-8"), flags=re.S)
    assert len(themes) == 3
    for theme in themes:
        colours = dict(re.findall(r"--([\w-]+): (#\w{6})", theme))
        for ground in ("page", "card", "soft"):
            assert contrast(colours["ink"], colours[ground]) >= 4.5
            assert contrast(colours["muted"], colours[ground]) >= 4.5
        assert contrast(colours["ink"], colours["mark"]) >= 4.5
        assert contrast(colours["accent-ink"], colours["accent"]) >= 4.5
        for line in (*(f"c{number}" for number in range(8)), "mark-edge", "accent"):
            assert contrast(colours[line], colours["card"]) >= 3.0, line
