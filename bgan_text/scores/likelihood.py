"""Forward and reverse likelihood, which measure quality and diversity separately.

Forward: a language model trained on real text scores the samples. The likelihood is high if the samples are
plausible, even if they are all alike. Reverse: a language model trained on the samples scores real text. The
likelihood is high only if the samples are as diverse as real text.

Sources: reverse perplexity, Zhao et al. 2018, "Adversarially regularized autoencoders"; language model score
and reverse language model score, Semeniuta et al. 2018, "On accurate evaluation of GANs for language
generation", and de Masson d'Autume et al. 2019, "Training language GANs from scratch".

Both models have the same architecture and training. Likelihoods are comparable only for equal vocabulary, row
length and number of training rows. Shapes: S rows, L positions, V vocabulary.
"""

import math

from torch import Tensor

from bgan_text.scores.language_model import LanguageModel, token_count
from bgan_text.scores.score import Score
from bgan_text.scores.uncertainty import ratio
from bgan_text.scores.vocabulary import Vocabulary


def log_likelihood(model: LanguageModel, rows: Tensor, vocabulary: Vocabulary | None = None) -> Score:
    """Log-likelihood of rows under a language model, in nats per token. Higher is better.

    The value is the sum of log-probabilities divided by the number of tokens; exp(-value) is the perplexity.
    It is the forward likelihood for a model of real text and rows of samples, and the reverse likelihood for
    a model of samples and rows of real text.

    The probability of the unknown token is divided by the number of units that it represents (adjusted
    perplexity, Ueberla 1994). Otherwise unknown words would be the most likely ones.

    Args:
        model: Language model.
        rows: (S, L) int64.
        vocabulary: Vocabulary of the rows. `None` if no token represents unknown units.

    Returns:
        The score, NaN without rows, with `each` (S,) the linearised contribution of every row.

    Raises:
        UserError: If the rows are outside the model's space.
    """
    nats, tokens = model.log_prob(rows), token_count(rows, model.net.space.end)
    if vocabulary is not None:
        nats = nats - (rows == vocabulary.unknown).sum(dim=1) * math.log(vocabulary.others)
    return ratio(nats.double().cpu().numpy(), tokens.double().cpu().numpy())
