"""The same report as CSV, Markdown or LaTeX."""

import csv
import io
import json

from bgan_text.cli.console import finite
from bgan_text.cli.score_table import ARROWS, headings, notes, present, row
from bgan_text.evaluation.registry import ENTRIES
from bgan_text.evaluation.report import Report

LATEX_ARROWS = {"higher": r"$\uparrow$", "lower": r"$\downarrow$", "real": r"$\approx$"}
LATEX_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "≈": r"$\approx$",
    "↑": r"$\uparrow$", "↓": r"$\downarrow$",
}  # fmt: skip


def to_csv(report: Report) -> str:
    """A line per model and score, each with all settings as JSON."""
    text = io.StringIO()
    settings = json.dumps(finite(report.settings), ensure_ascii=False)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["model", "score", "better", "value", "low", "high", "deviation", "verdict", "settings"])
    for column in report.columns:
        for name, cell in column.cells.items():
            deviation = "" if cell.deviation is None else cell.deviation
            numbers = [finite(number) for number in (cell.value, cell.low, cell.high, deviation)]
            writer.writerow([column.name, name, ENTRIES[name].better, *numbers, "", settings])
    if report.comparison is not None:
        title = headings(report)[-2]
        for name, difference in report.comparison.differences.items():
            cell = difference.cell
            numbers = [finite(number) for number in (cell.value, cell.low, cell.high)]
            writer.writerow([title, name, ENTRIES[name].better, *numbers, "", difference.verdict, settings])
    return text.getvalue()


def to_markdown(report: Report) -> str:
    """A table in GitHub's Markdown, and the notes below it."""
    names = [name.replace("|", r"\|") for name in headings(report)]
    lines = [f"| score | {' | '.join(names)} |", "|---|" + "--:|" * len(names)]
    for entries in present(report).values():
        for name, entry in entries.items():
            lines.append(f"| {name} {ARROWS[entry.better]} | {' | '.join(row(report, name))} |")
    return "\n".join([*lines, *(f"\n{note}" for note in notes(report))]) + "\n"


def to_latex(report: Report) -> str:
    """A tabular for the booktabs package, the notes as comments above it."""
    names = headings(report)
    lines = [f"% {note}" for note in notes(report)]
    lines += [f"\\begin{{tabular}}{{l{'r' * len(names)}}}", "\\toprule"]
    lines += [f"score & {' & '.join(map(_escaped, names))} \\\\", "\\midrule"]
    for place, (group, entries) in enumerate(present(report).items()):
        lines += ["\\addlinespace"] * (place > 0) + [f"\\emph{{{group}}} \\\\"]
        for name, entry in entries.items():
            cells = " & ".join(_escaped(cell) for cell in row(report, name))
            lines.append(f"{_escaped(name)} {LATEX_ARROWS[entry.better]} & {cells} \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def _escaped(text: str) -> str:
    minus = "$-$" if text.startswith("-") and text != "-" else ""
    return minus + "".join(LATEX_SPECIAL.get(letter, letter) for letter in text[1 if minus else 0 :])
