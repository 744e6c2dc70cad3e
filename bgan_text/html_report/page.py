"""The page of a report: its parts as JSON values, in the templates."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bgan_text import __version__
from bgan_text.evaluation.formats import LEGEND
from bgan_text.evaluation.report import Report
from bgan_text.html_report.charts import drawn
from bgan_text.html_report.facts import facts
from bgan_text.html_report.grids import image_grids
from bgan_text.html_report.opened import OpenRun
from bgan_text.html_report.quality import figures
from bgan_text.html_report.repeating import commands
from bgan_text.html_report.score_tables import tables
from bgan_text.html_report.shown_samples import Read, text_samples

PACKAGE = "bgan_text.html_report"
SCRIPTS = ("uplot/uPlot.iife.min.js", "templates/charts.js", "templates/report.js")
STYLES = ("uplot/uPlot.min.css", "templates/report.css")
NOTICE = ("uplot/LICENSE",)
"""What has to be in every copy of the script of uPlot."""
COLOURS = 8
"""Runs beyond so many repeat the colours, with other dashes."""


def page(runs: Sequence[OpenRun], scores: dict[str, Report], title: str | None = None) -> str:
    """The HTML of a report. All text from runs and data is escaped.

    Args:
        runs: what it is about.
        scores: reports by the name of their run or their path.
        title: the heading; None for the names of the runs.
    """
    charts, points = drawn(runs)
    read: Read = {}
    samples = [text_samples(one, len(runs), read) for one in runs]
    count = sum(one.run.images for one in runs)
    images = [image_grids(one, 1.0 / count) if one.run.images else None for one in runs]
    told = [facts(one) for one in runs]
    data = {
        "runs": [{"name": one["name"], **rows} for one, rows in zip(told, points, strict=True)],
        "charts": charts, "samples": samples, "images": images,
    }  # fmt: skip
    script = _joined(SCRIPTS)
    names = ", ".join(one["name"] for one in told)
    return _templates().get_template("report.html").render(
        title=title or names,
        runs=told,
        charts=charts,
        data=data,
        text=any(samples),
        images=any(images),
        missing=[(one.name, one.missing) for one in runs if one.missing],
        tables=tables(scores, runs),
        figures=figures(runs, scores),
        repeat=[commands(one) for one in runs],
        version=__version__,
        legend=LEGEND,
        colours=COLOURS,
        script=script,
        script_hash=_digest(script),
        notice=_joined(NOTICE),
        style=_joined(STYLES),
    )  # fmt: skip


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader(PACKAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters["json"] = _json
    made.filters["number"] = lambda value: f"{value:,}"
    return made


def _json(value: Mapping[str, Any]) -> Markup:
    """JSON that may stand within a script element: no text in it can end the element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _joined(names: Sequence[str]) -> Markup:
    """Files of the package, which hold no end of a script or style element."""
    return Markup("\n".join(files(PACKAGE).joinpath(name).read_text("utf-8").strip() for name in names))


def _digest(script: str) -> str:
    """What the policy of the page names the script by, so that no other one runs."""
    return base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode()
