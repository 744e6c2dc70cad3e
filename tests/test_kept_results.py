"""What a study keeps of its runs is compared with a digest before it is used again."""

import json
from pathlib import Path
from typing import Any

import pytest

import bgan_text as bt
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.files import read_sealed, write_sealed
from bgan_text.studies.planned_run import Failure, PlannedRun
from bgan_text.studies.runner import Kept, Runner

TINY: dict[str, Any] = {"width": 8, "discriminator_width": 8, "noise": 4, "batch": 4, "precision": "float32"}
TEXTS = [f"{a} {b}" for a in "abcdef" for b in "abcdef"]


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    data: DatasetDirectory = bt.prepare(TEXTS, tokenizer="word", out=tmp_path / "data")
    made = Runner([PlannedRun("a", TINY | {"steps": 1, "save_every": "1"}, tmp_path / "run")], data)
    made.train()
    return made


def test_a_changed_measurement_is_refused_and_an_older_one_without_digest_is_read(runner: Runner) -> None:
    run = runner.runs[0]
    runner.measure([run], "scores.json", {}, lambda _: [{"js-1": 0.25}])
    assert runner.kept(run, "scores.json", {}) == {"js-1": 0.25}
    path = run.folder / "scores.json"
    whole = path.read_text()
    for old, new in (("0.25", "0.35"), ("js-1", "jz-1"), ('"step": 1', '"step": 0')):
        path.write_text(whole.replace(old, new))
        with pytest.raises(bt.UserError, match=r"scores\.json is damaged: it is not as it was written"):
            runner.kept(run, "scores.json", {})
        found = bt.verify(run.folder)
        assert [Path(one.part).name for one in found.findings if one.problem] == ["scores.json"]
    content = json.loads(whole)
    del content["sha256"]
    path.write_text(json.dumps(content))
    assert runner.kept(run, "scores.json", {}) == {"js-1": 0.25}
    assert bt.verify(run.folder).sound


def test_a_changed_failure_is_refused(runner: Runner) -> None:
    run = runner.runs[0]
    path = run.folder / "failed.json"
    write_sealed(path, {"reason": "why", "step": 3, "seconds": 1.5})
    assert run.failure() == {"reason": "why", "step": 3, "seconds": 1.5}
    path.write_text(path.read_text().replace("3,", "4,", 1))
    with pytest.raises(bt.UserError, match="it is not as it was written"):
        run.failure()
    with pytest.raises(bt.UserError, match="it is not as it was written"):
        read_sealed(path, Failure)
    assert Kept.__struct_fields__[-1] == "sha256"
