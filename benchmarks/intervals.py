"""Calibration of the bootstrap intervals of scores.

    python benchmarks/intervals.py [SETS] [SIZE]        # default: 150 sets of 200 sentences, one minute

Scores independent sets of sentences from the built-in grammar. Prints for every score its standard deviation
over sets, the standard deviation predicted by bootstrap resamples of a single set (mean over sets), and their
ratio. A ratio of 1 is calibrated; below 1 the intervals are too narrow.
"""

import sys

import numpy as np
import torch

from bgan_text import scores
from bgan_text.corpora.grammar import sentences
from bgan_text.scores import Score
from bgan_text.scores.uncertainty import deviations

REFERENCES, WINDOW, RESAMPLES = 3000, 24, 200


def measured(samples: list[list[str]], references: list[list[str]]) -> dict[str, Score]:
    """Return all n-gram scores of a set."""
    precision, recall = scores.coverage(samples, references)
    by_order = {
        "bleu": scores.bleu(samples, references),
        "self-bleu": scores.self_bleu(samples),
        "js": scores.js(samples, references, WINDOW),
        "precision": precision,
        "recall": recall,
        "unique": scores.distinct(samples),
    }
    found = {f"{name}-{order}": score for name, each in by_order.items() for order, score in each.items()}
    found["corpus-bleu"] = scores.corpus_bleu(samples, references)
    found["length-distance"] = scores.length_distance(samples, references)
    return found


def main(sets: int, size: int) -> None:
    """Print one row per score."""
    texts = (text.split() for text in sentences(0, REFERENCES + sets * size))
    references = [next(texts) for _ in range(REFERENCES)]
    values, predicted = [], []
    for seed in range(sets):
        found = measured([next(texts) for _ in range(size)], references)
        values.append([score.value for score in found.values()])
        predicted.append(deviations(list(found.values()), seed, RESAMPLES).std(axis=1))
    print(
        f"{sets} sets of {size} sentences\n{'score':18s} {'mean':>8s} {'spread':>8s} {'predicted':>9s} ratio"
    )
    for name, mean, spread, guess in zip(
        found, np.mean(values, 0), np.std(values, 0, ddof=1), np.mean(predicted, 0), strict=True
    ):
        ratio = f"{guess / spread:5.2f}" if spread else "    -"
        print(f"{name:18s} {mean:8.4f} {spread:8.4f} {guess:9.4f} {ratio}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*(int(word) for word in sys.argv[1:]) if len(sys.argv) > 2 else (150, 200))
