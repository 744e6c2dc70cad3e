"""Every score that `score` prints: its place in the table, which way is better, what it is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A score. `better`: higher, lower, or real, where the value of real text is the best there is."""

    better: str
    about: str = ""


def _orders(name: str, orders: range, better: str, about: str) -> dict[str, Entry]:
    return {f"{name}-{order}": Entry(better, about) for order in orders}


CATALOGUE: dict[str, dict[str, Entry]] = {
    "beside real text": {
        **_orders("bleu", range(1, 6), "higher", "mean sentence BLEU against all references, method 1"),
        "corpus-bleu": Entry("higher", "sacrebleu's corpus BLEU, 0 to 100"),
        **_orders("js", range(1, 7), "lower", "Jensen-Shannon divergence of n-grams in a window, bits"),
        **_orders("precision", range(1, 5), "higher", "share of the samples' n-grams that real text has"),
    },
    "beside real pictures": {
        **_orders("patch-js", range(1, 4), "lower", "Jensen-Shannon divergence of square patches, bits"),
        "pixel-distance": Entry("lower", "total variation between the colours of a pixel, mean over pixels"),
        "pixel-mean-distance": Entry(
            "lower", "difference of a pixel's means over the range, mean over pixels"
        ),
        "pixel-deviation-distance": Entry("lower", "the same of its standard deviations"),
        "feature-frechet": Entry("lower", "Frechet distance of a classifier's features"),
        "feature-precision": Entry("higher", "share of the samples among real neighbours, by features"),
        "feature-recall": Entry("higher", "share of real pictures among neighbouring samples, by features"),
        "neighbour-distance": Entry(
            "real", "root mean squared difference to the nearest training picture, 0 to 1"
        ),
    },
    "classes of pictures": {
        "confidence": Entry("real", "mean largest probability that the classifier gives"),
        "classes": Entry("higher", "classes that have a fifth of their real share or more"),
        "largest-class": Entry("real", "share of the samples in the commonest class"),
        "smallest-class": Entry("real", "share of the samples in the rarest class"),
        "class-distance": Entry("lower", "total variation between the shares of classes"),
    },
    "variety": {
        **_orders("self-bleu", range(1, 6), "lower", "BLEU of each sample against all the others"),
        **_orders("recall", range(1, 5), "higher", "share of real text's n-grams that the samples have"),
        **_orders("distinct", range(1, 5), "higher", "different n-grams over all n-grams"),
        "distinct": Entry("higher", "different samples over all samples"),
    },
    "copies and lengths": {
        "copied": Entry("lower", "share of the samples that stand in the training set"),
        "copied-span": Entry("lower", "longest span that stands in the training set, share of the sample"),
        "length": Entry("real", "mean number of tokens"),
        "length-distance": Entry("lower", "Wasserstein distance of the length distributions, tokens"),
    },
    "by the grammar": {
        "grammatical": Entry("higher", "share of the samples that the grammar can make"),
        "log-probability": Entry("real", "mean log-probability of those, exact, nats a sentence"),
        "reverse-log-probability": Entry(
            "higher", "expected of real text under the grammar that the samples imply, exact, nats a sentence"
        ),
    },
    "likelihood": {
        "forward-likelihood": Entry("real", "of the samples under a model of real text, nats a token"),
        "reverse-likelihood": Entry("higher", "of real text under a model of the samples, nats a token"),
    },
    "embeddings": {
        "frechet": Entry("lower", "Frechet distance of sentence embeddings"),
        "embedding-precision": Entry("higher", "share of the samples among real neighbours"),
        "embedding-recall": Entry("higher", "share of real text among neighbouring samples"),
        "vendi": Entry("higher", "Vendi score, the effective number of different samples"),
        "mauve": Entry("higher", "MAUVE, 0 to 1"),
    },
    "fresh critics": {
        "critic-js": Entry("lower", "Jensen-Shannon divergence that a fresh critic proves, bits"),
        "critic-reverse-kl": Entry(
            "lower", "KL divergence of the samples from real text that a fresh critic proves, nats"
        ),
        "critic-wasserstein": Entry("lower", "Wasserstein distance that a fresh critic estimates"),
    },
}
"""Group -> score -> entry, in the order of the table."""

ENTRIES: dict[str, Entry] = {name: entry for group in CATALOGUE.values() for name, entry in group.items()}
