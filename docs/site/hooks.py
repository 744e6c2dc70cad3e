"""What the site has that docs/ has not.

- Documents, scripts and notebooks elsewhere in the repository that a document links to become pages, so that
  every link leads somewhere in the site as it does in the repository.
- The reference of the Python API, by mkdocstrings, from the names in `bgan_text.__all__`.
- Formulas as MathML, which browsers draw without a script.
"""

import atexit
import base64
import html
import json
import posixpath
import re
import shutil
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

import bgan_text

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = "project/"
"""Where in the site the files outside docs/ are, with their paths in the repository."""
LINK = re.compile(r'(?P<before>\]\(|\bsrc=")(?![a-z]+:|#)(?P<path>[^)"\s#]+)')
ITEM = re.compile(r"^- \[(.*?)\]\(([^)#]+)\)", re.MULTILINE)
API = {
    "data": ("Data", ["prepare", "DatasetDirectory", "TokenSpace", "PixelSpace", "LabelSpace"]),
    "training": (
        "Training",
        ["train", "load_run", "Run", "Config", "Callback", "TensorBoard", "Wandb", "keep_freed_memory"],
    ),
    "scores": ("Scoring", ["evaluate", "EvaluationOptions", "Judges", "Report", "Score", "scores"]),
    "studies": ("Studies", ["sweep", "compare", "reproduce"]),
    "runs": (
        "Looking at runs",
        [
            "plot",
            "report",
            "watch",
            "Snapshot",
            "explore",
            "Exploration",
            "Explorer",
            "verify",
            "Verification",
        ],
    ),
    "parts": (
        "Parts of your own",
        [
            "Divergence",
            "DIVERGENCES",
            "ConditionalDistribution",
            "TextCorpus",
            "ImageCorpus",
            "CustomScore",
            "CommandJudge",
        ],
    ),
    "sharing": ("Passing a model on", ["export", "ExportOptions"]),
    "others": ("Others", ["doctor", "Diagnosis", "UserError", "Reporter"]),
}
"""Pages of the Python API by file name: title and names. A public name of no page goes to the last."""


@event_priority(100)  # before mkdocstrings reads its settings
def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Lay the code for mkdocstrings as it installs, with cli and corpora inside bgan_text."""
    code = Path(tempfile.mkdtemp(prefix="bgan-text-"))
    atexit.register(shutil.rmtree, code, ignore_errors=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    for package, folder in project["tool"]["setuptools"]["package-dir"].items():
        shutil.copytree(ROOT / folder, code.joinpath(*package.split(".")))
    for file in code.rglob("*.py"):  # griffe knows this section by its plural alone
        text = file.read_text("utf-8")
        file.write_text(re.sub(r"^( *)Example:$", r"\1Examples:", text, flags=re.MULTILINE), "utf-8")
    config.plugins["mkdocstrings"].config["handlers"]["python"]["paths"] = [str(code)]
    config.nav = navigation()
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the API, and those of all files outside docs/ that are linked to."""
    for name in API:
        files.append(File.generated(config, f"api/{name}.md", content=api_page(name)))
    documents = [file for file in files.documentation_pages() if file.generated_by is None]
    waiting = [path for one in documents for path in linked(one.content_string, f"docs/{one.src_uri}")]
    shown = {page for section in navigation()[1:] for page in pages_of(section)}
    done = set()
    while waiting:
        path = waiting.pop()
        if path in done or path.startswith("docs/"):
            continue
        done.add(path)
        text = page_of(path, files, config)
        waiting += linked(text, path)
        page, text = in_site(path), rewritten(text, path)
        place = InclusionLevel.UNDEFINED if page in shown else InclusionLevel.NOT_IN_NAV
        files.append(File.generated(config, page, content=text, inclusion=place))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Links of a document to files outside docs/ lead to their pages; the search finds questions first."""
    if page.file.src_uri == "questions.md":
        page.meta["search"] = {"boost": 4}
    return rewritten(markdown, f"docs/{page.file.src_uri}") if page.file.generated_by is None else markdown


def on_page_content(content: str, page: Page, **_: Any) -> str:
    """TeX becomes MathML, and the prompts of consoles become style, so that nobody copies them.

    A formula keeps the punctuation behind it on its line. The reference has terminal boxes, which are marked
    to be set in a smaller type.
    """
    if page.file.src_uri == "reference.md":
        content = f'<div class="terminal">{content}</div>'
    content = content.replace('<span class="gp">$ </span>', '<span class="gp prompt"></span>')
    block, inline = (rf'<{tag} class="arithmatex">(.*?)</{tag}>' for tag in ("div", "span"))
    content = re.sub(block, lambda found: mathml(found[1], "block"), content, flags=re.DOTALL)
    return re.sub(
        rf"{inline}([.,;:)-]*)",
        lambda found: f'<span class="formula">{mathml(found[1], "inline")}{found[2]}</span>',
        content,
        flags=re.DOTALL,
    )


def mathml(tex: str, display: str) -> str:
    """A formula in HTML's TeX as MathML, with a space between a function and its argument."""
    made = convert(html.unescape(tex).strip(), display=display)
    made = made.replace("<mi>log</mi>", '<mi>log</mi><mspace width="0.167em" />')
    return made.replace("<mo>&#x02016;</mo>", '<mo stretchy="false">&#x02016;</mo>')


# --- Navigation ---------------------------------------------------------------------------------------------


def navigation() -> list[dict[str, Any]]:
    """The sections and the links of docs/README.md, and the pages of the Python API in that of Python."""
    sections: list[dict[str, Any]] = [{"Home": "README.md"}]
    for part in re.split(r"^\*\*(?=.*\*\*$)", (ROOT / "docs" / "README.md").read_text("utf-8"), flags=re.M)[
        1:
    ]:
        name, _, items = part.partition("**\n")
        links = [(title, repository_path(path, "docs/README.md")) for title, path in re.findall(ITEM, items)]
        entries = [{title: in_site(path)} for title, path in links if path is not None]
        if name == "Python":
            entries += [{title: f"api/{page}.md"} for page, (title, _) in API.items()]
        sections.append({name: entries})
    return sections


def pages_of(section: dict[str, Any]) -> list[str]:
    """The sources of the pages of a section."""
    return [page for entries in section.values() for entry in entries for page in entry.values()]


# --- Links --------------------------------------------------------------------------------------------------


def repository_path(target: str, source: str) -> str | None:
    """The file or folder of the repository that a link in `source` means, or None if it is none."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    if path.startswith("..") or not (ROOT / path).exists():
        return None
    return f"{path}/README.md" if (ROOT / path).is_dir() else path


def in_site(path: str) -> str:
    """The source of the page in the site for a file of the repository."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return OUTSIDE + (path if path.endswith((".md", ".png")) else f"{path}.md")


def linked(text: str, source: str) -> list[str]:
    """Files outside docs/ that a document links to."""
    found = (repository_path(link["path"], source) for link in LINK.finditer(text))
    return [path for path in found if path is not None and not path.startswith("docs/")]


def rewritten(text: str, source: str) -> str:
    """The text of a document with links as the site needs them."""
    folder = posixpath.dirname(in_site(source))

    def link(found: re.Match[str]) -> str:
        path = repository_path(found["path"], source)
        if path is None or (source.startswith("docs/") and path.startswith("docs/")):
            return found[0]
        return found["before"] + posixpath.relpath(in_site(path), folder or ".")

    return LINK.sub(link, text)


# --- Pages --------------------------------------------------------------------------------------------------


def page_of(path: str, files: Files, config: MkDocsConfig) -> str:
    """A file outside docs/ as Markdown: documents as they are, notebooks with results, scripts as code."""
    text = (ROOT / path).read_text("utf-8")
    if path.endswith(".md"):
        return text
    if path.endswith(".ipynb"):
        return notebook(json.loads(text), path, files, config)
    language = {".py": "python", ".json": "json", ".yml": "yaml"}.get(Path(path).suffix, "text")
    return f"# {path}\n\n```{language}\n{text.rstrip()}\n```\n"


def notebook(content: dict[str, Any], path: str, files: Files, config: MkDocsConfig) -> str:
    """The cells of a notebook with what they printed and drew; the pictures become files of the site."""
    download = posixpath.basename(path)
    files.append(File.generated(config, OUTSIDE + path, abs_src_path=str(ROOT / path)))
    parts: list[str] = []
    pictures = 0
    for cell in content["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/png" in data:
                pictures += 1
                name = f"{posixpath.splitext(path)[0]}-{pictures}.png"
                picture = base64.b64decode("".join(data["image/png"]))
                files.append(File.generated(config, OUTSIDE + name, content=picture))
                parts.append(f"![Picture {pictures}]({posixpath.basename(name)})")
            elif "text/html" in data:
                table = re.sub(r"<style.*?</style>", "", "".join(data["text/html"]), flags=re.DOTALL)
                parts.append(re.sub(r'<table border="1" class="dataframe">', "<table>", table))
            elif printed := "".join(output.get("text", data.get("text/plain", []))):
                parts.append(f"```text\n{printed.rstrip()}\n```")
    title, _, rest = "\n\n".join(parts).partition("\n")
    return f'{title}\n\n<a href="{download}" download>Download the notebook</a>\n{rest}'


def api_page(name: str) -> str:
    """A page of the Python API: a directive of mkdocstrings for each name."""
    title, names = API[name]
    if name == list(API)[-1]:
        placed = {one for _, several in API.values() for one in several}
        names = names + [one for one in bgan_text.__all__ if one not in placed and not one.startswith("_")]
    parts = [f"::: bgan_text.{one}" for one in names if one != "scores"]
    if "scores" in names:  # a function may have the name of its module
        parts.append("## Functions of `bgan_text.scores`")
        parts += [
            f"::: {getattr(bgan_text.scores, one).__module__}.{one}\n    options: {{ heading_level: 3 }}"
            for one in bgan_text.scores.__all__
            if one not in bgan_text.__all__
        ]
    return "\n\n".join([f"# {title}", *parts])
