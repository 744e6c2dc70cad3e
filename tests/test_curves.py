"""The training curves of runs, as a figure."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import bgan_text as bt
from bgan_text.curves import smoothed
from bgan_text.errors import UserError

TINY: dict[str, Any] = {
    "width": 4, "discriminator_width": 4, "batch": 8, "precision": "float32", "log_every": 1,
    "evaluate_every": "2", "steps": 4,
}  # fmt: skip


@pytest.fixture(scope="module")
def runs(data: bt.DatasetDirectory, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bt.Run]:
    folder = tmp_path_factory.mktemp("runs")
    kinds: dict[str, dict[str, Any]] = {
        "draws": {"draws": 3}, "tokens": {"credit": "token"}, "mle": {"objective": "mle"},
    }  # fmt: skip
    unread = {"mle": {"discriminator_width"}}
    return {
        name: bt.train(
            data,
            out=folder / name,
            **{key: value for key, value in (TINY | kind).items() if key not in unread.get(name, set())},
        )
        for name, kind in kinds.items()
    }


def titles(figure: Any) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes]


def test_a_run_has_a_panel_for_each_quantity_that_it_has(runs: dict[str, bt.Run]) -> None:
    norms = ["gradient norm of the generator", "gradient norm of the discriminator"]
    scores = "score of the discriminator"
    assert titles(bt.plot(runs["draws"])) == [
        "bound", scores, "effective sample size (draws)", *norms, "validation (bits)",
    ]  # fmt: skip
    assert titles(bt.plot(runs["tokens"].folder)) == [
        "bound", scores, "variance of the weights", *norms, "validation (bits)",
    ]  # fmt: skip
    assert titles(bt.plot(runs["mle"])) == ["loss", norms[0], "validation (bits)"]


def test_a_figure_is_named_without_the_folders_around_the_run(
    runs: dict[str, bt.Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = runs["draws"].folder.resolve()
    assert bt.plot(folder).get_suptitle() == "draws"
    monkeypatch.chdir(folder.parent.parent)
    assert bt.plot(folder).get_suptitle() == str(Path(folder.parent.name, "draws"))
    assert bt.plot(Path(folder.parent.name, "draws")).get_suptitle() == str(Path(folder.parent.name, "draws"))


def test_the_curves_are_the_metrics(runs: dict[str, bt.Run]) -> None:
    run = runs["draws"]
    figure = bt.plot(run)
    panels = dict(zip(titles(figure), figure.axes, strict=True))
    rows = [row for row in run.metrics() if "bound" in row]
    for title, names in {
        "bound": ["bound"],
        "score of the discriminator": ["real_score", "fake_score"],
        "gradient norm of the generator": ["generator_gradient"],
    }.items():
        for line, name in zip(panels[title].lines, names, strict=True):
            assert list(line.get_xdata()) == [1, 2, 3, 4]
            assert list(line.get_ydata()) == [row[name] for row in rows]
    validated = [row for row in run.metrics() if "js-4" in row]
    js, star = panels["validation (bits)"].lines[:2]
    assert list(js.get_ydata()) == [row["js-4"] for row in validated]
    assert (list(star.get_xdata()), list(star.get_ydata())) == (
        [run.best],
        [min(row["js-4"] for row in validated)],
    )


def test_several_runs_lie_over_each_other_and_are_named(runs: dict[str, bt.Run]) -> None:
    figure = bt.plot([*runs.values()])
    assert titles(figure)[-4:] == ["JS-1 (bits)", "JS-2 (bits)", "JS-3 (bits)", "JS-4 (bits)"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["draws", "tokens", "mle"]
    panels = dict(zip(titles(figure), figure.axes, strict=True))
    colors = {"JS-1 (bits)": ["C0", "C1", "C2"], "bound": ["C0", "C1"], "loss": ["C2"]}
    for title, expected in colors.items():
        assert [line.get_color() for line in panels[title].lines] == expected


def test_long_curves_are_smoothed_over_their_raw_values_and_outliers_do_not_flatten_them(
    runs: dict[str, bt.Run], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_bytes((runs["draws"].folder / "run.json").read_bytes())
    values = np.random.default_rng(0).normal(1.0, 0.1, 600)
    values[300] = 1e6
    norms = np.geomspace(1e-3, 10.0, 600)
    rows = [
        {"step": step, "bound": bound, "generator_loss": 0.0, "generator_gradient": norm}
        for step, (bound, norm) in enumerate(zip(values, norms, strict=True), start=1)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    bound, gradient = bt.plot(folder).axes
    raw, mean = bound.lines
    assert raw.get_alpha() < 0.5
    assert np.std(mean.get_ydata()[:250]) < np.std(raw.get_ydata()[:250]) / 2
    assert gradient.get_yscale() == "log"
    assert bound.get_ylim()[1] < 2.0


def test_the_running_mean_keeps_a_constant_and_a_straight_middle() -> None:
    np.testing.assert_allclose(smoothed(np.full(200, 3.0)), 3.0)
    line = np.arange(200.0)
    np.testing.assert_allclose(smoothed(line)[20:-20], line[20:-20])


def test_what_cannot_be_drawn_is_refused(runs: dict[str, bt.Run], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a run folder"):
        bt.plot(tmp_path)
    with pytest.raises(UserError, match="`runs` is empty"):
        bt.plot([])
    with pytest.raises(UserError, match="`runs` holds a int"):
        bt.plot([3])  # type: ignore[list-item]
    (tmp_path / "run.json").write_bytes((runs["mle"].folder / "run.json").read_bytes())
    with pytest.raises(UserError, match="has no metrics yet"):
        bt.plot(tmp_path)


def test_the_command_writes_a_file(runs: dict[str, bt.Run], bgan: Any) -> None:
    one, two = runs["draws"].folder, runs["mle"].folder
    made = bgan("plot", one, two, "--out", "curves.png")
    assert (made.code, made.out) == (0, "curves.png\n")
    with Image.open("curves.png") as image:
        assert min(image.size) > 500
    assert bgan("plot", one).out == f"{one / 'curves.png'}\n"
    for wrong, said in (
        ("curves.jpg", ".png, .pdf, .svg is needed"),
        ("no/curves.png", "there is no folder no"),
    ):
        refused = bgan("plot", one, "--out", wrong)
        assert (refused.code, refused.out, len(refused.err.splitlines())) == (1, "", 1)
        assert f"--out {wrong}: " in refused.err
        assert said in refused.err
