from dataclasses import fields
from typing import Any

import pytest

from bgan_text.config import Config, Interval, interval
from bgan_text.errors import UserError
from bgan_text.generator import GENERATORS
from bgan_text.objective import ADVERSARIAL_OBJECTIVES


def test_every_option_has_a_help_text() -> None:
    assert all(option.metadata["help"] for option in fields(Config))


def test_names_are_those_that_the_core_knows() -> None:
    choices = {option.name: option.metadata["choices"] for option in fields(Config)}
    assert list(choices["generator"]) == list(GENERATORS)
    assert list(choices["objective"]) == [*ADVERSARIAL_OBJECTIVES, "mle"]


def test_json_both_ways() -> None:
    config = Config.given({"generator": "rnn", "steps": 7, "clip": 3.0})
    assert Config.from_json(config.to_json()) == config


def test_the_generator_decides_defaults_unless_they_are_given() -> None:
    assert Config.given({}).width == 64
    assert Config.given({"generator": "rnn"}).width == 256
    assert Config.given({"generator": "rnn", "width": 5}).width == 5
    assert Config.given({}).minutes == 5.0
    assert Config.given({"steps": 3}).minutes is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"draws": 0}, "--draws 0: at least 1"),
        ({"batch": 0}, "--batch 0: at least 1"),
        ({"beta1": 1.0}, "--beta1 1.0: it must be below 1"),
        ({"generator_rate": -1.0}, "--generator-rate -1.0: at least 0"),
        ({"generator_rate": float("nan")}, "--generator-rate nan"),
        ({"clip": float("inf")}, "a finite number"),
        ({"divergence": "j"}, "unknown divergence 'j': .*choose from gan, js"),
        ({"divergence": "hellingr"}, "did you mean 'hellinger'"),
        ({"objective": "importnace"}, "did you mean 'importance'"),
        ({"steps": 3, "minutes": 1.0}, "both given"),
        ({"objective": "mle"}, "use --generator rnn"),
        ({"save_every": "soon"}, "--save-every 'soon': give a time such as 30s"),
        ({"evaluate_every": "0"}, "--evaluate-every '0'"),
    ],
)
def test_bad_values_are_refused_by_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Config.given(values)


def test_unknown_and_mistyped_settings_are_refused() -> None:
    good = Config.given({}).to_json()
    with pytest.raises(UserError, match="unknown setting 'widht': did you mean 'width'"):
        Config.from_json(good | {"widht": 3})
    for name, value in (
        ("width", "64"),
        ("width", 2.5),
        ("spectral_norm", 1),
        ("draws", True),
        ("seed", None),
    ):
        with pytest.raises(UserError, match=f"setting '{name}'"):
            Config.from_json(good | {name: value})


def test_a_resumed_run_keeps_its_nets_and_may_go_on_longer() -> None:
    config = Config.given({"steps": 10, "width": 32})
    assert config.resumed({"width": 32, "steps": 20}) == Config.given({"steps": 20, "width": 32})
    assert config.resumed({"minutes": 2.0}).steps is None
    for change in ({"width": 64}, {"generator": "rnn"}, {"seed": 1}, {"draws": 3}):
        with pytest.raises(UserError, match="a resumed run keeps it"):
            config.resumed(change)


def test_intervals_are_times_or_steps() -> None:
    assert interval("save_every", "90s") == Interval(seconds=90)
    assert interval("save_every", "1.5m") == Interval(seconds=90)
    assert interval("save_every", "2h") == Interval(seconds=7200)
    assert interval("save_every", "500") == Interval(steps=500)
    assert Interval(steps=5).due(5, 0)
    assert not Interval(steps=5).due(4, 1e9)
    assert Interval(seconds=5).due(0, 5)
    assert not Interval(seconds=5).due(10**9, 4.9)
