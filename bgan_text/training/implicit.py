"""Updates of `implicit`: the generator is its own discriminator.

The discriminator is the log-likelihood ratio of the generator to a frozen copy of itself,
F(x) = log g(x | z) - log g_ref(x | z). The bound of any f-divergence between the data and the copy's samples
is ascended in F, that is, in the generator: where the bound is tight, g is the distribution of the data. The
copy is renewed every `reference_steps` steps. There is one net, and no other parameters.

Sources: Goodfellow, "On distinguishability criteria for estimating generative models", 2014 (a copy of the
model as the noise); Chen et al., "Self-play fine-tuning", 2024 (text); Zheng et al., "Direct discriminative
optimization", 2025 (images).
"""

import torch

from bgan_text.batch import Batch, samples_of
from bgan_text.training.update import Numbers, Update


class ImplicitUpdate(Update):
    """Ascends the bound between data and samples of the reference, which is `state.discriminator`."""

    def step(self, real_batches: list[Batch], progress: float) -> Numbers:
        state, config = self.state, self.config
        if state.step % config.reference_steps == 0:
            state.discriminator.load_state_dict(state.generator.state_dict())
            state.discriminator.requires_grad_(False)
        # As the generator is, so that the score of equal nets is 0: with the statistics of the batch, if any.
        state.discriminator.train(state.generator.training)
        real = samples_of(real_batches[0]).unsqueeze(0)
        given = self.given(real_batches[0])
        with self.autocast():
            conditional = state.generator(given)
            with torch.no_grad():
                reference = state.discriminator(given)
                samples = reference.sample(1, self.stream(reference))
            both = torch.cat([real, samples])
            with torch.no_grad():
                before = reference.log_prob(both)
            real_scores, fake_scores = conditional.log_prob(both) - before
        assert state.divergence is not None
        bound = state.divergence.bound(real_scores, fake_scores)
        numbers = {"bound": bound, "real_score": real_scores.mean(), "fake_score": fake_scores.mean()}
        return self.update_generator(-bound) | numbers
