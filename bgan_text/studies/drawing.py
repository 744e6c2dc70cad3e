"""How the samples of a row of a comparison are drawn: by the generator alone, or with its discriminator."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bgan_text.objective_table import TOKEN_CREDIT
from bgan_text.sampling_options import CANDIDATES, PREFIXES, SAMPLES
from bgan_text.training.candidates import NO_RATIO
from bgan_text.training.particles import GUIDES


@dataclass(frozen=True)
class Drawing:
    """How samples are drawn; by default by the generator alone.

    Attributes:
        candidates: of each sample.
        correct: what the discriminator's weights correct, of `sampling_options.CORRECTIONS`.

    Example:
        >>> Drawing(5).name, Drawing(correct="prefixes").name
        ('candidates 5', 'correct prefixes')
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
        objective, credit = settings["objective"], settings["credit"]
        if self.plain:
            return None
        if objective in NO_RATIO:
            return NO_RATIO[objective]
        if self.correct == PREFIXES and credit not in GUIDES:
            return "its discriminator scores whole samples"
        if self.candidates == 1 and credit != TOKEN_CREDIT:
            return "it corrects prefixes with several candidates only"
        return None


PLAIN = Drawing()
"""By the generator alone."""
