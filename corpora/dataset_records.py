"""What the JSON files of a dataset directory hold."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bgan_text import __version__
from bgan_text.corpora.preparation_options import (
    MOST_COLORS,
    ImagePreparation,
    OraclePreparation,
    TextPreparation,
    TokenPreparation,
)
from bgan_text.errors import UserError
from bgan_text.files import parsed, read_bounded
from bgan_text.records import Count, Digest, Format, Record, Text, converted, record_of
from bgan_text.space import Side, Token, Tokens

FORMAT = 2
Byte = Annotated[int, Meta(ge=0, le=255)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class DataFile(Record):
    """A data file: its size, and SHA-256 of each of its blocks."""

    bytes: Count
    sha256: list[Digest]


class Counts(Record):
    """What became of samples. Text, rows of tokens and images have different ones."""

    read: Count
    train: Count
    validation: Count
    test: Count
    duplicates: Count
    files: Count = 0
    blank: Count = 0
    dropped: Count = 0
    cut: Count = 0
    windowed: Count = 0
    tokens: Count = 0
    unknown: Count = 0
    corrupt: Count = 0
    other_files: Count = 0
    animated: Count = 0


class Summary(Record):
    """See `bgan_text.corpora.preparation_summary.data_summary`."""

    dropped: Share
    cut: Share
    unknown: Share
    lengths: Annotated[dict[Text, Count], Meta(min_length=1)]
    vocabulary: Count
    rows: Count
    warnings: list[Text]


class Card(Record):
    """card.json. Cards of earlier versions have no summary and no digests."""

    format: Count
    version: Text
    settings: dict[Text, Any]
    space: dict[Text, Any]
    tokenizer: Text
    counts: Counts
    signature: Text
    summary: Summary | UnsetType = UNSET
    files: dict[Text, DataFile] | UnsetType = UNSET
    sha256: Digest | UnsetType = UNSET


class State(msgspec.Struct):
    """state.json of a split, by `datasets`: its data files."""

    parts: "list[Part]" = msgspec.field(name="_data_files")


class Part(msgspec.Struct):
    """A data file of a split."""

    filename: Text


class Named(msgspec.Struct):
    """What a tokenizer is."""

    kind: Text


class Symbols(Record):
    """tokenizer.json of a tokenizer of symbols."""

    kind: Text
    symbols: list[Text]


class Integers(Record):
    """tokenizer.json of rows of tokens."""

    kind: Text
    vocabulary: Tokens
    end: Token | None


class Colors(Record):
    """palette.json."""

    height: Side
    width: Side
    channels: Annotated[int, Meta(ge=1, le=4)]
    colors: Annotated[list[list[Byte]], Meta(min_length=1, max_length=MOST_COLORS)] | None
    kind: Literal["palette"] = "palette"


def read_card(path: Path) -> tuple[dict[str, Any], Card]:
    """The content of card.json as it is, and as a record.

    Raises:
        UserError: it is damaged, or of a later format.
    """
    content = parsed(read_bounded(path), path)
    told = converted(content, Format, path)
    if told.format > FORMAT:
        raise UserError(
            f"{path.parent} was prepared by bgan-text {told.version} in format {told.format}: this version "
            f"{__version__} reads up to {FORMAT}; upgrade it"
        )
    card = converted(content, Card, path)
    converted(card.settings, record_of(_options(card.settings)), path, "settings")
    return content, card


def _options(settings: Mapping[str, Any]) -> type:
    if "colors" in settings:
        return ImagePreparation
    if "embedding_size" in settings:
        return OraclePreparation
    return TokenPreparation if "end" in settings else TextPreparation
