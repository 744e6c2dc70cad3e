"""Updates of maximum likelihood."""

from bgan_text.batch import Batch, samples_of
from bgan_text.training.update import Numbers, Update


class MaximumLikelihoodUpdate(Update):
    """Descends -log g(x | z) of the data, each sample with noise of its own."""

    def step(self, real_batches: list[Batch], progress: float) -> Numbers:
        conditional = self.conditional(real_batches[0])
        with self.autocast():
            loss = -conditional.log_prob(samples_of(real_batches[0]).unsqueeze(0)).mean()
        return self.update_generator(loss)
