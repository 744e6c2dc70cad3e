"""How a GPU multiplies, and the script that is run where there is one: in small, on the CPU."""

import json
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from bgan_text.config import Config
from bgan_text.device import float32_products
from bgan_text.space import TokenSpace
from bgan_text.training import trainer
from bgan_text.training.state import State

CUDA, CPU = torch.device("cuda"), torch.device("cpu")
SCRIPT = Path(__file__).parents[1] / "benchmarks" / "gpu.py"


def settings() -> tuple[str, bool]:
    return torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize("before", [("highest", True), ("medium", False)])
@pytest.mark.parametrize(
    ("precision", "within"),
    [("float32", ("highest", False)), ("tf32", ("high", True)), ("bfloat16", ("high", True))],
)
def test_products_are_those_of_the_precision_for_a_while(
    precision: str, within: tuple[str, bool], before: tuple[str, bool]
) -> None:
    usual = settings()
    try:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]
        with float32_products(precision, CPU):
            assert settings() == before
        with float32_products(precision, CUDA):
            assert settings() == within
        assert settings() == before
        with pytest.raises(ZeroDivisionError), float32_products(precision, CUDA):
            raise ZeroDivisionError
        assert settings() == before
    finally:
        torch.set_float32_matmul_precision(usual[0])
        torch.backends.cudnn.allow_tf32 = usual[1]


def test_settings_of_the_newer_kind_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def mixed() -> str:
        raise RuntimeError("you have used mix of the legacy and new APIs")

    usual = settings()
    monkeypatch.setattr(torch, "get_float32_matmul_precision", mixed)
    with float32_products("tf32", CUDA):
        monkeypatch.undo()
        assert settings() == usual


def test_a_step_is_made_with_the_products_of_its_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    @contextmanager
    def noted(precision: str, device: torch.device) -> Iterator[None]:
        asked.append((precision, device.type))
        yield
        asked.append(("end", ""))

    monkeypatch.setattr(trainer, "float32_products", noted)
    config = Config.given({"generator": "conv", "precision": "tf32", "batch": 4, "width": 8, "steps": 1})
    trained = trainer.Trainer(State.fresh(config, TokenSpace(6, 5), CPU), config)
    assert trained.update.dtype is torch.float32
    trained.step([torch.zeros(4, 6, dtype=torch.int64)], 0.0)
    assert asked == [("tf32", "cpu"), ("end", "")]


@pytest.fixture(autouse=True)
def beside_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))


def run(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> int:
    script = runpy.run_path(str(SCRIPT))
    script["SECTIONS"].update(changes)
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--device", "cpu", "--small", "--json"])
    result: int = script["main"]()
    return result


def test_the_script_for_a_gpu_is_right(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert not any("WRONG" in line or "left out" in line for line in lines)
    found = json.loads(last)
    assert found["failed"] == []
    assert {row["name"] for row in found["rates"]} == {"conv", "rnn", "transformer", "images"}
    assert all(row["steps"] > 0 and row["share"] > 0 for row in found["rates"])
    assert found["largest relative difference of a first step"] == 0.0
    assert found["difference of a resumed run"] == 0.0


def test_a_machine_without_a_gpu_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = runpy.run_path(str(SCRIPT))
    monkeypatch.setattr(sys, "argv", ["gpu.py"])
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(SystemExit) as left:
        script["main"]()
    assert left.value.code == 2
    assert "this machine has 0 CUDA devices" in capsys.readouterr().err


def test_a_section_that_fails_is_reported_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(report: Any, scope: Any) -> None:
        raise RuntimeError("no kernel image is available")

    def wrong(report: Any, scope: Any) -> None:
        report.check("sums", False, "1 + 1 is 3")

    def quick(report: Any, scope: Any) -> None:
        report.figures["quick"] = 1.0

    changes = dict.fromkeys(runpy.run_path(str(SCRIPT))["SECTIONS"], quick)
    assert run(monkeypatch, **(changes | {"Divergences": broken, "Runs": wrong})) == 1
    *lines, last = capsys.readouterr().out.splitlines()
    assert any("WRONG Divergences: RuntimeError: no kernel image is available" in line for line in lines)
    found = json.loads(last)
    assert found["failed"] == ["Divergences", "sums"]
    assert found["quick"] == 1.0
