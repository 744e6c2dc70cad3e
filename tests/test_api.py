"""The public functions: from data of any kind to a run, its samples, and back from disk."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas
import pytest
import torch

import bgan_text as bt
from bgan_text.corpora.images import Raw
from bgan_text.runs import Run
from bgan_text.training.callbacks import Callback
from bgan_text.training.loop import Training
from bgan_text.training.trainer import StepReport

LINES = [f"{a} {b} {c}" for a in "uvwxyz" for b in ("sees", "likes") for c in "abcdefgh"]
TINY: dict[str, Any] = {"width": 4, "discriminator_width": 4, "batch": 8, "precision": "float32"}


class Count(Callback):
    """Counts what happens, and stops or fails at a step."""

    def __init__(self, stop: int | None = None, fail: int | None = None) -> None:
        self.stop, self.fail, self.seen = stop, fail, []  # type: ignore[var-annotated]

    def on_train_start(self, training: Training) -> None:
        self.seen.append("start")

    def on_step_end(self, training: Training, report: StepReport) -> None:
        self.seen.append(report.step)
        if report.step == self.stop:
            training.stop()
        if report.step == self.fail:
            raise KeyboardInterrupt

    def on_evaluation_end(self, training: Training, evaluation: Any) -> None:
        self.seen.append("evaluation")

    def on_checkpoint_saved(self, training: Training, path: Path) -> None:
        self.seen.append(path.name)

    def on_train_end(self, training: Training) -> None:
        self.seen.append("end")


@pytest.fixture
def data(tmp_path: Path) -> bt.DatasetDirectory:
    return bt.prepare(LINES, tokenizer="char", length=12, out=tmp_path / "data")


def weights(run: Run) -> list[torch.Tensor]:
    folder = bt.load_run(run.folder)
    net = folder._run.generator(torch.device("cpu"), average=False)
    return [parameter.clone() for parameter in net.parameters()]


@pytest.mark.parametrize(
    "source",
    [
        LINES,
        iter(LINES),
        datasets.Dataset.from_dict({"number": list(range(len(LINES))), "words": LINES}),
        datasets.Dataset.from_dict({"number": list(range(len(LINES))), "words": LINES}).to_iterable_dataset(),
        pandas.DataFrame({"number": list(range(len(LINES))), "words": LINES}),
        pandas.DataFrame({"number": list(range(len(LINES))), "words": LINES}).words,
        bt.TextCorpus("mine", read=lambda request: iter(LINES)),
        bt.TextCorpus("mine", read=lambda request: LINES),
    ],
    ids=["list", "iterator", "dataset", "iterable-dataset", "frame", "series", "corpus", "corpus-list"],
)
def test_text_of_every_kind_gives_the_same_rows(source: Any, tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("\n".join(LINES) + "\n", "utf-8")
    options: dict[str, Any] = {"tokenizer": "char", "length": 12}
    expected = bt.prepare(tmp_path / "lines.txt", out=tmp_path / "file", **options)
    made = bt.prepare(source, out=tmp_path / "made", **options)
    assert made.signature == expected.signature
    assert sorted(made.texts("train")) == sorted(expected.texts("train"))


def test_a_data_frame_has_a_column_of_text_and_missing_values_are_blank(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"a": [*LINES, None], "b": ["other"] * (len(LINES) + 1)})
    options: dict[str, Any] = {"tokenizer": "char", "length": 12}
    made = bt.prepare(frame, column="a", out=tmp_path / "a", **options)
    assert sorted(made.texts("train")) == sorted(
        bt.prepare(LINES, out=tmp_path / "b", **options).texts("train")
    )
    assert made.card["counts"]["blank"] == 1
    for wrong, message in (({}, "a, b"), ({"column": "c"}, "no `column` 'c': it has a, b")):
        with pytest.raises(bt.UserError, match=message):
            bt.prepare(frame, out=tmp_path / "c", **options, **wrong)


def test_names_of_columns_may_be_numbers_and_may_not_repeat(tmp_path: Path) -> None:
    options: dict[str, Any] = {"tokenizer": "char", "length": 12, "out": tmp_path / "a", "overwrite": True}
    for column in (None, 0, "0"):
        assert bt.prepare(pandas.DataFrame(LINES), column=column, **options).counts["read"] == len(LINES)
    twice = pandas.DataFrame([["a", "b"]] * 9, columns=["t", "t"])
    with pytest.raises(bt.UserError, match="has 2 columns 't'"):
        bt.prepare(twice, column="t", **options)
    for values in (pandas.Series([["a"], ["b"]]), [1, 2, 3]):
        for unit in ("line", "sentence"):
            with pytest.raises(bt.UserError, match=r"is of type (list|int): a string was expected"):
                bt.prepare(values, **options | {"unit": unit})
    with pytest.raises(bt.UserError, match="`column` x does not apply"):
        bt.prepare(pandas.Series(LINES), column="x", **options)
    for source in (pandas.DataFrame(LINES), datasets.Dataset.from_dict({"t": LINES})):
        with pytest.raises(bt.UserError, match="`encoding` cp1252 does not apply"):
            bt.prepare(source, encoding="cp1252", **options)


def test_options_of_files_do_not_apply_to_texts_in_memory(tmp_path: Path) -> None:
    for name in ("column", "encoding"):
        with pytest.raises(bt.UserError, match=f"`{name}` x does not apply to texts in memory"):
            bt.prepare(LINES, out=tmp_path / "data", **{name: "x"})
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_token_rows_become_a_run_that_samples_token_rows(kind: Callable[..., Any], tmp_path: Path) -> None:
    rows = np.random.default_rng(0).integers(1, 5, (200, 6))
    data = bt.prepare(kind(rows), vocabulary=5, out=tmp_path / "data")
    found = torch.cat([data.rows(split) for split in ("train", "validation", "test")])
    assert {tuple(row) for row in found.tolist()} == {tuple(row) for row in rows.tolist()}
    run = bt.train(data, out=tmp_path / "run", steps=2, **TINY)
    sample = run.sample(7, seed=1)
    assert isinstance(sample, torch.Tensor)
    assert (sample.shape, sample.dtype) == ((7, 6), torch.int64)
    assert torch.equal(sample, bt.load_run(tmp_path / "run").sample_tokens(7, seed=1))


@pytest.mark.parametrize("colors", [4, "none"])
def test_images_become_a_run_that_samples_images(colors: int | str, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)
    data = bt.prepare(images, labels=np.arange(60) % 3, colors=colors, out=tmp_path / "data")
    labels = data.labels("train")
    assert labels is not None
    assert set(labels.tolist()) == {0, 1, 2}
    run = bt.train(data, bt.Config.given({"steps": 2, **TINY}), out=tmp_path / "run")
    assert run.config.objective == ("bgan" if colors == "none" else "importance")  # what suits the data
    sample = run.sample(5)
    assert isinstance(sample, np.ndarray)
    assert (sample.shape, sample.dtype) == ((5, 8, 8, 3), np.uint8)


def test_an_image_corpus_of_ones_own(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
    noise = bt.ImageCorpus(
        "noise", lambda request: (Raw(str(i), one) for i, one in enumerate(images)), colors=2
    )
    data = bt.prepare(noise, out=tmp_path / "data")
    assert (data.corpus, data.counts["read"], data.space) == ("noise", 40, bt.TokenSpace(64, 2, shape=(8, 8)))


def test_callbacks_hear_everything_and_may_stop(data: bt.DatasetDirectory, tmp_path: Path) -> None:
    heard = Count(stop=3)
    run = bt.train(data, out=tmp_path / "run", callbacks=[heard], steps=100, evaluate_every="2", **TINY)
    best, last = "checkpoint-000000002.safetensors", "checkpoint-000000003.safetensors"
    assert heard.seen == ["start", 1, 2, "evaluation", best, 3, last, "evaluation", "end"]
    assert run.steps == 3


def test_a_resumed_run_ends_bit_for_bit_as_one_that_was_not_stopped(
    data: bt.DatasetDirectory, tmp_path: Path
) -> None:
    whole = bt.train(data, out=tmp_path / "whole", steps=8, **TINY)
    part = bt.train(data, out=tmp_path / "part", steps=8, callbacks=[Count(stop=3)], **TINY)
    assert part.steps == 3
    again = bt.load_run(tmp_path / "part").resume()
    assert again.steps == 8
    assert all(torch.equal(*pair) for pair in zip(weights(whole), weights(again), strict=True))
    assert whole.sample(5, seed=2) == again.sample(5, seed=2)


def test_an_interrupted_run_keeps_its_last_checkpoint(data: bt.DatasetDirectory, tmp_path: Path) -> None:
    heard = Count(fail=5)
    with pytest.raises(KeyboardInterrupt):
        bt.train(data, out=tmp_path / "run", steps=9, save_every="2", callbacks=[heard], **TINY)
    assert heard.seen[-1] == "end"
    run = bt.load_run(tmp_path / "run")
    assert run.steps == 4
    whole = bt.train(data, out=tmp_path / "whole", steps=9, **TINY)
    assert all(torch.equal(*pair) for pair in zip(weights(whole), weights(run.resume()), strict=True))


def test_everything_is_silent_in_threads_and_twice_in_one_process(
    data: bt.DatasetDirectory, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    texts: dict[int, Any] = {}

    def work(number: int) -> None:
        run = bt.train(data, out=tmp_path / f"run{number}", steps=4, **TINY)
        texts[number] = run.resume(steps=6).sample(5, seed=3)
        bt.evaluate([run, LINES[:40]], data=data, count=40, resamples=20)

    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    work(0)
    assert torch.equal(before, torch.random.get_rng_state())  # the caller's stream is left alone
    threads = [threading.Thread(target=work, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts[0] == texts[1] == texts[2]
    assert capfd.readouterr() == ("", "")


def test_settings_may_be_a_config_a_mapping_or_keywords(data: bt.DatasetDirectory, tmp_path: Path) -> None:
    settings = {"divergence": "kl", "steps": 1, **TINY}
    runs = [
        bt.train(data, bt.Config.given(settings), out=tmp_path / "a"),
        bt.train(str(data.folder), settings, out=tmp_path / "b"),
        bt.train(data.folder, {"divergence": "js"}, out=tmp_path / "c", **settings),
    ]
    assert runs[0].config == runs[1].config == runs[2].config
    assert "kl" in runs[0]._repr_html_()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda data, out: bt.train(data, out=out, steps=0), "`steps` 0: at least 1"),
        (
            lambda data, out: bt.train(data, out=out, generator="mine:Net"),
            "`generator` mine:Net is not part of",
        ),
        (lambda data, out: bt.train(data, out=data.folder), "is not a run folder"),
        (lambda data, out: bt.load_run(out), "is not a run folder"),
        (lambda data, out: bt.train(["a b", "c"], out=out), "`data` is a list: a dataset directory"),
        (lambda data, out: bt.prepare(3.5, out=out), "was expected"),
        (lambda data, out: bt.prepare([1, 2], out=out), "a string was expected"),
        (lambda data, out: bt.prepare(np.zeros((9, 3), int), out=out), "rows of tokens need `vocabulary`"),
        (lambda data, out: bt.prepare(LINES, tokeniser="char", out=out), "unknown option 'tokeniser'"),
    ],
)
def test_mistakes_name_fields_and_leave_nothing(
    call: Callable[..., Any], words: str, data: bt.DatasetDirectory, tmp_path: Path
) -> None:
    with pytest.raises(bt.UserError) as refused:
        call(data, tmp_path / "out")
    assert words in str(refused.value)
    assert "--" not in str(refused.value)
    assert not (tmp_path / "out").exists()
