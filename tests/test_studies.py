"""Comparisons and reproductions as library calls, and comparisons of images."""

import json
import math
import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bgan_text as bt
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.errors import UserError
from bgan_text.evaluation.judges import Judges
from bgan_text.reporter import Reporter
from bgan_text.space import CONTINUOUS_IMAGES, QUANTISED_IMAGES
from bgan_text.studies import comparison
from bgan_text.studies.columns import known_scores
from bgan_text.studies.comparison import Comparison, compare
from bgan_text.studies.comparison_options import ComparisonOptions
from bgan_text.studies.methods import methods_of
from bgan_text.studies.reproduction import Stopped, reproduce
from bgan_text.studies.results import ComparisonResults
from bgan_text.training.callbacks import Callback

Command = Callable[..., Any]
TINY = {"width": 8, "discriminator_width": 8, "noise": 4, "batch": 8, "steps": 3}
WORDS = [f"--{name.replace('_', '-')}={value}" for name, value in TINY.items()]
FEW = {"count": 30, "seeds": 1, "device": "cpu"}


class Listening(Reporter):
    """Keeps the messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


class Stop(Callback):
    """Stops one training as it starts."""

    def __init__(self, run: str) -> None:
        self.run = run

    def on_train_start(self, training: Any) -> None:
        if training.run.folder.name == self.run:
            training.stop()


@pytest.fixture
def text(bgan: Command) -> Path:
    rng = random.Random(0)
    lines = (f"{' '.join(rng.choices(['ab', 'cab', 'bad', 'dab'], k=3))} {n % 89}\n" for n in range(300))
    Path("t.txt").write_text("".join(lines))
    words = "--path", "t.txt", "--tokenizer", "char", "--length", 14, "--out", "data/t"
    assert bgan("prepare", "lines", *words).code == 0
    return Path("data/t")


@pytest.fixture
def images(bgan: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Prepares images in as many colours, with or without labels; networks that score learn nothing."""
    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 256, (200, 8, 8, 3), dtype=np.uint8), rng.integers(0, 3, 200)
    monkeypatch.setattr(comparison, "Judges", Judges.quick)

    def prepare(colours: str, *, labelled: bool) -> Command:
        np.savez("i.npz", images=pixels, **({"labels": labels} if labelled else {}))
        assert bgan("prepare", "images", "--path", "i.npz", "--colors", colours, "--out", "data/i").code == 0
        return bgan

    return prepare


def written(home: str) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in Path(home).glob("*/*") if path.name != ".lock"}


def test_a_comparison_is_one_call_in_any_thread(text: Path) -> None:
    made: list[ComparisonResults] = []
    methods = ["importance", {"objective": "reinforce", "draws": 2}, {"slow": {"generator_lr": 1e-5}}]
    reporter = Listening()

    def call() -> None:
        made.append(
            compare(text, methods, out="c", reporter=reporter, **TINY, **FEW | {"seeds": 2})  # type: ignore[arg-type]
        )

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    (results,) = made
    names = ["importance (js)", "reinforce (js, draws 2)", "slow"]
    assert [row.method.name for row in results.rows] == names
    assert {path.name for path in Path("c").iterdir()} == {
        "compare.json",
        *(
            f"{stem}-seed{seed}"
            for stem in ("conv-importance-js", "conv-reinforce-js-draws2", "slow")
            for seed in (0, 1)
        ),
    }
    assert results.rows[2].settings["generator_lr"] == 1e-5
    assert results.missing == 0
    frame = results.to_frame()
    assert list(frame.index) == [*names, "real"]
    cell = results.rows[0].cell("js-4")
    assert cell is not None
    found = frame.loc["importance (js)", "js-4"]
    assert (found["mean"], found["deviation"]) == (cell.value, cell.deviation)
    assert frame.loc["real", ("js-4", "mean")] == results.real()["js-4"]
    assert math.isnan(frame.loc["real", ("js-4", "deviation")])
    assert frame.loc["slow", ("steps", "mean")] == 3
    assert "<td>slow</td>" in results._repr_html_()
    assert results.to_markdown().splitlines()[4].startswith("| slow | ")
    assert results.to_json() == json.loads(Path("c/compare.json").read_text())
    assert reporter.messages[0] == "Run 1 of 6: importance (js), seed 0"
    assert "Run 2 of 6: reinforce (js, draws 2), seed 0; about 0.0 minutes of training left" in (
        reporter.messages
    )
    before, again = written("c"), Listening()
    repeated = compare(str(text), methods, out=Path("c"), reporter=again, **TINY, **FEW | {"seeds": 2})  # type: ignore[arg-type]
    assert repeated.to_json() == results.to_json()
    assert written("c") == before
    assert again.messages == []


def test_a_callback_stops_a_comparison_and_the_same_call_continues(text: Path) -> None:
    call: dict[str, Any] = {"out": "c", "options": ComparisonOptions(**FEW), **TINY}  # type: ignore[arg-type]
    stop = Stop("conv-reinforce-js-seed0")
    part = compare(text, "importance,reinforce,partition", callbacks=[stop], **call)
    assert part.missing == 2
    assert [len(row.outcomes) for row in part.rows] == [1, 0, 0]
    assert "2 runs are not trained and scored yet" in part.to_markdown()
    reporter = Listening()
    whole = compare(text, "importance,reinforce,partition", reporter=reporter, **call)
    assert whole.missing == 0
    assert [line[:10] for line in reporter.messages if line.startswith("Run")] == ["Run 2 of 3", "Run 3 of 3"]


def test_what_a_comparison_cannot_do_is_refused_by_field(text: Path) -> None:
    for methods, settings, message in (
        ("importance", {"seed": 1}, "`seed` is set by the methods"),
        ("importance", {"nothing": 1}, "nothing"),
        ([{"objective": "importance", "seed": 1}], {}, "`seed` is no option of a method"),
        ([{"objective": "lsgan"}], {}, "`objective` lsgan does not train on text"),
        ("bgan", {}, "`objective` bgan does not train on text"),
        ({"a b": {"draws": 2}, "a/b": {"draws": 3}}, {}, "give them different names"),
        ([], {}, "at least one is needed"),
        ("importance", {"seeds": 0}, "`seeds` 0: at least 1 is needed"),
        ("importance", {"count": 0}, "`count` 0: at least 1 is needed"),
        ("importance", {"scores": ["patch-js-1"]}, "unknown score 'patch-js-1'"),
        ("importance", {"device": "tpu"}, "tpu"),
    ):
        with pytest.raises(UserError, match=message.replace("(", "\\(")):
            compare(text, methods, out="c", **settings)  # type: ignore[arg-type]
    assert not Path("c").exists()


@pytest.mark.parametrize(("colours", "labelled"), [("4", True), ("none", False)])
def test_images_are_compared_with_objectives_and_scores_that_fit(
    images: Command, colours: str, labelled: bool
) -> None:
    bgan = images(colours, labelled=labelled)
    made = bgan("compare", "--seeds", 1, "--n", 40, "--device", "cpu", *WORDS)
    assert made.code == 0, made.err
    assert made.err.count("Scoring 3 runs") == 1  # one classifier judges them all
    rows = made.out.splitlines()
    assert rows[0].split() == (["classifier-", "modes-"] if labelled else ["classifier-"])
    assert max(map(len, rows[:6])) <= 80
    names = ["importance (js)", "reinforce (js)", "wgan-gp"]
    if not labelled:
        names = ["bgan (js)", "non-saturating (js)", "wgan-gp"]
    report = json.loads(Path("comparisons/i/compare.json").read_text())
    assert [method["name"] for method in report["methods"]] == names
    variety = "modes-covered" if labelled else "unique"
    shown = ["patch-js-1", "patch-js-3", "classifier-frechet", variety]
    markdown = bgan("compare", "--seeds", 1, "--n", 40, "--device", "cpu", *WORDS, "--markdown")
    assert "Run" not in markdown.err
    heading, _, *lines = markdown.out.splitlines()
    assert [name.split()[0] for name in heading.strip("| ").split(" | ")] == [
        "method", *shown, "steps", "runs",
    ]  # fmt: skip
    assert lines[3].startswith("| real | ")
    assert set(shown) <= set(report["real"])
    assert set(report["methods"][0]["scores"]) == set(known_scores(DatasetDirectory(Path("data/i"))))


def test_a_run_that_is_scored_alone_has_the_scores_it_has_among_others(images: Command) -> None:
    images("4", labelled=True)
    call: dict[str, Any] = {"out": "c", "count": 40, "seeds": 1, "device": "cpu", **TINY}
    first = compare("data/i", "importance,wgan-gp", **call)
    Path("c/conv-wgan-gp-seed0/scores.json").unlink()
    reporter = Listening()
    assert compare("data/i", "importance,wgan-gp", reporter=reporter, **call).to_json() == first.to_json()
    assert reporter.messages == ["Scoring c/conv-wgan-gp-seed0"]


def test_what_does_not_fit_images_is_refused_before_the_first_training(images: Command) -> None:
    bgan = images("4", labelled=False)
    for words, message in (
        (["--objectives", "lsgan"], "--objective lsgan does not train on quantised images"),
        (["--reference", "t.txt"], "--reference t.txt is for text"),
        (["--scores", "js-1"], "unknown score 'js-1'"),
        (["--scores", "modes-covered"], "unknown score 'modes-covered'"),
        (["--blocks", 2], "--blocks 2 does not apply to nets for images"),
        (["--generator", "classifier"], "labels images"),
    ):
        made = bgan("compare", "--seeds", 1, *words)
        assert made.code == 1
        assert message in made.err
        assert not Path("comparisons").exists()


def test_methods_of_dictionaries_get_what_they_leave_out() -> None:
    (given,) = methods_of([{"divergence": "kl"}])
    assert given.options == {"generator": "conv", "objective": "importance", "divergence": "kl"}
    assert (given.name, given.folder(1)) == ("importance (kl)", "conv-importance-kl-seed1")
    assert [method.name for method in methods_of(["importance", {"objective": "importance"}])] == [
        "importance (js)"
    ]
    (named,) = methods_of({"Mine, 2": {"objective": "mle"}})
    assert (named.name, named.options["generator"], named.folder(0)) == ("Mine, 2", "rnn", "Mine-2-seed0")
    (continuous,) = methods_of([{"generator_lr": 1e-4}], images=CONTINUOUS_IMAGES)
    assert continuous.objective == "bgan"
    (preset,) = methods_of([{"preset": "improved-wgan"}])
    assert preset.objective == "wgan-gp"
    usual = [method.objective for method in methods_of(None, images=QUANTISED_IMAGES)]
    assert usual == ["importance", "reinforce", "wgan-gp"]


def test_partial_results_are_there_before_anything_is_trained(text: Path) -> None:
    planned = Comparison(text, "importance", out="c", settings=TINY)
    results = planned.results()
    assert results.missing == 3
    assert results.to_frame().empty
    assert "no run is finished and scored yet" in results.to_markdown()
    assert not Path("c").exists()


def test_a_reproduction_is_one_call(bgan: Command) -> None:
    faces = np.random.default_rng(0).integers(0, 256, (80, 16, 16, 3), dtype=np.uint8)
    np.savez("faces.npz", images=faces)
    call: dict[str, Any] = {"scale": "smoke", "out": "r", "paths": [Path("faces.npz")], "device": "cpu"}
    with pytest.raises(Stopped):
        reproduce("celeba-quantized", callbacks=[Stop("importance-seed0")], **call)
    assert not Path("r/result.json").exists()
    reporter = Listening()
    result = reproduce("celeba-quantized", reporter=reporter, **call)
    assert result.to_json() == json.loads(Path("r/result.json").read_text())
    assert result.to_markdown() == Path("r/result.md").read_text()
    assert result.figures == {"celeba-quantized.png": Path("r/celeba-quantized.png").read_bytes()}
    assert "Run 1 of 1: importance, seed 0" in reporter.messages[1]
    shutil.rmtree("r/runs")
    card, again = Path("r/data/card.json").stat().st_mtime_ns, Listening()
    reproduce("celeba-quantized", reporter=again, **call | {"paths": []})
    assert Path("r/data/card.json").stat().st_mtime_ns == card  # the data is there
    assert any(line.startswith("Run 1 of 1") for line in again.messages)


@pytest.mark.parametrize(
    ("methods", "settings", "words"),
    [
        (["importance"], {"generator": "mine:Net"}, "`generator` mine:Net: a comparison takes the nets"),
        ({"a": {"divergence": "mine:D"}}, {}, "`divergence` mine:D: a comparison takes"),
        ({"a": {"generator": dict}}, {}, "`generator` dict: a comparison takes"),
        ({"real": {"objective": "importance"}}, {}, "'real' would be taken for real samples"),
    ],
)
def test_what_a_comparison_cannot_train_is_refused_at_once(
    methods: Any, settings: dict[str, Any], words: str, tmp_path: Path
) -> None:
    data = bt.prepare("grammar", limit=100, out=tmp_path / "data")
    with pytest.raises(bt.UserError, match=words):
        bt.compare(data, methods, out=tmp_path / "out", steps=1, **settings)
    assert not (tmp_path / "out").exists()
