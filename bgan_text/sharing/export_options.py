"""The options of an export. The module imports no torch, so that `bgan-text --help` answers at once."""

import re
from dataclasses import dataclass
from typing import ClassVar

from bgan_text.errors import UserError, shown
from bgan_text.sampling_options import WEIGHTS, checked_step
from bgan_text.setting import check_all, setting

MODEL, CARD = "What is exported", "Model card"
"""The groups of options in the help."""
IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
"""A licence as the Hugging Face hub names it."""
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*|code|multilingual")
DATASET = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What is exported of a run, and what its model card says beside.

    `language` and `dataset` are several texts, or one; of one the field becomes a tuple.

    Raises:
        UserError: a value is none that the Hugging Face hub accepts.

    Example:
        >>> ExportOptions(license="mit", language=("en",)).weights
        'average'
    """

    OPTION_TYPES: ClassVar[dict[str, type]] = {"step": str}

    step: int | str | None = setting(
        None,
        "step of the checkpoint, or best (default: best; the last if none was evaluated)",
        metavar="STEP|best",
        group=MODEL,
    )
    weights: str = setting(
        "average",
        "weights of the generator: their moving average, or those of the last step",
        choices=WEIGHTS,
        group=MODEL,
    )
    overwrite: bool = setting(
        False, "replace an exported model, or a model of the hub that is none of bgan-text", group=MODEL
    )
    license: str | None = setting(
        None, "licence of the model as the hub names it, such as mit or cc-by-4.0", metavar="NAME", group=CARD
    )
    data_license: str | None = setting(
        None, "licence of the data, in words of your own", metavar="TEXT", group=CARD
    )
    language: tuple[str, ...] = setting(
        (), "language of the data by its code, such as en; may be repeated", metavar="CODE", group=CARD
    )
    dataset: tuple[str, ...] = setting(
        (),
        "data set of the hub that the data come from, such as ylecun/mnist; may be repeated",
        metavar="NAME",
        group=CARD,
    )
    title: str | None = setting(
        None,
        "title of the card (default: the name of the model, or of the folder)",
        metavar="TEXT",
        group=CARD,
    )
    description: str | None = setting(
        None, "a paragraph of yours that opens the card", metavar="TEXT", group=CARD
    )

    def __post_init__(self) -> None:
        for name in ("language", "dataset"):
            if isinstance(one := getattr(self, name), str):
                object.__setattr__(self, name, (one,))
        check_all(self)
        object.__setattr__(self, "step", checked_step(self.step))
        object.__setattr__(self, "language", tuple(self.language))
        object.__setattr__(self, "dataset", tuple(self.dataset))
        if self.license is not None and not IDENTIFIER.fullmatch(self.license):
            raise UserError(
                f"`license` {shown(self.license)}: a name of the hub is needed, such as mit or other"
            )
        for code in self.language:
            if not LANGUAGE.fullmatch(code):
                raise UserError(f"`language` {shown(code)}: a code is needed, such as en")
        for name in self.dataset:
            if not DATASET.fullmatch(name):
                raise UserError(f"`dataset` {shown(name)}: a name of the hub is needed, such as ylecun/mnist")
