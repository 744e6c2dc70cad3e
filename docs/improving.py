"""Draw docs/improving.gif: sentences and digits while a run of each trains.

    python docs/improving.py TEXT_RUN IMAGE_RUN

The samples are those that the runs drew when they were evaluated, always from the same noise, not selected.
Each frame shows the two runs at the same share of their training. Those of the picture that is kept, in
float32 on one core:

    bgan-text prepare grammar
    bgan-text train --data data/grammar --minutes 3 --evaluate-every 6s --run runs/words
    bgan-text prepare mnist --binarize stochastic
    bgan-text train --data data/mnist --noise 16 --minutes 8 --evaluate-every 20s --run runs/mnist
"""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib
from PIL import Image, ImageDraw, ImageFont

DRAWN = Path(__file__).with_name("improving.gif")
SENTENCES, CHARACTERS = 8, 66
WIDTH, HEIGHT, MARGIN, LINE = 880, 286, 16, 27
SIDE = HEIGHT - 2 * MARGIN - LINE
FRAMES, SHOWN, HELD = 18, 450, 3000
"""How many pictures there are, and for how many milliseconds one is seen; the last is held."""
INK, FAINT = (36, 41, 47), (101, 109, 118)
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def evaluations(run: Path) -> list[dict[str, Any]]:
    """The rows of a run's evaluations: steps, seconds, and samples as text or as a grid in a file."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_bytes().splitlines()]
    return [row for row in rows if "samples" in row]


def nearest(rows: list[dict[str, Any]], share: float) -> dict[str, Any]:
    """The evaluation that is nearest to a share of all seconds."""
    return min(rows, key=lambda row: abs(row["seconds"] - share * rows[-1]["seconds"]))


def caption(row: dict[str, Any]) -> str:
    """When an evaluation was."""
    return f"{row['seconds']:.0f} s, step {row['step']:,}"


def frame(text: dict[str, Any], image: dict[str, Any], grid: Path) -> Image.Image:
    """One picture: sentences at the left, digits at the right."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(picture)
    mono, small = (ImageFont.truetype(FONTS / "DejaVuSansMono.ttf", size) for size in (14, 13))
    draw.text((MARGIN, MARGIN), caption(text), FAINT, small)
    for index, sentence in enumerate(text["samples"][:SENTENCES], start=1):
        cut = sentence if len(sentence) <= CHARACTERS else sentence[: CHARACTERS - 1] + "…"
        draw.text((MARGIN, MARGIN + index * LINE), cut, INK, mono)
    left = WIDTH - MARGIN - SIDE
    draw.text((left, MARGIN), caption(image), FAINT, small)
    with Image.open(grid) as digits:
        picture.paste(
            digits.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS), (left, MARGIN + LINE)
        )
    return picture.quantize(12, dither=Image.Dither.NONE)


def main() -> None:
    """Draw the pictures of two runs."""
    text_run, image_run = map(Path, sys.argv[1:])
    texts, images = evaluations(text_run), evaluations(image_run)
    frames = []
    for number in range(FRAMES):
        share = number / (FRAMES - 1)
        text, image = nearest(texts, share), nearest(images, share)
        frames.append(frame(text, image, image_run / image["grid"]))
    shown = [SHOWN] * (FRAMES - 1) + [HELD]
    frames[0].save(DRAWN, save_all=True, append_images=frames[1:], duration=shown, loop=0, optimize=True)


if __name__ == "__main__":
    main()
