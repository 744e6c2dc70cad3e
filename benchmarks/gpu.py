"""What a GPU gives: is what it computes right, does a step ever wait for it, and how fast is it?

    python benchmarks/gpu.py                        # on a GPU, at most 8 minutes
    python benchmarks/gpu.py --device cpu --small   # the same script in small, in seconds

Each section is apart: one that fails is reported, and the others go on. The exit code is 1 if a check failed.
Rates are set against the products of matrices that the same card computes in the same process. `--json` ends
the output with one line of JSON.
"""

import argparse
import itertools
import json
import math
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

import bgan_text as bt
from bgan_text.batch import Batch, LabelledImages
from bgan_text.config import Config
from bgan_text.corpora import feeding
from bgan_text.corpora.grammar import sentences
from bgan_text.device import choose_device, float32_products
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
SIDE, LEAST = {"cuda": 8192, "cpu": 1024}, 1.0
"""Of the matrices that are multiplied; and seconds that a figure is timed for."""


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

    def section(self, title: str, run: Callable[[], None]) -> None:
        if time.monotonic() > self.end:
            print(f"{title}: left out, the time is spent", flush=True)
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


def seconds(run: Callable[[], object], device: torch.device, least: float) -> float:
    """Time of one call: of as many as take `least` seconds together, between two waits for the device."""
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    for _ in range(3):
        run()
    wait()
    begun, count = time.perf_counter(), 0
    while count < 3 or time.perf_counter() - begun < least:
        run()
        count += 1
        if device.type != "cuda" or count % 10 == 0:
            wait()
    wait()
    return (time.perf_counter() - begun) / count


ARITHMETIC = {"float32": torch.float32, "tf32": torch.float32, "bfloat16": torch.bfloat16}


def matrix_products(report: Report, scope: Scope) -> None:
    """Operations a second of products of square matrices, by the arithmetic."""
    device, found = scope.device, report.products
    side = 64 if scope.small else SIDE[device.type]
    for name, dtype in ARITHMETIC.items():
        if name == "tf32" and device.type != "cuda":
            continue
        with report.part(f"matrix product, {name}"), float32_products(name, device):
            one, other = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
            out = torch.empty_like(one)
            found[name] = 2 * side**3 / seconds(partial(torch.mm, one, other, out=out), device, scope.least)
            print(f"  {name}: {found[name] / 1e12:.2f} TFLOP/s")
    report.figures["matrix product, TFLOP/s"] = {name: rate / 1e12 for name, rate in found.items()}


def operations(space: Space, given: dict[str, Any]) -> float:
    """Floating-point operations of a step for each sample of the batch, counted on the CPU."""
    few = {"batch": 2, "precision": "float32"}
    trainer, batches = started(space, given | few, CPU)
    with FlopCounterMode(display=False) as counter:
        trainer.step(batches, 0.0)
    return counter.get_total_flops() / few["batch"]


def rate(
    report: Report,
    name: str,
    case: tuple[Space, dict[str, Any]],
    how: str,
    scope: Scope,
    change: Callable[[Trainer], object] = lambda trainer: None,
) -> tuple[float, int]:
    """Steps a second of a case in an arithmetic, and the most memory that they took in bytes."""
    (space, given), device = case, scope.device
    trainer, batches = started(space, given | {"precision": how}, device)
    change(trainer)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    taken = seconds(lambda: trainer.step(batches, 0.0), device, scope.least)
    memory = torch.cuda.max_memory_allocated() if device.type == "cuda" else 0
    finite = not trainer.state.nonfinite.item()
    report.check(f"{name}, {how}: finite", finite)
    return 1.0 / taken, memory


def rates(report: Report, scope: Scope) -> None:
    """Steps a second, and the share of the rate of a product of matrices in the same arithmetic."""
    rows = report.figures.setdefault("rates", [])
    for name, (space, given) in scope.sizes.items():
        each = math.nan
        with report.part(f"{name}: operations"):
            each = operations(space, given)
        for how, product in report.products.items():
            with report.part(f"{name}, {how}"):
                steps, memory = rate(report, name, (space, given), how, scope)
                samples = steps * settings_of(space, given).batch
                share = samples * each / product
                rows.append(
                    {"name": name, "arithmetic": how, "steps": steps, "samples": samples, "share": share}
                    | {"memory": memory}
                )
                print(
                    f"  {name:26}{how:10}{steps:9.2f} steps/s{samples:12,.0f} samples/s"
                    f"{share:7.1%} of the product{memory / 2**30:8.2f} GiB",
                    flush=True,
                )


def compiled(trainer: Trainer) -> None:
    """Has torch compile both nets of a trainer."""
    for net in (trainer.state.generator, trainer.state.discriminator):
        net.compile()


def channels_last(trainer: Trainer) -> None:
    """Weights of convolutions in channels-last memory."""
    for net in (trainer.state.generator, trainer.state.discriminator):
        net.to(memory_format=torch.channels_last)


def variants(report: Report, scope: Scope) -> None:
    """The same steps in ways that no option offers, as ratios to the usual way."""
    ways: list[tuple[str, str, Callable[[Trainer], object]]] = [
        ("images", "channels-last weights", channels_last),
        ("conv", "channels-last weights", channels_last),
        ("conv", "torch.compile", compiled),
        ("transformer", "torch.compile", compiled),
    ]
    for name, title, change in ways[: 2 if scope.small else None]:  # compiling takes its time
        with report.part(f"{name}, {title}"):
            usual, _ = rate(report, name, scope.sizes[name], "bfloat16", scope)
            changed, _ = rate(report, f"{name}, {title}", scope.sizes[name], "bfloat16", scope, change)
            report.figures[f"{name}, {title}"] = changed / usual
            print(f"  {name}, {title}: {changed / usual:.2f} times the usual rate", flush=True)
            torch.compiler.reset()


def batches_of_data(report: Report, scope: Scope) -> None:
    """Steps with batches of a dataset directory that the device holds, or that are sent ahead."""
    device = scope.device
    with tempfile.TemporaryDirectory() as place:
        texts = list(sentences(0, 200 if scope.small else 20000))
        data = bt.prepare(texts, tokenizer="char", length=32, overlong="cut", out=Path(place) / "data")
        given = {"generator": "conv"} | (TINY if scope.small else {})
        ways = {"held": 1.0, "sent ahead": 0.0} if device.type == "cuda" else {"read": 0.0}
        for way, feeding.SHARE in ways.items():
            trainer, (fixed, *_) = started(data.space, given, device)
            batches = data.batches(trainer.config.batch, 0, device)
            expected = data.batches(trainer.config.batch, 0, CPU)
            steps = itertools.count()
            for step in (next(steps), next(steps)):
                same = torch.equal(batches(step, 0).cpu(), expected(step, 0))
                report.check(f"batches {way} are those of the CPU", same)
            usual = seconds(lambda: trainer.step([fixed], 0.0), device, scope.least)  # noqa: B023
            with no_waiting(device):
                for _ in range(3):
                    trainer.step([batches(next(steps), 0)], 0.0)
            taken = seconds(
                lambda: trainer.step([batches(next(steps), 0)], 0.0),  # noqa: B023
                device,
                scope.least,
            )
            report.figures[f"a step with data {way}"] = taken / usual
            print(f"  {way}: {taken / usual:.3f} times a step without data", flush=True)


SECTIONS: dict[str, Callable[[Report, Scope], None]] = {
    "Divergences": divergences,
    "First steps on the CPU and on the device": first_steps,
    "Steps without a wait": steps_without_a_wait,
    "Runs": runs,
    "Products of matrices": matrix_products,
    "Rates": rates,
    "Batches of data": batches_of_data,
    "Other ways": variants,
}


def main() -> int:
    """Run every section; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu")
    parser.add_argument("--small", action="store_true", help="small nets and short timings")
    parser.add_argument("--minutes", type=float, default=7.0, help="start no section after so long")
    parser.add_argument(
        "--json", action="store_true", help="print the figures as one line of JSON at the end"
    )
    options = parser.parse_args()
    device = choose_device(options.device)
    card = (
        torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    )
    print(f"torch {torch.__version__}, {device}: {card}")
    report, scope = Report(options.minutes), Scope(device, options.small)
    for title, run in SECTIONS.items():
        report.section(title, partial(run, report, scope))
    print(f"{report.passed} checks passed, {len(report.failed)} failed", *report.failed, sep="\n  ")
    if options.json:
        found = {"torch": torch.__version__, "device": card, "failed": report.failed, **report.figures}
        print(json.dumps(found))
    return int(bool(report.failed))


if __name__ == "__main__":
    sys.exit(main())
