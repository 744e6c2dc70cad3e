"""Scores count in the units of the data."""

import random
from pathlib import Path

import pytest

import bgan_text as bt
from bgan_text import scores
from bgan_text.corpora.smiles_tokenizer import SmilesTokenizer


def molecules(seed: int, count: int) -> list[str]:
    rng = random.Random(seed)
    return [
        "".join(rng.choices(["C", "Cl", "[C@@H]", "Br", "(O)", "N"], k=rng.randint(2, 6)))
        for _ in range(count)
    ]


def test_molecules_are_scored_by_atoms() -> None:
    samples, references = molecules(0, 60), molecules(1, 60)
    report = bt.evaluate({"mine": samples}, reference=references, tokenize="smiles", resamples=0)
    cells = report.columns[0].cells
    split = [[SmilesTokenizer.split(text) for text in texts] for texts in (samples, references)]
    assert cells["bleu-3"].value == pytest.approx(scores.bleu(*split, 3)[3].value, rel=1e-12)
    assert cells["length"].value == pytest.approx(sum(map(len, split[0])) / len(samples))
    assert report.settings["tokenize"] == "smiles"


@pytest.mark.parametrize(
    ("tokenizer", "units"),
    [("smiles", "smiles"), ("char", "char"), ("whitespace", "whitespace"), ("sentencepiece", "whitespace")],
)
def test_the_units_of_a_score_are_those_of_the_data(tokenizer: str, units: str, tmp_path: Path) -> None:
    data = bt.prepare(molecules(0, 200), tokenizer=tokenizer, out=tmp_path / "data")
    report = bt.evaluate({"mine": molecules(2, 30)}, data=data, resamples=0)
    assert report.settings["tokenize"] == units
