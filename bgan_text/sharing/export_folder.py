"""The folder of an exported model: the nets of a checkpoint, what they need, and a card."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from bgan_text import __version__
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.image_grid import grid, write_png
from bgan_text.corpora.palette import load_palette
from bgan_text.corpora.staging import Replaced, staged
from bgan_text.corpora.tokenizer import load_tokenizer, signature
from bgan_text.errors import UserError
from bgan_text.files import finite, write_atomically, write_sealed
from bgan_text.objective_table import has_discriminator
from bgan_text.outputs import LIBRARY, MODEL_CONFIG, is_exported
from bgan_text.sampling import sample_images, sample_text
from bgan_text.sampling_options import BEST, SamplingOptions
from bgan_text.sharing.card_scores import CardScores, card_scores
from bgan_text.sharing.export_options import ExportOptions
from bgan_text.sharing.model_card import Facts, model_card
from bgan_text.space import LabelSpace, space_to_json
from bgan_text.training.checkpoint import read_header, read_tensors
from bgan_text.training.evaluations import is_evaluation
from bgan_text.training.exported_record import (
    CARD_FILE,
    DISCRIMINATOR_FILE,
    FILES,
    FORMAT,
    GENERATOR_FILE,
    GRID_FILE,
    read_record,
    stored_file,
)
from bgan_text.training.folders import untrained
from bgan_text.training.metrics_log import numbers_of
from bgan_text.training.run import RunFolder

SHOWN_TEXTS, SHOWN_IMAGES = 5, 64
"""Samples in the card."""
LONGEST_SHOWN = 400
"""Characters of a sample in the card."""
CPU = torch.device("cpu")


def export_run(
    run: RunFolder,
    folder: Path,
    options: ExportOptions | None = None,
    *,
    report: Any = None,
    repository: str | None = None,
) -> Path:
    """Write one checkpoint of a run as a model of the Hugging Face hub.

    Args:
        run: the run folder.
        folder: where; it appears whole or not at all.
        options: which checkpoint, and what the card says.
        report: the run's scores for the card, as of `export`.
        repository: the name that the model will have on the hub, for the card.

    Returns:
        The folder.

    Raises:
        UserError: there is no such checkpoint, it is damaged, or the folder holds something already.
    """
    options = options or ExportOptions()
    if _within(folder, run.folder):
        raise UserError(f"`folder` {folder} lies in the run {run.folder}: name another place")
    step = chosen_step(run, options.step)
    codec = load_palette(run.folder) if _on_images(run) else load_tokenizer(run.folder)
    if (found := signature(codec)) != run.data["tokenizer"]:
        raise UserError(
            f"the tokenizer or palette in {run.folder} is {found}, the run was trained with "
            f"{run.data['tokenizer']}: the folder was changed"
        )
    files = {GENERATOR_FILE: _weights(run, step, _prefix(options)), codec.file: codec.content()}
    if has_discriminator(run.config.objective):
        files[DISCRIMINATOR_FILE] = _weights(run, step, "discriminator")
    with staged(folder, overwrite=options.overwrite, replaced=MODELS) as stage:
        if run.images and not run.custom_nets:
            files[GRID_FILE] = _grid(run, step, options, stage)
        for name, content in files.items():
            write_atomically(stage / name, content)
        write_sealed(stage / MODEL_CONFIG, _config(run, step, options, files))
        scores = None if report is None else _scores(run, step, report)
        told = _facts(run, step, options, scores, repository or folder.resolve().name, repository)
        write_atomically(stage / CARD_FILE, model_card(told).encode())
    return folder


def chosen_step(run: RunFolder, step: int | str | None) -> int:
    """The step of the checkpoint that is exported: the one asked for; the best, or the last without one.

    Raises:
        UserError: there is no such checkpoint.
    """
    checkpoints = run.checkpoints()
    if not checkpoints:
        raise UserError(untrained(run.folder, run.config.save_every))
    if step is None or step == BEST:
        best = run.best()
        if best is None and step == BEST:
            raise UserError(f"{run.folder} has no best checkpoint: none of them was evaluated")
        return max(checkpoints) if best is None else best
    if step not in checkpoints:
        known = ", ".join(map(str, checkpoints))
        raise UserError(f"{run.folder} has no checkpoint of step {step}: it has {known}")
    return int(step)


def _on_images(run: RunFolder) -> bool:
    return run.images or isinstance(run.space, LabelSpace)


def _within(folder: Path, other: Path) -> bool:
    return Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(other))


def _prefix(options: ExportOptions) -> str:
    return "average.module" if options.weights == "average" else "generator"


def _weights(run: RunFolder, step: int, prefix: str) -> bytes:
    """The tensors of a net in a checkpoint, after all checks, as a safetensors file."""
    path = run.checkpoints()[step]
    known = None if run.custom_nets else (run.config, run.space)
    tensors: dict[str, Tensor] = read_tensors(path, prefix, known)
    return save(tensors, {"format": "pt"})  # as other libraries expect it


def _config(run: RunFolder, step: int, options: ExportOptions, files: Mapping[str, bytes]) -> dict[str, Any]:
    """What config.json holds. Nothing of it tells of this machine."""
    return {
        "library_name": LIBRARY,
        "format": FORMAT,
        "version": __version__,
        "settings": run.config.to_json(),
        "space": space_to_json(run.space),
        "corpus": run.data["corpus"],
        "data": run.data["signature"],
        "tokenizer": run.data["tokenizer"],
        "step": step,
        "weights": options.weights,
        "metrics": _metrics(run, step),
        "files": {
            name: stored_file(len(content), hashlib.sha256(content).hexdigest())
            for name, content in files.items()
        },
    }


def _metrics(run: RunFolder, step: int) -> dict[str, float] | None:
    """The scores of a checkpoint against the validation split; None of one without."""
    for row in run.metrics():
        if row["step"] == step and is_evaluation(row):
            numbers = numbers_of(row)
            return dict(finite({name: numbers[name] for name in numbers if name not in ("step", "seconds")}))
    return None


def _scores(run: RunFolder, step: int, report: Any) -> CardScores:
    """The scores of the run in a report, which has to be one of the same checkpoint."""
    made = report(step=step) if callable(report) else report
    found = card_scores(made.to_json() if hasattr(made, "to_json") else made, str(run.folder))
    if found.step is None:
        raise UserError(
            f"`report` does not tell of which step its scores are: score the run with `step` {step}"
        )
    if found.step != step:
        raise UserError(
            f"`report` has scores of step {found.step}, and step {step} is exported: score it with `step` "
            f"{step}, or export with `step` {found.step}"
        )
    return found


def _facts(
    run: RunFolder,
    step: int,
    options: ExportOptions,
    scores: CardScores | None,
    name: str,
    repository: str | None,
) -> Facts:
    card = None
    with suppress(UserError):  # the data may be gone, or have changed, since
        dataset = DatasetDirectory(run.data_folder())
        card = dataset.card if dataset.signature == run.data["signature"] else None
    return Facts(
        options=options,
        name=name,
        repository=repository,
        config=run.config,
        space=run.space,
        data=run.data,
        card=card,
        step=step,
        seconds=float(read_header(run.checkpoints()[step]).elapsed),
        warm=run.started_from is not None,
        validation=_metrics(run, step) or {},
        scores=scores,
        samples=tuple(_texts(run, step, options)),
        discriminator=has_discriminator(run.config.objective),
    )


def _sampling(step: int, options: ExportOptions, count: int) -> SamplingOptions:
    return SamplingOptions(count=count, seed=0, step=step, weights=options.weights)


def _texts(run: RunFolder, step: int, options: ExportOptions) -> Iterator[str]:
    """A few samples of text, not selected; none of a net of the user's that was not named."""
    if _on_images(run) or (run.custom_nets and run.parts.generator is None):
        return
    if run.data["tokenizer"].startswith("tokens:"):
        return
    for text, _ in sample_text(run, _sampling(step, options, SHOWN_TEXTS), CPU):
        yield text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]} …"


def _grid(run: RunFolder, step: int, options: ExportOptions, stage: Path) -> bytes:
    path = stage / GRID_FILE
    images = [pixels for pixels, _ in sample_images(run, _sampling(step, options, SHOWN_IMAGES), CPU)]
    write_png(path, grid(images))
    return path.read_bytes()


def _is_whole(path: Path) -> bool:
    try:
        read_record(path)
    except UserError:
        return is_exported(path.parent)
    return True


def _foreign(folder: Path) -> Iterator[str]:
    for entry in sorted(folder.iterdir()):
        if entry.name not in FILES or not entry.is_file():
            yield entry.name


MODELS = Replaced("exported model", "config of an exported model", MODEL_CONFIG, _is_whole, _foreign)
"""The folders that `overwrite` replaces."""
