"""The scores that a comparison has of a dataset, and those that its table shows."""

from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.errors import choose
from bgan_text.evaluation.registry import REGISTRY
from bgan_text.space import PixelSpace
from bgan_text.studies.comparison_options import Names, split_names

TEXT = ("js-1", "js-4", "recall-1")
IMAGES = ("patch-js-1", "patch-js-3", "classifier-frechet")
"""Low and high order, and variety or likeness: with one more they fit into 80 characters."""
EXACT = ("grammatical", "nll-oracle")
"""Where the distribution of the data is known, that one is."""

ON_DEMAND = ("chrf", "sentence-chrf", "fid", "kid")
"""Scores that `evaluate` makes only where an option asks for them; a comparison has no such options."""


def known_scores(dataset: DatasetDirectory) -> list[str]:
    """The scores of samples of a dataset that need no network but the classifier of images."""
    if dataset.images:
        return _of_images(dataset)
    groups = ["beside real text", "variety", "copies and lengths"]
    groups += ["by the grammar"] if dataset.corpus == "grammar" else []
    groups += ["by the oracle"] if dataset.has_oracle else []
    return [name for group in groups for name in REGISTRY[group] if name not in ON_DEMAND]


def _of_images(dataset: DatasetDirectory) -> list[str]:
    pixels = isinstance(dataset.space, PixelSpace)
    other = ["pixel-distance"] if pixels else ["pixel-mean-distance", "pixel-deviation-distance"]
    names = [name for name in REGISTRY["beside real images"] if name not in (*other, *ON_DEMAND)]
    return [*names, *(REGISTRY["classes of images"] if _labelled(dataset) else ()), "unique", "memorised"]


def _labelled(dataset: DatasetDirectory) -> bool:
    labels = dataset.labels("train")
    return labels is not None and len(labels.unique()) > 1


def columns_of(scores: Names | None, dataset: DatasetDirectory) -> list[str]:
    """The scores that were named, or those that suit the data.

    Raises:
        UserError: there is no such score of this data.
    """
    known = known_scores(dataset)
    if scores is None:
        usual, last = (IMAGES, ("modes-covered", "unique")) if dataset.images else (TEXT, EXACT)
        return [*usual, next((name for name in last if name in known), "self-bleu-3")]
    names = [choose("score", word, dict.fromkeys(known, word)) for word in split_names("scores", scores)]
    return list(dict.fromkeys(names))
