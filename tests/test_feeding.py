"""A batch is the same whether the device holds the data, or it is sent ahead, or read when it is needed."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

import bgan_text as bt
from bgan_text.batch import Batch, LabelledImages
from bgan_text.config import Config
from bgan_text.corpora import feeding
from bgan_text.corpora.feeding import Ahead, Parts, fits, held
from bgan_text.presets import CLASSIFIER
from bgan_text.training.data import sample_space, training_batches

CPU = torch.device("cpu")
ASKED = ((0, 0), (0, 1), (1, 0), (1, 1), (7, 1), (8, 0), (8, 0), (3, 0))
"""What training asks for, then what a resumed run and a test may ask for."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bt.DatasetDirectory]:
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    np.savez(
        folder / "a.npz",
        images=rng.integers(0, 256, (60, 8, 8), dtype=np.uint8),
        labels=rng.integers(0, 3, 60),
    )
    kinds = {"numbers": {"colors": "none"}, "drawn bits": {"colors": "2", "binarize": "stochastic"}}
    kinds["colours"] = {"colors": "4"}
    made = {name: bt.prepare(folder / "a.npz", **kind, out=folder / name) for name, kind in kinds.items()}
    texts = [f"{a}{b}" for a in "abcdefgh" for b in "ijklmnop"]
    return made | {"text": bt.prepare(texts, tokenizer="char", out=folder / "text")}


def batches_of(data: bt.DatasetDirectory, generator: str | None) -> Iterator[Batch]:
    given = {"batch": 6, "discriminator_steps": 2, "steps": 9, "generator": generator}
    images = {True: "quantised images", False: None}[data.images]
    config = Config.given(given, images if isinstance(data.space, bt.TokenSpace) else "continuous images")
    batches = training_batches(data, sample_space(data, config), config, CPU)
    return (batches(step, index) for step, index in ASKED)


@pytest.mark.parametrize("kind", ["text", "colours", "drawn bits", "numbers", "labels"])
@pytest.mark.parametrize("way", ["held", "ahead"])
def test_each_way_gives_the_same_batches(
    folders: dict[str, bt.DatasetDirectory], kind: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = folders["numbers" if kind == "labels" else kind]
    generator = CLASSIFIER if kind == "labels" else None
    expected = list(batches_of(data, generator))
    used: list[tuple[str, int]] = []

    class Noted(Ahead[Any]):
        def __init__(self, choose: Any, make: Any, device: torch.device, each_step: int) -> None:
            super().__init__(choose, make, device, each_step)
            used.append(("ahead", each_step))

    def filled(fill: Callable[[], torch.Tensor], size: int, device: torch.device) -> torch.Tensor:
        table = fill()
        assert size == table.numel() * table.element_size()
        assert table.dtype is torch.uint8
        used.append(("held", 0))
        return table

    monkeypatch.setattr(feeding, "on_host", lambda device: False)
    monkeypatch.setattr(feeding, "Ahead", Noted)
    if way == "held":
        monkeypatch.setattr(feeding, "held", filled)
    found = list(batches_of(data, generator))
    assert used == [("ahead", 2) if way == "ahead" else ("held", 0)]
    for one, other in zip(found, expected, strict=True):
        assert type(one) is type(other)
        if isinstance(one, LabelledImages):
            assert all(map(torch.equal, one, other))
        else:
            assert torch.equal(one, other)
            assert one.dtype == other.dtype
    assert len({str(batch) for batch in expected}) == len(set(ASKED))


def test_a_gpu_holds_what_takes_a_quarter_of_its_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (700, 9000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 500)  # of an earlier run, too
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 200)
    cuda, one = torch.device("cuda", 1), torch.ones(1)
    assert fits(250, cuda)
    assert not fits(251, cuda)
    assert not fits(1, CPU)
    assert held(lambda: one, 250, cuda) is one
    assert held(lambda: one, 251, cuda) is None


def failing(error: Exception) -> Callable[[], torch.Tensor]:
    def fill() -> torch.Tensor:
        raise error

    return fill


def test_what_does_not_fit_after_all_is_sent_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "fits", lambda size, device: True)
    assert held(failing(torch.OutOfMemoryError("CUDA out of memory")), 1, CPU) is None
    with pytest.raises(bt.UserError, match="damaged"):
        held(failing(bt.UserError("damaged")), 1, CPU)
    with pytest.raises(RuntimeError, match="no such device"):
        held(failing(RuntimeError("no such device")), 1, CPU)


def test_the_next_batch_is_made_by_a_thread_in_the_meantime() -> None:
    chosen: list[tuple[int, int]] = []
    threads: set[int] = set()
    made = threading.Semaphore(0)

    def choose(step: int, index: int) -> Parts:
        chosen.append((step, index))
        threads.add(threading.get_ident())
        made.release()
        if step == 2:
            raise bt.UserError("a row is damaged")
        return (torch.tensor([step, index]),)

    batches = Ahead(choose, lambda parts: parts[0].tolist(), CPU, 2)
    for number, (step, index) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        assert batches(step, index) == [step, index]
        for _ in range(2 if number == 0 else 1):
            assert made.acquire(timeout=60)
        assert len(chosen) == number + 2  # this one, and the one after it
    assert chosen == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]
    assert threading.get_ident() not in threads
    with pytest.raises(bt.UserError, match="a row is damaged"):
        batches(2, 0)
    assert batches(0, 1) == [0, 1]


def test_a_cpu_reads_a_batch_when_it_is_asked_for(folders: dict[str, bt.DatasetDirectory]) -> None:
    before = threading.active_count()
    batches = folders["text"].batches(4, 0, CPU, each_step=3)
    batches(0, 0)
    assert threading.active_count() == before
    assert not isinstance(batches, Ahead)
