"""What fails for want of memory says what it was, and advises only what helps there."""

from pathlib import Path
from typing import Any

import pytest
import torch

import bgan_text as bt
from bgan_text.corpora import dataset_directory, prepare
from bgan_text.evaluation import text
from bgan_text.out_of_memory import OutOfMemoryError, is_out_of_memory, out_of_memory
from bgan_text.training import checkpoint, samples, state
from bgan_text.training.trainer import Trainer

TINY: dict[str, Any] = {"width": 8, "discriminator_width": 8, "noise": 4, "batch": 4, "precision": "float32"}
CPU = "[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried to allocate"
CUBLAS = "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"
CUDA = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
ERRORS = [MemoryError(), CUDA, RuntimeError(CPU), RuntimeError(CUBLAS)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("folders")
    texts = [f"{a}{b}" for a in "abcdef" for b in "abcdef"]
    data = bt.prepare(texts, tokenizer="char", out=folder / "data")
    bt.train(data, steps=2, out=folder / "run", **TINY)
    return folder


def failing(error: Exception) -> Any:
    def fail(*arguments: Any, **options: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("error", ERRORS, ids=["python", "cuda", "cpu", "cublas"])
def test_the_cause_is_told_and_a_batch_is_blamed_in_a_step_alone(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def train() -> Any:
        return bt.train(folders / "data", steps=1, out=tmp_path / "new", **TINY)

    cases: list[tuple[Any, str, Any, str]] = [
        (Trainer, "step", train, "in a training step: lower `batch`, `width` or `discriminator_width`"),
        (state, "build_nets", train, "while the nets are built: lower `width`"),
        (
            checkpoint,
            "build_generator",
            lambda: bt.load_run(folders / "run").sample(1),
            "while the nets of the run are built",
        ),
        (
            samples.torch,
            "randn",
            lambda: bt.load_run(folders / "run").sample(1),
            "while samples are drawn: this generator needs",
        ),
        (
            dataset_directory.DatasetDirectory,
            "_samples",
            lambda: bt.DatasetDirectory(folders / "data").rows("train"),
            "samples are read: prepare fewer with `limit`",
        ),
        (
            prepare,
            "prepare_text",
            lambda: bt.prepare(["a b"], out=tmp_path / "made"),
            "while text is read: lower `limit`",
        ),
        (
            text,
            "gather",
            lambda: bt.evaluate([["a b", "c"]], reference=["a b", "d"]),
            "while samples are scored: lower `count`",
        ),
    ]
    for place, name, use, part in cases:
        with monkeypatch.context() as patched:
            patched.setattr(place, name, failing(error))
            with pytest.raises(OutOfMemoryError) as caught:
                use()
        message = str(caught.value)
        assert message.startswith("out of memory ")
        assert part in message
        assert ("`batch`" in message) == (name == "step")
        assert len(message.splitlines()) == 1


def test_draws_are_blamed_where_they_are_read(folders: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Trainer, "step", failing(MemoryError()))
        with pytest.raises(OutOfMemoryError, match="lower `batch`, `draws`, `width`"):
            bt.train(folders / "data", steps=1, out=tmp_path / "new", generator="conv", **TINY)


def test_other_errors_stay_as_they_are() -> None:
    for error in (RuntimeError("shape mismatch"), ValueError("out of memory"), bt.UserError("out of memory")):
        assert not is_out_of_memory(error)
        with pytest.raises(type(error), match=str(error)) as caught, out_of_memory("in a test", "rest"):
            raise error
        assert caught.value is error
