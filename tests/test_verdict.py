"""The line that ends a comparison, and what is said beside scores of too little data."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bgan_text as bt
from bgan_text.evaluation.enough import noted
from bgan_text.scores.score import Score

Command = Callable[..., Any]


@pytest.fixture(scope="module")
def texts() -> dict[str, list[str]]:
    """Real sentences, good ones of which few differ, and varied ones, half of them in a random order."""
    from bgan_text.corpora.grammar import sentences

    drawn = list(sentences(1, 900))
    rng = random.Random(0)
    return {
        "real": drawn[:400],
        "good": drawn[400:410] * 20,
        "varied": [shuffled(text, rng) if place % 2 else text for place, text in enumerate(drawn[440:640])],
        "alike": drawn[640:840],
        "other": [*drawn[700:900]],
    }


def shuffled(text: str, rng: random.Random) -> str:
    words = text.split()
    return " ".join(rng.sample(words, len(words)))


def line(texts: dict[str, list[str]], first: str, second: str, **options: Any) -> str:
    models = {name: texts[name] for name in (first, second)}
    report = bt.evaluate(models, reference=texts["real"], seed=1, **options)
    return report.compare(first, second).verdict


def test_one_is_better_at_quality_and_the_other_at_variety(texts: dict[str, list[str]]) -> None:
    number = r"[\d.]+"
    for first, second in (("good", "varied"), ("varied", "good")):
        found = line(texts, first, second)
        assert re.fullmatch(
            rf"better at quality: good \(bleu-4 ({number}) against ({number}), by {number} ±{number}\); "
            rf"better at variety: varied \(recall-3 ({number}) against ({number}), by {number} ±{number}\)",
            found,
        ), found
        values = [float(value) for value in re.findall(rf"({number}) against ({number})", found)[0]]
        assert values[0] > values[1]  # that of the better one comes first


def test_a_difference_within_noise_has_no_winner(texts: dict[str, list[str]]) -> None:
    found = line(texts, "alike", "other")
    assert found.count("neither by more than noise") == 2


def test_without_intervals_nobody_wins(texts: dict[str, list[str]]) -> None:
    found = line(texts, "good", "varied", resamples=0)
    assert found.count("not known, since there is no interval") == 2


def test_the_line_ends_a_comparison_in_every_format(texts: dict[str, list[str]], bgan: Command) -> None:
    for name in ("good", "varied", "real"):
        Path(f"{name}.txt").write_text("".join(text + "\n" for text in texts[name]))
    words = ("score", "--compare", "good.txt", "varied.txt", "--reference", "real.txt")
    for form in ((), ("--markdown",), ("--latex",)):
        text = " ".join(bgan(*words, *form).out.split())
        assert "better at quality: good" in text, form
        assert "better at variety: varied" in text, form
    assert "better at quality: good" in json.loads(bgan(*words, "--json").out)["comparison"]["verdict"]
    alone = bgan("score", "good.txt", "--reference", "real.txt").out
    assert "better at" not in alone


# Too little data


@pytest.mark.parametrize(
    ("name", "counts", "note"),
    [
        (
            "bleu-4",
            {"samples": 99, "references": 11},
            "99 samples and 11 references, at least 100 are needed",
        ),
        ("bleu-4", {"samples": 100, "references": 100}, ""),
        ("self-bleu-4", {"samples": 500, "references": 11}, ""),
        (
            "classifier-frechet",
            {"samples": 200, "references": 5000},
            "200 samples, at least 1,000 are needed",
        ),
        ("classifier-recall", {"samples": 2000, "training images": 60}, "60 training images, at least 1,000"),
        ("forward-likelihood", {"samples": 5, "training texts": 999}, "999 training texts, at least 1,000"),
        ("a-score-of-mine", {"samples": 1}, ""),
    ],
)
def test_scores_say_where_there_is_too_little_data(name: str, counts: dict[str, int], note: str) -> None:
    found = noted({name: Score(0.5, np.empty(0))}, counts)[name].note
    assert found == "" if note == "" else found.startswith(f"too little data: {note}")


def test_another_note_stays() -> None:
    found = noted({"bleu-4": Score(0.5, np.empty(0), note="mine")}, {"samples": 1, "references": 500})
    assert found["bleu-4"].note == "mine; too little data: 1 samples, at least 100 are needed"


def test_a_score_of_the_users_keeps_its_whole_name_beside_a_note(texts: dict[str, list[str]]) -> None:
    half = {"iso-639": lambda given: [1.0, *[float("nan")] * (len(given) - 1)]}
    report = bt.evaluate({"good": texts["good"]}, reference=texts["real"][:11], scores=half, resamples=0)
    shown = " ".join(report.to_markdown().split())
    assert "(iso-639)" in shown
    assert "11 references" in shown
    assert "bleu-4" not in shown.split("references", 1)[1]
