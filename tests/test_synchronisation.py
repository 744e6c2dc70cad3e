"""No operation of a training step waits for the device.

There need be no GPU: the steps run on torch's meta device, whose tensors have shapes and no numbers, so
whatever asks for a number fails there. A watch on every operation also refuses what would wait on a GPU
although it needs no number: a copy between the host and the device, and a choice of rows by a mask.
"""

import importlib
from collections.abc import Callable
from contextlib import nullcontext
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bgan_text.batch import Batch, LabelledImages
from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.objective_table import CONTINUOUS, OBJECTIVES, TOKENS
from bgan_text.objectives.divergences import DIVERGENCES
from bgan_text.objectives.token_weights import prefix_scores, sequence_scores
from bgan_text.space import LabelSpace, PixelSpace, Space, TokenSpace, image_kind
from bgan_text.training.average import WeightAverage
from bgan_text.training.state import State
from bgan_text.training.token_credit import TokenCreditUpdate
from bgan_text.training.trainer import Trainer, train

ATEN = torch.ops.aten
WAITING = {ATEN.nonzero, ATEN._local_scalar_dense, ATEN.equal, ATEN.is_nonzero, ATEN.masked_select}
INDEXING = {ATEN.index, ATEN.index_put, ATEN.index_put_, ATEN._index_put_impl_}
MASKS = (torch.bool, torch.uint8)
BATCH, TEXT, PIXELS = 4, TokenSpace(8, 10, end=0, absent=3), PixelSpace(3, 8, 8)
BITS, COLOURS, LABELS = (
    TokenSpace(64, 2, shape=(8, 8)),
    TokenSpace(64, 4, shape=(8, 8)),
    LabelSpace(PIXELS, 5),
)


VIEWS = {
    "view",
    "t",
    "transpose",
    "permute",
    "expand",
    "slice",
    "select",
    "unsqueeze",
    "squeeze",
    "detach",
    "alias",
}
VIEWS |= {"split", "split_with_sizes", "unbind", "as_strided", "empty", "empty_like", "_unsafe_view"}
"""Operations that a GPU has nothing to do for."""


class Watch(TorchDispatchMode):
    """Refuses operations for which the host of a GPU waits, and counts the others."""

    operations = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        places = {tensor.device.type for tensor in tensors}
        if tensors and kwargs.get("device") is not None:
            places.add(torch.device(kwargs["device"]).type)
        packet = func.overloadpacket
        self.operations += packet.__name__ not in VIEWS
        assert len(places) < 2, f"{func} copies between {' and '.join(sorted(places))}"
        assert "cpu" in places or packet not in WAITING, f"{func} waits"
        by_mask = packet in INDEXING and any(tensor.dtype in MASKS for tensor in tensors[1:])
        assert "cpu" in places or not by_mask, f"{func} waits for the number of rows"
        if packet is ATEN.exponential_:
            kwargs.pop("generator", None)  # the meta device has none
        return func(*args, **kwargs)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> torch.device:
    """A device without numbers, on which a training state can be made."""

    class AnyDevice(torch.Generator):
        device = torch.device("meta")

        def __new__(cls, device: Any = None) -> "AnyDevice":
            return super().__new__(cls)

        def __init__(self, device: Any = None) -> None:
            pass

    monkeypatch.setattr(torch, "autocast", lambda *arguments, **options: nullcontext())
    for module in ("adam", "optimizer"):
        found = importlib.import_module(f"torch.optim.{module}")
        monkeypatch.setattr(found, "_get_fused_kernels_supported_devices", lambda: ["meta"], raising=False)
    monkeypatch.setattr(torch, "Generator", AnyDevice)
    return torch.device("meta")


def made(space: Space, device: torch.device, **given: Any) -> tuple[State, Config]:
    kind = None if isinstance(space, LabelSpace) else image_kind(space)
    sizes = {"batch": BATCH, "width": 8, "noise": 4, "steps": 9, "precision": "float32"}
    config = Config.given(sizes | given, kind)
    return State.fresh(config, space, device), config


def batch_of(space: Space, device: torch.device) -> Batch:
    if isinstance(space, TokenSpace):
        return torch.zeros(BATCH, space.positions, dtype=torch.int64, device=device)
    images = torch.zeros(BATCH, 3, 8, 8, device=device)
    labels = torch.zeros(BATCH, 1, dtype=torch.int64, device=device)
    return LabelledImages(images, labels) if isinstance(space, LabelSpace) else images


def accepted(given: dict[str, Any]) -> bool:
    try:
        return Config.given(given) is not None
    except UserError:
        return False


TOKEN_OBJECTIVES = [name for name, row in OBJECTIVES.items() if TOKENS in row.samples]
TEXTS = [
    {"objective": name, "generator": generator, "credit": credit}
    for name, generator, credit in product(
        TOKEN_OBJECTIVES, ("conv", "rnn", "transformer"), ("sequence", "prefix", "token")
    )
]
SPECIAL: list[dict[str, Any]] = [
    {"prefixes": "samples", "discriminator_steps": 2},
    {"prefixes": "both", "generator_steps": 2},
    {"objective": "reinforce", "credit": "sequence", "baseline": "none"},
    {"objective": "reinforce", "credit": "sequence", "baseline": "mean"},
    {"objective": "wgan-gp", "plain_nets": True, "spectral_norm": False},
    {"freeze_generator": 1.0, "credit": "sequence"},
    *({"divergence": name, "credit": "sequence"} for name in DIVERGENCES),
]
CASES: list[tuple[Space, dict[str, Any]]] = [
    *((TEXT, given) for given in (*TEXTS, *SPECIAL) if accepted(given)),
    *((BITS, {"objective": name}) for name in ("importance", "gumbel", "wgan-gp")),
    *((COLOURS, {"objective": name}) for name in ("importance", "gumbel", "wgan-gp")),
    *((PIXELS, {"objective": name}) for name, row in OBJECTIVES.items() if CONTINUOUS in row.samples),
    *((LABELS, {"generator": "classifier", "objective": name}) for name in ("importance", "wgan-gp", "mle")),
]


@pytest.mark.parametrize(("space", "given"), [pytest.param(*case, id=str(case[1])) for case in CASES])
def test_no_step_waits_for_the_device(space: Space, given: dict[str, Any], device: torch.device) -> None:
    state, config = made(space, device, **given)
    batch = batch_of(space, device)
    with Watch():  # the second step has moments and a moving average already
        *_, report = train(state, config, lambda step, index: batch, lambda state: state.step / 2)
    assert report.step == 2
    assert report.numbers.keys() >= {"generator_loss"}
    assert {number.device.type for number in report.numbers.values()} == {"meta"}


@pytest.mark.parametrize(
    ("sizes", "most"),
    [
        ({"generator": "conv"}, 550),
        ({"generator": "conv", "width": 512, "blocks": 5, "discriminator_width": 512}, 1000),
        ({"generator": "transformer"}, 550),
    ],
)
def test_a_step_asks_a_gpu_for_few_operations(sizes: dict[str, Any], most: int, device: torch.device) -> None:
    """Each costs the host some microseconds, whatever its size: docs/performance.md tells of it."""
    more = {"discriminator_blocks": 5} if most == 1000 else {}
    config = Config.given({"steps": 9, "precision": "float32", **sizes, **more})
    space = TokenSpace(32, 192, end=0)
    trainer = Trainer(State.fresh(config, space, device), config)
    rows = torch.zeros(config.batch, 32, dtype=torch.int64, device=device)
    for _ in range(2):
        with Watch() as watch:
            trainer.step([rows], 0.0)
    assert most / 2 < watch.operations < most


WAITS: dict[str, Callable[[Tensor], object]] = {
    "a number": lambda x: x.sum().item(),
    "a condition": lambda x: bool((x > 0).any()),
    "a list": lambda x: x.tolist(),
    "rows by a mask": lambda x: x[x > 0],
    "places of a mask": lambda x: x.nonzero(),
    "selected by a mask": lambda x: x.masked_select(x > 0),
    "set by a mask": lambda x: x.index_put_([x > 0], x[0]),
    "a copy from the host": lambda x: torch.zeros(3).to(x.device),
    "a number from the host": lambda x: x + torch.tensor(1.0).to(x.device),
    "indices of the host": lambda x: x[torch.arange(2)],
    "a copy to the host": lambda x: x.cpu(),
    "torch's own average": lambda x: torch_average(x.device),
}


def torch_average(device: torch.device) -> None:
    net = nn.Linear(2, 2, device=device)
    average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    average.update_parameters(net)
    average.update_parameters(net)


@pytest.mark.parametrize("name", WAITS)
def test_what_waits_is_noticed(name: str) -> None:
    with pytest.raises((AssertionError, RuntimeError, NotImplementedError)), Watch():
        WAITS[name](torch.zeros(5, device="meta"))


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        self.cell = nn.GRU(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.cell(self.layers(x))[0]
        return result


@pytest.mark.parametrize("decay", [0.0, 0.99])
def test_the_average_is_that_of_torch(decay: float) -> None:
    torch.manual_seed(0)
    net = Plain()
    ours, theirs = (
        WeightAverage(net, decay),
        AveragedModel(net, None, None, get_ema_multi_avg_fn(decay), True),
    )
    for _ in range(5):
        net(torch.randn(6, 3)).sum().backward()
        with torch.no_grad():
            for weight in net.parameters():
                weight -= 0.1 * weight.grad
        for average in (ours, theirs):
            average.update_parameters(net)
    expected = theirs.state_dict()
    assert ours.state_dict().keys() == expected.keys()
    for name, tensor in ours.state_dict().items():
        assert torch.equal(tensor, expected[name]), name
    assert expected["n_averaged"] == 5


def test_scores_of_all_places_give_those_of_the_counted_ones() -> None:
    rng = torch.Generator().manual_seed(0)
    tokens, scores = torch.randint(0, 5, (3, 4), generator=rng), torch.randn(12, 5, generator=rng)
    where = torch.arange(4) < torch.tensor([[1], [4], [2]])
    counted = scores[where.flatten()]
    by_hand = [sum(scores[4 * n + t, tokens[n, t]] for t in range(k)) for n, k in enumerate((1, 4, 2))]
    for given in (scores, counted):
        torch.testing.assert_close(sequence_scores(given, tokens, where), torch.stack(by_hand))
    few, each = prefix_scores(counted, tokens, where), prefix_scores(scores, tokens, where)
    torch.testing.assert_close(each[where.flatten()], few)


@pytest.mark.parametrize("objective", ["importance", "reinforce"])
@pytest.mark.parametrize("generator", ["rnn", "transformer"])
@pytest.mark.parametrize("prefixes", ["data", "samples", "both"])
def test_places_behind_the_end_change_nothing(objective: str, generator: str, prefixes: str) -> None:
    """On a GPU they are computed, since their number would have to be waited for."""
    rows = torch.randint(0, 10, (BATCH, 8), generator=torch.Generator().manual_seed(1))
    rows[:, 3:].masked_fill_(torch.arange(5) >= torch.arange(BATCH).unsqueeze(1), 0)
    found = []
    for every in (False, True):
        given = {"objective": objective, "generator": generator, "prefixes": prefixes}
        state, config = made(TEXT, torch.device("cpu"), **given)
        nn.init.normal_(state.discriminator.scores.weight, generator=torch.Generator().manual_seed(2))
        trainer = Trainer(state, config)
        assert isinstance(trainer.update, TokenCreditUpdate)
        assert not trainer.update.every
        trainer.update.every = every
        report = trainer.step([rows], 0.0)
        nets = state.generator, state.discriminator
        gradients = [weight.grad for net in nets for weight in net.parameters()]
        found.append((report.read(), gradients))
    (few, gradients), (all_of_them, others) = found
    assert all_of_them == pytest.approx(few, rel=1e-4, abs=1e-6)
    for one, other in zip(gradients, others, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-6)
    assert all(any(one.abs().max() > 1e-2 for one in part) for part in (gradients[:9], gradients[-3:]))
