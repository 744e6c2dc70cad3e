"""Sample spaces: rows of tokens, continuous images, or labels of images."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from msgspec import Meta

from bgan_text.errors import UserError
from bgan_text.records import converted, record_of, values_of

QUANTISED_IMAGES, CONTINUOUS_IMAGES = "quantised images", "continuous images"
"""The two kinds of images: each pixel is a colour out of a palette, or each channel is a real number."""

# What a file may say. The limits are far above what is used: a larger number is damage, or meant to do harm.
Positions = Annotated[int, Meta(ge=1, le=2**24)]
Tokens = Annotated[int, Meta(ge=2, le=2**31 - 1)]
Token = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Side = Annotated[int, Meta(ge=1, le=2**16)]
LONGEST_SEQUENCE = 2**16
"""Tokens of a sequence. A net draws them one by one, so a small file of a stranger could ask for hours."""


@dataclass(frozen=True)
class TokenSpace:
    """All rows of `positions` integers in `0 .. vocabulary - 1`: sequences, or quantised images.

    Attributes:
        positions: L, the length of a row.
        vocabulary: V, the number of tokens.
        end: the token that ends a sequence shorter than L and fills the rest of its row; None if every row
            has full length, as images have.
        shape: height and width of a quantised image, whose pixels are the positions row by row; None for
            sequences.
        absent: a token that no sample of the data holds, such as the unknown one, so that no generator draws
            it; None if there is none. Spaces that differ in it alone are equal: they have the same rows.

    Raises:
        UserError: the numbers do not fit together.

    Example:
        >>> TokenSpace(positions=32, vocabulary=100, end=0).shape is None
        True
    """

    positions: Positions
    vocabulary: Tokens
    end: Token | None = None
    shape: tuple[Side, Side] | None = None
    absent: Token | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.positions < 1:
            raise UserError(f"a sequence has {self.positions} positions: at least 1 is needed")
        if self.vocabulary < 2:
            raise UserError(f"the vocabulary has {self.vocabulary} tokens: at least 2 are needed")
        if self.end is not None and not 0 <= self.end < self.vocabulary:
            raise UserError(f"end token {self.end} is outside 0..{self.vocabulary - 1}")
        if self.absent is not None and (not 0 <= self.absent < self.vocabulary or self.absent == self.end):
            raise UserError(f"token {self.absent} cannot be absent: another one below {self.vocabulary} can")
        if self.shape is None and self.positions > LONGEST_SEQUENCE:
            raise UserError(
                f"a sequence has {self.positions:,} positions: at most {LONGEST_SEQUENCE:,} are supported"
            )
        if self.shape is not None and self.shape[0] * self.shape[1] != self.positions:
            raise UserError(f"an image of {self.shape[0]} x {self.shape[1]} has not {self.positions} pixels")


@dataclass(frozen=True)
class PixelSpace:
    """All continuous images: `channels` real numbers in -1 .. 1 for each of height x width pixels.

    Example:
        >>> PixelSpace(channels=3, height=32, width=32)
        PixelSpace(channels=3, height=32, width=32)
    """

    channels: Side
    height: Side
    width: Side

    def __post_init__(self) -> None:
        if min(self.channels, self.height, self.width) < 1:
            raise UserError(f"an image of {self.channels} x {self.height} x {self.width} has no pixels")


@dataclass(frozen=True)
class LabelSpace:
    """All labels in `0 .. classes - 1` of a given image: a sample is a row of one token, the label.

    Example:
        >>> LabelSpace(PixelSpace(3, 32, 32), classes=10).classes
        10
    """

    image: PixelSpace
    classes: Tokens

    def __post_init__(self) -> None:
        if self.classes < 2:
            raise UserError(f"the images have {self.classes} class: at least 2 are needed")


Space = TokenSpace | PixelSpace | LabelSpace


def is_image(space: Space) -> bool:
    """Whether the samples are images, not sequences or labels."""
    return image_kind(space) is not None


def image_kind(space: Space) -> str | None:
    """`QUANTISED_IMAGES`, `CONTINUOUS_IMAGES`, or None for sequences and labels."""
    if isinstance(space, PixelSpace):
        return CONTINUOUS_IMAGES
    return QUANTISED_IMAGES if isinstance(space, TokenSpace) and space.shape is not None else None


def space_from_json(value: Any, where: object = "the space") -> Space:
    """Read back what `space_to_json` gave.

    Args:
        value: the JSON value.
        where: the file that holds it as `space`, for the message.

    Raises:
        UserError: it is something else.
    """
    names = value if isinstance(value, Mapping) else ()
    kind = LabelSpace if "image" in names else PixelSpace if "channels" in names else TokenSpace
    found = values_of(converted(value, record_of(kind), where, "space"))
    try:
        if kind is LabelSpace:
            found["image"] = PixelSpace(**values_of(found["image"]))
        return kind(**found)
    except UserError as error:  # numbers that do not fit together, or ask for too much
        raise UserError(f"{where}: space: {error}") from error


def space_to_json(space: Space) -> dict[str, Any]:
    """A space as JSON values; what a sequence does not have is left out."""
    optional = ("shape", "absent")
    return {name: value for name, value in asdict(space).items() if value is not None or name not in optional}
