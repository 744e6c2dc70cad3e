"""Every field of the project's own JSON files, with wrong values: refused by file and field, or right."""

import copy
import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bgan_text as bt
from bgan_text.corpora.palette import load_palette
from bgan_text.corpora.tokenizer import load_tokenizer, signature
from bgan_text.files import digest_of, read_json
from bgan_text.studies.planned_run import PlannedRun
from bgan_text.studies.reproduction import _claim
from bgan_text.studies.runner import Kept
from bgan_text.studies.scoring import RunScores
from bgan_text.training.checkpoint_check import header_of
from bgan_text.training.metrics_log import MetricsLog
from bgan_text.training.run import RunFolder

TINY: dict[str, Any] = {"width": 8, "discriminator_width": 8, "noise": 4, "batch": 4, "precision": "float32"}
DEEP: Any = 1
for _ in range(60):
    DEEP = [DEEP]
VALUES = [
    None, True, False, "x", "", "\ud800", 1e20, 10**20, 2.5, -1, -0.5, 0, 2**53 + 1, 2**63, 10**400, math.nan,
    math.inf, [], {}, [[]], ["\ud800"], {"\ud800": 1}, {"a": "\ud800"}, {"a": math.nan}, DEEP,
]  # fmt: skip
Place = tuple[str | int, ...]
Read = Callable[[], Any]
Write = Callable[[Any], bytes]


def places(value: Any, here: Place = ()) -> Iterator[Place]:
    """The paths of all fields of a JSON value."""
    items = (
        value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    )
    for name, item in items:
        yield (*here, name)
        yield from places(item, (*here, name))


def replaced(value: Any, place: Place, new: Any) -> Any:
    changed = copy.deepcopy(value)
    inner = changed
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = new
    return changed


def at(value: Any, place: Place) -> Any:
    for name in place:
        value = value[name]
    return value


class Case:
    """A file, how it is written, and how it is read."""

    def __init__(
        self, path: Path, read: Callable[[], Any], write: Callable[[Any], bytes], value: Any
    ) -> None:
        self.path, self.read, self.write, self.value = path, read, write, value

    def refusal(self, value: Any) -> str | None:
        self.path.write_bytes(self.write(value))
        try:
            self.read()
        except bt.UserError as error:
            return str(error)
        return None


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


def with_end(value: Any) -> bytes:
    return text(value) + b"\n"


def is_digest(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64


def with_digest(card: Any) -> bytes:
    return text(card | {"sha256": digest_of(card)} if is_digest(card.get("sha256")) else card)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("folders")
    texts = [f"{a}{b}" for a in "abcdef" for b in "abcdef"]
    data = bt.prepare(texts, tokenizer="char", out=folder / "data")
    rows = np.array([[a, b, 5] for a in range(6) for b in range(6)])
    bt.prepare(rows, vocabulary=6, end=5, out=folder / "tokens")
    pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3)).astype(np.uint8)
    bt.prepare(pixels, colors=4, out=folder / "images")
    settings = TINY | {"steps": 2, "save_every": "2", "evaluate_every": "2", "log_every": 1}
    first = bt.train(data, out=folder / "first", **settings)
    bt.train(data, out=folder / "run", start_from=first, **settings)
    return folder


def _opened(folder: Path) -> None:
    data = bt.DatasetDirectory(folder)
    data.codec()
    data.rows("train")
    data.labels("train")


def _checked_run(folder: Path) -> None:
    run = RunFolder(folder)
    if signature(load_tokenizer(folder)) != run.data["tokenizer"]:
        raise bt.UserError(f"{folder} was trained with {run.data['tokenizer']}")


def cases(folder: Path) -> dict[str, Case]:
    def of(
        name: str, read: Callable[[], Any], write: Callable[[Any], bytes] = text, value: Any = None
    ) -> Case:
        path = folder / name
        return Case(path, read, write, json.loads(path.read_bytes()) if value is None else value)

    found = {
        f"{kind}/card.json": of(f"{kind}/card.json", lambda kind=kind: _opened(folder / kind), with_digest)
        for kind in ("data", "tokens", "images")
    }
    for name in ("data/tokenizer.json", "tokens/tokenizer.json"):
        found[name] = of(name, lambda name=name: load_tokenizer((folder / name).parent))
    found["images/palette.json"] = of("images/palette.json", lambda: load_palette(folder / "images"))
    found["data/train/state.json"] = of("data/train/state.json", lambda: _opened(folder / "data"))
    found["run/run.json"] = of("run/run.json", lambda: _checked_run(folder / "run"))
    log = folder / "run" / "metrics.jsonl"
    for number, line in enumerate(log.read_bytes().splitlines()):
        found[f"metrics line {number}"] = Case(log, MetricsLog(log).rows, with_end, json.loads(line))
    numbers = {"scores": {"js-4": 0.5, "b": None}, "real": {"js-4": 0.1}, "settings": {"a": [1]}}
    kept = {
        "of": {"version": "0.5.0", "step": 2, "settings": {"samples": 5, "names": ["a"]}},
        "measured": numbers | {"effective": 1.5},
    }
    path = folder / "run" / "scores.json"
    found["scores.json"] = of(
        "run/scores.json", lambda: RunScores.from_json(read_json(path, Kept).measured, path), value=kept
    )
    planned, failure = PlannedRun("run", {"steps": 2}, folder / "run"), {"reason": "why", "step": 2}
    found["failed.json"] = of("run/failed.json", planned.failure, value=failure | {"seconds": 1.5})
    mark = {"experiment": "mnist-distances", "scale": "smoke"}
    found["experiment.json"] = of("experiment.json", lambda: _claim(folder, *mark.values()), value=mark)
    counters = {"step": "2", "elapsed": "1.5e-05", "device": "cpu", "log": "0" * 8}
    header = {"format": "bgan-text", **counters, "sha256": "{}"}
    file = folder / "checkpoint-000000002.json"  # the header of a checkpoint by itself
    found["header"] = Case(file, lambda: header_of(file, json.loads(file.read_bytes())), text, header)
    return found


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= 1.8e308 and value == value and value != math.inf


def is_positive(value: Any) -> bool:
    return is_number(value) and value >= 0


def is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= 2**53


def is_json(value: Any) -> bool:
    """What a place takes that holds any JSON."""
    if isinstance(value, float):
        return is_number(value)
    large = type(value) is int and value >= 2**63
    return not large and "\\ud800" not in ascii(value) and "nan" not in ascii(value) and value is not DEEP


RIGHT: dict[str, Callable[[Any], bool]] = {
    r"card.json (version|signature)": is_text,
    r"card.json settings (corpus|column|encoding|tokenizer|background)": is_text,
    r"card.json settings paths": lambda value: value in ([], ["\ud800"]),  # a path may have any bytes
    r"card.json settings (keep_duplicates|lowercase|grey)": lambda value: isinstance(value, bool),
    r"card.json settings (length|colors|size|vocabulary|end)": lambda value: (
        value is None or type(value) is int
    ),
    r"card.json settings (limit|column|seed|corrupt)": is_count,
    r"card.json space (end|absent)": lambda value: value is None or value == 0,
    r"card.json counts (?!train).*": is_count,
    r"card.json files (validation|test|.*\.json ).*": lambda value: (
        value == 0 or value == []
    ),  # not read here
    r"card.json summary (cut|dropped|unknown)": lambda value: value == 0,
    r"card.json summary (rows|vocabulary|lengths .*)": is_count,
    r"card.json summary warnings": lambda value: value == [],
    r"tokenizer.json symbols.*": lambda value: is_text(value) or value == [],
    r"tokenizer.json end": lambda value: value is None or value == 0,
    r"palette.json colors.*": lambda value: value is None or value == 0,
    r"state.json _(?!data_files).*": lambda value: True,  # of datasets, and not read
    r"run.json (version|data (corpus|signature))": is_text,
    r"run.json (data|started_from) folder": lambda value: isinstance(value, str),
    r"run.json settings .*": lambda value: is_positive(value) or isinstance(value, bool) or value is None,
    r"run.json space (end|absent)": lambda value: value is None,
    r"run.json started_from": lambda value: value is None,
    r"run.json started_from step": is_count,
    r"metrics.jsonl step": is_count,
    r"metrics.jsonl seconds": is_positive,
    r"metrics.jsonl samples.*": lambda value: is_text(value) or value == [],
    # Earlier versions wrote NaN, which is read as None.
    r"metrics.jsonl (?!step|seconds|samples).*": lambda value: value is None or type(value) in (int, float),
    r"scores.json (of|measured settings).*": is_json,
    r"scores.json measured (scores|real)": lambda value: value == {},
    r"scores.json measured (scores .*|real .*|effective)": lambda value: value is None or is_number(value),
    r"checkpoint-000000002.json log": lambda value: value == "00000000",
    r"checkpoint-000000002.json sha256": is_text,  # the digests are compared with the tensors
    r"failed.json reason": is_text,
    r"failed.json step": is_count,
    r"failed.json seconds": is_positive,
}
CONTENT = (
    "is not in the card", "its card says", "it lists other files", "has no tokenizer file",
    "is the folder of", "was trained with", "is not JSON", "in format", "`steps` and `minutes`",
    "is nested too deeply", "is not as it was written",
)  # fmt: skip
"""What is told of a value that is of its type, but not that of the other files."""


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_wrong_value_of_any_field_is_refused_by_file_and_field(folders: Path, data: st.DataObject) -> None:
    found = cases(folders)
    name = data.draw(st.sampled_from(sorted(found)))
    case = found[name]
    place = data.draw(st.sampled_from(list(places(case.value))))
    value = data.draw(st.sampled_from(VALUES))
    before = case.path.read_bytes() if case.path.exists() else None
    try:
        told = case.refusal(replaced(case.value, place, value))
    finally:
        case.path.write_bytes(before) if before is not None else case.path.unlink()
    field = " ".join(map(str, place))
    if told is None:
        same = value == at(case.value, place)
        accepted = [right for part, right in RIGHT.items() if re.fullmatch(part, f"{case.path.name} {field}")]
        assert same or any(right(value) for right in accepted), (name, field, value)
        return
    assert len(told.splitlines()) == 1, told
    assert len(told) < 500, told
    assert str(folders) in told, told
    named = case.path.name in told and any(str(part) in told for part in place if isinstance(part, str))
    assert named or any(part in told for part in CONTENT), (name, field, value, told)
