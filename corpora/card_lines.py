"""card.json in words: what `prepare` ends with, and what `show` says of a dataset directory."""

from collections.abc import Mapping
from typing import Any


def card_lines(card: Mapping[str, Any]) -> list[str]:
    """The content of card.json in a few lines."""
    counts, space = card["counts"], card["space"]
    kept = "duplicates kept" if card["settings"]["keep_duplicates"] else "duplicates removed"
    splits = (
        f"{counts['train']:,} train, {counts['validation']:,} validation, {counts['test']:,} test samples of "
    )
    if "corrupt" in counts:
        return [
            f"{counts['read']:,} images read: {counts['corrupt']:,} unreadable, "
            f"{counts.get('other_files', 0):,} other files left out, "
            + (f"{counts['animated']:,} read to their first frame, " if counts.get("animated") else "")
            + f"{kept}: {counts['duplicates']:,}",
            splits + _image(space, card["tokenizer"]),
        ]
    if card["tokenizer"].startswith("tokens:"):
        return [
            f"{counts['read']:,} rows read: {kept}: {counts['duplicates']:,}",
            *_lengths(card),
            splits + f"{space['positions']} positions; {space['vocabulary']:,} tokens",
        ]
    files = counts.get("files", 0)  # none in a card of an earlier version
    origin = f" from {files:,} file{'s' * (files > 1)}" if files else ""
    unknown = counts["unknown"] / counts["tokens"] if counts["tokens"] else 0.0
    return [
        f"{counts['read']:,} samples read{origin}: {counts['blank']:,} blank, "
        f"{_share(card, 'dropped')} too long and dropped, {_share(card, 'cut')} cut, "
        f"{counts['windowed']:,} split into pieces, {kept}: {counts['duplicates']:,}, "
        f"{unknown:.2%} of tokens unknown",
        *_lengths(card),
        splits + f"up to {space['positions']} token{'s' * (space['positions'] > 1)}",
        f"{space['vocabulary']:,} tokens for {counts['train']:,} train samples ({card['tokenizer']})",
    ]


def _image(space: Mapping[str, Any], palette: str) -> str:
    if "channels" in space:
        numbers = f"{space['channels']} number{'s' * (space['channels'] > 1)}"
        return f"{space['width']} x {space['height']} pixels, {numbers} each"
    height, width = space["shape"]
    return f"{width} x {height} pixels in {space['vocabulary']} colours ({palette})"


def _share(card: Mapping[str, Any], what: str) -> str:
    """How many samples were dropped or cut, and the share of them if there are any."""
    count = card["counts"][what]
    return f"{count:,} ({card['summary'][what]:.1%})" if count and "summary" in card else f"{count:,}"


def _lengths(card: Mapping[str, Any]) -> list[str]:
    """A line about the lengths of the samples; none for a card of an earlier version."""
    if "summary" not in card:
        return []
    *most, longest = card["summary"]["lengths"].items()
    needed = ", ".join(f"{percent} % at most {length:,}" for percent, length in most)
    return [f"tokens of a sample: {needed}; the longest {longest[1]:,}"]
