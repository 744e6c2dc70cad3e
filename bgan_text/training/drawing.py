"""How samples are drawn: by the generator alone, or with its discriminator, and which runs can do so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.objective_table import OBJECTIVES, TOKEN_CREDIT
from bgan_text.sampling_options import CANDIDATES, PREFIXES, SAMPLES
from bgan_text.training.particles import GUIDES

ADVICE = "Start a run from this one with `freeze_generator` 1"


@dataclass(frozen=True)
class Obstacle:
    """Why a run has no samples drawn in some way.

    Attributes:
        reason: in a few words, such as "it has no discriminator".
        line: what the way needs, and what to do.
    """

    reason: str
    line: str


@dataclass(frozen=True)
class Drawing:
    """How samples are drawn; by default by the generator alone.

    Attributes:
        candidates: of each sample.
        correct: what the discriminator's weights correct, of `sampling_options.CORRECTIONS`.

    Example:
        >>> Drawing(5).name, Drawing(correct="prefixes").name
        ('candidates 5', 'correct prefixes')
        >>> Drawing(5).obstacle({"objective": "mle", "credit": "sequence"})
        'it has no discriminator'
    """

    candidates: int = CANDIDATES
    correct: str = SAMPLES

    @property
    def plain(self) -> bool:
        """Whether the discriminator has no part in it."""
        return self == PLAIN

    @property
    def name(self) -> str:
        """What tables and files call it; empty if it is plain."""
        changed = {"candidates": self.candidates != CANDIDATES, "correct": self.correct != SAMPLES}
        return ", ".join(f"{option} {getattr(self, option)}" for option, named in changed.items() if named)

    def obstacle(self, settings: Mapping[str, Any]) -> str | None:
        """Why a run with such settings, fields of `Config`, has no samples drawn so; None if it can."""
        found = self._obstacle(settings["objective"], settings["credit"])
        return None if found is None else found.reason

    def refuse(self, config: Config, name: object) -> None:
        """Raise a `UserError` if a run, which is called `name`, has no samples drawn so."""
        found = self._obstacle(config.objective, config.credit)
        if found is not None:
            raise UserError(f"{name}: {found.line}")

    def _obstacle(self, objective: str, credit: str) -> Obstacle | None:
        if self.plain:
            return None
        if (reason := OBJECTIVES[objective].no_ratio) is not None:
            needy = "`correct` prefixes needs" if self.correct == PREFIXES else "`candidates` need"
            trains = f"`objective` {objective} trains none: {reason}"
            return Obstacle(reason, f"{needy} a discriminator that estimates log p/q, and {trains}. {ADVICE}")
        if self.correct == PREFIXES and credit not in GUIDES:
            return Obstacle(
                "its discriminator scores whole samples",
                f"`correct` prefixes needs a discriminator of prefixes, and that of `credit` {credit} "
                "scores whole samples: correct these, or train with `credit` token or prefix",
            )
        if self.candidates == 1 and credit != TOKEN_CREDIT:
            return Obstacle(
                "it corrects prefixes with several candidates only",
                f"`correct` prefixes with `credit` {credit} corrects with several `candidates` only: "
                "give more than 1, or train with `credit` token",
            )
        return None


PLAIN = Drawing()
"""By the generator alone."""
