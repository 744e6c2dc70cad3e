"""Training steps: learning rates, the objective's update, the moving average of the weights."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from bgan_text.batch import Batch
from bgan_text.config import Config
from bgan_text.config_defaults import unused
from bgan_text.device import float32_products
from bgan_text.objective_table import IMPLICIT, LIKELIHOOD, OBJECTIVES, PATHWISE, SCORE_FUNCTION
from bgan_text.out_of_memory import out_of_memory
from bgan_text.reporter import SILENT, Reporter
from bgan_text.training.implicit import ImplicitUpdate
from bgan_text.training.likelihood import MaximumLikelihoodUpdate
from bgan_text.training.pathwise import PathwiseUpdate
from bgan_text.training.score_function import ScoreFunctionUpdate
from bgan_text.training.state import State
from bgan_text.training.synchronised import mean_numbers
from bgan_text.training.token_credit import TokenCreditUpdate
from bgan_text.training.update import Numbers, Update


@dataclass
class StepReport:
    """The numbers of one step: scalar tensors by name. See `docs/metrics.md` for what each means."""

    step: int
    numbers: Numbers

    def read(self) -> dict[str, float]:
        """The numbers as floats: the one place that waits for the device."""
        values = torch.stack([value.detach().float() for value in self.numbers.values()]).tolist()
        return dict(zip(self.numbers, values, strict=True))


LARGE = ("batch", "draws", "width", "discriminator_width")
"""What the memory of a step grows with."""
UPDATES: dict[str, type[Update]] = {
    SCORE_FUNCTION: ScoreFunctionUpdate,
    PATHWISE: PathwiseUpdate,
    LIKELIHOOD: MaximumLikelihoodUpdate,
    IMPLICIT: ImplicitUpdate,
}
"""The kind of update that each family of objectives makes, except with token credit."""


def update_of(config: Config) -> type[Update]:
    """The kind of update that the objective and the credit of a run make."""
    return TokenCreditUpdate if config.credit == "token" else UPDATES[OBJECTIVES[config.objective].family]


class Trainer:
    """Makes the steps of a run. The reporter hears of a step that did not fit into memory at once."""

    def __init__(self, state: State, config: Config, reporter: Reporter = SILENT) -> None:
        self.state, self.config = state, config
        self.update = update_of(config)(state, config)
        self.update.portions.reporter = reporter

    def step(self, real_batches: list[Batch], progress: float) -> StepReport:
        """One generator step, after its discriminator steps.

        Args:
            real_batches: one batch of N samples of the data per discriminator step.
            progress: the share of the run that is done, 0 .. 1, which sets the learning rates.

        Returns:
            The step's numbers, unread.
        """
        self._set_rates(progress)
        self.update.frozen = progress < self.config.freeze_generator
        self.state.generator.train(not self.update.frozen)  # running statistics stay as they are, too
        with float32_products(self.config.precision, self.state.device):
            numbers = self.update.step(real_batches, progress)
        self.state.average.update_parameters(self.state.generator)
        self.state.step += 1
        return StepReport(self.state.step, mean_numbers(numbers, self.state.group))

    def _set_rates(self, progress: float) -> None:
        share = max(0.0, 1.0 - progress) if self.config.lr_schedule == "linear" else 1.0
        rates = self.config.generator_lr, self.config.discriminator_lr
        for rate, (_, optimizer, _) in zip(rates, self.state.optimizers(), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * share


def train(
    state: State,
    config: Config,
    batches: Callable[[int, int], Batch],
    progress: Callable[[State], float],
    reporter: Reporter = SILENT,
) -> Iterator[StepReport]:
    """Train until `progress` reaches 1; yields after every generator step.

    Args:
        state: what is trained, in place.
        config: its settings.
        batches: (step, index) -> a batch of N samples of the data on the device, a pure function, so that
            a resumed run needs no loader's state.
        progress: the share of the run that is done; that of process 0 counts.
        reporter: receives messages.

    Yields:
        The numbers of each step, unread.
    """
    trainer = Trainer(state, config, reporter)
    read = [f"`{name}`" for name in LARGE if name not in unused(config.to_json())]
    remedy = f"lower {', '.join(read[:-1])} or {read[-1]}"
    while (done := state.group.decided(progress(state))) < 1.0:
        with out_of_memory("in a training step", remedy):
            real = [batches(state.step, index) for index in range(config.discriminator_steps)]
            report = trainer.step(real, done)
        yield report
