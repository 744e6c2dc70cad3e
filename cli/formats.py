"""The same report as CSV, Markdown or LaTeX."""

import csv
import io
import json

from .catalogue import CATALOGUE, ENTRIES
from .console import finite
from .report import Report
from .table import ARROWS, LEGEND, headings, notes, row

LATEX_ARROWS = {"higher": r"$\uparrow$", "lower": r"$\downarrow$", "real": r"$\approx$"}
LATEX_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "≈": r"$\approx$",
    "↑": r"$\uparrow$", "↓": r"$\downarrow$",
}  # fmt: skip


def to_csv(report: Report) -> str:
    """A line per model and score; the first line is a comment with the settings as JSON."""
    text = io.StringIO()
    text.write(f"# {json.dumps(finite(report.settings), ensure_ascii=False)}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["model", "score", "better", "value", "low", "high", "deviation", "verdict"])
    for column in report.columns:
        for name, cell in column.cells.items():
            deviation = "" if cell.deviation is None else cell.deviation
            numbers = [finite(number) for number in (cell.value, cell.low, cell.high, deviation)]
            writer.writerow([column.name, name, ENTRIES[name].better, *numbers, ""])
    if report.comparison is not None:
        title = headings(report)[-1]
        for name, difference in report.comparison.differences.items():
            cell = difference.cell
            numbers = [finite(number) for number in (cell.value, cell.low, cell.high)]
            writer.writerow([title, name, ENTRIES[name].better, *numbers, "", difference.verdict])
    return text.getvalue()


def to_markdown(report: Report) -> str:
    """A table in GitHub's Markdown, and the notes below it."""
    names = [name.replace("|", r"\|") for name in headings(report)]
    lines = [f"| score | {' | '.join(names)} |", "|---|" + "--:|" * len(names)]
    for name in _present(report):
        lines.append(f"| {name} {ARROWS[ENTRIES[name].better]} | {' | '.join(row(report, name))} |")
    return "\n".join([*lines, "", LEGEND, *(f"\n{note}" for note in notes(report))]) + "\n"


def to_latex(report: Report) -> str:
    """A tabular for the booktabs package, the notes as comments above it."""
    names = headings(report)
    lines = [f"% {note}" for note in (LEGEND, *notes(report))]
    lines += [f"\\begin{{tabular}}{{l{'r' * len(names)}}}", "\\toprule"]
    lines += [f"score & {' & '.join(map(_escaped, names))} \\\\", "\\midrule"]
    for name in _present(report):
        cells = " & ".join(_escaped(cell) for cell in row(report, name))
        lines.append(f"{_escaped(name)} {LATEX_ARROWS[ENTRIES[name].better]} & {cells} \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def _present(report: Report) -> list[str]:
    return [
        name
        for entries in CATALOGUE.values()
        for name in entries
        if any(name in column.cells for column in report.columns)
    ]


def _escaped(text: str) -> str:
    return "".join(LATEX_SPECIAL.get(letter, letter) for letter in text)
