"""A step that does not fit into memory at once is made in portions, and is the same step."""

from typing import Any

import pytest
import torch
from torch import Tensor

from bgan_text.batch import LabelledImages
from bgan_text.config import Config
from bgan_text.models.distributions import AutoregressiveDistribution
from bgan_text.out_of_memory import OutOfMemoryError
from bgan_text.space import LabelSpace, PixelSpace, Space, TokenSpace
from bgan_text.training.portions import Portions
from bgan_text.training.state import State
from bgan_text.training.trainer import StepReport, Trainer, train

CPU, TEXT = torch.device("cpu"), TokenSpace(6, 7, end=0)
# With this seed no draw lies so near to a border between two tokens that rounding tips it.
TINY = {"batch": 4, "width": 8, "noise": 4, "precision": "float32", "steps": 3, "seed": 1}
OUT = "CUDA out of memory. Tried to allocate 20.00 MiB"
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "conv": ("draws", {"generator": "conv", "draws": 7}),
    "rnn": ("draws", {"generator": "rnn", "credit": "sequence", "draws": 7}),
    "prefixes": ("draws", {"generator": "rnn", "credit": "prefix", "objective": "reinforce", "draws": 5}),
    "tokens": ("sequences", {"generator": "rnn", "prefixes": "both"}),
    "tokens of a transformer": ("sequences", {"generator": "transformer"}),
}


class Memory:
    """Runs out where a net of a state sees more rows than there is room for, or in a given call.

    The discriminator is watched while it only scores, the generator where it is differentiated.
    """

    def __init__(self, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room, self.refused, self.rows = room, 0, 0
        for name in ("token_log_prob", "next_token_logits"):
            original = getattr(AutoregressiveDistribution, name)
            monkeypatch.setattr(AutoregressiveDistribution, name, self.watched(original))

    def take(self, rows: int) -> None:
        if rows > self.room:
            self.refused += 1
            raise torch.OutOfMemoryError(OUT)
        self.rows = max(self.rows, rows)

    def watched(self, original: Any) -> Any:
        def call(distribution: Any, tokens: Tensor, *more: Any) -> Any:
            self.take(tokens.flatten(0, -2).shape[0])
            return original(distribution, tokens, *more)

        return call

    def watch(self, state: State) -> None:
        def hook(net: Any, given: tuple[Tensor, ...]) -> None:
            if not net.training:
                self.take(len(given[0]))

        state.discriminator.register_forward_pre_hook(hook)


def trained(given: dict[str, Any], memory: Memory | None, reporter: Any) -> tuple[State, list[StepReport]]:
    config = Config.given(TINY | given)
    state = State.fresh(config, TEXT, CPU)
    if memory is not None:
        memory.watch(state)
    rng = torch.Generator().manual_seed(3)
    rows = [torch.randint(0, 7, (4, 6), generator=rng) for _ in range(3)]
    reports = train(state, config, lambda step, index: rows[step], lambda s: s.step / 3, reporter)
    return state, list(reports)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("share", [0.7, 0.3, 0.01])
def test_portions_make_the_same_update(
    case: str, share: float, monkeypatch: pytest.MonkeyPatch, heard: Any
) -> None:
    what, given = CASES[case]
    whole, expected = trained(given, None, heard)
    assert heard.messages == []
    most = (given["draws"] if what == "draws" else 1) * 4
    least = 4 if what == "draws" else 1  # one draw of each noise vector, or one sequence
    memory = Memory(max(least, int(share * most)), monkeypatch)
    state, reports = trained(given, memory, heard)
    assert memory.refused
    (message,) = heard.messages
    size = memory.rows // least
    assert f"not enough memory for all {what} of a step at once: {size} are taken at a time" in message
    for one, other in zip(reports, expected, strict=True):
        assert one.read() == pytest.approx(other.read(), rel=2e-3, abs=1e-4)
    assert torch.equal(state.rng.get_state(), whole.rng.get_state())
    for one, other in zip(vars(state.running).values(), vars(whole.running).values(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
    for name in ("generator", "discriminator", "average"):
        pairs = zip(getattr(state, name).parameters(), getattr(whole, name).parameters(), strict=True)
        for one, other in pairs:
            # Adam divides by the size of a gradient, so those that are almost 0 may differ in each step.
            apart = (one - other).abs() / 8e-3
            assert apart.mean() < 0.05, name


def test_a_failure_in_a_later_portion_forgets_the_gradients_before(
    monkeypatch: pytest.MonkeyPatch, heard: Any
) -> None:
    """The gradient of one step, where the second of two portions fails at first."""
    given = {"generator": "rnn", "credit": "sequence", "draws": 8}
    original, calls, gradients = AutoregressiveDistribution.token_log_prob, [0], []

    def fails_once(distribution: Any, tokens: Tensor) -> Tensor:
        calls[0] += 1
        if calls[0] == 2 and fail:
            raise torch.OutOfMemoryError(OUT)
        return original(distribution, tokens)

    monkeypatch.setattr(AutoregressiveDistribution, "token_log_prob", fails_once)
    for fail in (False, True):
        calls[0] = 0
        config = Config.given(TINY | given)
        trainer = Trainer(State.fresh(config, TEXT, CPU), config, heard)
        trainer.update.portions.size = 4
        trainer.step([torch.ones(4, 6, dtype=torch.int64)], 0.0)
        gradients.append([weight.grad for weight in trainer.state.generator.parameters()])
        assert calls[0] == (6 if fail else 2)
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-4, atol=1e-6)
    assert heard.messages[0].count("2 are taken") == len(heard.messages) == 1


def test_what_does_not_fit_by_ones_is_told(monkeypatch: pytest.MonkeyPatch, heard: Any) -> None:
    with pytest.raises(OutOfMemoryError, match="in a training step: lower `batch`, `draws`"):
        trained(CASES["conv"][1], Memory(3, monkeypatch), heard)
    assert heard.messages == []


def test_labels_are_scored_in_portions_too(heard: Any) -> None:
    space: Space = LabelSpace(PixelSpace(3, 8, 8), 5)
    config = Config.given({"generator": "classifier", "batch": 4, "width": 4, "draws": 6, "steps": 1})
    trainer = Trainer(State.fresh(config, space, CPU), config, heard)
    update: Any = trainer.update
    real = LabelledImages(torch.randn(4, 3, 8, 8), torch.zeros(4, 1, dtype=torch.int64))
    draws = torch.randint(0, 5, (6, 4, 1), generator=torch.Generator().manual_seed(0))
    whole = update.score(real, draws)
    update.portions.size = 4
    torch.testing.assert_close(update.score(real, draws), whole)
    assert whole.std() > 0


@pytest.mark.parametrize("credit", ["sequence", "prefix"])
def test_few_draws_are_scored_at_a_time(credit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No layer of the discriminator holds more numbers than stated, and the scores are the same."""
    generator = "conv" if credit == "sequence" else "rnn"
    config = Config.given(TINY | {"generator": generator, "credit": credit, "draws": 7, "steps": 1})
    state = State.fresh(config, TEXT, CPU)
    update: Any = Trainer(state, config).update
    rows: list[int] = []
    state.discriminator.register_forward_pre_hook(lambda net, given: rows.append(len(given[0])))
    real = torch.ones(4, 6, dtype=torch.int64)
    draws = torch.randint(0, 7, (7, 4, 6), generator=torch.Generator().manual_seed(0))
    whole = update.score(real, draws)
    monkeypatch.setattr(
        "bgan_text.training.score_function.MOST_SCORED", 2 * 4 * 6 * config.discriminator_width + 1
    )
    torch.testing.assert_close(update.score(real, draws), whole)
    assert rows == [28, 8, 8, 8, 4]


def test_portions_cover_everything_once() -> None:
    def make(portion: slice) -> list[int]:
        taken = list(range(10))[portion]
        if len(taken) > 3:
            raise MemoryError
        return taken

    undone: list[int] = []
    portions = Portions("draws", 100)
    found = portions.made(10, make, lambda: undone.append(portions.size))
    assert [number for part in found for number in part] == list(range(10))
    assert undone == [100, 5]
    assert portions.size == 3
    assert portions.made(0, make) == []


@pytest.mark.parametrize("error", [RuntimeError("shapes do not fit"), ValueError("out of memory")])
def test_other_errors_are_no_reason_to_halve(error: Exception) -> None:
    def make(portion: slice) -> None:
        raise error

    portions = Portions("draws", 8)
    with pytest.raises(type(error), match=str(error)):
        portions.made(8, make)
    assert portions.size == 8
