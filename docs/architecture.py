"""Draw docs/architecture.svg from the import rules of pyproject.toml and the docstrings of the rooms.

python docs/architecture.py            write docs/architecture.svg
python docs/architecture.py --check    exit 1 if it would change
"""

import ast
import sys
import textwrap
import tomllib
from dataclasses import dataclass
from html import escape
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
DRAWN = DOCS / "architecture.svg"
WIDTH, MARGIN, GAP, PADDING, LINE = 880, 16, 6, 10, 17
CHARACTER = 6.4
"""Units that a character of a description takes at most."""
NAMES = 165
"""Units for the name of a room that has a layer to itself."""
SEPARATORS = (" | ", " : ")
MANY = 6
"""Members of a layer that are named only, without what each is for."""
CAPTION = "Each part imports only parts below it. Blue parts see tensors of integers: no file, no tokenizer."
STYLE = """
  text { font-family: system-ui, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 12px; fill: #24292f }
  .name { font-weight: 600; font-size: 13px }
  .room { fill: #f6f8fa; stroke: #8c959f }
  .integers { fill: #ddf4ff; stroke: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .room { fill: #21262d; stroke: #6e7681 }
    .integers { fill: #0c2d4d; stroke: #4493f8 }
  }
"""


@dataclass(frozen=True)
class Room:
    """A part of the package.

    Attributes:
        name: as the import rules call it.
        purpose: the first sentence of its docstring.
        integers: whether all of it may see integer tokens only, neither files nor tokenizers.
    """

    name: str
    purpose: str
    integers: bool


def purpose(name: str) -> str:
    """The first sentence of a module's docstring."""
    places = (f"bgan_text/{name}.py", f"bgan_text/{name}/__init__.py", f"{name}/__init__.py")
    path = next(ROOT / place for place in places if (ROOT / place).is_file())
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return docstring.partition("\n")[0].partition(". ")[0].rstrip(".").replace("`", "")


def layers() -> list[list[Room]]:
    """The rooms from the top down; those of a layer do not depend on the order."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    order = next(contract for contract in contracts if contract["type"] == "layers")
    forbidden = next(contract for contract in contracts if "integers" in contract["name"])["source_modules"]
    found = []
    for layer in order["layers"]:
        for separator in SEPARATORS:
            layer = layer.replace(separator, " ")
        names = layer.split()
        found.append([Room(name, purpose(name), f"bgan_text.{name}" in forbidden) for name in names])
    return found


def text(x: float, y: float, content: str, kind: str = "") -> str:
    """A line of text."""
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{named}>{escape(content)}</text>'


def box(room: Room, x: float, y: float, width: float, lines: list[str], height: float) -> list[str]:
    """A room: its name, and what it is for."""
    kind = "integers" if room.integers else "room"
    drawn = [f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5"/>']
    drawn.append(text(x + PADDING, y + LINE + 2, room.name, "name"))
    return drawn + [text(x + PADDING, y + LINE * (index + 2) + 2, line) for index, line in enumerate(lines)]


def line_of(room: Room, y: float) -> list[str]:
    """A room that has a layer to itself."""
    drawn = box(room, MARGIN, y, WIDTH - 2 * MARGIN, [], LINE + PADDING)
    return [*drawn, text(MARGIN + PADDING + NAMES, y + LINE + 2, room.purpose)]


def row(rooms: list[Room], y: float) -> tuple[list[str], float]:
    """The rooms of a layer beside each other, and their height."""
    if len(rooms) == 1:
        return line_of(rooms[0], y), LINE + PADDING
    if len(rooms) > MANY:
        names = ", ".join(room.name for room in rooms)
        rooms = [Room("leaves, which import nothing above them", names, False)]
    width = (WIDTH - 2 * MARGIN - GAP * (len(rooms) - 1)) / len(rooms)
    wrapped = [textwrap.wrap(room.purpose, int((width - 2 * PADDING) / CHARACTER)) for room in rooms]
    height = LINE * (1 + max(map(len, wrapped))) + PADDING
    drawn: list[str] = []
    for index, (room, lines) in enumerate(zip(rooms, wrapped, strict=True)):
        drawn += box(room, MARGIN + index * (width + GAP), y, width, lines, height)
    return drawn, height


def svg() -> str:
    """The whole drawing."""
    y = float(MARGIN + LINE)
    drawn = [text(MARGIN, y, CAPTION)]
    y += GAP
    for rooms in layers():
        more, height = row(rooms, y)
        drawn += more
        y += height + GAP
    height = y - GAP + MARGIN
    title = "The parts of bgan-text from the command line, at the top, to the leaves"
    size = f'width="{WIDTH}" height="{height:g}" viewBox="0 0 {WIDTH} {height:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}">'
    return "\n".join([head, f"<title>{title}</title>", f"<style>{STYLE}</style>", *drawn, "</svg>"]) + "\n"


if __name__ == "__main__":
    wanted = svg()
    if "--check" in sys.argv[1:]:
        if not DRAWN.is_file() or DRAWN.read_text("utf-8") != wanted:
            sys.exit(f"{DRAWN.name} is out of date: run python docs/architecture.py")
    else:
        DRAWN.write_text(wanted, encoding="utf-8")
