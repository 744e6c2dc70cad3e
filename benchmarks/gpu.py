"""What a GPU gives: is what it computes right, does a step ever wait for it, and how fast is it?

    python benchmarks/gpu.py                        # on a GPU, at most 8 minutes
    python benchmarks/gpu.py --device cpu --small   # the same script in small, in seconds

Each section is apart: one that fails is reported, and the others go on. The exit code is 1 if a check failed.
Rates are set against the products of matrices that the same card computes in the same process. `--json` ends
the output with one line of JSON.
"""

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from gpu_checks import (
    CPU,
    TINY,
    Report,
    Scope,
    divergences,
    first_steps,
    memory,
    no_waiting,
    runs,
    started,
    steps_without_a_wait,
)
from torch.utils.flop_counter import FlopCounterMode

import bgan_text as bt
from bgan_text.corpora import feeding
from bgan_text.corpora.grammar import sentences
from bgan_text.device import choose_device, float32_products
from bgan_text.space import Space
from bgan_text.training.trainer import Trainer, train

ARITHMETIC = {"float32": torch.float32, "tf32": torch.float32, "bfloat16": torch.bfloat16}
SIDE = {"cuda": 8192, "cpu": 1024}
"""Of the matrices that are multiplied."""


def seconds(run: Callable[[], object], device: torch.device, least: float) -> float:
    """Time of one call: of as many as take `least` seconds together, between two waits for the device."""
    return timed(run, device, least)[0]


def timed(run: Callable[[], object], device: torch.device, least: float) -> tuple[float, float]:
    """Time of one call, and that after which the host can go on to the next one."""
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    for _ in range(3):
        run()
    wait()
    begun, count, asking = time.perf_counter(), 0, 0.0
    while count < 3 or time.perf_counter() - begun < least:
        before = time.perf_counter()
        run()
        count, asking = count + 1, asking + time.perf_counter() - before
        if count % 10 == 0:  # so that the time that was asked for is not overrun
            wait()
    wait()
    return (time.perf_counter() - begun) / count, asking / count


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
) -> dict[str, float]:
    """Steps and samples a second of a case in an arithmetic, and the most memory that they took in bytes.

    `host` is the share of a step that the host takes to ask for it: near 1 the device waits for the host.
    """
    (space, given), device = case, scope.device
    trainer, batches = started(space, given | {"precision": how}, device)
    change(trainer)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    taken, asking = timed(lambda: trainer.step(batches, 0.0), device, scope.least)
    memory = torch.cuda.max_memory_allocated() if device.type == "cuda" else 0
    finite = not trainer.state.nonfinite.item()
    report.check(f"{name}, {how}: finite", finite)
    samples = trainer.config.batch / taken
    return {"steps": 1.0 / taken, "samples": samples, "host": asking / taken, "memory": memory}


def rates(report: Report, scope: Scope) -> None:
    """Steps a second, and the share of the rate of a product of matrices in the same arithmetic."""
    rows = report.figures.setdefault("rates", [])
    for name, (space, given) in scope.sizes.items():
        if report.late(name):
            continue
        each = math.nan
        with report.part(f"{name}: operations"):
            each = operations(space, given)
        for how, product in report.products.items():
            with report.part(f"{name}, {how}"):
                found = rate(report, name, (space, given), how, scope)
                found["share"] = found["samples"] * each / product
                rows.append({"name": name, "arithmetic": how, **found})
                print(
                    f"  {name:26}{how:10}{found['steps']:9.2f} steps/s{found['samples']:12,.0f} samples/s"
                    f"{found['share']:7.1%} of the product, host {found['host']:4.0%}"
                    f"{found['memory'] / 2**30:8.2f} GiB",
                    flush=True,
                )


def compiled(trainer: Trainer) -> None:
    """Has torch compile both nets of a trainer."""
    for net in (trainer.state.generator, trainer.state.discriminator):
        net.compile()


def tried_out(trainer: Trainer) -> None:
    """Has cuDNN try its algorithms out and take the fastest."""
    torch.backends.cudnn.benchmark = True


def channels_last(trainer: Trainer) -> None:
    """Weights of convolutions in channels-last memory."""
    for net in (trainer.state.generator, trainer.state.discriminator):
        net.to(memory_format=torch.channels_last)


def variants(report: Report, scope: Scope) -> None:
    """The same steps in ways that no option offers, as ratios to the usual way."""
    ways: list[tuple[str, str, Callable[[Trainer], object]]] = [
        ("images", "channels-last weights", channels_last),
        ("conv", "channels-last weights", channels_last),
        ("images", "cudnn.benchmark", tried_out),
        ("conv", "cudnn.benchmark", tried_out),
        ("conv", "torch.compile", compiled),
        ("transformer", "torch.compile", compiled),
    ]
    for name, title, change in ways[: 4 if scope.small else None]:  # compiling takes its time
        if report.late(f"{name}, {title}"):
            continue
        with report.part(f"{name}, {title}"):
            usual = rate(report, name, scope.sizes[name], "bfloat16", scope)
            changed = rate(report, f"{name}, {title}", scope.sizes[name], "bfloat16", scope, change)
            report.figures[f"{name}, {title}"] = ratio = changed["steps"] / usual["steps"]
            print(f"  {name}, {title}: {ratio:.2f} times the usual rate", flush=True)
        torch.compiler.reset()
        torch.backends.cudnn.benchmark = False


def batches_of_data(report: Report, scope: Scope) -> None:
    """Training with batches of a dataset directory that the device holds, or that are sent ahead."""
    device, usual_share = scope.device, feeding.SHARE
    with tempfile.TemporaryDirectory() as place:
        texts = list(sentences(0, 200 if scope.small else 20000))
        data = bt.prepare(texts, tokenizer="char", length=32, overlong="cut", out=Path(place) / "data")
        given = {"generator": "conv"} | (TINY if scope.small else {})
        for way, share in (
            {"held": 1.0, "sent ahead": 0.0} if device.type == "cuda" else {"read": 0.0}
        ).items():
            with report.part(f"batches {way}"):
                trainer, (fixed, *_) = started(data.space, given, device)
                config, state = trainer.config, trainer.state
                feeding.SHARE = share
                batches = data.batches(config.batch, 0, device)
                expected = data.batches(config.batch, 0, CPU)
                for step in range(2):
                    same = torch.equal(batches(step, 0).cpu(), expected(step, 0))
                    report.check(f"batches {way} are those of the CPU", same)
                usual = seconds(partial(trainer.step, [fixed], 0.0), device, scope.least)
                steps = train(state, config, batches, lambda state: state.step / 1e9)
                next(steps)
                with no_waiting(device):
                    for _ in range(5):
                        next(steps)
                taken = seconds(partial(next, steps), device, scope.least)
                report.figures[f"a step with data {way}"] = taken / usual
                print(f"  {way}: {taken / usual:.3f} times a step without data", flush=True)
    feeding.SHARE = usual_share


SECTIONS: dict[str, Callable[[Report, Scope], None]] = {
    "Divergences": divergences,
    "First steps on the CPU and on the device": first_steps,
    "Steps without a wait": steps_without_a_wait,
    "Runs": runs,
    "Memory": memory,
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
    try:
        device = choose_device(options.device)
    except bt.UserError as error:
        parser.error(str(error))
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
