"""README and docs: what they show works.

Every block of `console` and `python` runs, in the order of the document and in one folder. A comment line
before a block changes that: `<!-- not run: REASON -->` skips it, `<!-- file: NAME -->` saves it as a file.
"""

import ast
import contextlib
import csv
import gzip
import io
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from bgan_text.cli.main import COMMANDS

Command = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests" / "fixtures"
REFERENCE = (ROOT / "docs" / "reference.md").read_text("utf-8")
DOCUMENTS = ["README.md", *(f"docs/{file.name}" for file in sorted((ROOT / "docs").glob("*.md")))]
LINES_OF_README = 150


class Block(NamedTuple):
    """A block of code. `mark`: "not run", "file" or ""; `value`: what the mark says."""

    document: str
    language: str
    code: str
    mark: str
    value: str


def read(document: str) -> str:
    return (ROOT / document).read_text("utf-8")


def blocks(document: str) -> list[Block]:
    pattern = r"(?:^<!-- (not run|file): (\S.*?) -->\n)?^```(console|python)\n(.*?)^```$"
    found = re.findall(pattern, read(document), flags=re.MULTILINE | re.DOTALL)
    return [Block(document, language, code, mark, value) for mark, value, language, code in found]


def command_lines(block: Block) -> list[str]:
    return re.findall(r"^\$ (.*)$", block.code, flags=re.MULTILINE)


def commands(block: Block) -> list[list[str]]:
    """The words of every bgan-text command of a block of `console`, without those of other programs."""
    found = []
    for line in command_lines(block):
        parts: list[list[str]] = [[]]
        for word in shlex.split(line, comments=True):
            if word in ("&&", "|"):
                parts.append([])
            else:
                parts[-1].append(word)
        found += [words[1:] for words in parts if words[0] == "bgan-text"]
    return found


BLOCKS = [block for document in DOCUMENTS for block in blocks(document)]
CONSOLE = [block for block in BLOCKS if block.language == "console"]
RUN = [name for name in DOCUMENTS if any(block.mark != "not run" for block in blocks(name))]


def test_the_documents_show_every_command() -> None:
    assert {words[0] for block in CONSOLE for words in commands(block)} == COMMANDS.keys()


def test_the_readme_is_short() -> None:
    assert len(read("README.md").splitlines()) <= LINES_OF_README


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_option_exists(document: str) -> None:
    for block in blocks(document):
        for name, *words in commands(block) if block.language == "console" else []:
            known = REFERENCE.split(f"## bgan-text {name}\n")[1].split("\n## ")[0]
            for option in (word for word in words if re.match("--?[a-z]", word)):
                assert f" {option} " in known, f"{name} {option}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_mark_is_understood(document: str) -> None:
    marks = re.findall(r"^<!-- (?:not run|file)\b.*$", read(document), flags=re.MULTILINE)
    assert len(marks) == sum(1 for block in blocks(document) if block.mark)
    for block in blocks(document):
        if block.language == "python":
            ast.parse(block.code)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_code_escapes_the_tests(document: str) -> None:
    """A block in another language, or a console line without a prompt, would not run."""
    fences = re.findall(r"^ *```(.*)$", read(document), flags=re.MULTILINE)
    assert set(fences[::2]) <= {"console", "python", "text"}
    assert set(fences[1::2]) <= {""}
    assert sum(fence in ("console", "python") for fence in fences) == len(blocks(document))
    for block in blocks(document):
        if block.language == "console":
            assert len(command_lines(block)) == len(block.code.splitlines())


@pytest.mark.parametrize("document", sorted({*DOCUMENTS} - {"docs/experiments.md"}))  # old names are history
def test_every_option_of_the_prose_exists(document: str) -> None:
    prose = re.sub(r"^```.*?^```$", "", read(document), flags=re.MULTILINE | re.DOTALL)
    for code in re.findall(r"`([^`\n]+)`", prose):
        if not code.startswith("python "):  # a script of this repository
            for option in re.findall(r"(?<!\S)--[a-z][a-z0-9-]*", code):
                assert f" {option} " in REFERENCE, option


def test_the_index_names_every_document() -> None:
    linked = set(re.findall(r"\]\((\w[\w-]*\.md)\)", read("docs/README.md")))
    assert linked == {file.name for file in (ROOT / "docs").glob("*.md")} - {"README.md"}


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", read(document)):
        path, _, anchor = target.partition("#")
        file = ROOT / document if not path else (ROOT / document).parent / path
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text("utf-8")), target


def lines_of(fixture: str) -> list[str]:
    return (FIXTURES / fixture).read_text("utf-8").splitlines()


MINE = re.findall(r"^```text\n(objective = .*?)^```$", read("docs/training.md"), flags=re.M | re.S)[0]
"""The file of settings that docs/training.md shows."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Small files with the names that the documents use."""
    test = lines_of("coco_test.txt")
    texts = {"poems": lines_of("coco_train.txt")[:400], "training": lines_of("coco_train.txt")}
    texts |= {"samples": lines_of("leakgan.txt"), "one": lines_of("leakgan.txt")[:50]}
    texts |= {"real": test[:200], "other": test[200:250], "heldout": test[250:350]}
    texts["more-poems"] = lines_of("coco_train.txt")[400:]
    texts["prose"] = [part for line in texts["training"] for part in (*line.split(" a "), "")]
    for name, lines in texts.items():
        (tmp_path / f"{name}.txt").write_text("\n".join(lines) + "\n", "utf-8")
    (tmp_path / "mine.toml").write_text(MINE)
    rng = np.random.default_rng(0)
    smiles = ["".join(rng.choice(list("CNO=()"), 12)) for _ in range(200)]
    table = "name,SMILES\n" + "".join(f"{number},{one}\n" for number, one in enumerate(smiles))
    (tmp_path / "molecules.csv.gz").write_bytes(gzip.compress(table.encode()))
    with (tmp_path / "reviews.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("stars", "text"), *enumerate(texts["poems"])])
    codes = "".join(f"{' '.join(rng.choice(['E11', 'I10', 'Z79'], 6))}\n" for _ in range(200))
    (tmp_path / "codes.gz").write_bytes(gzip.compress(codes.encode()))
    faces = rng.integers(0, 256, (60, 40, 40, 3), dtype=np.uint8)
    np.savez(tmp_path / "faces.npz", images=faces, labels=np.arange(60) % 3)
    return tmp_path


STEPS, MORE_STEPS, SAMPLES = 2, 4, 40


def replaced(words: list[str], option: str, value: object, *, add: bool) -> list[str]:
    """The words with another value of an option, which is added if it is absent and `add` is true."""
    if option in words:
        place = words.index(option)
        return [*words[: place + 1], str(value), *words[place + 2 :]]
    return [*words, option, str(value)] if add else words


def cut(words: list[str]) -> list[str]:
    """The same command with a budget of seconds."""
    name, resumed = words[0], "--resume" in words
    if name in ("train", "compare"):
        words = ["--steps" if word == "--minutes" else word for word in words]
        words = replaced(words, "--steps", MORE_STEPS if resumed else STEPS, add=True)
        if not resumed:
            words = replaced(words, "--batch", 8, add=True)
    if name == "compare":
        words = replaced(words, "--seeds", 1, add=True)
    if name == "prepare" and (len(words) == 1 or words[1].startswith("-") or words[1] == "grammar"):
        words = replaced(words, "--limit", 300, add=True)
    if name == "doctor":
        words = replaced(words, "--seconds", 0.1, add=True)
    if name == "score":
        words = replaced(words, "--resamples", SAMPLES, add=True)
    return replaced(words, "--n", SAMPLES, add=name in ("score", "compare"))


def cut_python(code: str) -> str:
    """The same code with a budget of seconds."""
    for pattern, other in (
        (r"\.resume\(minutes=\d+\)", f".resume(steps={MORE_STEPS})"),
        (r"\bminutes=\d+", f"steps={STEPS}, batch=8"),
        (r'"minutes": \d+', f'"steps": {STEPS}, "batch": 8'),
        (r"\bcount=\d+", f"count={SAMPLES}"),
        (r"\bseeds=\d+", "seeds=1"),
    ):
        code = re.sub(pattern, other, code)
    return code


def run_line(line: str, bgan: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a line of a console: bgan-text commands joined by &&, the first perhaps fed by `zcat FILE |`."""
    fed = re.match(r"zcat (\S+) \| (.*)", line)
    if fed is not None:
        content = io.BytesIO(gzip.decompress(Path(fed[1]).read_bytes()))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content, "utf-8"))
        line = fed[2]
    for part in line.split(" && "):
        program, *words = shlex.split(part, comments=True)
        assert program == "bgan-text", f"mark the block as not run: {line}"
        result = bgan(*cut(words))
        assert result.code == 0, f"{line}\n{shlex.join(cut(words))}\n{result.err}"


@pytest.fixture
def quick_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    """The networks that scores train learn next to nothing."""
    from bgan_text.evaluation.judges import Judges

    quick = vars(Judges.quick())
    monkeypatch.setattr(Judges, "__init__", lambda self: vars(self).update(quick))


PRINTED = {"docs/scores.md": r"\AScore\(value=0\.77\d+\)$", "docs/python-api.md": r"^20 -?\d"}
"""What the Python of a document prints."""


@pytest.mark.usefixtures("quick_judges")
@pytest.mark.parametrize("document", RUN)
def test_the_blocks_of_a_document_run(
    document: str, folder: Path, bgan: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(folder)
    names: dict[str, Any] = {"__name__": "document"}
    printed = io.StringIO()
    for block in blocks(document):
        if block.mark == "file":
            (folder / block.value).write_text(block.code, "utf-8")
        elif block.mark == "not run":
            continue
        elif block.language == "console":
            for line in command_lines(block):
                run_line(line, bgan, monkeypatch)
        else:
            with contextlib.redirect_stdout(printed):
                exec(compile(cut_python(block.code), document, "exec"), names)
    assert re.search(PRINTED.get(document, ""), printed.getvalue(), flags=re.MULTILINE), printed.getvalue()


def test_published_scores_are_those_of_the_document(real_data: Path) -> None:
    """One model of the table in docs/scores.md, measured again."""
    from bgan_text.corpora.ngram_units import splitter
    from bgan_text.scores import bleu, self_bleu

    split = splitter("word", lowercase=True)
    samples, references = (
        [split(line) for line in (real_data / "texygen" / name).read_text("utf-8").splitlines()]
        for name in ("instances/leakgan.txt", "test_coco.txt")
    )
    document = (ROOT / "docs" / "scores.md").read_text("utf-8")
    for title, measured in (("BLEU", bleu(samples, references)), ("Self-BLEU", self_bleu(samples))):
        (row,) = (line for line in document.splitlines() if line.startswith(f"| LeakGAN | {title} |"))
        for order, cell in enumerate(row.split("|")[3:7], start=2):
            published, here = map(float, cell.split(","))
            assert here == round(measured[order].value, 3)
            assert abs(published - measured[order].value) < 0.0011
