"""Training on a large vocabulary holds the logits of a batch, not those of each draw."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import bgan_text as bt
from bgan_text.space import TokenSpace
from bgan_text.training import samples

SMALL = {
    "steps": 1, "width": 8, "noise": 3, "discriminator_width": 4, "device": "cpu", "precision": "float32"
}  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "rnn": {},
    "transformer": {"generator": "transformer"},
    "conv": {"generator": "conv", "objective": "importance", "credit": "sequence"},
}


class LargestTensor(TorchDispatchMode):
    """Records the largest number of elements that any operation gives."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = 0

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = operation(*args, **(kwargs or {}))
        for one in found if isinstance(found, tuple | list) else (found,):
            if isinstance(one, torch.Tensor):
                self.largest = max(self.largest, one.numel())
        return found


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_step_and_no_sample_holds_logits_of_every_draw(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 100 draws and a vocabulary of 32,000 these would be 52 GB for 128 texts of 32 tokens."""
    vocabulary, length, batch, draws = 3000, 6, 8, 100
    monkeypatch.setattr(samples, "MOST_LOGITS", batch * length * vocabulary)  # of the evaluation
    rows = np.random.default_rng(0).integers(1, vocabulary, (400, length))
    data = bt.prepare(rows, vocabulary=vocabulary, out=tmp_path / "data")
    settings = SMALL | KINDS[kind] | {"batch": batch}
    if kind == "conv":
        settings["draws"] = draws
    with LargestTensor() as seen:
        bt.train(data, out=tmp_path / "run", **settings)
    logits = batch * length * vocabulary
    assert data.space.vocabulary >= vocabulary
    assert logits <= seen.largest <= max(logits, samples.SAMPLING_BATCH * vocabulary)


def test_fewer_samples_go_through_a_net_whose_logits_are_many() -> None:
    for length, vocabulary, rows in ((32, 1000, 256), (32, 8192, 256), (32, 32_000, 65), (2**14, 2**14, 1)):
        net = SimpleNamespace(space=TokenSpace(length, vocabulary))
        assert samples.rows_at_a_time(net) == rows
    token_by_token = SimpleNamespace(space=TokenSpace(32, 32_000), step=None)
    assert samples.rows_at_a_time(token_by_token) == 256
