"""config.json of an exported model: what its nets are, and the size and digest of each of its files."""

from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, convert

from bgan_text import __version__
from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.files import parsed, read_bounded, refuse_changed
from bgan_text.outputs import LIBRARY, MODEL_CONFIG
from bgan_text.records import Count, Digest, Format, Number, Record, Text, converted, record_of

FORMAT = 1
GENERATOR_FILE, DISCRIMINATOR_FILE = "model.safetensors", "discriminator.safetensors"
CARD_FILE, GRID_FILE = "README.md", "samples.png"
CODEC_FILES = ("tokenizer.json", "tokenizer.model", "palette.json")
NEEDED = (GENERATOR_FILE, DISCRIMINATOR_FILE, *CODEC_FILES)
"""What is read of an exported model, beside config.json."""
LISTED = (*NEEDED, GRID_FILE)
"""What config.json may tell of. The card is for people, who may edit it."""
FILES = (MODEL_CONFIG, CARD_FILE, *LISTED)
"""All files that an exported model may have."""


class StoredFile(Record):
    """A file: its size, and SHA-256 of its content."""

    bytes: Annotated[int, Meta(ge=0, le=2**50)]
    sha256: Digest


class ModelRecord(Record):
    """config.json.

    `corpus`, `data` and `tokenizer` are the corpus, and the signatures, of what the model was trained on;
    `metrics` the scores of its checkpoint against the validation split, and None of one without.
    """

    format: Count
    version: Text
    library_name: Literal["bgan-text"]
    settings: record_of(Config)  # type: ignore[valid-type]
    space: dict[Text, Any]
    corpus: Text
    data: Text
    tokenizer: Text
    step: Count
    weights: Literal["average", "last"]
    metrics: dict[Text, Number | None] | None
    files: dict[Literal[LISTED], StoredFile]  # type: ignore[valid-type]
    sha256: Digest


def read_record(path: Path) -> ModelRecord:
    """Read config.json, which may come from a stranger.

    Raises:
        UserError: it is none, damaged, or of another format.
    """
    try:
        content = parsed(read_bounded(path), path)
    except FileNotFoundError as error:
        raise UserError(f"{path.parent} is no exported model: it has no {path.name}") from error
    if not isinstance(content, dict) or content.get("library_name") != LIBRARY:
        raise UserError(f"{path} is not that of a model of bgan-text: its library_name is another one")
    told = converted(content, Format, path)
    if told.format != FORMAT:
        raise UserError(
            f"{path.parent} was exported by bgan-text {told.version} in format {told.format}: version "
            f"{__version__} reads format {FORMAT}; upgrade it"
        )
    record: ModelRecord = converted(content, ModelRecord, path)
    refuse_changed(content, path)
    if GENERATOR_FILE not in record.files:
        raise UserError(f"{path} is damaged: files: {GENERATOR_FILE} is missing")
    return record


def stored_file(size: int, digest: str) -> dict[str, Any]:
    """A `StoredFile` as JSON values."""
    return {"bytes": convert(size, Count), "sha256": digest}
