"""What runs of strangers hold besides nets: metrics, scores and names, where they are shown and passed on."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bgan_text as bt
from bgan_text.files import digest_of
from bgan_text.watching import sparkline

Command = Callable[..., Any]
LARGEST = sys.float_info.max
SETTINGS: dict[str, Any] = {
    "width": 4, "discriminator_width": 4, "batch": 8, "precision": "float32", "log_every": 1,
    "evaluate_every": "2", "steps": 4, "draws": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(data: bt.DatasetDirectory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bt.train(data, out=tmp_path_factory.mktemp("runs") / "run", **SETTINGS).folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy that anything may be written to: its log is none that a checkpoint or the end tells of."""
    folder = Path(shutil.copytree(trained, tmp_path / "run"))
    (folder / "metrics.damaged-999.jsonl").touch()
    _change(folder, lambda record: record.update(last_line=None))
    return folder


def _change(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    record = json.loads((folder / "run.json").read_text())
    record.pop("sha256", None)
    change(record)
    (folder / "run.json").write_text(json.dumps(record))


def _log(folder: Path, *rows: dict[str, Any]) -> None:
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _step(step: int, **numbers: Any) -> dict[str, Any]:
    return {"step": step, "seconds": 0.1 * step, "bound": 0.1, "generator_loss": 0.2, **numbers}


def _validation(step: int, **numbers: Any) -> dict[str, Any]:
    return {"step": step, "seconds": 0.1 * step, "js-4": 0.5, "samples": ["a cat"], **numbers}


@pytest.mark.parametrize(
    "number", [10**300, -(2**70), LARGEST, -LARGEST, 5e-324], ids=["int", "less", "max", "min", "least"]
)
def test_numbers_that_no_curve_can_hold_are_left_out(run: Path, bgan: Command, number: float) -> None:
    steps = [_step(step, bound=number * (-1) ** step, generator_gradient=abs(number)) for step in range(200)]
    _log(run, *steps, _validation(200, **{"js-4": number}), _step(201, bound=0.25))
    for words in (("report", run), ("plot", run), ("watch", run), ("watch", run, "--json"), ("show", run)):
        result = bgan(*words)
        assert result.code == 0, (words, result.err)
    assert json.loads(bgan("watch", run, "--json").out)["last"]["bound"] == 0.25


def test_a_run_without_numbers_is_not_plotted(run: Path, bgan: Command) -> None:
    _log(run, {"step": 1, "samples": [], "js-4": None})
    result = bgan("plot", run)
    assert (result.code, result.err) == (1, f"bgan-text: {run} has no numbers that can be plotted\n")


def test_lines_of_a_run_do_not_pass_for_others_in_watch(run: Path, bgan: Command) -> None:
    evil = "x\nrun: finished\n\x1b[2J\x1b]0;title\x07\u202e"
    _log(run, _step(1), _validation(2, **{evil: 0.5}, samples=[evil, "\r\x9b2J", "a\tb"]))
    out = bgan("watch", run).out
    assert all(letter.isprintable() or letter == "\n" for letter in out)
    assert not any(line.startswith("run: finished") for line in out.splitlines())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, names of files are text")
def test_paths_that_are_no_text_are_shown(run: Path, bgan: Command) -> None:
    place = run.with_name(os.fsdecode(b"\xff\xfe"))
    run.rename(place)
    for folder in ("a\x00b", "\ud800", "\udcff"):
        _change(
            place, lambda record, folder=folder: record.update(started_from={"folder": folder, "step": 3})
        )
        _change(place, lambda record, folder=folder: record["data"].update(folder=folder))
        assert bgan("report", place, "--out", "report.html").code == 0
        assert "\\udcff" in Path("report.html").read_text("utf-8")


def _table(models: int, scores: int) -> dict[str, Any]:
    cell = {"value": 0.5, "better": "higher"}
    rows = [
        {"name": f"m{one}", "scores": {f"s{one}-{s}": cell for s in range(scores)}} for one in range(models)
    ]
    return {"models": rows, "settings": {}}


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("score.json", _table(3000, 1), "a table of 9,000,000 values"),
        ("score.json", _table(1, 30_000), "a table of 30,000 values"),
        (
            "sweep.json",
            {
                "points": [{"model": "m", "temperature": 1.0, "scores": {}}] * 6000,
                "pairs": [],
                "settings": {},
            },
            "has 6,000 points",
        ),
    ],
)
def test_results_that_would_take_too_long_to_show_are_refused(
    run: Path, bgan: Command, file: str, content: Any, said: str
) -> None:
    (run / file).write_text(json.dumps(content))
    result = bgan("report", run)
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert said in result.err


def test_scores_at_the_ends_of_the_range_are_shown(run: Path, bgan: Command) -> None:
    def cells(value: float) -> dict[str, Any]:
        return {
            name: {"value": value, "low": -LARGEST, "high": LARGEST} for name in ("bleu-5", "self-bleu-5")
        }

    models = [{"name": name, "scores": cells(value)} for name, value in (("m", LARGEST), ("real", -LARGEST))]
    (run / "score.json").write_text(json.dumps({"models": models, "settings": {"anchor": "\ud800"}}))
    points = [{"model": "m", "temperature": t, "scores": {"bleu-5": v, "self-bleu-5": v}}
              for t, v in ((1.0, LARGEST), (2.0, -LARGEST), (3.0, 0.5))]  # fmt: skip
    (run / "sweep.json").write_text(json.dumps({"points": points, "pairs": [], "settings": {}}))
    assert bgan("report", run).code == 0


def _report(**changes: Any) -> dict[str, Any]:
    cell = {"value": 0.5, "low": 0.4, "high": 0.6, "better": "higher"} | changes.pop("cell", {})
    scores = changes.pop("scores", {"js-2": cell})
    return {"models": [{"name": "run", "scores": scores}], "settings": {"samples": {"run": 3}, **changes}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"samples": [1]},
        {"samples": None},
        {"samples": {"run": "3"}},
        {"cell": {"value": "nan"}},
        {"cell": {"value": True}},
        {"scores": [1]},
        {"scores": {f"s{n}": {"value": 1, "low": 1, "high": 1, "better": "real"} for n in range(1001)}},
    ],
)
def test_a_report_that_is_none_makes_no_card(
    run: Path, bgan: Command, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    (tmp_path / "scores.json").write_text(json.dumps(_report(**wrong)))
    result = bgan("export", run, "out", "--step", "4", "--report", "scores.json")
    assert (result.code, result.err.count("\n")) == (1, 1), result.err
    assert "--report" in result.err
    assert not (tmp_path / "out").exists()


def test_no_text_of_a_run_adds_to_its_card(run: Path, bgan: Command, tmp_path: Path) -> None:
    evil = "x`|\n\n# Evil\n\n<img src=x>\n---\nlicense: other\n"
    _log(run, _step(1), _validation(4, **{evil: 0.5}, samples=[evil]))
    _change(run, lambda record: record["data"].update(corpus=evil, signature=evil))
    assert bgan("export", run, "out", "--step", "4", "--license", "mit").code == 0
    card = (tmp_path / "out" / "README.md").read_text()
    _, metadata, text = card.split("---\n", 2)
    assert "\nlicense: mit\n" in metadata
    assert "\nlicense: other" not in metadata
    assert "# Evil" not in text.splitlines()
    found = [line for line in text.splitlines() if "<img" in line and "`" not in line.partition("<img")[0]]
    assert found == []


def test_a_curve_has_a_block_for_each_value() -> None:
    assert sparkline([1e100, -1e100, 0.0], 3) == "█▁▅"


@pytest.mark.parametrize("name", ["tokenizer.json", "samples.png", "palette.json"])
def test_a_file_of_a_terabyte_of_nothing_is_not_read(
    run: Path, bgan: Command, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "exported"
    bt.load_run(run).export(folder, step=4)
    with (folder / name).open("ab") as file:
        file.truncate(2**40)
    content = json.loads((folder / "config.json").read_text())
    content["files"][name] = {"bytes": 2**40, "sha256": "0" * 64}
    content["sha256"] = digest_of(content)
    (folder / "config.json").write_text(json.dumps(content))
    result = bgan("verify", folder)
    assert result.code == 1
    assert f"wrong: {folder / name}: is damaged: it has 1,099,511,627,776 bytes" in result.out
