"""Images without transparency: what shows through is a background of one colour."""

import re

from PIL import Image, ImageColor

from bgan_text.errors import UserError

WHITE = "white"
Color = tuple[int, int, int]

WRITTEN = re.compile(r"#[0-9a-f]{3}|#[0-9a-f]{6}|[a-z]+", re.IGNORECASE)
GREYS = ("1", "L", "LA", "La")
"""Modes of Pillow without colour."""
PIXELS_AT_A_TIME = 1 << 20
"""Pixels that are laid on the background at a time: each takes four bytes in several copies."""
DEPTHS = {"L;2": 85, "L;4": 17}
"""What Pillow multiplies the grey levels of a PNG of few bits by, but not the level that is transparent."""


def color_of(background: str) -> Color:
    """Red, green and blue, 0 to 255, of a colour's name or #rrggbb.

    Raises:
        UserError: there is no such colour.

    Example:
        >>> color_of("white"), color_of("#ff8000")
        ((255, 255, 255), (255, 128, 0))
    """
    try:
        if not WRITTEN.fullmatch(background):
            raise ValueError(background)
        red, green, blue = ImageColor.getrgb(background)[:3]
    except ValueError as error:
        raise UserError(
            f"`background` {background!r}: the name of a colour, such as white, or #rrggbb was expected"
        ) from error
    return red, green, blue


def opaque(image: Image.Image, background: Color) -> Image.Image:
    """The image on a background, in grey levels if both are grey, else in red, green and blue.

    Without transparency it is the same image. Transparent are an alpha channel, and a colour or entries of
    the palette that are marked as such.
    """
    if not image.has_transparency_data:
        return image
    grey = image.mode in GREYS and len(set(background)) == 1
    if image.mode == "La":
        image = image.convert("LA")
    painted = Image.new("L" if grey else "RGB", image.size)
    rows = max(1, PIXELS_AT_A_TIME // max(1, image.width))
    for top in range(0, image.height, rows):
        part = image.crop((0, top, image.width, min(top + rows, image.height)))
        whole = Image.new("RGBA", part.size, (*background, 255))
        whole.alpha_composite(part.convert("RGBA"))
        painted.paste(whole.convert(painted.mode), (0, top))
    return painted


def scaled_key(image: Image.Image, raw_mode: str) -> None:
    """Bring the colour that a PNG marks as transparent to the eight bits that Pillow decodes to.

    Args:
        image: whose `info` is changed.
        raw_mode: how the file stores pixels, as Pillow names it.
    """
    key = image.info.get("transparency")
    if isinstance(key, int) and raw_mode in DEPTHS:
        image.info["transparency"] = key * DEPTHS[raw_mode]
    elif isinstance(key, tuple) and raw_mode.endswith(";16B"):
        image.info["transparency"] = tuple(level >> 8 for level in key)
