"""What training on the One Billion Word benchmark would take on 1, 8 and 64 GPUs: arithmetic, no measurement.

    python benchmarks/projection.py

Counted, from steps of the real code on a CPU: floating-point operations, kernels, parameters, and bytes that
the backward pass keeps. Assumed, because no GPU was at hand: all that stands in `Gpu`. A step takes the
longer of its arithmetic and the launches of its kernels, and then the all-reduce of both nets' gradients,
none of it hidden.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from bgan_text.config import Config
from bgan_text.space import TokenSpace
from bgan_text.training.state import State
from bgan_text.training.trainer import Trainer

SENTENCES = 30_301_028
"""Training sentences of the One Billion Word benchmark (Chelba et al. 2013)."""
COLUMNS = (
    "batch of each GPU",
    "GPUs",
    "step, ms",
    "all-reduce, ms",
    "sent by each, MB",
    "hours an epoch",
    "US$ an epoch",
)
ADAM = 16
"""Bytes of a trained parameter: float32 weight, gradient and two moments."""


@dataclass(frozen=True)
class Gpu:
    """The published figures of an NVIDIA H100 SXM, and guesses. Replace them by those of your own.

    Attributes:
        operations: a second, of dense bfloat16 products.
        reached: the share of it that a step reaches; a guess.
        memory: bytes.
        launch: seconds for the launch of a kernel; a guess.
        within: bytes a second that a GPU sends to another one of its node.
        between: bytes a second that a GPU sends to another node, of 400 Gbit/s.
        node: GPUs in a node.
        disk: bytes a second of a checkpoint; a guess.
        price: US dollars an hour; a guess.
    """

    operations: float = 989e12
    reached: float = 0.4
    memory: float = 80e9
    launch: float = 5e-6
    within: float = 450e9
    between: float = 50e9
    node: int = 8
    disk: float = 1e9
    price: float = 3.0


@dataclass(frozen=True)
class Cost:
    """What a step costs, counted. `operations` and `kept` are of one sample of the batch.

    Attributes:
        operations: floating-point operations of products and convolutions.
        kept: bytes for the backward passes of both nets in float32; bfloat16 halves most of them.
        kernels: operations that launch one, whatever the batch is.
        parameters: of the generator and the discriminator.
        generator: parameters of the generator alone.
    """

    operations: float
    kept: float
    kernels: float
    parameters: float
    generator: float


class _Kernels(TorchDispatchMode):
    """Counts the operations that compute something."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        views = isinstance(made, Tensor) and made._is_view()
        self.count += not views
        return made


def step_of(settings: dict[str, Any], space: TokenSpace) -> tuple[State, Callable[[], object]]:
    """A new run, and a function that makes one of its steps."""
    config = Config.given({"steps": 100, "precision": "float32"} | settings)
    state = State.fresh(config, space, torch.device("cpu"))
    trainer = Trainer(state, config)
    rng = torch.Generator().manual_seed(0)
    size = config.batch, space.positions
    real = [
        torch.randint(1, space.vocabulary, size, generator=rng) for _ in range(config.discriminator_steps)
    ]
    return state, lambda: trainer.step(real, 0.0)


def counted(settings: dict[str, Any], space: TokenSpace, batch: int = 2) -> Cost:
    """Count one step; what grows with the batch from the difference between twice the batch and once."""
    found = []
    for rows in (batch, 2 * batch):
        state, step = step_of(settings | {"batch": rows}, space)
        kept: dict[int, torch.UntypedStorage] = {}  # held, so that no address is used again

        def keep(tensor: Tensor, kept: dict[int, torch.UntypedStorage] = kept) -> Tensor:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
            return tensor

        with FlopCounterMode(display=False) as flops, saved_tensors_hooks(keep, lambda tensor: tensor):
            step()
        with _Kernels() as kernels:
            step()
        found.append(
            (flops.get_total_flops(), sum(storage.nbytes() for storage in kept.values()), kernels.count)
        )
    (flops_one, kept_one, _), (flops_two, kept_two, launched) = found
    sizes = [
        sum(parameter.numel() for parameter in net.parameters())
        for net in (state.generator, state.discriminator)
    ]
    return Cost(
        (flops_two - flops_one) / batch, (kept_two - kept_one) / batch, launched, sum(sizes), sizes[0]
    )


def deeper(shallow: Cost, deep: Cost, blocks: tuple[int, int], wanted: int) -> Cost:
    """The cost with `wanted` blocks, from those with two other numbers of blocks: all parts are linear."""
    share = (wanted - blocks[0]) / (blocks[1] - blocks[0])
    values = {name: getattr(shallow, name) for name in vars(shallow)}
    return Cost(**{name: value + share * (getattr(deep, name) - value) for name, value in values.items()})


@dataclass(frozen=True)
class Projection:
    """Training on so many GPUs, each with a batch of its own.

    Attributes:
        compute: seconds of a step before the all-reduce.
        reduce: seconds of the all-reduce.
        reduced: bytes that each GPU sends for it.
        hours: of an epoch.
        dollars: of an epoch.
    """

    compute: float
    reduce: float
    reduced: float
    hours: float
    dollars: float


def largest_batch(cost: Cost, gpu: Gpu) -> int:
    """The samples that fit beside weights, gradients and moments, with what is kept in bfloat16."""
    return int((gpu.memory - ADAM * cost.parameters) / (cost.kept / 2))


def checkpoint(cost: Cost) -> float:
    """Bytes of a checkpoint: weights and two moments of both nets, and the generator's average."""
    return 12 * cost.parameters + 4 * cost.generator


def project(cost: Cost, batch: int, gpus: int, gpu: Gpu) -> Projection:
    """An epoch of the corpus with `batch` samples a step on each of `gpus`.

    A ring sends 2 (K - 1) / K of the float32 gradients from each GPU to its neighbour, over the slowest link.
    """
    arithmetic = batch * cost.operations / (gpu.reached * gpu.operations)
    compute = max(arithmetic, cost.kernels * gpu.launch)
    reduced = 2 * (gpus - 1) / gpus * 4 * cost.parameters
    reduce = reduced / (gpu.within if gpus <= gpu.node else gpu.between)
    hours = SENTENCES / (batch * gpus) * (compute + reduce) / 3600
    return Projection(compute, reduce, reduced, hours, hours * gpus * gpu.price)


def costs() -> dict[str, Cost]:
    """The costs of the two kinds of nets, by name."""
    conv = {"generator": "conv", "objective": "importance", "credit": "sequence", "draws": 20, "noise": 128}
    conv |= {"width": 512, "blocks": 5, "discriminator_width": 512, "discriminator_blocks": 5}
    large = {"generator": "transformer", "width": 768, "heads": 12, "discriminator_width": 768}
    depths = (1, 2)
    shallow, deep = (
        counted(large | {"blocks": blocks, "discriminator_blocks": blocks}, TokenSpace(64, 8000, end=0))
        for blocks in depths
    )
    return {
        "conv, width 512, 5 blocks, 20 draws, 32 characters": counted(conv, TokenSpace(32, 192, end=0)),
        "transformer, width 768, 12 blocks, token credit, 64 pieces": deeper(shallow, deep, depths, 12),
    }


def table(gpu: Gpu, batches: tuple[int, ...] = (64, 1024)) -> list[str]:
    """The lines of the report, in Markdown."""
    lines = []
    for name, cost in costs().items():
        lines += [
            "",
            f"**{name}**: {cost.parameters / 1e6:.0f} million parameters in both nets, "
            f"{cost.operations / 1e9:.0f} GFLOP a sample, {cost.kernels:,.0f} kernels a step, "
            f"{largest_batch(cost, gpu):,} samples fit into one GPU, a checkpoint of "
            f"{checkpoint(cost) / 1e9:.2f} GB in {checkpoint(cost) / gpu.disk:.1f} s.",
            "",
            f"| {' | '.join(COLUMNS)} |",
            "|--:" * len(COLUMNS) + "|",
        ]
        for batch in batches:
            if batch > largest_batch(cost, gpu):
                continue
            for gpus in (1, 8, 64):
                made = project(cost, batch, gpus, gpu)
                lines.append(
                    f"| {batch:,} | {gpus} | {1e3 * made.compute:.1f} | {1e3 * made.reduce:.1f} | "
                    f"{made.reduced / 1e6:.0f} | {made.hours:.2f} | {made.dollars:.1f} |"
                )
    return lines


if __name__ == "__main__":
    print("\n".join(table(Gpu())))
