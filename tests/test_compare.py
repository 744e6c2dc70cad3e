"""`bgan-text compare`: the same training for all, nothing twice, and what its table says."""

import io
import itertools
import json
import math
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from rich.console import Console
from safetensors.torch import load_file

from bgan_text.cli.comparison_table import render
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.errors import UserError
from bgan_text.objective_table import OBJECTIVES, TOKENS, objectives_on
from bgan_text.presets import DIVERGENCES
from bgan_text.studies import scoring
from bgan_text.studies.columns import columns_of
from bgan_text.studies.comparison_table import lines
from bgan_text.studies.methods import Method, methods_of, options_for
from bgan_text.studies.results import ComparisonResults, Row, RunResult, over_seeds
from bgan_text.training import loop as training

Command = Callable[..., Any]
TINY = [
    "--width", 8, "--discriminator-width", 8, "--noise", 4, "--draws", 3, "--batch", 8,
    "--device", "cpu", "--n", 30, "--log-every", 1,
]  # fmt: skip
THREE = ["--steps", 3, "--seeds", 2, *TINY]
PAIR = ["--objectives", "importance,mle"]
FOLDERS = [f"{name}-seed{seed}" for seed in (0, 1) for name in ("conv-importance-js", "rnn-mle")]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from bgan_text.cli.main import app

    home = tmp_path_factory.mktemp("prepared")
    rng = random.Random(0)
    words = ["ab", "cab", "bad", "dab", "a"]
    text = "".join(f"{' '.join(rng.choices(words, k=3))} {number % 89}\n" for number in range(300))
    (home / "t.txt").write_text(text)
    app(
        ["prepare", "lines", "--path", str(home / "t.txt"), "--tokenizer", "char", "--length", "14",
         "--out", str(home / "data" / "t")],
        standalone_mode=False,
    )  # fmt: skip
    return home


@pytest.fixture
def compare(bgan: Command, prepared: Path, tmp_path: Path) -> Command:
    shutil.copytree(prepared / "data", tmp_path / "data")
    return lambda *words: bgan("compare", *words)


def tensors(home: str) -> dict[str, dict[str, bytes]]:
    return {
        str(path.relative_to(home)): {name: t.numpy().tobytes() for name, t in load_file(path).items()}
        for path in sorted(Path(home).glob("*/checkpoint*"))
    }


def stamps(home: str) -> dict[str, int]:
    paths = Path(home).glob("*/*")
    return {str(path.relative_to(home)): path.stat().st_mtime_ns for path in paths if path.name != ".lock"}


def stripped(report: dict[str, Any]) -> dict[str, Any]:
    """A report without what depends on the clock and the folder's name."""
    for method in report["methods"]:
        for run in method["runs"]:
            del run["seconds"], run["folder"]
    return report


def read(home: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((Path(home) / "compare.json").read_text("utf-8"))
    return report


def test_means_are_those_of_the_runs_as_score_gives_them(
    compare: Command, bgan: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = compare(*PAIR, *THREE, "--json")
    assert made.code == 0, made.err
    report = json.loads(made.out)
    assert report == read("comparisons/t")
    assert [method["name"] for method in report["methods"]] == ["importance (js)", "mle (rnn)"]
    assert report["missing"] == 0
    assert report["settings"]["tokenize"] == "char"
    assert report["settings"]["resamples"] == 0
    assert list(map(made.err.find, FOLDERS)) == sorted(map(made.err.find, FOLDERS))
    for method, name in zip(report["methods"], ("conv-importance-js", "rnn-mle"), strict=True):
        assert "seed" not in method["settings"]
        assert method["settings"]["width"] == 8
        assert method["settings"]["precision"] in ("float32", "bfloat16")  # what auto became
        assert method["steps"] == {"values": [3, 3], "mean": 3.0, "deviation": 0.0}
        folders = [f"comparisons/t/{name}-seed{seed}" for seed in (0, 1)]
        assert [(run["seed"], run["folder"]) for run in method["runs"]] == list(enumerate(folders))
        score = bgan("score", *folders, "--n", 30, "--resamples", 0, "--json", "--device", "cpu")
        *columns, real = json.loads(score.out)["models"]
        assert set(columns[0]["scores"]) == set(method["scores"])
        for key, found in method["scores"].items():
            values = [column["scores"][key]["value"] for column in columns]
            if None in values:  # too short for corpus BLEU
                assert (key, found["values"]) == ("corpus-bleu", values)
                continue
            assert found["values"] == pytest.approx(values, rel=1e-12)
            assert found["mean"] == pytest.approx(np.mean(values))
            assert found["deviation"] == pytest.approx(np.std(values, ddof=1), abs=1e-12)
            assert found["better"] == columns[0]["scores"][key]["better"]
        anchor = {key: cell["value"] for key, cell in real["scores"].items()}
        assert report["real"] == pytest.approx(anchor)

    before = stamps("comparisons/t")
    monkeypatch.setattr(training.Training, "go", no_more)
    monkeypatch.setattr(scoring, "score_runs", no_more)
    table = compare(*PAIR, *THREE)
    assert table.code == 0, table.err
    assert stamps("comparisons/t") == before
    rows = table.out.splitlines()
    assert rows[0].split() == [
        "method", "js-1", "↓", "js-4", "↓", "recall-1", "↑", "self-bleu-3", "↓", "steps", "runs",
    ]  # fmt: skip
    values = report["methods"][1]["scores"]["js-1"]
    spread = f"{values['deviation']:.3f}".removeprefix("0")
    assert rows[2].startswith(f"mle (rnn)       {values['mean']:.3f} ±{spread} ")
    assert rows[2].split()[-2:] == ["3", "2"]
    assert rows[3].split()[:2] == ["real", f"{report['real']['js-1']:.3f}"]
    assert "trained 3 steps each, seeds 0..1" in table.out
    assert "±" not in "".join(compare(*PAIR, *THREE, "--seeds", 1).out.splitlines()[:4])
    markdown = compare(*PAIR, *THREE, "--markdown", "--scores", "length,js-2").out.splitlines()
    assert markdown[0] == "| method | length ≈ | js-2 ↓ | steps | runs |"
    assert markdown[1] == "|---|--:|--:|--:|--:|"
    assert sum("**" in line for line in markdown[2:4]) >= 1
    assert markdown[4].startswith("| real | ")


def no_more(*arguments: Any, **named: Any) -> None:
    raise AssertionError("it was done already")


def test_more_seeds_and_methods_add_to_what_is_there_and_other_steps_do_not(compare: Command) -> None:
    assert compare("--objectives", "importance", "--steps", 2, "--seeds", 1, *TINY).code == 0
    before = stamps("comparisons/t")
    more = compare(*PAIR, "--divergences", "js,kl", "--steps", 2, "--seeds", 2, *TINY, "--json")
    after = stamps("comparisons/t")
    assert before.items() <= after.items()
    methods = json.loads(more.out)["methods"]
    assert [method["name"] for method in methods] == ["importance (js)", "importance (kl)", "mle (rnn)"]
    assert all(len(method["runs"]) == 2 for method in methods)
    for steps in (1, 5):
        other = compare("--objectives", "importance", "--steps", steps, "--seeds", 2, *TINY)
        assert other.code == 1
        run = "the run in comparisons/t/conv-importance-js-seed0 was made with --steps 2"
        assert f"--steps {steps}, but {run}" in other.err
    assert stamps("comparisons/t") == after
    again = compare("--objectives", "importance", "--steps", 2, "--seeds", 2, *TINY, "--n", 20, "--json")
    assert "from step" not in again.err
    assert again.err.count("Scoring ") == 2
    (other,) = json.loads(again.out)["methods"]
    assert other["scores"]["js-4"] != methods[0]["scores"]["js-4"]


def test_minutes_are_the_same_for_all(compare: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that moves by .01 seconds whenever it is read."""
    ticks = itertools.count()
    monkeypatch.setattr(training.time, "monotonic", lambda: next(ticks) / 100)
    made = compare(*PAIR, "--minutes", 0.005, "--seeds", 1, *TINY, "--json")
    first = json.loads(made.out)["methods"]
    assert all(method["runs"][0]["seconds"] >= 0.3 for method in first)
    assert "about 0.0 minutes of training left" in made.err
    more = compare(*PAIR, "--minutes", 0.1, "--seeds", 1, *TINY)
    assert "--minutes 0.1, but the run in comparisons/t/conv-importance-js-seed0 was made with" in more.err
    steps = compare(*PAIR, "--steps", 9, "--seeds", 1, *TINY)
    assert "--steps 9, but the run in" in steps.err


def at_step(run: str, step: int, action: Callable[[training.Training], None]) -> Callable[..., None]:
    """`Training._log`, with something that happens at a step of a run."""
    log = training.Training._log

    def wrapped(self: training.Training, report: Any) -> None:
        log(self, report)
        if self.run.folder.name == run and report.step == step:
            action(self)

    return wrapped


def test_an_interrupted_comparison_ends_as_one_that_was_not(
    compare: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compare(*PAIR, *THREE, "--out", "whole").code == 0
    with monkeypatch.context() as patch:
        stop = at_step("rnn-mle-seed0", 2, lambda run: signal.raise_signal(signal.SIGINT))
        patch.setattr(training.Training, "_log", stop)
        stopped = compare(*PAIR, *THREE, "--out", "part")
    assert stopped.code == 130
    assert "Go on with: bgan-text compare --objectives importance,mle --steps 3" in stopped.err
    assert "train --resume" not in stopped.err
    rows = stopped.out.splitlines()
    assert rows[1].split()[-2:] == ["3", "1"]
    assert rows[2].split()[-2:] == ["-", "0"]
    assert "3 runs are not trained and scored yet" in stopped.out
    assert read("part")["missing"] == 3
    assert {path.name for path in Path("part").iterdir()} == {*FOLDERS[:2], "compare.json"}
    with monkeypatch.context() as patch:
        patch.setattr(scoring, "score_runs", interrupted)
        stopped = compare(*PAIR, *THREE, "--out", "part")
    assert stopped.code == 130
    assert "from step 2" in stopped.err
    assert list(tensors("part")) == [
        "conv-importance-js-seed0/checkpoint-000000003.safetensors",
        "rnn-mle-seed0/checkpoint-000000002.safetensors",
        "rnn-mle-seed0/checkpoint-000000003.safetensors",
    ]
    with monkeypatch.context() as patch:
        stop = at_step(FOLDERS[2], 3, lambda run: signal.raise_signal(signal.SIGTERM))
        patch.setattr(training.Training, "_log", stop)
        stopped = compare(*PAIR, *THREE, "--out", "part")
    assert stopped.code == 143
    assert f"Scoring part/{FOLDERS[1]}" in stopped.err
    assert f"Scoring part/{FOLDERS[2]}" not in stopped.err  # it is finished, but nobody wants to wait
    done = compare(*PAIR, *THREE, "--out", "part")
    assert done.code == 0
    assert done.err.count("from step 0") == 1
    whole, part = tensors("whole"), tensors("part")
    assert {name: part[name] for name in whole} == whole
    assert stripped(read("part")) == stripped(read("whole"))


def interrupted(*arguments: Any, **named: Any) -> None:
    raise KeyboardInterrupt


def test_a_run_that_breaks_leaves_the_others(compare: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        stop = at_step("rnn-mle-seed0", 2, lambda run: run.state.nonfinite.fill_(1.0))
        patch.setattr(training.Training, "_log", stop)
        made = compare(*PAIR, *THREE)
    assert made.code == 1
    assert "Traceback" not in made.err
    assert "mle (rnn), seed 0 failed: a loss or gradient was not finite by step" in made.err
    rows = made.out.splitlines()
    assert rows[1].split()[-2:] == ["3", "2"]
    assert rows[2].rstrip().endswith("1, 1 failed")
    assert "failed: mle (rnn), seed 0: a loss or gradient" in made.out
    report = read("comparisons/t")
    assert [run["failed"] is None for run in report["methods"][1]["runs"]] == [False, True]
    assert report["methods"][1]["seeds"] == [1]
    assert report["methods"][1]["scores"]["js-1"]["deviation"] is None
    alone = compare("--objectives", "mle,importance", *THREE, "--seeds", 1)
    assert alone.code == 1
    assert alone.out.splitlines()[1].split()[:3] == ["mle", "(rnn)", "failed"]
    assert "Run 1" not in alone.err  # it is not tried again
    shutil.rmtree("comparisons/t/rnn-mle-seed0")
    healed = compare(*PAIR, *THREE)
    assert healed.code == 0
    assert healed.err.count("from step 0") == 1


REFUSED: list[tuple[list[object], str]] = [
    (["--objectives", "importanse"], "did you mean 'importance'"),
    (["--objectives", ","], "--objectives ',': names separated by commas are needed"),
    (["--objectives", "gru:mle"], "unknown generator 'gru'"),
    (["--objectives", "importance,conv:mle"], "--objective mle needs the likelihood of a sentence"),
    (["--generator", "conv"], "use --generator rnn"),
    (["--divergences", "jss"], "did you mean 'js'"),
    (["--objectives", "mle", "--divergences", "kl"], "no objective that was named takes a divergence"),
    (["--objectives", "mle,wgan", "--draws", 5], "--draws 5 does not apply to --objective mle"),
    (["--seeds", 0], "--seeds 0: at least 1"),
    (["--n", 0], "--n 0: at least 1"),
    (["--scores", "js-9"], "unknown score 'js-9'"),
    (["--scores", "grammatical"], "unknown score 'grammatical'"),
    (["--steps", 3, "--minutes", 1], "--steps and --minutes: both given, one of them is needed"),
    (["--json", "--markdown"], "--json and --markdown: one format at a time"),
    (["--device", "tpu"], "--device 'tpu'"),
    (["--data", "nowhere"], "nowhere is not a dataset directory"),
    (["--out", "file"], "--out file is a file"),
    (["--out", "data"], "--out data holds something else than a comparison"),
    (["--seed", 1], "No such option"),
    (["--objective", "mle"], "No such option"),
    (["--credit", "token"], "No such option"),
    (["--candidates", 10_001], "--candidates 10001"),
]


@pytest.mark.parametrize(("words", "part"), REFUSED, ids=lambda value: str(value)[:50])
def test_what_cannot_be_done_is_refused_before_the_first_training(
    compare: Command, words: list[object], part: str
) -> None:
    Path("file").write_text("")
    made = compare(*words)
    assert made.code in (1, 2)
    assert part in made.err
    assert made.out == ""
    assert "Traceback" not in made.err
    assert not Path("comparisons").exists()


def test_other_settings_and_other_data_are_refused(compare: Command, bgan: Command) -> None:
    assert compare("--objectives", "rnn:importance", "--steps", 1, "--seeds", 1, *TINY).code == 0
    before = stamps("comparisons/t")
    other = ["--objectives", "importance,rnn:importance", "--steps", 1, *TINY]
    width = compare(*other, "--width", 9)
    assert width.code == 1
    found = "the run in comparisons/t/rnn-importance-js-seed0 was made with"
    assert f"--width 9, but {found} --width 8" in width.err
    assert f"--draws 20, but {found} --draws 3" in compare("--objectives", "rnn:importance", "--steps", 1).err
    Path("u.txt").write_text("".join(f"ab {number}\n" for number in range(30)))
    assert bgan("prepare", "lines", "--path", "u.txt", "--tokenizer", "char", "--out", "data/u").code == 0
    data = compare(*other, "--data", "data/u", "--out", "comparisons/t")
    assert "data/u is not what comparisons/t/rnn-importance-js-seed0 was trained on" in data.err
    Path("comparisons/t/conv-importance-js-seed0").mkdir()
    Path("comparisons/t/conv-importance-js-seed0/mine.txt").write_text("")
    folder = compare(*other, "--data", "data/t")
    assert "conv-importance-js-seed0 is not a run folder" in folder.err
    assert before.items() <= stamps("comparisons/t").items()


def test_methods_as_they_are_spelled() -> None:
    def names(objectives: str, divergences: str | None = None, generator: str | None = None) -> list[str]:
        return [method.name for method in methods_of(objectives, divergences, generator)]

    assert names("importance, mle") == ["importance (js)", "mle (rnn)"]
    assert names("importance,mle", generator="rnn") == ["importance (js)", "mle"]
    assert names("rnn:importance,importance,conv:importance") == ["importance (js, rnn)", "importance (js)"]
    assert names("importance,conv:importance", generator="rnn") == [
        "importance (js)",
        "importance (js, conv)",
    ]
    assert names("mle,importance", "kl,js,kl") == ["mle (rnn)", "importance (kl)", "importance (js)"]
    for divergences, each in (("all", len(DIVERGENCES)), (None, 1)):
        without = sum(OBJECTIVES[name].no_divergence is not None for name in objectives_on(TOKENS))
        count = without + (len(objectives_on(TOKENS)) - without) * each
        assert len(set(names("all", divergences))) == len(names("all", divergences)) == count
    assert {method.objective for method in methods_of("rnn:all", None, None)} == set(objectives_on(TOKENS))
    assert {method.options["generator"] for method in methods_of("rnn:all", None, None)} == {"rnn"}
    assert len({method.folder(3) for method in methods_of("all,rnn:all", "all", None)}) == len(
        methods_of("all,rnn:all", "all", None)
    )


def test_an_option_goes_to_the_methods_that_read_it() -> None:
    methods = methods_of("importance,mle", None, None)
    given = {"draws": 4, "width": 9, "generator": None}
    assert options_for(methods[0], 2, given, methods) == {
        "draws": 4, "width": 9, "generator": "conv", "objective": "importance", "divergence": "js", "seed": 2,
        "credit": "sequence",
    }  # fmt: skip
    mle = options_for(methods[1], 0, given, methods)
    assert mle == {"width": 9, "generator": "rnn", "objective": "mle", "seed": 0}
    assert options_for(methods[1], 0, given, methods[1:])["draws"] == 4


def standing(**scores: list[list[float]]) -> ComparisonResults:
    """Rows with these scores, method by method and seed by seed; real text has 0.5 of each."""
    real = dict.fromkeys(scores, 0.5)
    rows = []
    for place, name in enumerate(("importance", "partition", "reinforce")):
        runs = zip(*(values[place] for values in scores.values()), strict=True)
        outcomes = [
            RunResult(seed, Path("x"), 10 + seed, 1.0, dict(zip(scores, run, strict=True)), real, {})
            for seed, run in enumerate(runs)
        ]
        rows.append(Row(Method(f"{name} (js)", {"objective": name}, name), {}, outcomes))
    shared = {"budget": "1 steps", "seeds": 2, "data": "d", "generator": "conv", "samples": 9, "options": {}}
    return ComparisonResults(rows, list(scores), shared, 0)


def test_the_best_of_each_column_is_bold() -> None:
    made = standing(
        **{
            "js-1": [[0.3, 0.1], [0.1, 0.2], [0.4, 0.4]],
            "bleu-2": [[0.3, 0.1], [0.1, 0.2], [0.4, 0.4]],
            "length": [[0.2, 0.2], [0.9, 0.2], [0.7, 0.7]],
            "memorised": [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]],
            "js-2": [[math.nan, 0.1], [0.3, 0.2], [0.4, 0.4]],
        }
    )
    best = [[cell for cell, bold in line if bold] for line in lines(made)]
    assert best == [[], ["0.150 ±.071", "0.550 ±.495", "0.250 ±.071"], ["0.400 ±.000"], []]
    assert [line[5][0] for line in lines(made)] == ["-", "0.250 ±.071", "0.400 ±.000", "0.500"]
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100, no_color=True)
    console.print(next(render(made)))
    assert "\x1b[1m0.150 ±.071\x1b[0m" in out.getvalue()
    assert "\x1b[1m0.200 ±.141" not in out.getvalue()


def test_the_grammar_has_a_column_where_the_data_come_from_it() -> None:
    usual = ["js-1", "js-4", "recall-1"]
    grammar, other, oracle = (
        Mock(DatasetDirectory, corpus=corpus, images=False, has_oracle=corpus == "oracle")
        for corpus in ("grammar", "lines", "oracle")
    )
    assert columns_of(None, grammar) == [*usual, "grammatical"]
    assert columns_of(None, oracle) == [*usual, "nll-oracle"]
    assert columns_of("nll-test", oracle) == ["nll-test"]
    assert columns_of(None, other) == [*usual, "self-bleu-3"]
    assert columns_of("grammatical, js-2,js-2", grammar) == ["grammatical", "js-2"]
    assert columns_of(["length", "js-2"], other) == ["length", "js-2"]


def test_mean_and_deviation_over_seeds() -> None:
    values = [0.25, 0.5, 0.125]
    cell = over_seeds(values)
    assert cell is not None
    assert (cell.value, cell.deviation) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    assert over_seeds([]) is None
    alone = over_seeds([0.5])
    assert alone is not None
    assert (alone.value, alone.deviation) == (0.5, None)


def test_nothing_known_is_no_error() -> None:
    empty = standing(**{"js-1": [[], [], []]})
    assert list(lines(empty)) == [
        [(f"{name} (js)", False), ("-", False), ("-", False), ("0", False)]
        for name in ("importance", "partition", "reinforce")
    ]
    assert empty.to_json()["methods"][0]["scores"] == {}
    with pytest.raises(UserError, match="names separated by commas"):
        methods_of(" , ", None, None)


def test_a_reference_of_its_own_is_scored_against_and_noticed_when_it_changes(
    compare: Command, tmp_path: Path
) -> None:
    held_out = tmp_path / "held.txt"
    words = [
        "--steps",
        1,
        "--seeds",
        1,
        *TINY,
        "--objectives",
        "importance",
        "--reference",
        "held.txt",
        "--json",
    ]
    found = []
    for text in ("ab cab bad 1\n" * 40, "zz zz zz 9\n" * 50):
        held_out.write_text(text)
        report = json.loads(compare(*words).out)
        assert report["settings"]["reference"] == "held.txt"
        assert report["settings"]["references"] == text.count("\n")
        found.append(report["methods"][0]["scores"]["js-1"]["values"][0])
    assert found[0] != found[1]
    held_out.write_text("\n \n")
    for name, message in (
        ("absent.txt", "--reference absent.txt: a text file with a sample a line was expected"),
        ("held.txt", "held.txt is empty"),
    ):
        refused = compare("--reference", name, *TINY, "--out", "other")
        assert refused.code == 1
        assert message in refused.err
        assert not Path("other").exists()


def test_a_method_may_name_its_generator_and_its_credit() -> None:
    words = "rnn:importance:prefix,reinforce:prefix,rnn:reinforce,importance:sequence,mle"
    found = methods_of(words, None, None)
    assert [method.name for method in found] == [
        "importance (js, prefix, rnn)", "reinforce (js, prefix, rnn)", "reinforce (js, rnn)",
        "importance (js, sequence)", "mle (rnn)",
    ]  # fmt: skip
    assert found[0].folder(2) == "rnn-importance-js-prefix-seed2"
    assert found[1].options["credit"] == "prefix"
    assert "credit" not in found[2].options
    for word, message in (
        ("rnn:importance:tokn", "unknown credit 'tokn': did you mean 'token'"),
        ("lstm:importance", "unknown generator 'lstm'"),
        ("rnn:importnace:prefix", "unknown objective 'importnace'"),
    ):
        with pytest.raises(UserError, match=message):
            methods_of(word, None, None)


def test_candidates_add_a_row_and_are_kept_apart(compare: Command) -> None:
    """Each method is scored without candidates too; the scores of either are kept in a file of their own."""
    words = [*PAIR, "--steps", 3, "--seeds", 1, *TINY, "--out", "c"]
    plain = json.loads(compare(*words, "--json").out)
    made = json.loads(compare(*words, "--candidates", 5, "--json").out)
    names = [(row["name"], row["candidates"]) for row in made["methods"]]
    assert names == [("importance (js)", 1), ("importance (js), candidates 5", 5), ("mle (rnn)", 1)]
    weak, chosen, likelihood = made["methods"]
    assert [row["scores"] for row in (weak, likelihood)] == [row["scores"] for row in plain["methods"]]
    assert chosen["scores"] != weak["scores"]
    assert 1.0 <= chosen["runs"][0]["effective candidates"] <= 5.0
    assert weak["runs"][0]["effective candidates"] is None
    assert (made["missing"], made["training"]["candidates"]) == (0, 5)
    kept = {path.name for path in Path("c/conv-importance-js-seed0").glob("scores*.json")}
    assert kept == {"scores.json", "scores-candidates-5.json"}
    before = stamps("c")
    assert json.loads(compare(*words, "--json").out) == plain
    assert stamps("c") == before
    table = compare(*words, "--candidates", 5, "--markdown").out
    assert "| importance (js), candidates 5 |" in table
    assert "without a row of candidates 5: mle (rnn), since it has no discriminator" in table
    refused = compare("--objectives", "mle", "--steps", 3, "--candidates", 5, "--out", "d")
    assert refused.code == 1
    assert "--candidates 5: no method can, since it has no discriminator" in refused.err


def test_corrected_prefixes_add_a_row_where_the_discriminator_scores_them(compare: Command) -> None:
    words = ["--objectives", "importance,importance:token,rnn:importance:prefix,mle", "--steps", 3, *TINY[2:]]
    words += ["--seeds", 1, "--correct", "prefixes", "--out", "c"]
    made = json.loads(compare(*words, "--json").out)
    names = [row["name"] for row in made["methods"] if row["correct"] == "prefixes"]
    assert names == ["importance (js, token, rnn), correct prefixes"]
    weak, corrected = made["methods"][1:3]
    assert weak["scores"]["held-out-likelihood"] != corrected["scores"]["held-out-likelihood"]
    table = compare(*words, "--markdown").out
    assert "| importance (js, token, rnn), correct prefixes |" in table
    for reason in ("scores whole samples", "corrects prefixes with several candidates only"):
        assert reason in table
    two = json.loads(compare(*words, "--candidates", 2, "--json").out)["methods"]
    names = [row["name"] for row in two if (row["candidates"], row["correct"]) == (2, "prefixes")]
    both = "candidates 2, correct prefixes"
    assert names == [f"importance (js, token, rnn), {both}", f"importance (js, prefix, rnn), {both}"]
    refused = compare("--objectives", "importance", *words[2:-1], "d")
    assert "--correct prefixes: no method can, since its discriminator scores whole samples" in refused.err
