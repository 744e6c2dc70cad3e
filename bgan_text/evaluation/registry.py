"""Every built-in score: its group, which direction is better, and what it measures."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ScoreInfo:
    """A score. `better`: higher, lower, or real if the value of real samples is the best.

    `least`: how many of each kind in `of` a value needs to say something; with fewer, a note is beside it.
    `bound`: "lower" if the true value is, up to noise, at least the one shown; else empty. `bias`: how far
    values were from the true one where that is known.
    """

    better: str
    about: str = ""
    least: int = 0
    of: tuple[str, ...] = ("samples",)
    bound: str = ""
    bias: str = ""

    def to_json(self) -> dict[str, str]:
        """What must stand beside a value."""
        beside = {"bound": self.bound, "bias": self.bias}
        return {"better": self.better} | {name: text for name, text in beside.items() if text}


LOWER_BOUND = "lower"
Registry = Mapping[str, Mapping[str, ScoreInfo]]
"""Group -> score -> entry, in the order of the table."""


FEW, FEW_FOR_NETWORKS, FEW_FOR_INCEPTION = 100, 1000, 2048
"""Below so many samples n-grams, patches and lengths say little, and features and trained networks. Inception
has 2,048 features, whose covariance needs as many."""
SAMPLES, BOTH = ("samples",), ("samples", "references")
TRAINED = (*BOTH, "training images")
"""What a score needs enough of."""


def _orders(
    name: str, orders: range, better: str, about: str, of: tuple[str, ...] = BOTH
) -> dict[str, ScoreInfo]:
    return {f"{name}-{order}": ScoreInfo(better, about, FEW, of) for order in orders}


REGISTRY: Registry = {
    "beside real text": {
        **_orders(
            "bleu", range(1, 6), "higher", "mean sentence BLEU against all references, smoothing method 1"
        ),
        "corpus-bleu": ScoreInfo("higher", "corpus BLEU of sacrebleu, 0 to 100", FEW, BOTH),
        "chrf": ScoreInfo("higher", "corpus chrF of sacrebleu, 0 to 100", FEW, BOTH),
        "sentence-chrf": ScoreInfo("higher", "mean sentence chrF of sacrebleu, 0 to 100", FEW, BOTH),
        **_orders("js", range(1, 7), "lower", "Jensen-Shannon divergence of n-grams in a window, bits"),
        **_orders(
            "precision", range(1, 5), "higher", "share of the samples' n-grams that occur in real text"
        ),
    },
    "beside real images": {
        **_orders("patch-js", range(1, 4), "lower", "Jensen-Shannon divergence of square patches, bits"),
        "pixel-distance": ScoreInfo(
            "lower",
            "total variation distance between the colour distributions of a pixel, mean over pixels",
            FEW,
            BOTH,
        ),
        "pixel-mean-distance": ScoreInfo(
            "lower",
            "absolute difference of pixel means relative to the pixel range, mean over pixels",
            FEW,
            BOTH,
        ),
        "pixel-deviation-distance": ScoreInfo(
            "lower", "the same for the standard deviations of pixels", FEW, BOTH
        ),
        "classifier-frechet": ScoreInfo(
            "lower",
            "Fréchet distance of the features of a classifier of the real images; not FID",
            FEW_FOR_NETWORKS,
            TRAINED,
        ),
        "classifier-precision": ScoreInfo(
            "higher",
            "share of samples within the neighbourhoods of real images, in those features",
            FEW_FOR_NETWORKS,
            TRAINED,
        ),
        "classifier-recall": ScoreInfo(
            "higher",
            "share of real images within the neighbourhoods of samples, in those features",
            FEW_FOR_NETWORKS,
            TRAINED,
        ),
        "classifier-density": ScoreInfo(
            "higher",
            "neighbourhoods of real images that a sample is within, over k, in those features",
            FEW_FOR_NETWORKS,
            TRAINED,
        ),
        "classifier-coverage": ScoreInfo(
            "higher",
            "share of real images with a sample in their neighbourhood, in those features",
            FEW_FOR_NETWORKS,
            TRAINED,
        ),
        "fid": ScoreInfo("lower", "Fréchet Inception distance", FEW_FOR_INCEPTION, BOTH),
        "kid": ScoreInfo("lower", "kernel Inception distance, unbiased", FEW_FOR_NETWORKS, BOTH),
        "neighbour-distance": ScoreInfo(
            "real", "root mean squared difference to the nearest training image, 0 to 1", FEW
        ),
    },
    "classes of images": {
        name: ScoreInfo(better, about, FEW_FOR_NETWORKS, ("training images",))
        for name, better, about in (
            ("confidence", "real", "mean probability of the class that the classifier predicts"),
            ("modes-covered", "higher", "classes that reach at least a fifth of their real share"),
            ("largest-class", "real", "share of samples in the most frequent class"),
            ("smallest-class", "real", "share of samples in the least frequent class"),
            ("class-distance", "lower", "total variation distance between the class distributions"),
        )
    },
    "variety": {
        **_orders("self-bleu", range(1, 6), "lower", "BLEU of each sample against all others", SAMPLES),
        **_orders("recall", range(1, 5), "higher", "share of real n-grams that occur in the samples"),
        **_orders(
            "distinct", range(1, 5), "real", "number of distinct n-grams over the number of n-grams", SAMPLES
        ),
        "unique": ScoreInfo("higher", "share of distinct samples", FEW),
        "zipf": ScoreInfo(
            "real", "Zipf coefficient, minus the slope of log frequency over log rank of tokens", FEW
        ),
    },
    "copies and lengths": {
        "memorised": ScoreInfo("lower", "share of samples that occur in the training set", FEW),
        "memorised-span": ScoreInfo(
            "lower",
            "longest span that occurs in the training set, relative to the length of the sample",
            FEW,
        ),
        **_orders(
            "novelty", range(1, 6), "real", "share of the samples' n-grams that training text lacks", SAMPLES
        ),
        "length": ScoreInfo("real", "mean number of tokens"),
        "length-distance": ScoreInfo(
            "lower", "Wasserstein-1 distance between the length distributions, tokens", FEW, BOTH
        ),
    },
    "by the grammar": {
        "grammatical": ScoreInfo("higher", "share of samples that the grammar generates"),
        "log-probability": ScoreInfo(
            "real", "mean log-probability of those samples under the grammar, exact, nats per sentence"
        ),
        "reverse-log-probability": ScoreInfo(
            "higher",
            "expected log-probability of real text under the grammar with probabilities estimated from the "
            "samples, exact, nats per sentence",
        ),
    },
    "by the oracle": {
        "nll-oracle": ScoreInfo(
            "lower",
            "negative log-likelihood of the samples under the oracle that the data come from (NLL-oracle), "
            "exact, nats per token",
            FEW,
        ),
        "nll-test": ScoreInfo(
            "lower",
            "negative log-likelihood of the test split under the generator of a run (NLL-test), an upper "
            "bound, estimated with 4 noise vectors, in nats per token; `real`: under the oracle, exact",
            FEW,
            ("references",),
        ),
    },
    "likelihood": {
        "held-out-likelihood": ScoreInfo(
            "higher",
            "log-likelihood of the test split under the generator of a run, with `correct` prefixes under "
            "the corrected generator; a lower bound, estimated with 4 noise vectors, in nats per token",
        ),
        "forward-likelihood": ScoreInfo(
            "real",
            "log-likelihood of the samples under a language model of real text, nats per token",
            FEW_FOR_NETWORKS,
            ("training texts",),
        ),
        "reverse-likelihood": ScoreInfo(
            "higher",
            "log-likelihood of real text under a language model of the samples, nats per token",
            FEW_FOR_NETWORKS,
            BOTH,
        ),
    },
    "embeddings": {
        **{
            name: ScoreInfo(better, about, FEW_FOR_NETWORKS, BOTH)
            for name, better, about in (
                ("frechet", "lower", "Fréchet distance of sentence embeddings"),
                ("embedding-precision", "higher", "share of samples within the neighbourhoods of real text"),
                ("embedding-recall", "higher", "share of real text within the neighbourhoods of samples"),
                (
                    "embedding-density",
                    "higher",
                    "neighbourhoods of real text that a sample is within, over k",
                ),
                ("embedding-coverage", "higher", "share of real texts with a sample in their neighbourhood"),
            )
        },
        "vendi": ScoreInfo("higher", "Vendi score, the effective number of distinct samples", FEW),
        "mauve": ScoreInfo("higher", "MAUVE, 0 to 1", FEW_FOR_NETWORKS, BOTH),
    },
    "by a causal language model": {
        "perplexity": ScoreInfo(
            "real", "exponential of the mean negative log-probability of the samples' tokens", FEW
        ),
        "language-model-mauve": ScoreInfo(
            "higher", "MAUVE on the features of a causal language model, 0 to 1", FEW_FOR_NETWORKS, BOTH
        ),
    },
    "molecules": {
        "valid-molecules": ScoreInfo("higher", "share of samples that RDKit reads as molecules", FEW),
        "qed": ScoreInfo("real", "quantitative estimate of drug-likeness, 0 to 1, mean over molecules", FEW),
        "synthetic-accessibility": ScoreInfo(
            "real", "synthetic accessibility score, 1 easy to 10 hard, mean over molecules", FEW
        ),
        "chemnet-frechet": ScoreInfo("lower", "Fréchet ChemNet distance, FCD", FEW_FOR_NETWORKS, BOTH),
    },
    "fresh critics": {
        "critic-js": ScoreInfo(
            "lower",
            "Jensen-Shannon divergence, a lower bound by freshly trained critics, bits",
            FEW_FOR_NETWORKS,
            BOTH,
            LOWER_BOUND,
            "where the truth is known (27 sequences, 1,000 rows) one critic was 12 % low, -32 % to -2 %; "
            "where only lengths differ 32 % low",
        ),
        "critic-reverse-kl": ScoreInfo(
            "lower",
            "KL(samples || real samples), a lower bound by freshly trained critics, nats",
            FEW_FOR_NETWORKS,
            BOTH,
            LOWER_BOUND,
            "where the truth is known (27 sequences, 1,000 rows) one critic was 15 % low, from -216 % to "
            "+169 %; where only lengths differ 41 % low",
        ),
        "critic-wasserstein": ScoreInfo(
            "lower",
            "Wasserstein-1 distance, an estimate by freshly trained critics",
            FEW_FOR_NETWORKS,
            BOTH,
            bias="where the truth is known (27 sequences, 1,000 rows) one critic was from -11 % to +15 % off",
        ),
    },
}
"""The built-in scores."""

ENTRIES: dict[str, ScoreInfo] = {name: entry for group in REGISTRY.values() for name, entry in group.items()}
"""The built-in scores by name."""
