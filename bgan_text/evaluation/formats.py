"""A report as CSV, Markdown, LaTeX or HTML, and the parts that all tables share."""

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from bgan_text.evaluation.candidate_settings import candidates_of
from bgan_text.evaluation.image_settings import IMAGES, image_line
from bgan_text.evaluation.registry import ENTRIES, LOWER_BOUND, ScoreInfo
from bgan_text.evaluation.text_inputs import HALF
from bgan_text.files import finite

if TYPE_CHECKING:
    from bgan_text.evaluation.report import Cell, Report

ARROWS = {"higher": "↑", "lower": "↓", "real": "≈"}
MARKS = {
    "first better": "first",
    "second better": "second",
    "differs": "differ",
    "within noise": "noise",
    "unknown": "?",
}
NOTED = "!"
"""Marks a value that a note belongs to: there is too little data, or it is not defined."""
AT_LEAST = "≥"
"""Marks scores that are lower bounds."""
LEGEND = "↑ higher is better, ↓ lower, ≈ closer to real"
LATEX_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "≈": r"$\approx$",
    "↑": r"$\uparrow$", "↓": r"$\downarrow$", "≥": r"$\geq$", "\u2013": "--",
}  # fmt: skip


def to_csv(report: "Report") -> str:
    """A line per model and score, each with all settings as JSON."""
    text, entries = io.StringIO(), report.entries
    settings = json.dumps(finite(report.settings))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["model", "score", "better", "value", "low", "high", "deviation", "verdict", "settings"])
    for column in report.columns:
        for name, cell in column.cells.items():
            deviation = "" if cell.deviation is None else cell.deviation
            numbers = [finite(number) for number in (cell.value, cell.low, cell.high, deviation)]
            writer.writerow([column.name, name, entries[name].better, *numbers, "", settings])
    if report.comparison is not None:
        title = headings(report)[-2]
        for name, difference in report.comparison.differences.items():
            cell = difference.cell
            numbers = [finite(number) for number in (cell.value, cell.low, cell.high)]
            writer.writerow([title, name, entries[name].better, *numbers, "", difference.verdict, settings])
    return text.getvalue()


def to_markdown(report: "Report") -> str:
    """A table in GitHub's Markdown, followed by the notes."""
    names = [name.replace("|", r"\|") for name in headings(report)]
    lines = [f"| score | {' | '.join(names)} |", "|---|" + "--:|" * len(names)]
    for entries in present(report).values():
        for name, entry in entries.items():
            title = name.replace("|", r"\|")
            lines.append(f"| {title} {signs(entry)} | {' | '.join(row(report, name))} |")
    return "\n".join([*lines, *(f"\n{note}" for note in _all_notes(report))]) + "\n"


def to_latex(report: "Report") -> str:
    """A tabular for the booktabs package, preceded by the notes as comments."""
    names = headings(report)
    lines = [f"% {note}" for note in _all_notes(report)]
    lines += [f"\\begin{{tabular}}{{l{'r' * len(names)}}}", "\\toprule"]
    lines += [f"score & {' & '.join(map(_escaped, names))} \\\\", "\\midrule"]
    for place, (group, entries) in enumerate(present(report).items()):
        lines += ["\\addlinespace"] * (place > 0) + [f"\\emph{{{group}}} \\\\"]
        for name, entry in entries.items():
            cells = " & ".join(_escaped(cell) for cell in row(report, name))
            lines.append(f"{_escaped(f'{name} {signs(entry)}')} & {cells} \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def to_html(report: "Report") -> str:
    """A plain table, followed by the notes."""
    names = headings(report)
    lines = ["<table>", f"<tr><th>score</th>{_html_cells('th', names)}</tr>"]
    for group, entries in present(report).items():
        lines.append(f'<tr><th colspan="{1 + len(names)}">{escape(group)}</th></tr>')
        for name, entry in entries.items():
            title = escape(f"{name} {signs(entry)}")
            about = escape(entry.about)
            lines.append(f'<tr><td title="{about}">{title}</td>{_html_cells("td", row(report, name))}</tr>')
    return "\n".join([*lines, "</table>", *(f"<p>{escape(note)}</p>" for note in _all_notes(report))])


def _html_cells(tag: str, cells: Sequence[str]) -> str:
    return "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells)


def _escaped(text: str) -> str:
    minus = "$-$" if text.startswith("-") and text != "-" else ""
    return minus + "".join(LATEX_SPECIAL.get(letter, letter) for letter in text[1 if minus else 0 :])


def present(report: "Report") -> dict[str, Mapping[str, ScoreInfo]]:
    """The part of the registry that the report has scores of."""
    names = {name for column in report.columns for name in column.cells}
    groups = {
        group: {name: entry for name, entry in entries.items() if name in names}
        for group, entries in report.registry.items()
    }
    return {group: entries for group, entries in groups.items() if entries}


def signs(entry: ScoreInfo) -> str:
    """The arrow of a score, followed by ≥ if the true value is at least the one shown."""
    return ARROWS[entry.better] + (f" {AT_LEAST}" if entry.bound == LOWER_BOUND else "")


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Paths by as many of their last parts as tell them apart, without endings that say nothing."""
    parts = {name: Path(name.removesuffix(".txt").removesuffix(".npz")).parts or (name,) for name in names}
    for depth in range(1, max(map(len, parts.values())) + 1):
        short = {name: "/".join(part[-depth:]) for name, part in parts.items()}
        if len(set(short.values())) == len(parts):
            return short
    return {name: name for name in names}


def headings(report: "Report") -> list[str]:
    """The names above the columns; the column of verdicts has none."""
    short = short_names([column.name for column in report.columns])
    names = list(short.values())
    if report.comparison is not None:
        names += [f"{short[report.comparison.first]} - {short[report.comparison.second]}", ""]
    return names


def row(report: "Report", score: str) -> list[str]:
    """The cells of one score."""
    cells = [formatted(column.cells.get(score)) for column in report.columns]
    if report.comparison is not None:
        difference = report.comparison.differences.get(score)
        cells += [formatted(difference.cell), MARKS[difference.verdict]] if difference else ["-", ""]
    return cells


def formatted(cell: "Cell | None") -> str:
    """Text such as 0.332 ±.004, or 1.000 -.003 at a limit, or - if there is no such score.

    A note is marked by "!".
    """
    if cell is None:
        return "-"
    if math.isnan(cell.value):
        return f"\u2013{NOTED}" if cell.note else "-"
    digits = 3 if abs(cell.value) < 10 else 2
    number = f"{cell.value:.{digits}f}{_spread(cell, digits)}"
    return number + NOTED if cell.note else number


def _spread(cell: "Cell", digits: int) -> str:
    """Half of the interval, the one side of it that there is at a limit, or else the deviation over seeds."""
    down, up, half = cell.value - cell.low, cell.high - cell.value, (cell.high - cell.low) / 2
    if math.isnan(half):
        half = math.nan if cell.deviation is None else cell.deviation
    sign, width = "±", half
    nothing = 0.5 * 10**-digits
    if down < nothing <= up:
        sign, width = "+", up
    elif up < nothing <= down:
        sign, width = "-", down
    if math.isnan(width):
        return ""
    return f" {sign}{width:.{digits}f}".replace(f"{sign}0.", f"{sign}.")  # so that two fit into 80 columns


def notes(report: "Report") -> Iterator[str]:
    """What a reader must know about the numbers, and every setting that changes them."""
    interval = "; ± half of a 95 % interval over the samples, + or - its one side at a limit"
    yield LEGEND + (interval if report.settings["resamples"] else "")
    yield from _beside_scores(report)
    yield from _over_seeds(report)
    if HALF in report.settings["anchor"]:
        yield (
            "real has half the references of the models, so its bleu and precision are lower than theirs "
            "would be at equal quality; with training text they are comparable"
        )
    if report.comparison is not None:
        yield (
            "last column: which is better by more than noise; noise: the 95 % interval contains 0 (if "
            "nothing differs, one score in 20 still seems to). The verdicts hold for these samples, not for "
            "models that are trained again"
        )
    yield settings_line(report)


def _over_seeds(report: "Report") -> Iterator[str]:
    """What the spread over seeds is, and how far estimates were from the truth where that is known."""
    for group, entries in present(report).items():
        cells = [column.cells[name] for column in report.columns for name in entries if name in column.cells]
        if seeds := {cell.seeds for cell in cells if cell.seeds is not None and math.isnan(cell.low)}:
            yield f"{group}: mean ± standard deviation over {' or '.join(map(str, sorted(seeds)))} seeds"
        if any(entry.bound for entry in entries.values()):
            yield f"{AT_LEAST} a lower bound, up to noise: the true value is larger"
        for name, entry in entries.items():
            if entry.bias:
                yield f"{name}: {entry.bias}"


def _all_notes(report: "Report") -> list[str]:
    """The notes, and the line that ends a comparison."""
    ending = report.comparison.verdict if report.comparison is not None else ""
    return [*notes(report), *filter(None, [ending])]


def _beside_scores(report: "Report") -> Iterator[str]:
    """The notes of cells: each once for a model, with the scores that it belongs to."""
    short = short_names([column.name for column in report.columns])
    for column in report.columns:
        scores: dict[str, dict[str, None]] = {}
        for name, cell in column.cells.items():
            if cell.note:
                shown = re.sub(r"-\d+$", "", name) if name in ENTRIES else name
                scores.setdefault(cell.note, {})[shown] = None
        for note, names in scores.items():
            yield f"{NOTED} {short[column.name]}: {note} ({', '.join(names)})"


def settings_line(report: "Report") -> str:
    """Every setting that changes the numbers, in one line."""
    settings = report.settings
    counts = [f"{count:,}" for count in settings["samples"].values()]
    samples = ", ".join(counts) if len(set(counts)) > 1 else counts[0] + (" each" if len(counts) > 1 else "")
    if settings.get("scored") == IMAGES:
        return image_line(settings, samples)
    line = (
        f"tokens {settings['tokenize']}, case {'lower' if settings['lowercase'] else 'as given'}, "
        f"window {settings['window']}, samples {samples}, {settings['references']:,} references from "
        f"{settings['reference']}, real: {settings['anchor']}, seed {settings['seed']}, temperature "
        f"{settings['temperature']:g}{candidates_of(settings)}, smoothing {settings['smoothing']}, "
        f"corpus-bleu {settings['sacrebleu']}, resamples {settings['resamples']}"
    )
    if settings.get("chrf"):
        line += f", chrf {settings['chrf']}"
    for name in ("likelihood", "embed", "perplexity", "mauve features", "molecules", "critic", "judge"):
        if settings.get(name):
            line += f", {name}: {', '.join(f'{key} {value}' for key, value in settings[name].items())}"
    return f"{line}, bgan-text {settings['version']}"
