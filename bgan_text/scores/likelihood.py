"""Quality and diversity apart: the likelihood of samples under a model of real text, and the reverse.

Forward: a language model of real text scores the samples, high if they are plausible, however alike.
Reverse: a language model of the samples scores real text, high only if the samples are as various as
it (reverse perplexity, Zhao et al. 2018, "Adversarially regularized autoencoders"; language model score
and its reverse, Semeniuta et al. 2018, "On accurate evaluation of GANs for language generation", and
de Masson d'Autume et al. 2019, "Training language GANs from scratch").

Both models are the same net, trained in the same way. Likelihoods compare within one vocabulary, one
row length and one number of training rows only. Shapes: S rows, L positions, V vocabulary.
"""

import math

from torch import Tensor

from bgan_text.scores.language_model import LanguageModel, token_count
from bgan_text.scores.score import Score
from bgan_text.scores.uncertainty import ratio
from bgan_text.scores.vocabulary import Vocabulary


def log_likelihood(model: LanguageModel, rows: Tensor, vocabulary: Vocabulary | None = None) -> Score:
    """Log-probability of all rows over the number of their tokens, nats per token; higher is better.

    Forward for a model of real text and rows of samples, reverse for a model of samples and rows of real
    text. exp(-value) is the perplexity.

    An unknown unit costs the logarithm of how many units it stands for besides (adjusted perplexity,
    Ueberla 1994): its probability is shared among them, or unknown words would be the likeliest of all.

    Args:
        model: judges.
        rows: (S, L) int64, are judged.
        vocabulary: what the rows were made with; `None` if all of their tokens stand for themselves.

    Returns:
        `value`: NaN for no rows; `each`: (S,) the linearised share of each row in the ratio.

    Raises:
        UserError: the rows are not of the model's space.
    """
    nats, tokens = model.log_prob(rows), token_count(rows, model.net.space.end)
    if vocabulary is not None:
        nats = nats - (rows == vocabulary.unknown).sum(dim=1) * math.log(vocabulary.others)
    return ratio(nats.double().cpu().numpy(), tokens.double().cpu().numpy())
