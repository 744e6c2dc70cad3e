"""What `prepare` and `show` print about a dataset directory."""

from collections.abc import Mapping
from typing import Any


def summary(card: Mapping[str, Any]) -> list[str]:
    """The content of card.json in two lines."""
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
    if card["tokenizer"].startswith("tokens:"):
        return [
            f"{counts['read']:,} rows read: {counts['duplicates']:,} {kept}",
            splits + f"{space['positions']} positions; {space['vocabulary']:,} tokens",
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
