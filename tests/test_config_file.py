"""Settings of a run in a file, on the command line and in Python."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bgan_text as bt
from bgan_text.config import overridden, settings_of
from bgan_text.errors import UserError
from bgan_text.space import CONTINUOUS_IMAGES, QUANTISED_IMAGES

TOML = '# mine\nobjective = "mle"\ngenerator-lr = 0.003\nsteps = 12\n'
TEXT, PIXELS = {"positions": 9, "vocabulary": 5}, {"channels": 3, "height": 8, "width": 8}
SMALL: dict[str, Any] = {"width": 8, "discriminator_width": 8, "noise": 4, "batch": 8, "precision": "float32"}


@pytest.mark.parametrize("name", ["mine.toml", "mine.json", "mine", "mine.txt"])
@pytest.mark.parametrize("content", [TOML, '\ufeff{"objective": "mle", "generator_lr": 3e-3, "steps": 12}'])
def test_json_and_toml_are_told_apart_by_what_they_hold(name: str, content: str, tmp_path: Path) -> None:
    if content == TOML and name.endswith(".json"):
        pytest.skip("a file that is called JSON has to be JSON")
    (tmp_path / name).write_text(content, "utf-8")
    config = bt.Config.from_file(tmp_path / name)
    assert config == bt.Config.given({"objective": "mle", "generator_lr": 3e-3, "steps": 12})
    changed = bt.Config.from_file(tmp_path / name, minutes=2.0, generator_lr=0.1)
    assert (changed.objective, changed.steps, changed.minutes, changed.generator_lr) == (
        "mle",
        None,
        2.0,
        0.1,
    )


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("a.toml", "stesp = 3", ["a.toml", "unknown setting 'stesp'", "did you mean 'steps'"]),
        ("a.toml", 'draws = "x"', ["a.toml", "`draws` 'x': an integer is needed"]),
        ("a.toml", "draws = 2.5", ["a.toml", "`draws` 2.5"]),
        ("a.toml", "draws = true", ["a.toml", "`draws` True"]),
        ("a.toml", "draws = [1]", ["a.toml", "`draws` [1]"]),
        ("a.toml", "seed = 2020-01-01", ["a.toml", "`seed`"]),
        ("a.json", '{"spectral_norm": "no"}', ["a.json", "`spectral_norm` 'no': True or False is needed"]),
        ("a.json", '{"draws": 0}', ["a.json", "`draws` 0: at least 1"]),
        ("a.json", '{"divergence": "helinger"}', ["a.json", "did you mean 'hellinger'"]),
        ("a.json", '{"draws": 3', ["a.json is not JSON"]),
        ("a.json", "draws = 3", ["a.json is not JSON"]),
        ("a.json", "[3]", ["a.json: a JSON object, with settings by name, is needed"]),
        ("a.toml", "draws 3", ["a.toml is not TOML"]),
        ("a.toml", "[nets]\nwidth = 3", ["a.toml", "has a section 'nets'"]),
        ("a.toml", b"\xff\xfe", ["a.toml: a text file in UTF-8 is needed"]),
        ("a.toml", None, ["a.toml: there is no such file"]),
    ],
)
def test_what_a_file_may_not_hold_is_refused_with_the_file_and_the_key(
    name: str, content: str | bytes | None, parts: list[str], tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(UserError) as refused:
        bt.Config.from_file(tmp_path / name)
    assert len(str(refused.value).splitlines()) == 1
    for part in parts:
        assert part in str(refused.value)


def test_an_interval_of_steps_needs_no_quotes(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('save-every = 7\nevaluate-every = "30s"\n')
    config = bt.Config.from_file(tmp_path / "a.toml")
    assert (config.save_every, config.evaluate_every) == ("7", "30s")
    (tmp_path / "a.toml").write_text("save-every = true\n")
    with pytest.raises(UserError, match="`save_every` True: a text is needed"):
        bt.Config.from_file(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("given", "images", "space"),
    [
        ({"objective": "reinforce", "draws": 7, "generator": "conv", "steps": 9}, None, TEXT),
        ({"generator": "transformer", "heads": 2, "beta1": 0.3}, None, TEXT),
        ({"objective": "mle", "width": 32}, None, TEXT),
        ({"preset": "improved-wgan", "batch": 3}, None, TEXT),
        ({"divergence": "alpha", "alpha": 0.25}, None, TEXT),
        ({"draws": 3}, QUANTISED_IMAGES, {"positions": 64, "vocabulary": 2, "shape": [8, 8]}),
        ({"objective": "wgan", "weight_clip": 0.1}, CONTINUOUS_IMAGES, PIXELS),
        ({"generator": "classifier", "draws": 5}, None, {"image": PIXELS, "classes": 4}),
    ],
)  # fmt: skip
def test_the_settings_of_a_run_make_the_same_run(
    given: dict[str, Any], images: str | None, space: dict[str, Any], tmp_path: Path
) -> None:
    """Those that its objective does not read are recorded, too, and must not be refused."""
    config = bt.Config.given(given, images)
    (tmp_path / "run.json").write_text(json.dumps({"settings": config.to_json(), "space": space}))
    for path in (tmp_path, tmp_path / "run.json"):
        assert bt.Config.given(settings_of(path), images) == config


def test_the_objective_of_a_run_may_be_changed(tmp_path: Path) -> None:
    """What followed from it does not stay."""
    config = bt.Config.given({"batch": 3, "steps": 9})
    (tmp_path / "run.json").write_text(json.dumps({"settings": config.to_json(), "space": TEXT}))
    changed = bt.Config.from_file(tmp_path, objective="mle", steps=7)
    assert changed == bt.Config.given({"objective": "mle", "batch": 3, "steps": 7})


def test_a_run_of_a_run_folder_is_trained_alike_on_the_same_data(
    data: bt.DatasetDirectory, tmp_path: Path
) -> None:
    first = bt.train(data, out=tmp_path / "first", objective="reinforce", draws=4, steps=2, **SMALL)
    again = bt.train(data, bt.Config.from_file(first.folder), out=tmp_path / "again")
    assert again.config == first.config
    longer = bt.train(data, bt.Config.from_file(first.folder), out=tmp_path / "more", minutes=0.0005)
    assert (longer.config.steps, longer.config.minutes, longer.config.draws) == (None, 0.0005, 4)


def test_changes_of_the_budget_replace_it() -> None:
    assert overridden({"steps": 3, "width": 2}, {"minutes": 1.0, "width": None}) == {
        "width": 2,
        "minutes": 1.0,
    }
    assert overridden({"minutes": 3.0}, {"steps": 1}) == {"steps": 1}
    assert overridden({"steps": 3}, {"width": 1}) == {"steps": 3, "width": 1}


def test_train_takes_a_file_and_what_is_given_wins(bgan: Any) -> None:
    bgan("prepare", "--limit", 300)
    Path("mine.toml").write_text(
        "".join(f"{name} = {value!r}\n" for name, value in SMALL.items()) + "minutes = 9\n"
    )
    made = bgan("train", "--config", "mine.toml", "--steps", 2, "--batch", 4, "--run", "a")
    assert made.code == 0, made.err
    config = bt.load_run("a").config
    assert (config.steps, config.minutes, config.batch, config.width) == (2, None, 4, 8)
    assert bgan("train", "--config", "a", "--run", "b").code == 0
    assert bt.load_run("b").config == config
    assert bgan("train", "--config", "b/run.json", "--resume", "--run", "b", "--steps", 3).code == 0
    Path("wrong.json").write_text('{"widht": 3}')
    refused = bgan("train", "--config", "wrong.json", "--run", "c")
    assert (refused.code, len(refused.err.splitlines())) == (1, 1)
    assert "wrong.json: unknown setting 'widht': did you mean 'width'" in refused.err
    assert not Path("c").exists()


def test_a_file_never_imports_code(bgan: Any) -> None:
    bgan("prepare", "--limit", 300)
    Path("evil.py").write_text("raise SystemExit('imported')\n")
    Path("mine.toml").write_text('generator = "evil:Net"\n')
    refused = bgan("train", "--config", "mine.toml", "--steps", 1)
    assert refused.code == 1
    assert "--generator evil:Net is not part of bgan-text: pass it" in refused.err


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("twice.json", '{"steps": 3, "steps": 4}', "is not JSON: steps is there twice"),
        ("spelled.toml", "save-every = 3\nsave_every = 4\n", "has a setting twice, with a hyphen and"),
        ("deep.json", '{"a":' + "[" * 100_000 + "]" * 100_000 + "}", "is not JSON"),
    ],
)
def test_a_setting_that_is_there_twice_and_a_deep_file_are_refused(
    tmp_path: Path, name: str, content: str, line: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=line):
        bt.Config.from_file(tmp_path / name)


def test_an_interval_of_steps_may_be_a_number() -> None:
    assert bt.Config.given({"evaluate_every": 5, "save_every": np.int64(7)}).evaluate_every == "5"
