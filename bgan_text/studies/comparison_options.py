"""The options of a comparison. Importing them imports no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bgan_text.corpora.decoding import ENCODING_HELP, UTF8, check_encoding
from bgan_text.errors import UserError
from bgan_text.sampling_options import CANDIDATES, CORRECTIONS, MOST_CANDIDATES, SAMPLES
from bgan_text.setting import DEVICES, JOBS, check_all, setting
from bgan_text.space import CONTINUOUS_IMAGES, QUANTISED_IMAGES

Names = str | Sequence[str]
"""Names separated by commas, or a sequence of them."""

GROUP = "Comparison"
"""The heading of these options in the help."""

USUAL: dict[str | None, str] = {
    None: "importance:token,importance,mle",
    QUANTISED_IMAGES: "importance,reinforce,wgan-gp",
    CONTINUOUS_IMAGES: "bgan,non-saturating,wgan-gp",
}
"""The methods that are compared unless others are named, by the kind of images; None is text."""


@dataclass(frozen=True, kw_only=True)
class ComparisonOptions:
    """How methods are compared. Each field is an option of `bgan-text compare` and a keyword of `compare`.

    `divergences` and `scores` are names separated by commas, or a sequence of names.

    Raises:
        UserError: a value is out of range.

    Example:
        >>> ComparisonOptions(seeds=5, scores="js-2,distinct-2").count
        1000
    """

    divergences: str | Sequence[str] | None = setting(
        None,
        "divergences, separated by commas, for each objective that has one, or all (default: js)",
        group=GROUP,
    )
    seeds: int = setting(3, "runs of each method, with the seeds 0, 1, ...", minimum=1, group=GROUP)
    reference: Path | None = setting(
        None,
        "real text to score against, one sample per line (default: the test split of the data)",
        group=GROUP,
    )
    column: str | None = setting(None, "column that holds the text, if the reference is a table", group=GROUP)
    encoding: str = setting(UTF8, f"of the reference: {ENCODING_HELP}", group=GROUP)
    count: int = setting(1000, "samples of each run that are scored", minimum=1, flag="--n", group=GROUP)
    candidates: int = setting(
        CANDIDATES,
        "above 1: one more row for each method whose discriminator can choose among so many candidates for "
        "each sample",
        minimum=1,
        below=MOST_CANDIDATES + 1,
        group=GROUP,
    )
    correct: str = setting(
        SAMPLES,
        "prefixes: one more row for each method whose discriminator can correct its samples token by token, "
        "with so many candidates",
        choices=CORRECTIONS,
        group=GROUP,
    )
    scores: str | Sequence[str] | None = setting(
        None,
        "columns of the table, separated by commas; the JSON has every score (default: a few that fit the "
        "data)",
        group=GROUP,
    )
    device: str = setting("auto", f"where to train and score: {DEVICES}", group=GROUP)
    jobs: int = setting(1, JOBS, minimum=1, maximum=1024, group=GROUP)

    def __post_init__(self) -> None:
        check_all(self)
        check_encoding(self.encoding)


def split_names(option: str, names: Names) -> list[str]:
    """The names that an option was given.

    Raises:
        UserError: there are none.
    """
    parts = names.split(",") if isinstance(names, str) else names
    words = [word for part in parts if (word := part.strip())]
    if not words:
        raise UserError(f"`{option}` {names!r}: names separated by commas are needed")
    return words
