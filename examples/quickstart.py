"""From a list of sentences to a trained GAN, samples and scores, all from Python.

    python examples/quickstart.py

A minute of training is far too little for good text; give it ten.
"""

import random
import sys
from pathlib import Path

import bgan_text as bt

home = Path(sys.argv[1] if len(sys.argv) > 1 else "quickstart")
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0

rng = random.Random(0)
subjects, verbs, objects = (
    ["the cat", "a dog", "my cousin"],
    ["sees", "likes", "draws"],
    ["a tree", "the sea", "it"],
)
lines = [" ".join(map(rng.choice, (subjects, verbs, objects))) + f" {rng.randrange(99)}" for _ in range(2000)]

data = bt.prepare(lines, tokenizer="char", length=32, out=home / "data")
run = bt.train(data, bt.Config.given({"divergence": "js", "minutes": seconds / 60}), out=home / "run")
print(*run.sample(3, seed=1), sep="\n")

run = bt.load_run(home / "run")
run.resume(minutes=1.5 * seconds / 60)
texts = run.sample(200, seed=1, temperature=1.0)

report = bt.evaluate([run, texts, lines[:200]], data=data, count=200, resamples=100)
print(report.to_markdown())
