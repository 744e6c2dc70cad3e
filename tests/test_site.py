"""The site that `make docs` builds: it is whole, stands alone, and shows what the documents show."""

import html.parser
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

import bgan_text

pytest.importorskip("mkdocs", reason="MkDocs is absent: pip install '.[docs]'")
ROOT = Path(__file__).resolve().parents[1]
STRUCTURE = ("h1", "h2", "h3", "h4", "li", "ol", "table", "tr", "th", "td", "pre", "img", "strong", "em")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    made = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    return folder


class Parsed(html.parser.HTMLParser):
    """What a page has: its ids, what it refers to, and the elements and the text of its article."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids, self.references = set[str](), list[str]()
        self.article, self.text, self.within, self.code = Counter[str](), list[str](), False, 0
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.ids |= {named["id"]} if "id" in named else set()
        self.references += [named[name] for name in ("href", "src") if name in named]
        self.within |= tag == "article"
        self.article[tag] += self.within
        self.code += tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self.within &= tag != "article"
        self.code -= tag == "code"

    def handle_data(self, data: str) -> None:
        if self.within and not self.code:
            self.text.append(data)


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Parsed]:
    """The pages by their paths."""
    return {page.relative_to(site).as_posix(): Parsed(page) for page in sorted(site.rglob("*.html"))}


def test_every_document_is_a_page(pages: dict[str, Parsed]) -> None:
    documents = {file.stem for file in (ROOT / "docs").glob("*.md")} - {"README"}
    assert {f"{name}.html" for name in documents} < pages.keys()
    assert {"index.html", "project/index.html", "project/CHANGELOG.html"} < pages.keys()


def test_every_link_of_a_page_leads_somewhere(site: Path, pages: dict[str, Parsed]) -> None:
    seen = 0
    for name, page in pages.items():
        for reference in page.references:
            if re.match(r"[a-z]+:", reference) or name == "404.html":
                continue
            path, _, anchor = unquote(reference).partition("#")
            target = (site / name).parent / path if path else site / name
            assert target.resolve().is_file(), f"{name}: {reference}"
            if anchor and target.suffix == ".html":
                there = pages[target.resolve().relative_to(site.resolve()).as_posix()]
                assert anchor in there.ids, f"{name}: {reference}"
                seen += 1
    assert seen > 500


def test_nothing_is_loaded_from_outside(site: Path) -> None:
    pattern = r'<(?:script|link|img|iframe)[^>]+(?:src|href)="?(?:https?:)?//[^">]*'
    for page in site.rglob("*.html"):
        assert re.findall(pattern, page.read_text("utf-8")) == [], page


DOCUMENTS = [
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "examples/README.md", "examples/molecules/README.md"),
    *sorted(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md")),
]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_page_has_the_structure_that_commonmark_gives_its_document(
    document: str, pages: dict[str, Parsed]
) -> None:
    """Lists, tables and emphasis are the same in the site as where the document is read elsewhere.

    Formulas are left in: what Markdown has a meaning for in them would be lost there.
    """
    text = (ROOT / document).read_text("utf-8")
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    every = [one for token in tokens for one in (token, *(token.children or []))]
    expected = Counter(one.tag for one in every if one.nesting >= 0)
    expected["pre"] = sum(one.type == "fence" for one in every)
    expected["img"] += sum(one.content.startswith("<img") for one in every if one.type.startswith("html_"))
    name = document.removeprefix("docs/") if document.startswith("docs/") else f"project/{document}"
    found = pages[name.replace("README.md", "index.md").replace(".md", ".html")].article
    assert {tag: found[tag] for tag in STRUCTURE} == {tag: expected[tag] for tag in STRUCTURE}


def test_formulas_are_mathml(pages: dict[str, Parsed]) -> None:
    assert pages["objectives.html"].article["math"] > 20
    for name, page in pages.items():
        prose = "".join(page.text)
        assert not re.search(r"\\(?:frac|sum|log|tilde|mathbb)\b|\$\$", prose), name


def test_every_public_name_has_an_entry(pages: dict[str, Parsed]) -> None:
    ids = set().union(*(page.ids for name, page in pages.items() if name.startswith("api/")))
    for name in set(bgan_text.__all__) - {"__version__", "scores"}:
        assert f"bgan_text.{name}" in ids, name
    for name in set(bgan_text.scores.__all__) - {"Score"}:
        module = getattr(bgan_text.scores, name).__module__
        assert f"{module}.{name}" in ids, name


SCROLLS = """() => [...document.querySelectorAll('article *')].filter(
    one => one.getBoundingClientRect().right > innerWidth + 1 &&
    !one.closest('.md-typeset__scrollwrap, pre, math, code')).map(one => one.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize(("width", "dark"), [(400, False), (1280, True)])
def test_pages_fit_into_the_window(
    width: int, dark: bool, site: Path, pages: dict[str, Parsed], open_page: Any
) -> None:
    page = open_page("about:blank", width, dark)
    for name in pages.keys() - {"404.html"}:  # a server shows it, with addresses from its root
        page.goto((site / name).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.evaluate(SCROLLS) == [], name
        assert page.get_attribute("body", "data-md-color-scheme") == ("slate" if dark else "default")


def test_commands_are_copied_without_their_prompt(site: Path, open_page: Any) -> None:
    page = open_page((site / "quick-start.html").as_uri())
    shown = page.eval_on_selector(".prompt", "one => getComputedStyle(one, '::before').content")
    assert shown == '"$ "'
    commands = page.eval_on_selector_all(".language-console code", "all => all.map(one => one.innerText)")
    lines = [line for text in commands for line in text.splitlines()]
    assert "bgan-text prepare poems.txt --tokenizer word --lowercase" in lines
    assert not any(line.startswith("$") for line in lines)


def test_boxes_of_the_reference_are_seen_whole(site: Path, open_page: Any) -> None:
    page = open_page((site / "reference.html").as_uri(), 1280)
    beyond = "blocks => blocks.map(block => block.scrollWidth - block.clientWidth)"
    assert set(page.eval_on_selector_all("article pre code", beyond)) == {0}


def found(page: Any, words: str) -> list[str]:
    """Where the search for some words leads, the first first."""
    page.click("input[name=query]")
    page.keyboard.type(words, delay=20)
    page.wait_for_selector(".md-search-result__link", state="attached", timeout=20_000)
    page.wait_for_timeout(500)  # it answers anew for each key
    links: list[str] = page.eval_on_selector_all(
        ".md-search-result__link", "links => links.map(link => link.href)"
    )
    return links


def test_search_works_from_disk(site: Path, open_page: Any) -> None:
    links = found(open_page((site / "index.html").as_uri()), "spectral normalisation")
    assert any("/objectives.html" in link for link in links)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("mode collapse", "mode-collapse-my-samples-all-look-alike"),
        ("file refused", "prepare-fails-why-is-my-file-refused-or-not-utf-8"),
        ("not UTF-8", "prepare-fails-why-is-my-file-refused-or-not-utf-8"),
        ("which checkpoint", "which-checkpoint-is-used-the-last-or-the-best"),
        ("prepare fails", "prepare-fails-why-is-my-file-refused-or-not-utf-8"),
    ],
)
def test_search_answers_questions_first(words: str, answer: str, site: Path, open_page: Any) -> None:
    page, section, *_ = found(open_page((site / "index.html").as_uri()), words)
    assert "/questions.html" in page
    assert section.endswith(f"#{answer}")
