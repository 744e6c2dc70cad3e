"""Every score that `score` prints: its place in the table, which way is better, what it is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ScoreInfo:
    """A score. `better`: higher, lower, or real, where the value of real text is the best there is."""

    better: str
    about: str = ""


def _orders(name: str, orders: range, better: str, about: str) -> dict[str, ScoreInfo]:
    return {f"{name}-{order}": ScoreInfo(better, about) for order in orders}


REGISTRY: dict[str, dict[str, ScoreInfo]] = {
    "beside real text": {
        **_orders("bleu", range(1, 6), "higher", "mean sentence BLEU against all references, method 1"),
        "corpus-bleu": ScoreInfo("higher", "sacrebleu's corpus BLEU, 0 to 100"),
        **_orders("js", range(1, 7), "lower", "Jensen-Shannon divergence of n-grams in a window, bits"),
        **_orders("precision", range(1, 5), "higher", "share of the samples' n-grams that real text has"),
    },
    "beside real images": {
        **_orders("patch-js", range(1, 4), "lower", "Jensen-Shannon divergence of square patches, bits"),
        "pixel-distance": ScoreInfo(
            "lower", "total variation between the colours of a pixel, mean over pixels"
        ),
        "pixel-mean-distance": ScoreInfo(
            "lower", "difference of a pixel's means over the range, mean over pixels"
        ),
        "pixel-deviation-distance": ScoreInfo("lower", "the same of its standard deviations"),
        "classifier-frechet": ScoreInfo("lower", "Frechet distance of a classifier's features"),
        "classifier-precision": ScoreInfo(
            "higher", "share of the samples among real neighbours, by features"
        ),
        "classifier-recall": ScoreInfo(
            "higher", "share of real images among neighbouring samples, by features"
        ),
        "neighbour-distance": ScoreInfo(
            "real", "root mean squared difference to the nearest training image, 0 to 1"
        ),
    },
    "classes of images": {
        "confidence": ScoreInfo("real", "mean largest probability that the classifier gives"),
        "modes-covered": ScoreInfo("higher", "classes that have a fifth of their real share or more"),
        "largest-class": ScoreInfo("real", "share of the samples in the commonest class"),
        "smallest-class": ScoreInfo("real", "share of the samples in the rarest class"),
        "class-distance": ScoreInfo("lower", "total variation between the shares of classes"),
    },
    "variety": {
        **_orders("self-bleu", range(1, 6), "lower", "BLEU of each sample against all the others"),
        **_orders("recall", range(1, 5), "higher", "share of real text's n-grams that the samples have"),
        **_orders("distinct", range(1, 5), "higher", "different n-grams over all n-grams"),
        "unique": ScoreInfo("higher", "different samples over all samples"),
    },
    "copies and lengths": {
        "memorised": ScoreInfo("lower", "share of the samples that stand in the training set"),
        "memorised-span": ScoreInfo(
            "lower", "longest span that stands in the training set, share of the sample"
        ),
        "length": ScoreInfo("real", "mean number of tokens"),
        "length-distance": ScoreInfo("lower", "Wasserstein distance of the length distributions, tokens"),
    },
    "by the grammar": {
        "grammatical": ScoreInfo("higher", "share of the samples that the grammar can make"),
        "log-probability": ScoreInfo("real", "mean log-probability of those, exact, nats per sentence"),
        "reverse-log-probability": ScoreInfo(
            "higher",
            "expected of real text under the grammar that the samples imply, exact, nats per sentence",
        ),
    },
    "likelihood": {
        "forward-likelihood": ScoreInfo("real", "of the samples under a model of real text, nats per token"),
        "reverse-likelihood": ScoreInfo(
            "higher", "of real text under a model of the samples, nats per token"
        ),
    },
    "embeddings": {
        "frechet": ScoreInfo("lower", "Frechet distance of sentence embeddings"),
        "embedding-precision": ScoreInfo("higher", "share of the samples among real neighbours"),
        "embedding-recall": ScoreInfo("higher", "share of real text among neighbouring samples"),
        "vendi": ScoreInfo("higher", "Vendi score, the effective number of different samples"),
        "mauve": ScoreInfo("higher", "MAUVE, 0 to 1"),
    },
    "fresh critics": {
        "critic-js": ScoreInfo("lower", "Jensen-Shannon divergence that a fresh critic proves, bits"),
        "critic-reverse-kl": ScoreInfo(
            "lower", "KL divergence of the samples from real text that a fresh critic proves, nats"
        ),
        "critic-wasserstein": ScoreInfo("lower", "Wasserstein distance that a fresh critic estimates"),
    },
}
"""Group -> score -> entry, in the order of the table."""

ENTRIES: dict[str, ScoreInfo] = {name: entry for group in REGISTRY.values() for name, entry in group.items()}
