"""Reports of runs as HTML: what is in them, that nothing of it is taken for markup, and what is refused."""

import hashlib
import json
import shlex
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import bgan_text as bt
from bgan_text.evaluation.report import Cell
from bgan_text.html_report.charts import thinned
from bgan_text.html_report.facts import facts
from bgan_text.html_report.opened import opened
from bgan_text.html_report.quality import axis
from bgan_text.html_report.score_tables import picture, saved_scores, tables
from bgan_text.html_report.shown_samples import LONGEST

Command = Callable[..., Any]
TINY: dict[str, Any] = {
    "width": 4, "discriminator_width": 4, "batch": 8, "precision": "float32", "log_every": 1,
    "evaluate_every": "2", "steps": 4,
}  # fmt: skip
HOSTILE = "</script><script>window.bad = 1</script> <img src=x onerror=window.bad=1> & \u2028 ]]>"


@pytest.fixture(scope="module")
def runs(data: bt.DatasetDirectory, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bt.Run]:
    folder = tmp_path_factory.mktemp("runs")
    kinds: dict[str, dict[str, Any]] = {"draws": {"draws": 3}, "tokens": {"credit": "token"}}
    return {name: bt.train(data, out=folder / name, **(TINY | kind)) for name, kind in kinds.items()}


@pytest.fixture(scope="module")
def images(
    digits: dict[str, tuple[NDArray[np.uint8], Any]], tmp_path_factory: pytest.TempPathFactory
) -> bt.Run:
    folder = tmp_path_factory.mktemp("images")
    data = bt.prepare(digits["train"][0][:120], colors=2, out=folder / "data")
    return bt.train(data, out=folder / "digits", **TINY)


class Read(HTMLParser):
    """The parts of a page: its elements, its text, and its JSON."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.json, self._within = "", "", ""
        self.codes: list[str] = []
        self.feed(path.read_text("utf-8"))
        self.data: dict[str, Any] = json.loads(self.json)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._within = f"{tag} {dict(attrs).get('type') or ''}".strip()

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "script application/json":
            self.json += data
        elif self._within not in ("script", "style"):
            self.text += data
            self.codes += [data] if self._within == "code" else []


def copied(run: bt.Run, folder: Path, rows: list[dict[str, Any]] | None = None) -> Path:
    """A run with other metrics, or the same."""
    shutil.copytree(run.folder, folder)
    record = json.loads((folder / "run.json").read_text())
    record["data"]["folder"] = str((run.folder / record["data"]["folder"]).resolve())
    record["last_line"] = None
    del record["sha256"]
    (folder / "run.json").write_text(json.dumps(record))
    for checkpoint in folder.glob("checkpoint-*"):
        checkpoint.unlink()
    if rows is not None:
        (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_a_page_has_the_settings_the_curves_and_the_commands(runs: dict[str, bt.Run], tmp_path: Path) -> None:
    run = runs["draws"]
    page = Read(bt.report(run, out=tmp_path / "report.html"))
    for said in ("draws", "4 steps", "trained on data for", "discriminator_width", "bgan-text train --data"):
        assert said in page.text, said
    rows = run.metrics()
    table, charts = page.data["runs"][0], {chart["title"]: chart for chart in page.data["charts"]}
    assert list(charts)[:4] == [
        "Jensen\u2013Shannon divergence", "Bound", "Scores of the discriminator", "Effective sample size",
    ]  # fmt: skip
    for chart, name in (("Bound", "bound"), ("Gradient norm of the generator", "generator_gradient")):
        (line,) = charts[chart]["lines"]
        logged = {row["step"]: row[name] for row in rows if name in row}
        assert [table["steps"][at] for at in line["at"]] == list(logged) == [1, 2, 3, 4]
        np.testing.assert_allclose(line["y"], list(logged.values()), rtol=1e-5)
    real, fake = charts["Scores of the discriminator"]["lines"]
    assert (real["label"], fake["label"]) == ("real", "generated")
    best = [line for line in charts["Jensen\u2013Shannon divergence"]["lines"] if line["best"] is not None]
    assert [(line["name"], table["steps"][line["at"][line["best"]]]) for line in best] == [("js-4", run.best)]


def test_the_command_of_training_makes_the_same_settings(
    runs: dict[str, bt.Run], tmp_path: Path, bgan: Command
) -> None:
    page = Read(bt.report(runs["draws"], out=tmp_path / "report.html"))
    (command,) = (code for code in page.codes if code.startswith("bgan-text train"))
    words = shlex.split(command)[1:]
    words[words.index("--run") + 1] = str(tmp_path / "again")
    assert bgan(*words).code == 0
    assert bt.load_run(tmp_path / "again").config == runs["draws"].config


def test_new_ngrams_are_those_of_no_training_text(
    runs: dict[str, bt.Run], data: bt.DatasetDirectory, tmp_path: Path
) -> None:
    page = Read(bt.report(runs["tokens"], out=tmp_path / "report.html"))
    samples = page.data["samples"][0]
    training = [text.split() for text in data.texts("train")]
    assert samples["compared"] == samples["of"] == len(training)
    shown = [text for one in samples["evaluations"] for text in one["texts"]] + samples["real"]
    assert len(samples["evaluations"]) == 2
    assert [" ".join(text["units"]) for text in samples["real"]] == data.texts("validation", 10)
    marks = ""
    for n in range(1, LONGEST + 1):
        known = {tuple(text[place : place + n]) for text in training for place in range(len(text) - n + 1)}
        for text in shown:
            units = text["units"]
            ngrams = [tuple(units[place : place + n]) for place in range(len(units) - n + 1)]
            assert text["new"][n - 1] == "".join("01"[ngram not in known] for ngram in ngrams)
            marks += text["new"][n - 1]
    assert {"0", "1"} == set(marks)


def test_nothing_of_the_data_is_taken_for_markup(runs: dict[str, bt.Run], tmp_path: Path) -> None:
    rows = runs["tokens"].metrics()
    rows[-1] |= {"samples": [HOSTILE], HOSTILE: 0.5}
    run = copied(runs["tokens"], tmp_path / "<b>run", rows)
    path = bt.report(run, out=tmp_path / "report.html", title=HOSTILE)
    page = Read(path)
    (raw,) = (line for line in path.read_text("utf-8").splitlines() if 'id="report-data"' in line)
    content = raw.partition(">")[2].removesuffix("</script>")
    assert not set("<>&") & set(content)
    counts = [sum(tag == name for tag, _ in page.tags) for name in ("script", "img", "b")]
    assert counts == [2, 0, 0]
    assert page.data["samples"][0]["evaluations"][-1]["texts"][0]["units"] == HOSTILE.split()
    assert HOSTILE in page.text


def test_the_script_of_uplot_is_as_it_was_published() -> None:
    """As npm has version 1.6.32."""
    script = Path(bt.__file__).parent / "html_report" / "uplot" / "uPlot.iife.min.js"
    digest = hashlib.sha256(script.read_bytes()).hexdigest()
    assert digest == "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f"
    assert b"uPlot (v1.6.32)" in script.read_bytes()


def test_a_page_has_the_licence_of_uplot(images: bt.Run, tmp_path: Path) -> None:
    licence = Path(bt.__file__).parent / "html_report" / "uplot" / "LICENSE"
    page = bt.report(images, out=tmp_path / "report.html").read_text("utf-8")
    assert f"<!-- uPlot\n\n{licence.read_text('utf-8').strip()}\n-->" in page


def test_a_page_refers_to_nothing_outside(images: bt.Run, tmp_path: Path) -> None:
    page = Read(bt.report(images, out=tmp_path / "report.html"))
    addresses = [value for _, attributes in page.tags for name, value in attributes.items()
                 if name in ("src", "href", "srcset", "data", "action")]  # fmt: skip
    assert all(str(address).startswith("#") for address in addresses)
    (policy,) = (one["content"] for tag, one in page.tags if one.get("http-equiv"))
    assert str(policy).startswith("default-src 'none'; img-src data:;")
    assert "'unsafe-eval'" not in str(policy)
    assert "script-src 'sha256-" in str(policy)


def test_images_are_the_grids_of_the_run_by_step_beside_real_ones(images: bt.Run, tmp_path: Path) -> None:
    import base64

    grids = Read(bt.report(images, out=tmp_path / "report.html")).data["images"][0]
    assert [one["step"] for one in grids["evaluations"]] == [2, 4]
    for one in grids["evaluations"]:
        content = base64.b64decode(one["image"].partition(",")[2])
        assert content == (images.folder / "grids" / f"{one['step']:09d}.png").read_bytes()
    assert base64.b64decode(grids["real"].partition(",")[2]).startswith(b"\x89PNG")


def test_a_report_without_its_data_says_so(runs: dict[str, bt.Run], tmp_path: Path) -> None:
    shutil.copytree(runs["draws"].folder, tmp_path / "elsewhere" / "moved")
    page = Read(bt.report(tmp_path / "elsewhere" / "moved", out=tmp_path / "report.html"))
    assert "real samples are left out" in page.text
    assert page.data["samples"][0]["real"] == []
    assert page.data["samples"][0]["compared"] == 0


def test_several_runs_have_a_table_and_a_chart_for_each_score(
    runs: dict[str, bt.Run], images: bt.Run, tmp_path: Path
) -> None:
    page = Read(bt.report([*runs.values(), images], out=tmp_path / "report.html"))
    assert [run["name"] for run in page.data["runs"]] == ["draws", "tokens", "digits"]
    titles = [chart["title"] for chart in page.data["charts"]]
    assert titles[:5] == ["JS-4", "JS-3", "JS-2", "JS-1", "Patch JS-3"]
    bound = next(chart for chart in page.data["charts"] if chart["title"] == "Bound")
    assert [line["run"] for line in bound["lines"]] == [0, 1, 2]
    assert [samples is None for samples in page.data["samples"]] == [False, False, True]


def test_scores_and_sweeps_that_a_run_has_are_shown(runs: dict[str, bt.Run], tmp_path: Path) -> None:
    run = copied(runs["tokens"], tmp_path / "run")
    found = bt.evaluate(runs["tokens"], count=40, resamples=20)
    (run / "score.json").write_text(json.dumps(found.to_json()))
    models = [str(run), "mle baseline", "real"]
    points = [
        {"model": model, "temperature": temperature, "scores": {"bleu-5": 0.25, "self-bleu-5": 0.125}}
        for model in models
        for temperature in ([None] if model == "real" else [0.8, 1.2])
    ]
    (run / "sweep.json").write_text(
        json.dumps({"points": points, "pairs": [["bleu-5", "self-bleu-5"]], "settings": {}})
    )
    page = Read(bt.report(run, out=tmp_path / "report.html"))
    cells = [" ".join(cell.split()) for cell in page.text.splitlines()]
    for column in found.columns:
        assert f"{column.cells['bleu-2'].value:.3f}" in " ".join(cells)
    assert "step 4" in page.text
    titles = [one["title"] for tag, one in page.tags if tag == "td" and "title" in one]
    low = found.columns[0].cells["js-1"].low
    assert any(f"interval {low:.4g} to" in str(title) for title in titles)
    texts = [str(one["data-text"]) for _, one in page.tags if one.get("class") == "point"]
    assert "run (sweep) at temperature 0.8: 0.25 against 0.125" in texts
    assert len([text for text in texts if "sweep" in text]) == 5


def test_score_measures_and_keeps_the_scores(
    runs: dict[str, bt.Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bgan_text.html_report import score_tables

    asked = []

    def few(run: Any, **how: Any) -> bt.Report:
        asked.append(how["step"])
        return bt.evaluate(run, count=20, resamples=20, **how)

    monkeypatch.setattr(score_tables, "evaluate", few)
    run = runs["draws"]
    page = Read(bt.report(run, score=True))
    saved = json.loads((run.folder / "score.json").read_text())
    assert [model["name"] for model in saved["models"]] == [str(run.folder), "real"]
    assert saved["settings"]["steps"] == {str(run.folder): run.best} == {str(run.folder): 2}
    assert max(run.checkpoints()) == 4
    assert asked == ["best"]
    assert "bleu-5" in page.text
    assert "step 2, the best" in page.text
    commands = [code for code in page.codes if code.startswith(("bgan-text sample", "bgan-text score"))]
    assert ["--step best" in command for command in commands[-2:]] == [True, True]
    assert (run.folder / "report.html").exists()
    assert bt.verify(run.folder).sound


def test_runs_scored_at_other_steps_share_an_anchor(runs: dict[str, bt.Run], tmp_path: Path) -> None:
    copies = [Path(shutil.copytree(runs["draws"].folder, tmp_path / name)) for name in ("best", "last")]
    for folder, step in zip(copies, ("best", None), strict=True):
        found = bt.evaluate(runs["draws"], count=20, resamples=0, step=step)
        (folder / "score.json").write_text(json.dumps(found.to_json()))
    (table,) = tables(saved_scores(opened(copies)), opened(copies))
    assert [(one["name"], one["note"]) for one in table["columns"]] == [
        ("best", "step 2, the best"),
        ("last", "step 4, but the best is 2"),
        ("real", ""),
    ]


@pytest.mark.parametrize("steps", [None, 3, {"real": "x"}])
def test_a_report_that_tells_no_steps_is_shown_without(
    runs: dict[str, bt.Run], tmp_path: Path, steps: Any
) -> None:
    """Such as one of an earlier version, or one in which a program of the user's uses the name."""
    folder, other = (
        Path(shutil.copytree(runs["draws"].folder, tmp_path / name)) for name in ("run", "other")
    )
    found = bt.evaluate(runs["draws"], count=20, resamples=0).to_json()
    (other / "score.json").write_text(json.dumps(found))
    found["settings"]["steps"] = steps
    (folder / "score.json").write_text(json.dumps(found))
    (table,) = tables(saved_scores(opened([folder, other])), opened([folder, other]))
    assert [one["note"] for one in table["columns"]] == ["", "step 4, but the best is 2", ""]


def test_ticks_are_told_without_rounding() -> None:
    low, high, ticks = axis([0.036, 0.098])
    assert [text for _, text in ticks] == ["0.045", "0.060", "0.075", "0.090"]
    for values in ([1.0, 2.0], [-3.21, -3.2099], [0.0, 1e-7], [5.0, 5.0], [100.0, 90_000.0]):
        low, high, ticks = axis(values)
        assert low < min(values) <= max(values) < high
        assert len(ticks) > 2
        distance = ticks[1][0] - ticks[0][0]
        np.testing.assert_allclose([float(text) for _, text in ticks], [value for value, _ in ticks],
                                   rtol=0, atol=1e-3 * distance)  # fmt: skip


def test_a_precision_that_the_program_chose_is_no_setting_of_the_user(
    data: bt.DatasetDirectory, tmp_path: Path
) -> None:
    own = {name: value for name, value in TINY.items() if name != "precision"}
    chosen = bt.train(data, out=tmp_path / "chosen", **own)
    (found,) = map(facts, opened([chosen]))
    assert "precision" not in [name for name, *_ in found["changed"]]
    assert "width" in [name for name, *_ in found["changed"]]
    assert "precision" in [name for rows in found["settings"].values() for name, *_ in rows]
    other = "float32" if chosen.config.precision == "bfloat16" else "bfloat16"
    given = bt.train(data, out=tmp_path / "given", **own, precision=other)
    (found,) = map(facts, opened([given]))
    assert "precision" in [name for name, *_ in found["changed"]]


def test_an_exported_model_has_no_history(runs: dict[str, bt.Run], tmp_path: Path, bgan: Command) -> None:
    bt.export(runs["draws"], tmp_path / "exported")
    result = bgan("report", tmp_path / "exported")
    assert (result.code, result.out, result.err.count("\n")) == (1, "", 1)
    assert "is an exported model, without the history of its training" in result.err


def test_rows_of_scores_are_drawn_on_scales_with_zero() -> None:
    def row(*values: float) -> tuple[list[Any], float]:
        return picture([Cell(value, value - 0.5, value + 0.5, 0.1) for value in values])

    (one, other), zero = row(9.5, 5.0)
    assert zero == 0.0
    assert one == {"value": 0.95, "low": 0.9, "high": 1.0}
    assert other == {"value": 0.5, "low": 0.45, "high": 0.55}
    (one, other), zero = row(-9.5, -5.0)
    assert zero == 1.0
    assert (one["value"], other["value"]) == (0.05, 0.5)
    (one, other), zero = row(-4.5, 4.5)
    assert (one["low"], zero, other["high"]) == (0.0, 0.5, 1.0)


def test_long_curves_keep_their_ends_and_their_extremes() -> None:
    values = np.random.default_rng(0).normal(0.0, 1.0, 10_000)
    values[4321], values[1234] = 9.0, -9.0
    kept = thinned(values, 400)
    assert len(kept) <= 400
    assert {0, 1234, 4321, 9999} <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()
    assert thinned(values[:300], 400).tolist() == list(range(300))


def long_rows(steps: int, seed: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    names = ("bound", "real_score", "fake_score", "generator_loss", "effective_sample_size",
             "importance_variance", "discriminator_gradient", "generator_gradient")  # fmt: skip
    walks = {name: np.abs(rng.normal(0.01, 0.1, steps).cumsum()) + 0.1 for name in names}
    rows = [
        {
            "step": step,
            "seconds": 0.01 * step,
            **{name: float(walk[step - 1]) for name, walk in walks.items()},
        }
        for step in range(1, steps + 1)
    ]
    samples = ["The bank said on Monday that it would raise its dividend ."] * 10
    for step in range(steps // 50, steps + 1, steps // 50):
        rows.append({"step": step, "seconds": 0.01 * step, "js-4": 1 / step**0.5, "samples": samples})
    return rows


def test_a_long_run_and_twenty_of_them_fit_into_a_small_file(runs: dict[str, bt.Run], tmp_path: Path) -> None:
    one = copied(runs["draws"], tmp_path / "one", long_rows(10_000, 0))
    assert bt.report(one, out=tmp_path / "one.html").stat().st_size < 1_500_000
    several = [
        copied(runs["draws"], tmp_path / f"run-{place}", long_rows(2_000, place)) for place in range(20)
    ]
    assert bt.report(several, out=tmp_path / "twenty.html").stat().st_size < 3_000_000


def test_what_cannot_be_reported_is_refused_in_one_line(
    runs: dict[str, bt.Run], tmp_path: Path, bgan: Command
) -> None:
    good = runs["draws"].folder
    broken = copied(runs["draws"], tmp_path / "broken")
    lines = (broken / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    (broken / "metrics.jsonl").write_bytes(lines[0].replace(b"1", b"2", 1) + b"".join(lines[1:]))
    scored, empty = copied(runs["draws"], tmp_path / "scored"), copied(runs["draws"], tmp_path / "empty", [])
    (scored / "score.json").write_text('{"models": 3}')
    for words, said in (
        ([tmp_path / "absent"], "is not a run folder"),
        ([broken], "metrics.jsonl line 1 is damaged"),
        ([empty], "has no metrics yet"),
        ([scored], "score.json is damaged"),
        ([good, "--out", tmp_path / "no" / "x.html"], "there is no folder"),
        ([good, "--out", good / "metrics.jsonl"], "lies in"),
        ([good, "--out", tmp_path], "is a folder"),
        ([good, "--scores", "absent.json"], "does not exist"),
    ):
        result = bgan("report", *words)
        assert (result.code, result.out) == (1, ""), words
        assert said in result.err, result.err
        assert result.err.count("\n") == 1
    assert not (tmp_path / "no").exists()


def test_the_command_writes_beside_the_run_and_prints_where(
    runs: dict[str, bt.Run], tmp_path: Path, bgan: Command
) -> None:
    run = copied(runs["draws"], tmp_path / "run")
    assert bgan("report", run).out == f"{run / 'report.html'}\n"
    told = json.loads(bgan("report", run, "--out", "other.html", "--json").out)
    assert told == {"report": "other.html", "bytes": (tmp_path / "other.html").stat().st_size}


def test_a_grid_that_is_no_picture_is_refused(images: bt.Run, tmp_path: Path, bgan: Command) -> None:
    run = copied(images, tmp_path / "run")
    (run / "grids" / "000000002.png").write_bytes(b"<svg onload=alert(1)>")
    result = bgan("report", run, "--out", "report.html")
    assert result.code == 1
    assert "is no PNG image" in result.err
    (run / "grids" / "000000002.png").unlink()
    (run / "grids" / "000000002.png").symlink_to(images.folder / "grids" / "000000002.png")
    assert "is a link" in bgan("report", run, "--out", "report.html").err


def test_large_grids_are_thinned_or_compressed(images: bt.Run, tmp_path: Path) -> None:
    from PIL import Image

    run = copied(images, tmp_path / "run")
    noise = np.random.default_rng(0)
    for path in (run / "grids").iterdir():
        Image.fromarray(noise.integers(0, 256, (700, 700, 3), dtype=np.uint8)).save(path)
    path = bt.report(run, out=tmp_path / "report.html")
    assert path.stat().st_size < 3_000_000
    grids = Read(path).data["images"][0]
    assert [one["image"][:16] for one in grids["evaluations"]] == ["data:image/webp;"] * 2


def test_a_row_without_values_has_no_picture() -> None:
    from bgan_text.html_report.score_tables import picture

    assert picture([None, None]) == ([], 0.0)
