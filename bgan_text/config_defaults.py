"""The defaults that suit what was given, and the options that it has no use for.

`Config.given` asks here. The module imports no torch, so that `bgan-text --help` answers at once.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bgan_text.errors import choose
from bgan_text.objective_table import (
    NOT_WITH_TOKEN_CREDIT,
    OBJECTIVES,
    TOKEN_CREDIT,
    Objective,
    needs_likelihood,
    objectives_reading,
    objectives_with_token_credit,
    unused_options,
)
from bgan_text.presets import CLASSIFIER, CREDITS, DIVERGENCES, GENERATORS, IMAGES, TRANSFORMER

OBJECTIVE, DIVERGENCE = "importance", "js"
"""What text is trained with, unless something else is given."""

DRAWS_ASKED_FOR = (*NOT_WITH_TOKEN_CREDIT, "discriminator")
"""Options that only whole draws have a use for."""


def suitable(settled: dict[str, Any], images: str | None) -> Iterator[Mapping[str, Any]]:
    """The defaults that suit what was given, the strongest first.

    The objective, the generator and the credit are settled on the way.

    Args:
        settled: options by name. Those three are added where they are missing.
        images: `space.QUANTISED_IMAGES` or `space.CONTINUOUS_IMAGES`; None for text.

    Raises:
        UserError: there is no such objective.
    """
    architecture = GENERATORS.get(settled.get("generator", ""))
    of_generator = architecture.defaults if architecture is not None else {}
    of_images = IMAGES[images] if images is not None else {}
    usual: str = of_generator.get("objective") or of_images.get("objective") or OBJECTIVE
    objective = choose("objective", settled.setdefault("objective", usual), OBJECTIVES)
    _settle_recipe(settled, objective, images)
    architecture = GENERATORS.get(settled["generator"])
    of_generator = architecture.defaults if architecture is not None else {}
    yield DIVERGENCES.get(settled.get("divergence", DIVERGENCE), {})
    yield objective.defaults
    yield CREDITS.get(settled["credit"], {})
    yield of_generator
    yield of_images


def _settle_recipe(settled: dict[str, Any], objective: Objective, images: str | None) -> None:
    """Choose the generator and the credit, each unless it was given.

    Text is generated token by token, and each token of the vocabulary is weighed, where the objective can do
    so and no option is given that asks for draws. A discriminator of the user's own scores whole samples.
    """
    drawn = any(settled.get(name) is not None for name in DRAWS_ASKED_FOR) or settled.get("plain_nets")
    credit, token = settled.get("credit"), objective.token_credit and images is None and not drawn
    recurrent = token if credit is None else credit != "sequence"
    settled.setdefault("generator", "rnn" if recurrent or needs_likelihood(objective.name) else "conv")
    architecture = GENERATORS.get(settled["generator"])
    stepwise = architecture is not None and architecture.prefixes
    settled.setdefault("credit", TOKEN_CREDIT if token and stepwise else "sequence")


def unused(settled: Mapping[str, Any]) -> set[str]:
    """Fields of `Config` that settled options have no use for."""
    divergence = settled.get("divergence", DIVERGENCE)
    found = unused_options(settled["objective"], settled["credit"], divergence)
    return found | ({"heads"} if settled["generator"] in GENERATORS.keys() - {TRANSFORMER} else set())


def unused_by_image_nets(settled: Mapping[str, Any]) -> set[str]:
    """Fields of `Config` that nets for images have no use for: they have as many layers as fit the image."""
    found = {"preset", "plain_nets"}
    if settled["generator"] not in ("rnn", TRANSFORMER):
        found.add("blocks")
    if settled["generator"] == CLASSIFIER:
        found.add("noise")
    if settled["credit"] == "sequence":
        found.add("discriminator_blocks")
    return found


def useless(name: str, settled: Mapping[str, Any]) -> str:
    """Why an option that was given does not apply, in one line."""
    objective, value = settled["objective"], settled[name]
    line = f"`{name}` {value} does not apply to `objective` {objective}: "
    if name in unused_options(objective) - {"alpha", "prefixes"}:
        if name == "divergence":
            return line + str(OBJECTIVES[objective].no_divergence)
        token = name == "credit" and value == TOKEN_CREDIT
        able = objectives_with_token_credit() if token else objectives_reading(name)
        return line + f"it is for {', '.join(able)}"
    if name == "heads":
        return (
            f"`heads` {value} does not apply to `generator` {settled['generator']}: it is for {TRANSFORMER}"
        )
    if name == "alpha":
        return f"`alpha` {value} does not apply: it is for `divergence` alpha"
    if name == "prefixes":
        able = objectives_with_token_credit()
        line = f"`prefixes` {value} does not apply: it is for `credit` {TOKEN_CREDIT} of {', '.join(able)}"
        draws = next((one for one in DRAWS_ASKED_FOR if settled.get(one) is not None), None)
        if objective not in able or draws is None:
            return line
        return line + f", and `{draws}` {settled[draws]} asks for draws"
    return (
        f"`{name}` {value} does not apply to `credit` {TOKEN_CREDIT}, which weighs every token: leave one "
        "of them out"
    )
