"""Checks of `benchmarks/gpu.py`: what a device computes, beside the CPU, and whether a step waits for it."""

import math
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

import bgan_text as bt
from bgan_text.batch import Batch, LabelledImages
from bgan_text.config import Config
from bgan_text.corpora.grammar import sentences
from bgan_text.objective_table import CONTINUOUS, OBJECTIVES, TOKENS
from bgan_text.objectives.divergences import DIVERGENCES, alpha_divergence
from bgan_text.space import LabelSpace, PixelSpace, Space, TokenSpace, image_kind
from bgan_text.training.run import RunFolder
from bgan_text.training.state import State
from bgan_text.training.trainer import Trainer

TEXT, LONG = TokenSpace(32, 192, end=0), TokenSpace(64, 16000, end=0)
PIXELS = PixelSpace(3, 32, 32)
SMALL_TEXT, SMALL_PIXELS = TokenSpace(8, 12, end=0), PixelSpace(3, 8, 8)
SMALL = {TEXT: SMALL_TEXT, LONG: SMALL_TEXT, PIXELS: SMALL_PIXELS}
CPU = torch.device("cpu")
FEW = {"width": 8, "noise": 4, "batch": 4}
TINY = {"width": 8, "noise": 4, "batch": 4, "blocks": 1, "discriminator_width": 8}
WIDE = {"width": 512, "blocks": 5, "noise": 128, "discriminator_width": 512, "discriminator_blocks": 5}
GENERATORS = ("conv", "rnn", "transformer")
Sizes = dict[str, tuple[Space, dict[str, Any]]]
SIZES: Sizes = {
    "conv": (TEXT, {"generator": "conv"}),
    "conv, paper": (TEXT, {"generator": "conv", "credit": "sequence", "batch": 64, **WIDE}),
    "rnn": (TEXT, {"generator": "rnn"}),
    "rnn, large": (LONG, {"generator": "rnn", "width": 1024, "discriminator_width": 1024}),
    "transformer": (TEXT, {"generator": "transformer"}),
    "transformer, 100 million": (
        LONG,
        {"generator": "transformer", "width": 768, "discriminator_width": 768, "heads": 12, "blocks": 12}
        | {"discriminator_blocks": 12},
    ),
    "images": (PIXELS, {"objective": "bgan"}),
}
"""What is timed. The names without a remark have the default sizes, which suit a CPU."""
CLOSE = 2e-3
"""Largest relative difference between numbers or gradients of a first step on two devices, in float32."""
LEAST = 1.0
"""Seconds that a figure is timed for."""


@dataclass(frozen=True)
class Scope:
    """How much is done.

    Attributes:
        device: what is looked at.
        small: as in the test suite: one generator for each objective, few steps, tiny nets.
    """

    device: torch.device
    small: bool

    @property
    def steps(self) -> int:
        """Steps of each method; three of them may wait."""
        return 4 if self.small else 20

    @property
    def least(self) -> float:
        """Seconds that a figure is timed for."""
        return 0.0 if self.small else LEAST

    @property
    def sizes(self) -> "Sizes":
        """What is timed."""
        tiny = {name: (SMALL[space], given | TINY) for name, (space, given) in SIZES.items()}
        few = ("conv", "rnn", "transformer", "images")
        return {name: tiny[name] for name in few} if self.small else SIZES

    @property
    def methods(self) -> "Iterator[tuple[str, Space, dict[str, Any]]]":
        """Every objective, with each generator that it takes in its usual credit, and images and labels."""
        for name, row in OBJECTIVES.items():
            able = [each for each in GENERATORS if TOKENS in row.samples and taken(name, each)]
            for generator in able[: 1 if self.small else None]:
                yield f"{name}, {generator}", SMALL_TEXT, {"objective": name, "generator": generator}
            if CONTINUOUS in row.samples:
                yield f"{name}, images", SMALL_PIXELS, {"objective": name}
        for credit in ("prefix", "sequence", "token"):
            yield f"importance, rnn, {credit}", SMALL_TEXT, {"generator": "rnn", "credit": credit}
        yield "importance, prefixes both", SMALL_TEXT, {"prefixes": "both"}
        yield "importance, classifier", LabelSpace(SMALL_PIXELS, 5), {"generator": "classifier"}


def taken(objective: str, generator: str) -> bool:
    """Whether an objective takes a generator."""
    try:
        Config.given({"objective": objective, "generator": generator})
    except bt.UserError:
        return False
    return True


class Report:
    """What was found: checks with their outcome, and figures by name.

    Attributes:
        products: operations a second of a product of matrices, by the arithmetic.
    """

    def __init__(self, minutes: float) -> None:
        self.end = time.monotonic() + 60 * minutes
        self.failed: list[str] = []
        self.passed = 0
        self.figures: dict[str, Any] = {}
        self.products: dict[str, float] = {}

    def check(self, name: str, right: bool, remark: str = "") -> None:
        self.passed += right
        if not right:
            self.failed.append(name)
            print(f"  WRONG {name}: {remark}", flush=True)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """A part whose failure is one failed check."""
        try:
            yield
        except Exception as error:
            reason = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.check(name, False, f"{reason} ({Path(where.filename).name}:{where.lineno})")

    def late(self, title: str) -> bool:
        """Whether the time is spent, so that something is left out, which is said."""
        if time.monotonic() < self.end:
            return False
        print(f"{title}: left out, the time is spent", flush=True)
        return True

    def section(self, title: str, run: Callable[[], None]) -> None:
        """A part with a title, if there is time."""
        if self.late(title):
            return
        print(title, flush=True)
        begun, before = time.monotonic(), self.passed
        with self.part(title):
            run()
        taken = time.monotonic() - begun
        print(f"  {self.passed - before} checks passed, {taken:.1f} s", flush=True)


def host_stream(device: torch.device, seed: int) -> torch.Generator:
    """A random stream of the host that says that it is of the device."""
    kind = type("HostStream", (torch.Generator,), {"device": device})
    stream: torch.Generator = kind().manual_seed(seed)
    return stream


class HostNumbers(TorchFunctionMode):
    """Numbers of `host_stream` come from the host, wherever they are needed."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in (torch.randn, torch.rand):
            device = kwargs.pop("device", None)
            return func(*args, **kwargs).to(device)
        if func is Tensor.exponential_:
            return args[0].copy_(torch.empty(args[0].shape).exponential_(**kwargs))
        if func is torch.multinomial:
            return func(args[0].cpu(), *args[1:], **kwargs).to(args[0].device)
        return func(*args, **kwargs)


def settings_of(space: Space, given: dict[str, Any]) -> Config:
    """The settings of a run on such samples."""
    kind = None if isinstance(space, LabelSpace) else image_kind(space)
    return Config.given({"steps": 1000, **given}, kind)


def started(space: Space, given: dict[str, Any], device: torch.device) -> tuple[Trainer, list[Batch]]:
    """A trainer, and the batches of a step: random ones, the same on each device."""
    config = settings_of(space, given)
    trainer = Trainer(State.fresh(config, space, device), config)
    rng = torch.Generator().manual_seed(1)
    image = space.image if isinstance(space, LabelSpace) else space
    if isinstance(image, TokenSpace):
        batch: Batch = torch.randint(image.vocabulary, (config.batch, image.positions), generator=rng).to(
            device
        )
    else:
        shape = config.batch, image.channels, image.height, image.width
        batch = (torch.rand(shape, generator=rng) * 2 - 1).to(device)
        if isinstance(space, LabelSpace):
            labels = torch.randint(space.classes, (config.batch, 1), generator=rng)
            batch = LabelledImages(batch, labels.to(device))
    return trainer, [batch] * config.discriminator_steps


def gap(one: Tensor, other: Tensor) -> float:
    """The norm of the difference, as a share of that of the first."""
    one, other = one.double().cpu(), other.double().cpu()
    return float((one - other).norm() / one.norm().clamp(min=1e-6))


def divergences(report: Report, scope: Scope) -> None:
    """Values and gradients of all f-divergences on the CPU and on the device."""
    scores = torch.linspace(-45.0, 45.0, 1801)
    rows = {**DIVERGENCES, **{f"alpha {a:g}": alpha_divergence(a) for a in (0.0, 0.5, 1.0, 2.0)}}
    for name, divergence in rows.items():
        for side in ("real", "fake"):
            with report.part(f"{name}, {side}"):
                found = []
                for where in (CPU, scope.device):
                    leaf = scores.to(where).requires_grad_()
                    value = getattr(divergence, side)(leaf)
                    (slope,) = torch.autograd.grad(value.sum(), leaf)
                    found += [value.detach().cpu(), slope.cpu()]
                for what, one, other in (("values", found[0], found[2]), ("gradients", found[1], found[3])):
                    same = torch.allclose(one, other, rtol=1e-4, atol=1e-5)
                    report.check(f"{name}, {what} of {side}", same and bool(other.isfinite().all()))


def first_steps(report: Report, scope: Scope) -> None:
    """One step from the same weights, data and random numbers on the CPU and on the device."""
    worst = 0.0
    for name, space, given in scope.methods:
        with report.part(name):
            found = []
            for where in (CPU, scope.device):
                trainer, batches = started(space, {**FEW, **given, "precision": "float32"}, where)
                trainer.state.rng = host_stream(where, 2)
                with HostNumbers():
                    numbers = trainer.step(batches, 0.0).read()
                nets = trainer.state.generator, trainer.state.discriminator
                parts = [[w.grad.flatten() for w in net.parameters() if w.grad is not None] for net in nets]
                found.append((numbers, [torch.cat(part) for part in parts if part]))
            (numbers, gradients), (others, other_gradients) = found
            gaps = {key: gap(torch.tensor(numbers[key]), torch.tensor(others[key])) for key in numbers}
            gaps = {key: value for key, value in gaps.items() if abs(numbers[key]) > 1e-3}
            pairs = zip(gradients, other_gradients, strict=True)
            gaps |= {f"gradient {number}": gap(*pair) for number, pair in enumerate(pairs)}
            key = max(gaps, key=lambda each: gaps[each])
            worst = max(worst, gaps[key])
            report.check(f"{name}: first step", gaps[key] < CLOSE, f"{key} differs by {gaps[key]:.1e}")
    report.figures["largest relative difference of a first step"] = worst
    print(f"  largest relative difference {worst:.1e}")


def steps_without_a_wait(report: Report, scope: Scope) -> None:
    """Twenty steps of each method, the last 17 of which may not wait for the device."""
    for name, space, given in scope.methods:
        with report.part(f"{name}: steps"):
            trainer, batches = started(space, FEW | given, scope.device)
            for _ in range(3):
                numbers = trainer.step(batches, 0.0)
            with no_waiting(scope.device):
                for _ in range(scope.steps - 3):
                    numbers = trainer.step(batches, 0.0)
            finite = all(map(math.isfinite, numbers.read().values())) and not trainer.state.nonfinite.item()
            report.check(f"{name}: finite after {scope.steps} steps", finite)


@contextmanager
def no_waiting(device: torch.device) -> Iterator[None]:
    """On a GPU whatever waits for it is an error within."""
    if device.type != "cuda":
        yield
        return
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def runs(report: Report, scope: Scope) -> None:
    """A run that is stopped and resumed beside one that is not, and samples of it."""
    device = scope.device
    with tempfile.TemporaryDirectory() as place:
        data = bt.prepare(list(sentences(0, 300)), tokenizer="word", length=20, out=Path(place) / "data")
        common = {"device": str(device), "evaluate_every": "1000", "lr_schedule": "constant", **FEW}
        whole = bt.train(data, steps=8, out=Path(place) / "whole", **common)
        parts = bt.train(data, steps=4, out=Path(place) / "parts", **common).resume(steps=8)
        nets = [RunFolder(run.folder).generator(device, average=False) for run in (whole, parts)]
        weights = [torch.cat([weight.flatten() for weight in net.parameters()]) for net in nets]
        apart = gap(*weights)
        report.figures["difference of a resumed run"] = apart
        bitwise = "bit for bit" if torch.equal(*weights) else f"to {apart:.1e}"
        print(f"  a resumed run is the one that was not stopped {bitwise}")
        report.check("resume", apart < (CLOSE if device.type == "cuda" else 1e-12), f"{apart:.1e}")
        one, other = (parts.sample(8, seed=3) for _ in range(2))
        report.check("samples of a seed", list(one) == list(other) and len(one) == 8)


def memory(report: Report, scope: Scope) -> None:
    """A step with too little memory for all draws at once beside one with enough."""
    device = scope.device
    many = {"batch": 4, "draws": 8} if scope.small else {"batch": 64, "draws": 80, "width": 256}
    if not scope.small:
        many["discriminator_width"] = 256
    for name, credit in (("conv", "sequence"), ("rnn", "prefix")):
        given = {**TINY, "generator": name, "credit": credit, "precision": "float32", **many}
        with report.part(f"memory, {name}"):
            found, sizes = [], []
            for little in (False, True):
                trainer, batches = started(SMALL_TEXT if scope.small else TEXT, given, device)
                if little and device.type != "cuda":
                    trainer.update.portions.size = 3
                with at_most(0.6 * found[0][2] if little else math.inf, device):
                    trainer.step(batches, 0.0)
                    numbers = trainer.step(batches, 0.0).read()
                peak = torch.cuda.max_memory_allocated() if device.type == "cuda" else 0
                weights = torch.cat([weight.flatten() for weight in trainer.state.generator.parameters()])
                found.append((numbers, weights.detach(), peak))
                sizes.append(trainer.update.portions.size)
            apart = gap(found[0][1], found[1][1])
            report.check(f"memory, {name}: fewer draws at a time", sizes[1] < sizes[0], f"{sizes}")
            report.check(f"memory, {name}: the same update", apart < 5 * CLOSE, f"{apart:.1e}")
            print(f"  {name}: {sizes[1]} of {sizes[0]} draws at a time, the weights differ by {apart:.1e}")


@contextmanager
def at_most(size: float, device: torch.device) -> Iterator[None]:
    """On a GPU, no more than so many bytes may be taken within."""
    if device.type != "cuda":
        yield
        return
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    total = torch.cuda.get_device_properties(device).total_memory
    try:
        torch.cuda.set_per_process_memory_fraction(min(1.0, size / total), device)
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
