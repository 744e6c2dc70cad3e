"""What `prepare` does with a corpus of text, and with one of images; and what it says of the result."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bgan_text.cli.console import say
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.image_preparation import ImagePreparation, prepare_images
from bgan_text.corpora.image_sources import IMAGE_SOURCES
from bgan_text.corpora.text_preparation import TextPreparation, prepare
from bgan_text.errors import UserError


def prepared(
    corpus: str,
    folder: Path,
    given: Mapping[str, Any],
    of_text: Mapping[str, Any],
    of_images: Mapping[str, Any],
    progress: Callable[[str, int], None],
    *,
    overwrite: bool,
) -> DatasetDirectory:
    """Make a dataset directory of a corpus; options of the other kind of corpus are refused."""
    if corpus in IMAGE_SOURCES:
        _refuse(of_text, f"{corpus} is a corpus of images")
        image_recipe = ImagePreparation.given(corpus, **given, **of_images)
        return prepare_images(image_recipe, folder, progress, say=say, overwrite=overwrite)
    recipe = TextPreparation.given(corpus, **given, **of_text)
    _refuse(of_images, f"{corpus} is a corpus of text")
    return prepare(recipe, folder, progress, overwrite=overwrite)


def _refuse(options: Mapping[str, Any], reason: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise UserError(f"`{name}` {value} has no meaning here: {reason}")


def summary(card: Mapping[str, Any]) -> list[str]:
    """What a card says, in two lines."""
    counts, space = card["counts"], card["space"]
    kept = "duplicates kept" if card["settings"]["keep_duplicates"] else "deduplicated"
    splits = (
        f"{counts['train']:,} train, {counts['validation']:,} validation, {counts['test']:,} test samples of "
    )
    if "corrupt" in counts:
        return [
            f"{counts['read']:,} images read: {counts['corrupt']:,} unreadable, "
            f"{counts['duplicates']:,} {kept}",
            splits + _image(space, card["tokenizer"]),
        ]
    unknown = counts["unknown"] / counts["tokens"] if counts["tokens"] else 0.0
    return [
        f"{counts['read']:,} sentences read: {counts['blank']:,} blank, {counts['dropped']:,} dropped as "
        f"overlong, {counts['cut']:,} cut, {counts['windowed']:,} windowed, {counts['duplicates']:,} {kept}, "
        f"{unknown:.2%} of tokens unknown",
        splits + f"{space['positions']} positions; {space['vocabulary']:,} tokens ({card['tokenizer']})",
    ]


def _image(space: Mapping[str, Any], palette: str) -> str:
    if "channels" in space:
        numbers = f"{space['channels']} number{'s' * (space['channels'] > 1)}"
        return f"{space['width']} x {space['height']} pixels, {numbers} each"
    height, width = space["shape"]
    return f"{width} x {height} pixels in {space['vocabulary']} colours ({palette})"
