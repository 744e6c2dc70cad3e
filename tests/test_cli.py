"""The commands as a user types them, in an empty folder."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TINY = [
    "--width", "8", "--discriminator-width", "8", "--noise", "4", "--draws", "3", "--batch", "8",
    "--precision", "float32",
]  # fmt: skip


Command = Callable[..., Any]


@pytest.fixture
def trained(bgan: Command) -> Command:
    assert bgan("prepare", "--limit", 300).code == 0
    assert bgan("train", "--steps", 4, "--run", "runs/a", *TINY).code == 0
    return bgan


def refused(result: Any, *parts: str) -> None:
    """One clear line on stderr, nothing else, and no traceback."""
    assert result.code in (1, 2)
    assert result.out == ""
    assert "Traceback" not in result.err
    lines = [line for line in result.err.splitlines() if not line.startswith("Warning")]
    assert len(lines) == 1, result.err
    assert lines[0].startswith("bgan-text: ")
    for part in parts:
        assert part in result.err


def test_the_main_job_with_no_arguments(bgan: Command) -> None:
    assert bgan("prepare", "--limit", 500).code == 0
    made = bgan("train", "--steps", 5, *TINY)
    assert made.code == 0, made.err
    assert Path("runs/grammar-conv-importance-js/run.json").exists()
    samples = bgan("sample", "--n", 3)
    assert len(samples.out.splitlines()) == 3
    assert samples.err == ""
    table = bgan("score", "--n", 20)
    assert "grammatical ↑" in table.out
    assert "real" in table.out
    assert "\x1b" not in table.out + table.err + samples.out
    shown = bgan("show")
    assert "runs/grammar-conv-importance-js" in shown.out
    assert "samples read" in bgan("show", "data/grammar").out
    second = bgan("train", "--steps", 1, *TINY)
    assert second.code == 0
    assert Path("runs/grammar-conv-importance-js-2").exists()


def test_what_scripts_call(bgan: Command, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("".join(f"{number} Bottles\n" for number in range(60)))
    prepared = bgan(
        "prepare", "lines", "--path", text, "--tokenizer", "char", "--vocabulary", 15, "--length", 12,
        "--overlong", "cut", "--lowercase", "--limit", 50, "--out", "d", "--json",
    )  # fmt: skip
    card = json.loads(prepared.out)
    assert card["space"] == {"positions": 12, "vocabulary": 15, "end": 0}
    assert card["counts"]["read"] == 50
    text.write_text("".join(f"{number} bottles\n" for number in range(60)))
    assert (
        bgan("prepare", "lines", "--path", text, "--tokenizer", "char", "--out", "d", "--overwrite").code == 0
    )
    made = bgan(
        "train", "--data", "d", "--run", "r", "--generator", "rnn", "--objective", "reinforce",
        "--divergence", "kl", "--draws", 3, "--batch", 4, "--width", 8, "--steps", 3, "--seed", 5,
        "--device", "cpu", "--save-every", 2, "--json",
    )  # fmt: skip
    result = json.loads(made.out.splitlines()[-1])
    assert (result["run"], result["steps"], result["finished"]) == ("r", 3, True)
    assert result["metrics"]["bound"] == pytest.approx(result["metrics"]["bound"])
    assert "js-4" in result["metrics"]
    assert {path.name for path in Path("r").glob("checkpoint*")} == {
        "checkpoint-000000002.safetensors",
        "checkpoint-000000003.safetensors",
    }
    first, again, other = (bgan("sample", "r", "--n", 5, "--seed", seed).out for seed in (1, 1, 2))
    assert first == again != other
    objects = [
        json.loads(line) for line in bgan("sample", "r", "--n", 5, "--seed", 1, "--json").out.splitlines()
    ]
    assert "".join(sample["text"] + "\n" for sample in objects) == first
    assert bgan("sample", "r", "--n", 5, "--seed", 1, "--out", "s.txt").out == ""
    assert Path("s.txt").read_text() == first
    report = json.loads(bgan("score", "r", "s.txt", "--n", 5, "--seed", 1, "--json").out)
    assert [model["name"] for model in report["models"]] == ["r", "s.txt", "real"]
    of_run, of_file = (
        {name: cell["value"] for name, cell in model["scores"].items()} for model in report["models"][:2]
    )
    assert of_run.pop("held-out-likelihood") < 0.0  # of the generator, which a file does not have
    assert of_run == of_file
    assert report["settings"]["tokenize"] == "char"
    for name in ("js-4", "bleu-5", "self-bleu-5", "distinct-2", "memorised"):
        assert 0.0 <= report["models"][0]["scores"][name]["value"] <= 1.0


def test_any_file_against_any_other(bgan: Command, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The cat sat .\na dog , ran\n")
    (tmp_path / "b.txt").write_text("the cat sat .\nA dog ran\nit is\nso it is\n")
    report = json.loads(bgan("score", "a.txt", "--reference", "b.txt", "--lowercase", "--json").out)
    scores = report["models"][0]["scores"]
    assert scores["bleu-2"]["value"] == pytest.approx((1.0 + (3 / 4 * 1 / 3) ** 0.5) / 2)
    assert scores["bleu-2"]["better"] == "higher"
    assert report["settings"]["references"] == 4
    for unit, window in (("whitespace", 4), ("word", 4), ("char", 13), ("13a", 4)):
        made = bgan("score", "a.txt", "--reference", "b.txt", "--tokenize", unit, "--json")
        assert json.loads(made.out)["settings"]["window"] == window, unit
    with_train = bgan("score", "a.txt", "--reference", "b.txt", "--train", "a.txt", "--json")
    assert json.loads(with_train.out)["models"][0]["scores"]["memorised"]["value"] == 1.0
    exact = bgan("score", "a.txt", "--reference", "b.txt", "--grammar", "--json")
    assert json.loads(exact.out)["models"][0]["scores"]["grammatical"]["value"] == 0.0
    assert json.loads(exact.out)["models"][0]["scores"]["log-probability"]["value"] is None


def test_a_sample_that_is_real_scores_as_real(bgan: Command) -> None:
    bgan("prepare", "--limit", 400)
    from bgan_text.corpora.dataset_directory import DatasetDirectory

    texts = DatasetDirectory(Path("data/grammar")).texts("test")
    Path("t.txt").write_text("".join(text + "\n" for text in texts))
    scores = json.loads(bgan("score", "t.txt", "--json").out)["models"][0]["scores"]
    assert scores["js-4"]["value"] == 0.0
    assert scores["bleu-5"]["value"] == 1.0
    assert scores["grammatical"]["value"] == 1.0
    assert scores["memorised"]["value"] == 0.0
    assert -60 < scores["log-probability"]["value"] < -10


def test_resume_goes_on_to_the_same_end(trained: Command) -> None:
    whole = trained("train", "--steps", 9, "--run", "whole", "--log-every", 1, *TINY)
    part = trained(
        "train", "--steps", 9, "--run", "part", "--log-every", 1, "--save-every", 4, *TINY, "--json"
    )
    assert (whole.code, part.code) == (0, 0)
    for name in ("checkpoint-000000009.safetensors",):
        (Path("part") / name).unlink()
    assert trained("train", "--resume", "--run", "part").code == 0
    for name in ("checkpoint-000000009.safetensors",):
        tensors = [tensors_of(Path(run) / name) for run in ("whole", "part")]
        assert tensors[0] == tensors[1]
    rows = [
        [
            {**json.loads(line), "seconds": 0, "check": ""}
            for line in (Path(run) / "metrics.jsonl").read_text().splitlines()
        ]
        for run in ("whole", "part")
    ]
    assert rows[0] == rows[1]
    idle = trained("train", "--resume", "--run", "part", "--steps", 5)
    assert idle.code == 0
    assert "Nothing to do" in idle.err
    longer = trained("train", "--resume", "--run", "part", "--steps", 11, "--json")
    assert json.loads(longer.out)["steps"] == 11


def tensors_of(path: Path) -> dict[str, bytes]:
    from safetensors.torch import load_file

    return {name: tensor.numpy().tobytes() for name, tensor in load_file(path).items()}


def start_training(folder: Path, *words: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "bgan_text.cli", "train", *map(str, words), *TINY, "--device", "cpu"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for(pattern: str, folder: Path) -> None:
    for _ in range(600):
        if list(folder.glob(pattern)):
            return
        time.sleep(0.05)
    raise AssertionError(f"{pattern} did not appear")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither signal")
@pytest.mark.parametrize("kill", ["SIGKILL", "SIGINT"])
def test_a_killed_run_resumes_and_ends_bitwise_equal(bgan: Command, tmp_path: Path, kill: str) -> None:
    bgan("prepare", "--limit", 300)
    options = ["--steps", 150, "--save-every", 20]
    with start_training(tmp_path, "--run", "whole", *options) as whole:
        assert whole.wait() == 0
    with start_training(tmp_path, "--run", "killed", *options) as killed:
        wait_for("killed/checkpoint*", tmp_path)
        killed.send_signal(getattr(signal, kill))
        _, talk = killed.communicate()
    assert not list(tmp_path.glob("killed/checkpoint-000000150*"))
    if kill == "SIGINT":
        assert killed.returncode == 130
        assert "Go on with: bgan-text train --resume --run killed" in talk
        assert "Stopping after this step" in talk
    with start_training(tmp_path, "--run", "killed", "--resume") as resumed:
        assert resumed.wait() == 0
    name = "checkpoint-000000150.safetensors"
    assert tensors_of(tmp_path / "whole" / name) == tensors_of(tmp_path / "killed" / name)


def test_a_run_in_use_is_refused(bgan: Command, tmp_path: Path) -> None:
    bgan("prepare", "--limit", 300)
    with start_training(tmp_path, "--run", "busy", "--minutes", 5, "--save-every", 5) as first:
        wait_for("busy/checkpoint*", tmp_path)
        refused(bgan("train", "--resume", "--run", "busy"), "busy is in use by another training")
        first.kill()


def test_one_draw_is_allowed_with_a_warning(bgan: Command) -> None:
    bgan("prepare", "--limit", 300)
    refused(bgan("train", "--steps", 1, *TINY, "--draws", 1), "would teach nothing: use more draws")
    made = bgan("train", "--steps", 1, *TINY, "--draws", 1, "--baseline", "none")
    assert made.code == 0
    assert "--draws 1 makes every importance weight 1" in made.err


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_checkpoint(trained: Command) -> None:
    made = trained(
        "train", "--run", "hot", "--steps", 60, "--save-every", 1, "--generator-lr", 1e38,
        "--no-spectral-norm", *TINY,
    )  # fmt: skip
    assert made.code == 1
    assert "not finite" in made.err.splitlines()[-1]
    assert "Traceback" not in made.err
    assert trained("sample", "hot", "--n", 1).code == 0


def test_scores_of_standard_input(trained: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"The bank has raised prices .\n" * 3)))
    report = json.loads(trained("score", "-", "--json").out)
    assert report["models"][0]["scores"]["grammatical"]["value"] == 1.0
    assert report["models"][0]["scores"]["self-bleu-5"]["value"] == 1.0


CASES: list[tuple[tuple[object, ...], tuple[str, ...]]] = [
    (("prepare", "lines", "--path", "nowhere.txt"), ("there is no file or folder nowhere.txt",)),
    (("prepare", "grammer"), ("unknown corpus 'grammer'", "did you mean 'grammar'")),
    (("prepare", "--out", "data/grammar"), ("data/grammar exists already", "--overwrite")),
    (("prepare", "--length", 0, "--out", "x"), ("--length 0: at least 1",)),
    (("prepare", "--length", "many"), ("--length",)),
    (("train", "--data", "nowhere"), ("nowhere is not a dataset directory",)),
    (("train", "--divergence", "helinger"), ("did you mean 'hellinger'",)),
    (("train", "--run", "runs/a"), ("runs/a holds a run already", "--resume")),
    (("train", "--run", "data"), ("data exists and is not a run folder",)),
    (("train", "--device", "tpu"), ("--device 'tpu'",)),
    (("train", "--device", "cuda:99"), ("--device 'cuda:99'",)),
    (("train", "--resume", "--width", 16), ("--width 16 was given, but the run was made with 8",)),
    (("train", "--resume", "--run", "nowhere"), ("nowhere is not a run folder",)),
    (("train", "--resume", "--data", "other"), ("other is not a dataset directory",)),
    (("train", "--widht", 3), ("No such option", "--widht", "--width", "bgan-text train --help")),
    (("train", "--width", "wide"), ("'--width'", "an integer is needed", "bgan-text train --help")),
    (("sample", "--n"), ("'--n' requires an argument", "bgan-text sample --help")),
    (("show", "a", "b"), ("unexpected extra argument", "bgan-text show --help")),
    (("sample", "nowhere"), ("nowhere is not a run folder",)),
    (("sample", "--n", 0), ("--n 0: at least 1",)),
    (("sample", "--temperature", 0), ("--temperature 0.0",)),
    (("sample", "--temperature", "nan"), ("--temperature nan",)),
    (("sample", "--seed", -1), ("--seed -1",)),
    (("sample", "--weights", "mean"), ("unknown weights 'mean'",)),
    (("sample", "--step", 99), ("no checkpoint of step 99: it has 4",)),
    (("sample", "--out", "no/folder/x"), ("there is no folder",)),
    (("sample", "--out", "a.png"), ("--out a.png is for images", "makes text")),
    (("sample", "--animate"), ("--animate is for images", "makes text")),
    (("prepare", "lines", "--path", "t.csv"), ("t.csv is a table: it has the column", "--column")),
    (("prepare", "junk.txt"), ("junk.txt is not UTF-8: line 1",)),
    (("train", "--divergence", "KL"), ("did you mean 'kl'",)),
    (("score", "nowhere.txt"), ("there is no file nowhere.txt",)),
    (("score", "data"), ("data is neither a run folder",)),
    (("score", "empty.txt"), ("empty.txt is empty",)),
    (("score", "junk.txt"), ("junk.txt is not UTF-8: line 1",)),
    (("score", "--tokenize", "words"), ("did you mean 'word'",)),
    (("score", "--window", 0), ("--window 0",)),
    (("score", "--n", 0), ("--n 0",)),
    (("show", "nowhere"), ("nowhere does not exist",)),
    (("samples",), ("No such command 'samples'", "Did you mean 'sample'", "bgan-text --help")),
]


@pytest.mark.parametrize(("words", "parts"), CASES, ids=lambda value: " ".join(map(str, value)))
def test_bad_input_is_one_clear_line(
    words: tuple[object, ...], parts: tuple[str, ...], trained_once: Path, bgan: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(trained_once)
    before = snapshot(trained_once)
    refused(bgan(*words), *parts)
    assert snapshot(trained_once) == before


def snapshot(folder: Path) -> dict[str, Any]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    call = [sys.executable, "-m", "bgan_text.cli"]
    subprocess.run([*call, "prepare", "--limit", "300"], cwd=folder, check=True)
    subprocess.run([*call, "train", "--steps", "4", "--run", "runs/a", *TINY], cwd=folder, check=True)
    (folder / "t.csv").write_text("a,b\n1,2\n")
    (folder / "empty.txt").write_text("\n\n")
    (folder / "junk.txt").write_bytes(b"\xff\xfe\x00")
    return folder


def test_scores_refuse_data_that_is_not_what_the_run_was_trained_on(trained: Command) -> None:
    assert trained("prepare", "--limit", 300, "--seed", 1, "--overwrite").code == 0
    refused(trained("score", "runs/a"), "data/grammar has changed since runs/a was trained")
    warned = trained("score", "runs/a", "--data", "data/grammar", "--n", 5)
    assert warned.code == 0
    assert "runs/a was trained on other data" in warned.err
    assert trained("train", "--steps", 1, "--run", "runs/b", *TINY).code == 0
    refused(trained("score", "runs/a", "runs/b"), "trained on different data")


def test_a_project_folder_may_move_with_its_runs(trained: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = Path("project")
    moved.mkdir()
    for name in ("data", "runs"):
        Path(name).rename(moved / name)
    assert trained("score", "project/runs/a", "--n", 5).code == 0
    monkeypatch.chdir(moved)
    assert trained("score", "--n", 5).code == 0
    assert trained("train", "--resume", "--steps", 5).code == 0
    Path("data").rename("elsewhere")
    refused(trained("score", "--n", 5), "the dataset directory data/grammar is gone")
    refused(trained("train", "--resume"), "the run's dataset directory data/grammar is gone")


def test_out_may_be_a_device_but_no_folder(trained: Command) -> None:
    assert trained("sample", "--out", "/dev/null").code == 0
    assert not Path("/dev/null").is_file()
    refused(trained("sample", "--out", "."), "is a folder")


@pytest.mark.parametrize(
    "name", ["runs/a/run.json", "data/grammar/card.json", "runs/a/new.txt", "data/grammar/train/x"]
)
def test_samples_are_not_written_into_a_run_or_dataset(name: str, trained: Command) -> None:
    before = Path(name).read_bytes() if Path(name).exists() else None
    refused(trained("sample", "--n", 2, "--out", name), "lies in the run or dataset directory")
    assert (Path(name).read_bytes() if Path(name).exists() else None) == before
    assert trained("sample", "--n", 2, "--out", "runs/new.txt").code == 0


def test_text_is_in_lower_case_and_compared_with_training_text_as_the_data_of_the_run(bgan: Command) -> None:
    """With a reference of the user's own, the run's dataset directory still says how text was prepared."""
    Path("text.txt").write_text(
        "".join(f"The {word} Sat\n" for word in ["Cat", "Dog", "Cow", "Hen", "Owl", "Elk"]) * 5
    )
    Path("held.txt").write_text("The Cat Sat\nThe Dog Ran\nthe owl sat\n")
    words = ("--tokenizer", "word", "--lowercase", "--out", "d")
    assert bgan("prepare", "text.txt", *words).code == 0
    assert bgan("train", "--data", "d", "--steps", 2, "--run", "r", *TINY).code == 0

    def scored(*words: Any) -> tuple[bool, dict[str, Any]]:
        made = bgan("score", *words, "--reference", "held.txt", "--n", 20, "--resamples", 0, "--json")
        assert made.code == 0, made.err
        report = json.loads(made.out)
        return report["settings"]["lowercase"], report["models"][0]["scores"]

    assert scored("held.txt")[0] is False
    lower, found = scored("r")
    assert lower is True
    assert found["bleu-2"]["value"] > 0
    assert "memorised" in found
    lower, cased = scored("r", "--no-lowercase")
    assert lower is False
    assert cased["bleu-2"]["value"] < found["bleu-2"]["value"]
    Path("d").rename("gone")
    lower, without = scored("r")
    assert lower is False
    assert without.get("memorised", {}).get("value") is None
    assert "gone or changed" in bgan("score", "r", "--reference", "held.txt", "--n", 20).err


def test_show_lists_checkpoints_with_scores_and_the_settings_that_are_read(trained: Command) -> None:
    shown = trained("show", "runs/a")
    assert max(map(len, shown.out.split("checkpoint")[1].splitlines())) <= 80
    score = json.loads(trained("show", "runs/a", "--json").out)
    assert (score["checkpoints"], score["best"], score["best_by"]) == ([4], 4, "js-4")
    assert re.search(rf"^ +4  {score['scores']['4']:.4f}  best$", shown.out, flags=re.MULTILINE)
    named = dict(line.split()[-2:] for line in shown.out.split("settings\n")[1].splitlines())
    assert (named["objective"], named["draws"], named["steps"]) == ("importance", "3", "4")
    assert not {"weight_clip", "gumbel_start", "alpha", "prefixes", "heads", "patience"} & named.keys()
    assert {"weight_clip", "gumbel_start", "alpha"} <= score["settings"].keys()
    assert (
        trained("sample", "runs/a", "--n", 2, "--step", "best").out
        == trained("sample", "--n", 2, "--step", 4).out
    )
    refused(
        trained("sample", "--step", "first"), "--step first: the step of a checkpoint, or best, is needed"
    )
    few = ("score", "runs/a", "--n", 20, "--resamples", 0, "--json")
    best, fourth = (json.loads(trained(*few, "--step", step).out) for step in ("best", 4))
    assert best["models"] == fourth["models"]
    assert (best["settings"]["step"], fourth["settings"]["step"]) == ("best", 4)
    refused(trained(*few, "--step", 3), "no checkpoint of step 3")


def test_the_last_step_is_saved_and_evaluated_whatever_the_intervals(trained: Command) -> None:
    made = trained("train", "--run", "even", "--steps", 4, "--save-every", 2, *TINY, "--json")
    assert {"js-1", "js-4", "bound"} <= set(json.loads(made.out)["metrics"])


def test_out_of_memory_is_one_line(trained: Command) -> None:
    made = trained("train", "--run", "huge", "--steps", 1, *TINY, "--width", 2**16)
    assert made.code == 1
    assert made.err.splitlines()[-1].startswith(
        "bgan-text: out of memory while the nets are built: lower --width, "
    )


def test_a_run_of_another_corpus_is_refused(trained: Command) -> None:
    assert trained("prepare", "--limit", 300, "--seed", 1, "--out", "other").code == 0
    refused(trained("train", "--resume", "--run", "runs/a", "--data", "other"), "trained on another corpus")


def test_nothing_there_yet(bgan: Command) -> None:
    refused(bgan("train"), "make one with bgan-text prepare")
    refused(bgan("sample"), "make one with bgan-text train")
    refused(bgan("score"), "make one with bgan-text train")
    refused(bgan("show"), "make one with bgan-text prepare")
    refused(bgan("train", "--resume"), "make one with bgan-text train")


def test_a_full_disk_loses_nothing(trained: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    before = snapshot(Path("runs/a"))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    made = trained("train", "--resume", "--run", "runs/a", "--steps", 6)
    assert made.code == 1
    assert "No space left on device" in made.err.splitlines()[-1]
    after = {path: content for path, content in snapshot(Path("runs/a")).items() if ".lock" not in path}
    assert after == {path: content for path, content in before.items() if ".lock" not in path}
    refused(trained("prepare", "--limit", 300, "--out", "new"), "No space left on device")
    assert not Path("new").exists()
    assert not list(Path().glob(".new*"))


def test_help_is_there_without_torch_and_with_an_example() -> None:
    code = (
        "import sys; sys.argv = ['bgan-text', *sys.argv[1:]]\n"
        "from bgan_text.cli.main import main\n"
        "try:\n    main()\n"
        "finally:\n    assert not {'torch', 'datasets', 'numpy', 'sentencepiece'} & set(sys.modules)"
    )
    for command in ([], ["prepare"], ["train"], ["sample"], ["score"], ["show"]):
        made = subprocess.run(
            [sys.executable, "-c", code, *command, "--help"], capture_output=True, text=True, check=True
        )
        assert "Example: bgan-text" in made.stdout


def test_no_words_at_all_ask_for_help(bgan: Command) -> None:
    made = bgan()
    assert (made.code, made.err) == (0, "")
    assert made.out == bgan("--help").out
    assert "Usage: bgan-text [OPTIONS] COMMAND" in made.out


def test_an_interrupted_command_ends_without_a_traceback(
    bgan: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bgan_text.cli.experiment_table.listing", interrupted)
    made = bgan("reproduce", "--list")
    assert (made.code, made.out, made.err) == (130, "", "Interrupted.\n")


def test_version(bgan: Command) -> None:
    from bgan_text import __version__

    assert bgan("--version").out == f"bgan-text {__version__}\n"


def test_a_closed_pipe_is_no_error(trained: Command, tmp_path: Path) -> None:
    made = subprocess.run(
        f"{sys.executable} -m bgan_text.cli sample runs/a --n 20000 | head -1",
        shell=True, capture_output=True, text=True, cwd=tmp_path, check=True,
    )  # fmt: skip
    assert len(made.stdout.splitlines()) == 1
    assert made.stderr == ""
