"""What `prepare` does with a corpus of text, and with one of pictures; and what it says of the result."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bgan_text.corpora.picture_sources import PICTURE_SOURCES
from bgan_text.corpora.prepared import Prepared
from bgan_text.corpora.preparing import Recipe, prepare
from bgan_text.corpora.preparing_pictures import PictureRecipe, prepare_pictures
from bgan_text.errors import UserError
from bgan_text.setting import flag

from .console import say


def prepared(
    corpus: str,
    folder: Path,
    given: Mapping[str, Any],
    of_text: Mapping[str, Any],
    of_pictures: Mapping[str, Any],
    progress: Callable[[str, int], None],
    *,
    overwrite: bool,
) -> Prepared:
    """Make a prepared folder of a corpus; options of the other kind of corpus are refused."""
    if corpus in PICTURE_SOURCES:
        _refuse(of_text, f"{corpus} is a corpus of pictures")
        picture_recipe = PictureRecipe.given(corpus, **given, **of_pictures)
        return prepare_pictures(picture_recipe, folder, progress, say=say, overwrite=overwrite)
    recipe = Recipe.given(corpus, **given, **of_text)
    _refuse(of_pictures, f"{corpus} is a corpus of text")
    return prepare(recipe, folder, progress, overwrite=overwrite)


def _refuse(options: Mapping[str, Any], reason: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise UserError(f"{flag(name)} {value} has no meaning here: {reason}")


def summary(card: Mapping[str, Any]) -> list[str]:
    """What a card says, in two lines."""
    counts, space = card["counts"], card["space"]
    kept = "duplicates kept" if card["settings"]["keep_duplicates"] else "deduplicated"
    splits = (
        f"{counts['train']:,} train, {counts['validation']:,} validation, {counts['test']:,} test samples of "
    )
    if "corrupt" in counts:
        return [
            f"{counts['read']:,} pictures read: {counts['corrupt']:,} unreadable, "
            f"{counts['duplicates']:,} {kept}",
            splits + _picture(space, card["tokenizer"]),
        ]
    unknown = counts["unknown"] / counts["tokens"] if counts["tokens"] else 0.0
    return [
        f"{counts['read']:,} sentences read: {counts['blank']:,} blank, {counts['dropped']:,} dropped as "
        f"overlong, {counts['cut']:,} cut, {counts['windowed']:,} windowed, {counts['duplicates']:,} {kept}, "
        f"{unknown:.2%} of tokens unknown",
        splits + f"{space['positions']} positions; {space['vocabulary']:,} tokens ({card['tokenizer']})",
    ]


def _picture(space: Mapping[str, Any], palette: str) -> str:
    if "channels" in space:
        numbers = f"{space['channels']} number{'s' * (space['channels'] > 1)}"
        return f"{space['width']} x {space['height']} pixels, {numbers} each"
    height, width = space["shape"]
    return f"{width} x {height} pixels in {space['vocabulary']} colours ({palette})"
