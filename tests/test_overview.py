"""A run at a glance."""

from pathlib import Path
from typing import Any

import pytest

import bgan_text as bt
from bgan_text.described import read_settings
from bgan_text.overview import overview
from bgan_text.space import QUANTISED_IMAGES
from bgan_text.training.run import RunFolder


def names(settings: dict[str, list[tuple[str, str]]]) -> set[str]:
    return {name for named in settings.values() for name, _ in named}


def test_only_settings_that_the_objective_reads_are_shown() -> None:
    everything = {option.name for option in bt.Config.given({}).__dataclass_fields__.values()}
    text = names(read_settings(bt.Config.given({"objective": "mle"})))
    assert {"objective", "generator", "generator_lr", "beta1", "keep"} <= text < everything
    assert not {"divergence", "credit", "draws", "discriminator_lr", "weight_clip", "heads"} & text
    assert {"divergence", "draws", "baseline", "discriminator_lr"} <= names(
        read_settings(bt.Config.given({"objective": "reinforce", "generator": "conv"}))
    )
    images = bt.Config.given({}, QUANTISED_IMAGES)
    assert "blocks" not in names(read_settings(images, image_nets=True))


def test_a_run_is_shown_within_80_columns(
    data: bt.DatasetDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"width": 4, "discriminator_width": 4, "batch": 8, "precision": "float32"}
    monkeypatch.chdir(tmp_path)
    settings |= {"log_every": 1, "evaluate_every": "1"}
    run = bt.train(data, out="run", objective="importance", draws=3, steps=3, **settings)
    seen = overview(RunFolder(Path("run")), samples=0)
    lines = seen.lines()
    assert max(len(line) for line in lines if not line.startswith("trained on ")) <= 80
    start = next(place for place, line in enumerate(lines) if line.startswith("last step "))
    last = " ".join(line[len("last step") :].strip() for line in lines[start : start + 4])
    row = next(row for row in reversed(run.metrics()) if "samples" not in row)
    for name, value in row.items():
        assert f"{name} {value:.4g}" in last.partition("js-1")[0]
    assert [(step, best) for step, _, best in seen.checkpoints if best] == [(str(run.best), "best")]
    assert lines[lines.index("settings") + 1].split() == ["Data", "and", "run", "seed", "0"]
