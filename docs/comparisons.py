"""Write the tables of comparisons into the documents from the numbers stored in docs/comparisons.json.

python docs/comparisons.py                      write the tables
python docs/comparisons.py --check              fail if a document is out of date
python docs/comparisons.py NAME=FILE ...        first read numbers from a compare.json of `compare`

A table stands between <!-- comparison NAME --> and <!-- end -->. The numbers of one method from all
comparisons stand between <!-- figures METHOD --> and <!-- end -->.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from bgan_text.evaluation.registry import ENTRIES, REGISTRY

DOCS = Path(__file__).parent
KEPT = DOCS / "comparisons.json"
DOCUMENTS = (DOCS / "objectives.md", DOCS / "comparing.md")
COLUMNS = {
    "js-1": "JS-1 ↓",
    "js-4": "JS-4 ↓",
    "self-bleu-3": "Self-BLEU-3 ↓",
    "recall-1": "recall-1 ↑",
    "grammatical": "grammatical ↑",
}
DATA = {"lm1b": "characters", "grammar": "words"}
PLACE = re.compile(r"(<!-- (comparison|figures) ([^>]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def taken(report: dict[str, Any]) -> dict[str, Any]:
    """The part of a comparison that the documents show."""
    methods = {
        method["name"]: {
            "runs": len(method["seeds"]),
            "failed": sum(run["failed"] is not None for run in method["runs"]),
            "steps": method["steps"]["mean"],
            "scores": {
                name: [
                    round(score[part], 6) if score[part] is not None else None
                    for part in ("mean", "deviation")
                ]
                for name, score in method["scores"].items()
                if name in COLUMNS
            },
        }
        for method in report["methods"]
    }
    real = {name: round(report["real"][name], 6) for name in COLUMNS if name in report["real"]}
    return {"methods": methods, "real": real, "training": report["training"], "settings": report["settings"]}


def table(comparison: dict[str, Any]) -> str:
    """One row per method, real text last; the best mean of each column in bold."""
    shown = [name for name in COLUMNS if name in comparison["real"]]
    methods = comparison["methods"]
    best = {
        name: (max if ENTRIES[name].better == "higher" else min)(means(comparison, name))
        for name in shown
        if name not in REGISTRY["variety"]  # as in the table of `compare`
    }
    lines = [f"| method | {' | '.join(COLUMNS[name] for name in shown)} | steps | runs |"]
    lines.append("|---|" + "--:|" * (len(shown) + 2))
    for method, row in methods.items():
        cells = [cell(row["scores"].get(name), best.get(name)) for name in shown]
        steps = f"{row['steps']:,.0f}" if row["runs"] else "-"
        runs = f"{row['runs']}" + (f", {row['failed']} failed" if row["failed"] else "")
        lines.append(f"| {method} | {' | '.join(cells)} | {steps} | {runs} |")
    real = " | ".join(figure(comparison["real"][name]) for name in shown)
    lines.append(f"| real text | {real} | | |")
    return "\n".join(lines) + "\n"


def figures(kept: dict[str, Any], method: str) -> str:
    """The numbers of a method on each dataset after equal training time."""
    parts, efforts = [], set()
    for data, name in DATA.items():
        both = [kept[data], kept[f"{data}-divergences"]]
        efforts |= {(one["training"]["budget"], one["training"]["threads"]) for one in both}
        rows = both[0]["methods"] | both[1]["methods"]
        scores = rows[method]["scores"]
        wanted = [column for column in ("js-1", "js-4", "grammatical") if column in scores]
        shown = [f"{COLUMNS[column].rstrip(' ↑↓')} {figure(scores[column][0])}" for column in wanted]
        parts.append(f"{name} {', '.join(shown)}")
    ((budget, _),) = efforts  # fails unless all were trained alike
    return f"*After {budget}, {method}*: {'; '.join(parts)}.\n"


def written(kept: dict[str, Any], document: str) -> str:
    """The document with its tables and numbers up to date."""

    def anew(match: "re.Match[str]") -> str:
        heading, kind, name, end = match.groups()
        text = table(kept[name]) if kind == "comparison" else figures(kept, name)
        return f"{heading}\n{text}\n{end}"

    return PLACE.sub(anew, document)


def means(comparison: dict[str, Any], score: str) -> list[float]:
    """The means of a score over the methods that have it."""
    return [row["scores"][score][0] for row in comparison["methods"].values() if score in row["scores"]]


def cell(score: list[float | None] | None, best: float | None) -> str:
    """Mean ± deviation, in bold if it is the best."""
    if score is None or score[0] is None:
        return "-"
    text = figure(score[0]) + ("" if score[1] is None else f" ±{figure(score[1])}")
    return f"**{text}**" if score[0] == best else text


def figure(value: float) -> str:
    """.332, or 1.000."""
    text = f"{value:.3f}"
    return text.removeprefix("0")


def main(arguments: list[str]) -> int:
    """Read numbers, then write or check the documents."""
    kept = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    pairs = [argument.split("=", 1) for argument in arguments if argument != "--check"]
    kept |= {name: taken(json.loads(Path(path).read_text("utf-8"))) for name, path in pairs}
    if pairs:
        KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")
    stale = []
    for document in DOCUMENTS:
        before = document.read_text("utf-8")
        after = written(kept, before)
        if after == before:
            continue
        if "--check" in arguments:
            stale.append(document.name)
        else:
            document.write_text(after, "utf-8")
    if stale:
        print(f"{', '.join(stale)} out of date: run python docs/comparisons.py", file=sys.stderr)
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
