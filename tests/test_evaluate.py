"""`evaluate` as a Python user calls it: lists, arrays, score functions, reports as data."""

import math
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas
import pytest
import torch

from bgan_text import scores
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.grammar import sentences
from bgan_text.errors import UserError
from bgan_text.evaluation import CustomScore, EvaluationOptions, Judges, Report, draw_neighbours, evaluate
from bgan_text.evaluation.candidate_settings import candidates_of
from bgan_text.evaluation.registry import ENTRIES, REGISTRY
from bgan_text.evaluation.sweep import sweep
from bgan_text.plugins import load_object
from bgan_text.reporter import Reporter
from bgan_text.scores.score import Score
from bgan_text.scores.uncertainty import interval
from bgan_text.training.run import RunFolder

Command = Callable[..., Any]
TEXTS = list(sentences(1, 400))
GOOD, OTHER, REAL, TRAIN = TEXTS[:60], TEXTS[60:120], TEXTS[120:250], TEXTS[250:]
WORDS = [len(text.split()) for text in GOOD]
TINY = ["--width", 4, "--discriminator-width", 4, "--noise", 4, "--draws", 2, "--batch", 4, "--steps", 1]


def words(texts: list[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def value(report: Report, model: str, score: str) -> float:
    (column,) = (column for column in report.columns if column.name == model)
    return column.cells[score].value


class Listening(Reporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def test_lists_of_texts_have_the_values_of_the_score_functions() -> None:
    report = evaluate([GOOD, OTHER], reference=REAL, train=TRAIN, resamples=0)
    assert [column.name for column in report.columns] == ["samples", "samples-2", "real"]
    for name, texts in (("samples", GOOD), ("samples-2", OTHER)):
        split, references = [text.split() for text in texts], [text.split() for text in REAL]
        bleu = scores.bleu(split, references, 3)[3]
        self_bleu = scores.self_bleu(split, 3)[3]
        assert value(report, name, "bleu-3") == pytest.approx(bleu.value, rel=1e-12)
        assert value(report, name, "self-bleu-3") == pytest.approx(self_bleu.value, rel=1e-12)
        assert value(report, name, "unique") == len(set(texts)) / len(texts)
        assert value(report, name, "memorised") == sum(text in TRAIN for text in texts) / len(texts)
        assert value(report, name, "length") == pytest.approx(np.mean(words(texts)))
    assert report.settings["reference"] == "the reference given"
    assert report.settings["references"] == len(REAL)


def test_a_file_is_its_lines_and_a_dictionary_names_models(tmp_path: Path) -> None:
    file, real = tmp_path / "good.txt", tmp_path / "real.txt"
    file.write_text("".join(f"{text}\n" for text in GOOD))
    real.write_text("".join(f"{text}\n" for text in REAL))
    mixed = evaluate([file, str(real), GOOD], reference=real)
    assert [column.name for column in mixed.columns] == [str(file), str(real), "samples", "real"]
    one, _, same, _ = mixed.columns
    values = [{name: cell.value for name, cell in column.cells.items()} for column in (one, same)]
    assert values[0] == values[1]
    named = evaluate({"ours": file, "theirs": tuple(OTHER)}, reference=str(real))
    assert [column.name for column in named.columns] == ["ours", "theirs", "real"]
    assert named.columns[0].cells == evaluate(file, reference=REAL).columns[0].cells


def test_options_come_as_a_dataclass_as_keywords_or_both() -> None:
    options = EvaluationOptions(tokenize="char", resamples=0, count=20)
    one = evaluate([GOOD], reference=REAL, options=options, seed=3).to_json()
    other = evaluate([GOOD], reference=REAL, tokenize="char", resamples=0, count=20, seed=3).to_json()
    assert one == other
    assert one["settings"]["tokenize"] == "char"
    assert one["settings"]["samples"] == {"samples": 20}
    assert options.seed == 0
    with pytest.raises(UserError, match="unknown option 'tokenise': did you mean 'tokenize'"):
        evaluate([GOOD], reference=REAL, tokenise="char")


def test_score_functions_of_ones_own_stand_beside_the_others() -> None:
    before = {group: dict(entries) for group, entries in REGISTRY.items()}

    def shares(texts: list[str]) -> Score:
        each = np.array([len(text) for text in texts], dtype=np.float64)
        return Score(2.0, each)

    own = {
        "words": words,
        "half": CustomScore(lambda texts: 0.5, better="higher", about="always <a half>"),
        "tensor": CustomScore(lambda texts: torch.tensor(words(texts)), better="lower"),
        "score": shares,
    }
    report = evaluate({"good": GOOD}, reference=REAL, train=TRAIN, scores=own, resamples=200)
    assert value(report, "good", "words") == pytest.approx(sum(WORDS) / len(WORDS))
    assert value(report, "good", "tensor") == value(report, "good", "words")
    assert (value(report, "good", "half"), value(report, "good", "score")) == (0.5, 2.0)
    good, real = report.columns
    anchor = report.settings["anchor"]
    assert anchor.startswith("60 texts of the train given")
    assert min(words(TRAIN)) <= real.cells["words"].value <= max(words(TRAIN))
    spread = np.std(WORDS) / math.sqrt(len(WORDS))
    assert good.cells["words"].high - good.cells["words"].low == pytest.approx(2 * 1.96 * spread, rel=0.3)
    assert math.isnan(good.cells["half"].low)
    assert list(report.registry)[-1] == "your scores"
    assert {name: entry.better for name, entry in report.registry["your scores"].items()} == {
        "words": "real", "half": "higher", "tensor": "lower", "score": "real",
    }  # fmt: skip
    assert report.to_json()["models"][0]["scores"]["tensor"]["better"] == "lower"
    for text in (report.to_markdown(), report.to_latex(), report.to_csv()):
        assert "words" in text
    assert {group: dict(entries) for group, entries in REGISTRY.items()} == before
    assert "words" not in ENTRIES


@pytest.mark.parametrize(
    ("own", "part"),
    [
        ({"bleu-1": words}, "`scores` 'bleu-1': a built-in score has this name"),
        ({"x": 3}, "`scores` 'x': a function is expected, not a int"),
        ({"x": lambda texts: [1.0, 2.0]}, r"'x' returned numbers of shape \(2,\) for 60 samples"),
        ({"x": lambda texts: "high"}, "'x' returned a str for 60 samples: a Score, a number"),
        ({"x": lambda texts: None}, "'x' returned a NoneType for 60 samples"),
        ({"x": lambda texts: Score(1.0, np.ones(3))}, "'x' returned a Score with 3 shares"),
    ],
)
def test_score_functions_that_do_not_fit_are_refused(own: Any, part: str) -> None:
    with pytest.raises(UserError, match=part):
        evaluate([GOOD], reference=REAL, scores=own, resamples=0)


def test_a_direction_is_one_of_three() -> None:
    with pytest.raises(UserError, match=r"unknown direction 'up': .*higher, lower, real"):
        CustomScore(words, better="up")


def test_a_report_is_a_tidy_frame_and_a_table_in_a_notebook() -> None:
    names = {"a<b>&c": GOOD, "other": OTHER}
    own = {"<i>words</i>": CustomScore(words, about='"quoted" & <b>')}
    report = evaluate(names, reference=REAL, scores=own, resamples=50)
    frame = report.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == ["model", "score", "value", "low", "high", "better"]
    assert len(frame) == sum(len(column.cells) for column in report.columns)
    row = frame[(frame.model == "other") & (frame.score == "bleu-2")].iloc[0]
    cell = report.columns[1].cells["bleu-2"]
    assert (row.value, row.low, row.high, row.better) == (cell.value, cell.low, cell.high, "higher")
    table = ElementTree.fromstring(f"<div>{report._repr_html_()}</div>").find("table")
    assert table is not None
    heading, *rows = [["".join(cell.itertext()) for cell in line] for line in table]
    assert heading == ["score", "a<b>&c", "other", "real"]
    assert [row for row in rows if row[0] == "<i>words</i> ≈"]
    (bleu,) = (row for row in rows if row[0] == "bleu-2 ↑")
    assert bleu[2].startswith(f"{cell.value:.3f} ±")


def test_a_comparison_is_asked_of_the_report() -> None:
    shuffled = [" ".join(reversed(text.split())) for text in GOOD]
    report = evaluate({"good": GOOD, "shuffled": shuffled}, reference=REAL, scores={"words": words})
    assert report.comparison is None
    found = report.compare("good", "shuffled")
    assert found.differences["bleu-3"].verdict == "first better"
    assert found.differences["words"].verdict == "within noise"
    assert report.with_comparison("good", "shuffled").to_json()["comparison"] == found.to_json()
    assert "good - shuffled" in report.with_comparison("good", "shuffled").to_markdown()
    with pytest.raises(UserError, match="unknown model 'godo': did you mean 'good'"):
        report.compare("godo", "shuffled")


def test_the_library_is_silent_and_warns_through_the_reporter(capfd: pytest.CaptureFixture[str]) -> None:
    heard = Listening()
    upper = [text.upper() for text in GOOD]
    evaluate([upper, OTHER[:7]], reference=REAL, reporter=heard)
    evaluate([upper], reference=REAL)
    assert capfd.readouterr() == ("", "")
    assert len(heard.warnings) == 2
    assert heard.warnings[0].startswith("the models have different numbers of samples")
    assert "of the tokens of samples occur in no reference" in heard.warnings[1]
    assert "`lowercase`" in heard.warnings[1]
    assert "--" not in "".join(heard.warnings)


def test_it_works_in_threads_and_twice_in_a_process() -> None:
    expected = evaluate([GOOD], reference=REAL).to_json()
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(evaluate([GOOD], reference=REAL).to_json()))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected, expected]


def test_runs_are_scored_as_objects_folders_and_paths(bgan: Command) -> None:
    assert bgan("prepare", "grammar", "--limit", 200, "--out", "data/g").code == 0
    assert bgan("train", "--data", "data/g", "--run", "runs/a", *TINY).code == 0

    class Run:
        folder = Path("runs/a")

    models = {"object": Run(), "folder": RunFolder(Path("runs/a")), "path": "runs/a"}
    for data in (None, "data/g", DatasetDirectory(Path("data/g"))):
        report = evaluate(models, data=data, count=30, resamples=0)
        first, *same, _ = (model["scores"] for model in report.to_json()["models"])
        assert same == [first, first]
        assert report.settings["reference"] == "data/g/test"
        assert value(report, "real", "grammatical") == 1.0
    (column, _) = evaluate(Run(), count=30, resamples=0).columns
    assert column.name == "runs/a"
    judges = Judges.quick()
    assert [point.model for point in sweep(Run(), [1.0], count=30, judges=judges).points][:1] == ["runs/a"]


@pytest.fixture
def images(bgan: Command) -> np.ndarray[Any, np.dtype[np.uint8]]:
    pixels = 255 * np.random.default_rng(0).integers(0, 2, (200, 6, 6), dtype=np.uint8)
    np.savez("bits.npz", images=pixels, labels=np.arange(200) % 3)
    assert bgan("prepare", "images", "--path", "bits.npz", "--colors", 2).code == 0
    return pixels


def test_arrays_of_images_are_scored_and_handed_to_score_functions(
    images: np.ndarray[Any, np.dtype[np.uint8]], capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[torch.Tensor] = []

    def brightness(pixels: torch.Tensor) -> torch.Tensor:
        seen.append(pixels)
        return pixels.double().mean(dim=(1, 2, 3))

    own = {"brightness": brightness}
    models = {"array": images[:40], "tensor": torch.from_numpy(images[:40, :, :, None])}
    np.savez("some.npz", images=images[:40])
    report = evaluate(
        models | {"file": "some.npz"}, data="data/images", scores=own, judges=Judges.quick(), resamples=20
    )
    array, tensor, file, real = report.columns
    values = [{name: cell.value for name, cell in column.cells.items()} for column in (array, tensor, file)]
    assert values[0] == values[1] == values[2]
    assert values[0]["unique"] == len({image.tobytes() for image in images[:40]}) / 40
    assert values[0]["brightness"] == pytest.approx(images[:40].mean())
    assert 100 < real.cells["brightness"].value < 155
    assert seen[0].dtype == torch.uint8
    assert torch.equal(seen[0], torch.from_numpy(images[:40, :, :, None]))
    capfd.readouterr()
    draw_neighbours(images[:40], Path("near.png"), data="data/images")
    assert Path("near.png").read_bytes().startswith(b"\x89PNG")
    assert capfd.readouterr() == ("", "")


def test_what_is_no_model_is_refused_in_one_line(images: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    data = "data/images"
    wrong: list[tuple[Any, dict[str, Any], str]] = [
        ([], {"reference": REAL}, "`models` is empty"),
        ([[]], {"reference": REAL}, "samples is empty"),
        (GOOD, {"reference": REAL}, r"none of the 60 strings in `models` is a file: .* \[texts\]"),
        ([GOOD], {}, "nothing to compare samples with: give `reference`, real text"),
        ([GOOD, images], {"data": data}, "samples makes text and samples-2 makes images"),
        ([GOOD], {"data": data}, "`data` data/images holds images, samples makes text"),
        ([images], {"reference": REAL}, "`reference` .*has no meaning for images"),
        ([images.astype(np.float32)], {"data": data}, "float32: images are .* of uint8"),
        ([images[0]], {"data": data}, r"array of shape \(6, 6\)"),
        ([images[:, :3]], {"data": data}, "samples has images of 6 x 3 pixels, the data of 6 x 6"),
        ([np.stack([images] * 3, axis=3)], {"data": data}, "samples has images of 3 channels, the data of 1"),
        ([3], {"reference": REAL}, "`models` holds a int: a run, a path"),
        ([["a", 3]], {"reference": REAL}, "`models` holds a list with a int at 1"),
        ([GOOD], {"reference": 3}, "`reference` is a int: a path or a list of str"),
        ({"real": GOOD}, {"reference": REAL}, "a model called 'real' would be taken for the anchor"),
        ([GOOD], {"reference": REAL, "temperature": 0.0}, "`temperature` 0.0: a number above 0"),
        ([GOOD], {"reference": REAL, "mauve": True}, "`mauve` compares embeddings"),
    ]
    for models, options, part in wrong:
        with pytest.raises(UserError, match=part) as refusal:
            evaluate(models, **options)
        assert "\n" not in str(refusal.value)
        assert "--" not in str(refusal.value)
    with pytest.raises(UserError, match="`sweep` has no meaning for images"):
        sweep([images], data=data)


def test_a_score_function_is_named_on_the_command_line(bgan: Command) -> None:
    Path("ownscores.py").write_text("def words(texts):\n    return [len(text.split()) for text in texts]\n")
    for name, texts in (("good.txt", GOOD), ("real.txt", REAL)):
        Path(name).write_text("".join(f"{text}\n" for text in texts))
    path = list(sys.path)
    try:
        call = ("score", "good.txt", "--reference", "real.txt", "--score")
        made = bgan(*call, "ownscores:words")
        assert made.code == 0, made.err
        assert "your scores" in made.out
        (row,) = (line for line in made.out.splitlines() if line.startswith("  words"))
        assert f"{sum(WORDS) / len(WORDS):.2f}" in row or f"{sum(WORDS) / len(WORDS):.3f}" in row
        missing = bgan(*call, "ownscores:nothing")
        assert missing.code == 1
        assert missing.err == (
            "bgan-text: score function 'ownscores:nothing': the module 'ownscores' has no 'nothing'; "
            "module:name is expected\n"
        )
    finally:
        sys.path[:] = path
        sys.modules.pop("ownscores", None)


def test_objects_are_loaded_by_module_and_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_object("os:getcwd", "thing") is os.getcwd
    assert load_object("os.path:join", "thing") is os.path.join
    for spec, part in (
        ("os", "thing 'os': module:name is expected"),
        ("os:", "module:name is expected"),
        (":x", "module:name is expected"),
        ("os:a b", "module:name is expected"),
        ("no_such.module:x", "there is no module 'no_such.module'"),
        ("os.none:x", "there is no module 'os.none'"),
        ("os:none", "the module 'os' has no 'none'"),
    ):
        with pytest.raises(UserError, match=part):
            load_object(spec, "thing")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "wants_more.py").write_text("import a_package_that_is_absent\n")
    with pytest.raises(UserError, match=r"importing wants_more fails: .*a_package_that_is_absent"):
        load_object("wants_more:x", "thing")


def test_intervals_are_those_of_the_score_itself() -> None:
    report = evaluate([GOOD], reference=REAL, scores={"words": words}, resamples=2000)
    cell = report.columns[0].cells["words"]
    each = np.array(WORDS, dtype=np.float64)
    low, high = interval(Score(float(each.mean()), each), seed=1, resamples=2000)
    assert (cell.low, cell.high) == (pytest.approx(low, rel=0.03), pytest.approx(high, rel=0.03))


def test_the_line_of_settings_tells_which_checkpoint_was_the_best() -> None:
    assert candidates_of({"step": None, "steps": {"a": 4}}) == ""
    assert candidates_of({"step": "best", "steps": {"a": 4}}) == ", step best (4)"
    assert candidates_of({"step": "best", "steps": {"a": 4, "b": 2}}) == ", step best (a: 4, b: 2)"
    assert candidates_of({"step": 2, "steps": {"a": 2}}) == ", step 2"
