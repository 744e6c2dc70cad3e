"""What a report costs: size, time to make it, and time until Chromium has drawn it.

    python benchmarks/report.py

It trains a run of a few steps, gives it the metrics of 10,000 steps with a line each, and reports it alone
and twenty of them over each other. The time to draw is that from the start of the page to the frame after the
last curve; the best of three, as are all times. Chromium must be installed.
"""

import json
import math
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bgan_text as bt
from bgan_text.corpora.grammar import sentences

STEPS, EVALUATIONS, RUNS, REPETITIONS = 10_000, 200, 20, 3
METRICS = {
    "next_token_bound": 0.1, "real_score": 0.3, "fake_score": -0.2, "bound": 0.1, "generator_loss": 0.2,
    "importance_variance": 0.4, "discriminator_gradient": 0.2, "generator_gradient": 0.3,
}  # fmt: skip
DRAWN = (
    "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
)


def synthetic(template: bt.Run, folder: Path, seed: int) -> Path:
    """A copy of a run with the metrics of many steps."""
    shutil.copytree(template.folder, folder, ignore=shutil.ignore_patterns("checkpoint-*"))
    lines = "".join(json.dumps(row) + "\n" for row in rows(random.Random(seed)))
    (folder / "metrics.jsonl").write_text(lines, "utf-8")
    record = json.loads((folder / "run.json").read_text("utf-8"))
    del record["sha256"]
    record["last_line"] = None
    (folder / "run.json").write_text(json.dumps(record), "utf-8")
    return folder


def rows(rng: random.Random) -> Iterator[dict[str, Any]]:
    """Noisy values that fall with the steps, and validations with ten samples."""
    texts = list(sentences(rng.randrange(1000), 100))
    for step in range(1, STEPS + 1):
        seconds = round(0.03 * step + 0.001 * rng.random(), 3)
        fall = math.exp(-step / 3000)
        yield {"step": step, "seconds": seconds} | {
            name: size * (0.2 + fall) * (1 + 0.3 * rng.gauss(0.0, 1.0)) for name, size in METRICS.items()
        }
        if step % (STEPS // EVALUATIONS) == 0:
            scores = {f"js-{order}": min(1.0, 0.1 * order * (0.5 + fall)) for order in (1, 2, 3, 4)}
            yield {"step": step, "seconds": seconds} | scores | {"samples": rng.sample(texts, 10)}


def drawn(browser: Any, path: Path) -> float:
    """Seconds until the page is drawn."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(path.as_uri())
    milliseconds = page.evaluate(DRAWN)
    page.close()
    return float(milliseconds) / 1000


def main() -> None:
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place)
        data = bt.prepare(list(sentences(0, 20_000)), tokenizer="word", length=24, out=folder / "data")
        template = bt.train(data, steps=2, width=8, discriminator_width=8, batch=8, out=folder / "template")
        runs = [synthetic(template, folder / f"run-{number:02}", number) for number in range(RUNS)]
        browser = playwright.chromium.launch(executable_path=program, chromium_sandbox=False)
        print(f"{STEPS:,} steps, {EVALUATIONS} validations each\n")
        print(f"{'runs':>4} {'bytes':>10} {'seconds to make':>16} {'seconds to draw':>16}")
        for chosen in (runs[:1], runs):
            made = []
            for _ in range(REPETITIONS):
                start = time.perf_counter()
                path = bt.report(chosen, out=folder / "report.html")
                made.append(time.perf_counter() - start)
            seconds = min(drawn(browser, path) for _ in range(REPETITIONS))
            print(f"{len(chosen):>4} {path.stat().st_size:>10,} {min(made):>16.2f} {seconds:>16.2f}")
        browser.close()


if __name__ == "__main__":
    main()
