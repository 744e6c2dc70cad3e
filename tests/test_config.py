from dataclasses import fields
from typing import Any

import pytest

from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.interval import Interval, interval
from bgan_text.models.build import GENERATORS
from bgan_text.objective_table import LIKELIHOOD, OBJECTIVES, PATHWISE, SCORE_FUNCTION
from bgan_text.objectives.divergences import DIVERGENCES
from bgan_text.objectives.pathwise_losses import PATHWISE_LOSSES
from bgan_text.objectives.weights import WEIGHING_RULES
from bgan_text.space import CONTINUOUS_IMAGES, QUANTISED_IMAGES

FAMILIES = (SCORE_FUNCTION, PATHWISE, LIKELIHOOD)


def test_every_option_has_a_help_text() -> None:
    assert all(option.metadata["help"] for option in fields(Config))


def test_names_are_those_that_the_core_knows() -> None:
    choices = {option.name: option.metadata["choices"] for option in fields(Config)}
    assert set(choices["generator"]) == {name for _, name in GENERATORS}
    rows = {family: [row.name for row in OBJECTIVES.values() if row.family == family] for family in FAMILIES}
    assert rows == {
        SCORE_FUNCTION: list(WEIGHING_RULES),
        PATHWISE: list(PATHWISE_LOSSES),
        LIKELIHOOD: ["mle"],
    }
    assert {name for row in OBJECTIVES.values() for name in row.options} <= choices.keys()
    assert list(choices["divergence"]) == list(DIVERGENCES)


def test_json_both_ways() -> None:
    config = Config.given({"generator": "rnn", "steps": 7, "grad_clip": 3.0})
    assert Config.from_json(config.to_json()) == config


def test_the_generator_and_the_credit_decide_defaults_unless_they_are_given() -> None:
    assert Config.given({"generator": "conv"}).width == 64
    assert Config.given({"generator": "rnn"}).width == 256
    assert Config.given({"generator": "rnn", "width": 5}).width == 5
    assert Config.given({"generator": "rnn", "credit": "prefix"}).draws == 3
    assert Config.given({"generator": "rnn", "credit": "prefix"}).width == 128
    assert Config.given({}).minutes == 5.0
    assert Config.given({"steps": 3}).minutes is None


def test_text_is_generated_token_by_token_unless_draws_are_asked_for() -> None:
    def recipe(**values: Any) -> tuple[str, str]:
        config = Config.given(values)
        return config.generator, config.credit

    for values in (
        {},
        {"divergence": "kl"},
        {"objective": "reinforce"},
        {"generator": "rnn"},
        {"prefixes": "both"},
    ):
        assert recipe(**values) == ("rnn", "token")
    for values in ({"draws": 3}, {"baseline": "none"}, {"generator": "conv"}, {"credit": "sequence"}):
        assert recipe(**values) == ("conv", "sequence")
    for values in (
        {"preset": "bgan"},
        {"spectral_norm": True},
        {"discriminator": "a:B"},
        {"objective": "gumbel"},
    ):
        assert recipe(**values) == ("conv", "sequence")
    assert recipe(discriminator="a:B") == ("conv", "sequence")
    assert recipe(prefixes="both") == ("rnn", "token")
    assert recipe(objective="mle") == ("rnn", "sequence")
    assert recipe(generator="a:B") == ("a:B", "sequence")
    assert recipe(generator="rnn", draws=3) == ("rnn", "sequence")
    assert recipe(credit="prefix") == ("rnn", "prefix")
    for images, generator in ((QUANTISED_IMAGES, "conv"), (CONTINUOUS_IMAGES, "conv")):
        assert Config.given({}, images).generator == generator
        assert Config.given({}, images).credit == "sequence"


def test_objective_and_divergence_decide_defaults_too() -> None:
    assert Config.given({"objective": "wgan-gp"}).spectral_norm is False
    assert Config.given({"objective": "gumbel"}).spectral_norm is True
    assert Config.given({"objective": "wgan-gp", "spectral_norm": True}).spectral_norm is True


def test_images_decide_defaults_last() -> None:
    words, colours, numbers = (
        Config.given({}, pixels) for pixels in (None, QUANTISED_IMAGES, CONTINUOUS_IMAGES)
    )
    assert [one.objective for one in (words, colours, numbers)] == ["importance", "importance", "bgan"]
    assert [one.width for one in (words, colours, numbers)] == [256, 32, 32]
    assert [one.batch_norm for one in (words, colours, numbers)] == [False, False, True]
    assert [one.spectral_norm for one in (words, colours, numbers)] == [True, True, False]
    assert [one.discriminator_lr for one in (words, colours, numbers)] == [2e-3, 8e-3, 5e-4]
    classifier = Config.given({"generator": "classifier"}, CONTINUOUS_IMAGES)
    assert (classifier.batch_norm, classifier.discriminator_lr) == (False, 1e-3)
    critic = Config.given({"objective": "wgan-gp"}, CONTINUOUS_IMAGES)
    assert (critic.batch_norm, critic.spectral_norm) == (False, False)
    assert Config.given({"generator": "rnn"}, QUANTISED_IMAGES).width == 256
    assert (
        Config.given({"objective": "non-saturating", "width": 5}, CONTINUOUS_IMAGES).objective
        == "non-saturating"
    )
    assert Config.given({"objective": "non-saturating", "width": 5}, CONTINUOUS_IMAGES).width == 5
    with pytest.raises(UserError, match="`draws` 3 does not apply to `objective` bgan"):
        Config.given({"draws": 3}, CONTINUOUS_IMAGES)


def test_a_preset_gives_the_published_settings_unless_others_are_given() -> None:
    config = Config.given({"preset": "improved-wgan", "batch": 32})
    assert (config.objective, config.width, config.blocks, config.noise) == ("wgan-gp", 512, 5, 128)
    assert (config.discriminator_width, config.discriminator_blocks) == (512, 5)
    assert (config.discriminator_steps, config.gradient_penalty, config.batch) == (10, 10.0, 32)
    assert (config.generator_lr, config.discriminator_lr) == (1e-4, 1e-4)
    assert (config.beta1, config.beta2, config.lr_schedule) == (0.5, 0.9, "constant")
    assert config.plain_nets
    assert Config.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"draws": 0}, "`draws` 0: at least 1"),
        ({"batch": 0}, "`batch` 0: at least 1"),
        ({"beta1": 1.0}, "`beta1` 1.0: it must be below 1"),
        ({"generator_lr": -1.0}, "`generator_lr` -1.0: at least 0"),
        ({"generator_lr": float("nan")}, "`generator_lr` nan"),
        ({"grad_clip": float("inf")}, "a finite number"),
        ({"divergence": "j"}, "unknown divergence 'j': .*choose from gan, js"),
        ({"divergence": "hellingr"}, "did you mean 'hellinger'"),
        ({"objective": "importnace"}, "did you mean 'importance'"),
        ({"steps": 3, "minutes": 1.0}, "both given"),
        ({"objective": "mle", "generator": "conv"}, "use `generator` rnn"),
        ({"objective": "wgan", "divergence": "js"}, "Wasserstein distance, which is no f-divergence"),
        ({"objective": "constant", "divergence": "kl"}, "does not use what the discriminator says"),
        (
            {"objective": "wgan-gp", "draws": 5},
            "`draws` 5 does not apply to `objective` wgan-gp: it is",
        ),
        ({"gumbel_end": 0.1}, "`gumbel_end` 0.1 does not apply to `objective` importance: it is for gumbel"),
        ({"objective": "wgan", "spectral_norm": True}, "clips the critic's weights, which `spectral_norm`"),
        ({"credit": "prefix", "generator": "conv"}, "`generator` conv does not do: use `generator` rnn"),
        ({"draws": 1}, "`draws` 1 makes every importance weight 1, so the discriminator would teach nothing"),
        ({"objective": "reinforce", "draws": 1}, "no other draw for `baseline` leave-one-out: use more"),
        (
            {"objective": "mle", "generator": "rnn", "discriminator_lr": 1.0},
            "does not apply to `objective` mle",
        ),
        ({"objective": "wgan", "credit": "token"}, "it is for importance, reinforce"),
        ({"objective": "mle", "prefixes": "both"}, "it is for `credit` token of importance, reinforce"),
        ({"baseline": "none", "prefixes": "both"}, "and `baseline` none asks for draws"),
        ({"plain_nets": True}, "add `spectral_norm` False"),
        ({"preset": "improved"}, "unknown preset 'improved': did you mean 'improved-wgan'"),
        ({"preset": "improved-wgan", "divergence": "js"}, "`objective` wgan-gp"),
        ({"save_every": "soon"}, "`save_every` 'soon': give a time such as 30s"),
        ({"evaluate_every": "0"}, "`evaluate_every` '0'"),
    ],
)
def test_bad_values_are_refused_by_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Config.given(values)


def test_unknown_and_mistyped_settings_are_refused() -> None:
    with pytest.raises(UserError, match="unknown setting 'stesp': did you mean 'steps'"):
        Config.given({"stesp": 3})
    with pytest.raises(UserError, match="`draws` 'x': an integer is needed"):
        Config.given({"draws": "x"})
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
        with pytest.raises(UserError, match=f"`{name}` "):
            Config.from_json(good | {name: value})


def test_a_resumed_run_keeps_its_nets_and_may_go_on_longer() -> None:
    config = Config.given({"steps": 10, "width": 32})
    assert config.resumed({"width": 32, "steps": 20}) == Config.given({"steps": 20, "width": 32})
    assert config.resumed({"minutes": 2.0}).steps is None
    for change in ({"width": 64}, {"generator": "conv"}, {"seed": 1}, {"draws": 3}):
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


def test_an_integer_for_a_float_is_one() -> None:
    """Adam refuses a pair of an integer and a float."""
    made = Config(steps=1, beta1=0, beta2=0.5, generator_lr=1)
    assert [type(value) for value in (made.beta1, made.generator_lr, made.steps)] == [float, float, int]
