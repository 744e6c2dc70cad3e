"""The result of an experiment: JSON, a page in Markdown, and figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bgan_text import __version__
from bgan_text.files import finite, write_atomically, write_json
from bgan_text.studies.experiment import Conclusion, Experiment

RESULT, PAGE = "result.json", "result.md"
VERDICTS = {True: "holds", False: "does not hold", None: "inconclusive"}


@dataclass(frozen=True)
class ExperimentResult:
    """What came out of an experiment.

    Attributes:
        experiment: which.
        record: everything that was made and measured, as JSON values.
        figures: PNG files by name.

    Example:
        >>> result = reproduce("mnist-distances", scale="smoke", out="digits")  # doctest: +SKIP
        >>> print(result.to_markdown())  # doctest: +SKIP
        >>> list(result.figures)  # doctest: +SKIP
        ['mnist-distances.png']
    """

    experiment: Experiment
    record: dict[str, Any]
    figures: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, experiment: Experiment, scale: str, found: Conclusion, made: Mapping[str, Any]
    ) -> "ExperimentResult":
        """The result of a conclusion; `made`: what `ExperimentRuns.to_json` tells of the runs."""
        record: dict[str, Any] = {
            "experiment": experiment.name,
            "scale": scale,
            "version": __version__,
            "methods": experiment.methods_at(experiment.scales[scale]),
            "seeds": experiment.scales[scale].seeds,
            "table": {"headings": found.headings, "rows": found.rows},
            "claims": [{"claim": claim.text, "holds": claim.holds} for claim in found.claims],
            "figures": list(found.figures),
            "samples": found.samples,
            "numbers": finite(found.numbers),
            **made,
        }
        return cls(experiment, record, found.figures)

    def write(self, folder: Path) -> None:
        """Write figures, result.md and result.json, in this order."""
        for file, content in self.figures.items():
            write_atomically(folder / file, content)
        write_atomically(folder / PAGE, self.to_markdown().encode())
        write_json(folder / RESULT, self.record)

    def to_json(self) -> dict[str, Any]:
        """Table, claims, samples, every number, and all settings."""
        return self.record

    def to_markdown(self) -> str:
        """A page, which shows the figures from files beside it."""
        title = f"# {self.record['experiment']}, {self.record['scale']}"
        return f"{title}\n\n{page(self.experiment, self.record)}"

    def _repr_markdown_(self) -> str:
        """The page for a notebook."""
        return self.to_markdown()


def page(experiment: Experiment, result: dict[str, Any], folder: str = "") -> str:
    """A result in Markdown. `folder`: where its figures are, relative to the page."""
    parts = [f"{experiment.compares}. The paper: {experiment.paper}."]
    if experiment.scales[result["scale"]].quick:
        parts.append(f"At scale {result['scale']} nothing is learned: the numbers mean nothing.")
    parts.append(markdown_table(**result["table"]))
    parts.append("\n".join(f"- **Failed**: {failure}." for failure in failures(result)))
    parts.append("\n".join(f"- {one['claim']}: **{VERDICTS[one['holds']]}**" for one in result["claims"]))
    if result["samples"]:
        parts.append("```text\n" + "\n".join(result["samples"]) + "\n```")
    parts += [f"![{Path(file).stem.replace('-', ' ')}]({folder}{file})" for file in result["figures"]]
    parts.append(f"{_settings(result)} {_steps(result)}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _settings(result: dict[str, Any]) -> str:
    """What all methods have in common."""
    data = result["data"]
    first, *others = result["methods"].values()
    shared = {key: value for key, value in first.items() if all(one.get(key) == value for one in others)}
    settings = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in shared.items())
    many = {name: f"{result[name]} {name[:-1]}{'s' * (result[name] > 1)}" for name in ("seeds", "threads")}
    return (
        f"Data: {data['counts']['train']:,} training samples from {data['from']}, signature "
        f"{data['signature']}. Settings: {settings}; {many['seeds']}; {many['threads']} on "
        f"{result['device']}; bgan-text {result['version']}."
    )


def _steps(result: dict[str, Any]) -> str:
    """The generator steps of each method, seed by seed."""
    steps = {
        method: ", ".join(f"{run['steps']:,}" for run in result["runs"] if run["method"] == method)
        for method in result["methods"]
    }
    if len(set(steps.values())) == 1:
        return f"Generator steps: {next(iter(steps.values()))}."
    return f"Generator steps: {'; '.join(f'{method} {made}' for method, made in steps.items())}."


def failures(result: dict[str, Any]) -> list[str]:
    """The runs that failed, when and why."""
    return [
        f"{run['method']}, seed {run['seed']}, after {run['steps']:,} steps: {run['failed']}"
        for run in result["runs"]
        if run["failed"] is not None
    ]


def markdown_table(headings: list[str], rows: list[list[str]]) -> str:
    """Rows of cells in GitHub's Markdown.

    Example:
        >>> print(markdown_table(["", "js-1"], [["importance", "0.01"]]))
        |  | js-1 |
        | --- | --: |
        | importance | 0.01 |
    """
    lines = [headings, ["---", *["--:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
