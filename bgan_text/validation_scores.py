"""The scores that a validation during training measures, and which direction of each is better.

The module imports no torch, so that `bgan-text --help` answers at once.
"""

from bgan_text.errors import UserError, choose
from bgan_text.space import LabelSpace, PixelSpace, Space, TokenSpace

LOWER, HIGHER = "lower", "higher"
ORDERS = (1, 2, 3, 4)
"""The lengths of n-grams that are compared, in tokens."""
SIDES = (1, 2, 3)
"""The sizes of patches that are compared, in pixels a side."""

MANY_TOKENS, FEW_ORDERS = 1000, 2
"""With more tokens than that, longer n-grams of good text are hardly ever in the validation split: their
divergence is then lowest for samples that are too short."""

TEXT = {f"js-{order}": LOWER for order in ORDERS}
IMAGES = {f"patch-js-{side}": LOWER for side in SIDES}
LABELS = {"error": LOWER, "cross-entropy": LOWER}
ORACLE = {"nll-oracle": LOWER, "nll-validation": LOWER}
"""Of data from an oracle: of samples, and of the validation split under a generator of probabilities."""
VALIDATION_SCORES = TEXT | ORACLE | IMAGES | LABELS
"""Every score by name, with the direction that is better."""


def oracle_scores_of(corpus: str, generator: str) -> tuple[str, ...]:
    """The scores of `ORACLE` that a run has, by its corpus and its generator.

    Example:
        >>> oracle_scores_of("oracle", "rnn"), oracle_scores_of("oracle", "conv")
        (('nll-oracle', 'nll-validation'), ('nll-oracle',))
        >>> oracle_scores_of("lines", "rnn")
        ()
    """
    if corpus != "oracle":
        return ()
    return tuple(ORACLE) if generator in ("rnn", "transformer") else ("nll-oracle",)


def scores_on(space: Space) -> dict[str, str]:
    """The scores of a space by name, with the direction that is better.

    Sequences shorter than an n-gram, and images smaller than a patch, have fewer.

    Example:
        >>> list(scores_on(TokenSpace(positions=3, vocabulary=5)))
        ['js-1', 'js-2', 'js-3']
    """
    if isinstance(space, LabelSpace):
        return LABELS
    if isinstance(space, TokenSpace) and space.shape is None:
        return dict(list(TEXT.items())[: space.positions])
    shape = (space.height, space.width) if isinstance(space, PixelSpace) else space.shape
    assert shape is not None  # as of all images
    return dict(list(IMAGES.items())[: min(shape)])


def deciding_score(name: str | None, space: Space, by_oracle: tuple[str, ...] = ()) -> str:
    """The score by which the best checkpoint is chosen.

    Args:
        name: the one asked for; None stands for the longest n-grams that a validation split has enough of,
            the largest patches, the error, or the last of `by_oracle`.
        space: what is generated.
        by_oracle: the scores of `ORACLE` that are measured as well, see `oracle_scores_of`.

    Raises:
        UserError: such a space has no such score.
    """
    known = [*scores_on(space), *by_oracle]
    if name is None:
        return by_oracle[-1] if by_oracle else _usual(space, known)
    choose("best-by", name, VALIDATION_SCORES)
    if name not in known:
        raise UserError(f"`best_by` {name} is not measured here: choose {', '.join(known)}")
    return name


def _usual(space: Space, known: list[str]) -> str:
    if isinstance(space, LabelSpace):
        return "error"
    words = isinstance(space, TokenSpace) and space.shape is None and space.vocabulary > MANY_TOKENS
    return known[:FEW_ORDERS][-1] if words else known[-1]
