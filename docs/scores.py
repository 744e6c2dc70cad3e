"""Score the six models of Texygen beside the table that Texygen published, for docs/scores.md.

    python docs/scores.py TEXYGEN_FOLDER             print docs/scores.md's table
    python docs/scores.py TEXYGEN_FOLDER --write     write it between the markers in docs/scores.md

The folder must hold test_coco.txt and instances/*.txt of Texygen's repository. It takes half a minute.
"""

import sys
from pathlib import Path

import torch

from bgan_text.corpora.ngram_units import splitter
from bgan_text.corpora.sources import text_lines
from bgan_text.scores import bleu, self_bleu

ORDERS = (2, 3, 4, 5)
PUBLISHED: dict[str, tuple[str, list[float], list[float]]] = {
    "seq": ("SeqGAN", [0.745, 0.498, 0.294, 0.180], [0.950, 0.840, 0.670, 0.489]),
    "maligan": ("MaliGAN", [0.673, 0.432, 0.257, 0.159], [0.918, 0.781, 0.606, 0.437]),
    "rank": ("RankGAN", [0.743, 0.467, 0.264, 0.156], [0.959, 0.882, 0.762, 0.618]),
    "leakgan": ("LeakGAN", [0.746, 0.528, 0.355, 0.230], [0.966, 0.913, 0.848, 0.780]),
    "textgan": ("TextGAN", [0.593, 0.463, 0.277, 0.207], [0.942, 0.931, 0.804, 0.746]),
    "mle": ("MLE", [0.731, 0.497, 0.305, 0.189], [0.916, 0.769, 0.583, 0.408]),
}
"""File -> name, BLEU-2..5 and Self-BLEU-2..5 in the README of geek-ai/Texygen."""
BEGIN, END = "<!-- texygen begins -->\n", "<!-- texygen ends -->\n"


def table(folder: Path) -> str:
    """Markdown: a row per model and score, published beside measured."""
    split = splitter("word", lowercase=True)
    references = [split(line) for line in text_lines(folder / "test_coco.txt")]
    lines = [
        "| model | score | " + " | ".join(f"{order}-gram: published, here" for order in ORDERS) + " |",
        "|---|---|" + "---|" * len(ORDERS),
    ]
    for file, (name, *published) in PUBLISHED.items():
        samples = [split(line) for line in text_lines(folder / "instances" / f"{file}.txt")]
        measured = bleu(samples, references), self_bleu(samples)
        for title, theirs, ours in zip(("BLEU", "Self-BLEU"), published, measured, strict=True):
            cells = (
                f"{value:.3f}, {_marked(value, ours[order].value)}"
                for order, value in zip(ORDERS, theirs, strict=True)
            )
            lines.append(f"| {name} | {title} | {' | '.join(cells)} |")
    real = (f"-, {score.value:.3f}" for score in list(self_bleu(references).values())[1:])
    return "\n".join([*lines, f"| test captions | Self-BLEU | {' | '.join(real)} |"]) + "\n"


def _marked(published: float, here: float) -> str:
    """The value, in bold if it differs from the published one by more than 0.002."""
    return f"**{here:.3f}**" if abs(published - here) > 0.002 else f"{here:.3f}"


if __name__ == "__main__":
    torch.set_num_threads(1)
    made = table(Path(sys.argv[1]))
    if "--write" in sys.argv[2:]:
        document = Path(__file__).with_name("scores.md")
        text = document.read_text("utf-8")
        before, rest = text.split(BEGIN)
        document.write_text(before + BEGIN + made + END + rest.split(END)[1], "utf-8")
    else:
        sys.stdout.write(made)
