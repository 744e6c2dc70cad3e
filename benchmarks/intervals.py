"""Coverage and width of the 95 % intervals of scores.

    python benchmarks/intervals.py [SETS] [SIZE]        # default: 100 sets of 300 samples, a few minutes

Scores independent sets of samples of the same model against the same references. What an interval should hold
is the mean of the score over sets. For every score it prints that mean; the width of the intervals; the
coverage, which is the share of sets whose interval holds the mean; and the false verdicts, the share of
pairs of sets between which `--compare` would see a difference. These should be 95 % and at most 5 %.

The models of text: real sentences of the built-in grammar; sentences of which 2 % of the words are replaced;
and half real ones, half copies of 40 sentences. Features and images are drawn at random.
"""

import random
import sys
from collections.abc import Iterable, Iterator

import numpy as np
import torch

from bgan_text import scores
from bgan_text.corpora.grammar import newswire, sentences
from bgan_text.evaluation.text import grammar_scores
from bgan_text.scores import Score, embedding
from bgan_text.scores.classes import class_scores, confidence
from bgan_text.scores.mauve import mauve
from bgan_text.scores.neighbours import neighbour_distance
from bgan_text.scores.patches import patch_js
from bgan_text.scores.pixels import colour_distance, deviation_distance, mean_distance
from bgan_text.scores.uncertainty import difference, intervals

REFERENCES, WINDOW, RESAMPLES = 3000, 24, 400
FEATURES, CENTRES, FEATURE_SETS = 16, 12, 40
SIDE, COLOURS, CLASSES = 6, 3, 5
Found = dict[str, Score]


def of_texts(sets: int, size: int) -> Iterator[tuple[str, Iterator[Found]]]:
    """The scores of text of each model."""
    texts = [text.split() for text in sentences(0, REFERENCES + 3 * sets * size)]
    references, drawn = texts[:REFERENCES], texts[REFERENCES:]
    parts = [drawn[place * sets * size :][: sets * size] for place in range(3)]
    rng, words = random.Random(0), sorted({word for text in references for word in text})
    noisy = [[rng.choice(words) if rng.random() < 0.02 else word for word in text] for text in parts[1]]
    dull = [rng.choice(parts[2][:40]) if rng.random() < 0.5 else text for text in parts[2]]
    for name, pool in {"real text": parts[0], "2 % noise": noisy, "half copies": dull}.items():
        yield name, (of_text(samples, references) for samples in _sets(pool, size))


def _sets(pool: list[list[str]], size: int) -> Iterator[list[list[str]]]:
    return (pool[start : start + size] for start in range(0, len(pool), size))


def of_text(samples: list[list[str]], references: list[list[str]]) -> Found:
    """All scores of a set of sentences that need no network."""
    precision, recall = scores.coverage(samples, references)
    by_order = {
        "bleu": scores.bleu(samples, references),
        "self-bleu": scores.self_bleu(samples),
        "js": scores.js(samples, references, WINDOW),
        "precision": precision,
        "recall": recall,
        "distinct": scores.distinct(samples),
    }
    found = {f"{name}-{order}": score for name, each in by_order.items() for order, score in each.items()}
    return found | {
        "corpus-bleu": scores.corpus_bleu(samples, references),
        "unique": scores.unique(map(tuple, samples)),
        "memorised": scores.memorised(map(tuple, samples), map(tuple, references)),
        "memorised-span": scores.memorised_span(samples, references),
        "length": scores.mean_length(samples),
        "length-distance": scores.length_distance(samples, references),
        **grammar_scores([" ".join(words) for words in samples], newswire()),
    }


def of_features(size: int) -> Iterator[Found]:
    """The scores of embeddings, of which those of a classifier are the same."""
    rng = np.random.default_rng(0)
    centres = 1.2 * rng.normal(size=(CENTRES, FEATURES))

    def drawn(kinds: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        return centres[rng.integers(kinds, size=size)] + rng.normal(size=(size, FEATURES))

    reals = drawn(CENTRES)
    for seed in range(FEATURE_SETS):
        samples = drawn(CENTRES - 3)
        yield {
            "frechet": embedding.frechet(samples, reals),
            "embedding-precision": embedding.precision(samples, reals),
            "vendi": embedding.vendi(samples),
            "mauve": mauve(samples, reals, seed=100 * seed),
        }


def of_images(sets: int, size: int) -> Iterator[Found]:
    """The scores of images, and of the classes that a classifier finds in them."""
    rng = torch.Generator().manual_seed(0)
    likely = torch.rand((SIDE * SIDE, COLOURS), generator=rng) + 0.2

    def drawn(rows: int, shift: float) -> tuple[torch.Tensor, torch.Tensor]:
        tokens = torch.multinomial(likely + shift, rows, replacement=True, generator=rng).T.contiguous()
        return tokens, torch.randn((rows, CLASSES), generator=rng) + torch.arange(CLASSES) * 0.3

    references, real_logits = drawn(REFERENCES, 0.0)
    grey = 2.0 * references.view(-1, 1, SIDE, SIDE) / (COLOURS - 1) - 1.0
    for _ in range(sets):
        tokens, logits = drawn(size, 0.1)
        squares = [rows.view(-1, SIDE, SIDE).numpy() for rows in (tokens, references)]
        pixels = 2.0 * tokens.view(-1, 1, SIDE, SIDE) / (COLOURS - 1) - 1.0
        near = pixels, grey[:500]
        classes = class_scores(logits.argmax(dim=1), real_logits.argmax(dim=1), CLASSES)
        yield {
            **{f"patch-js-{side}": score for side, score in patch_js(*squares).items()},
            "pixel-distance": colour_distance(tokens, references, COLOURS),
            "pixel-mean-distance": mean_distance(pixels, grey),
            "pixel-deviation-distance": deviation_distance(pixels, grey),
            "neighbour-distance": neighbour_distance(*((rows.flatten(1) + 1) / 2 for rows in near)),
            "confidence": confidence(logits),
            **{name: score for name, score in classes.items() if len(score.shares)},
        }


def table(title: str, sets: Iterable[Found]) -> None:
    """Print one row per score."""
    found = list(sets)
    bounds = [intervals(list(one.values()), seed, RESAMPLES) for seed, one in enumerate(found)]
    print(f"{title}, {len(found)} sets\n{'':25s}{'mean':>9s} {'width':>8s} coverage  false verdicts")
    for place, name in enumerate(found[0]):
        values = np.array([one[name].value for one in found])
        if np.isnan(values).any():  # too few samples for this score
            continue
        pairs = [row[place] for row in bounds]
        held = np.mean([low <= values.mean() <= high for low, high in pairs])
        width = np.mean([high - low for low, high in pairs])
        halves = range(0, len(found) - 1, 2)
        apart = [difference(values[i], pairs[i], values[i + 1], pairs[i + 1]) for i in halves]
        false = np.mean([not low <= 0 <= high for low, high in apart])
        print(f"{name:25s}{values.mean():9.4f} {width:8.4f} {held:8.1%} {false:10.1%}", flush=True)


def main(sets: int, size: int) -> None:
    """Print a table per kind of model."""
    print(f"{size} samples a set")
    for title, found in of_texts(sets, size):
        table(title, found)
    table("features", of_features(size))
    table("images", of_images(sets, size))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*(int(word) for word in sys.argv[1:]) if len(sys.argv) > 2 else (100, 300))
