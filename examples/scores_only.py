"""Score any texts, without training anything.

python examples/scores_only.py
"""

import bgan_text as bt

samples = ["the cat sat", "the cat ran", "a dog"]
references = ["the cat sat .", "a dog ran", "the dog sat", "a cat ran away"]

# One score at a time, of token sequences.
words = [text.split() for text in samples]
score = bt.scores.bleu(words, [text.split() for text in references])[2]
print(f"BLEU-2 {score.value:.3f}, of each sample {score.each.round(3).tolist()}")

# A whole report, beside real text.
report = bt.evaluate({"mine": samples}, reference=references, resamples=100)
print(report.to_markdown())
