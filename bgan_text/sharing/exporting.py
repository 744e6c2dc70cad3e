"""Export a run: its nets as a folder in the layout of a model of the Hugging Face hub, to pass them on.

What is in the folder is told in `bgan_text.training.exported`.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bgan_text.errors import UserError, choose
from bgan_text.reporter import SILENT, Reporter
from bgan_text.sharing.export_folder import export_run
from bgan_text.sharing.export_options import ExportOptions
from bgan_text.sharing.hub import check_name, is_hub, refuse_repository, upload
from bgan_text.sharing.opening import opened
from bgan_text.training.exported import ExportedRun


def export(
    run: Any,
    folder: str | os.PathLike[str],
    options: ExportOptions | None = None,
    *,
    report: Any = None,
    repository: str | None = None,
    **changes: Any,
) -> Path:
    """Write one checkpoint of a run as a model of the Hugging Face hub.

    The folder has the weights as safetensors, config.json, the tokenizer or palette, and a model card. It is
    sampled, explored, scored and started from as a run is.

    Args:
        run: a `Run`, or the path of a run folder.
        folder: where to write; it appears whole or not at all.
        options: which checkpoint, and what the card says.
        report: scores of the run for the card: a `Report`, what its `to_json` gave, or a function with the
            argument `step` that gives one of these.
        repository: `user/name`, the name that the model will have on the hub, for the card.
        changes: fields of `ExportOptions`, which take precedence over `options`.

    Returns:
        The folder.

    Raises:
        UserError: there is no such run or checkpoint, a file is damaged, or the folder holds something
            already.

    Example:
        >>> folder = export("runs/poems", "exported/poems", license="mit", language=("en",))
        >>> sorted(path.name for path in folder.iterdir())[:3]
        ['README.md', 'config.json', 'discriminator.safetensors']
    """
    chosen = _chosen(options, changes)
    if repository is not None:
        check_name(repository)
    if is_hub(run):
        raise UserError(f"{os.fspath(run)} is exported already: it is on the hub")
    found = opened(run)
    if isinstance(found, ExportedRun):
        raise UserError(f"{found.folder} is exported already: copy it, or leave out the folder to push it")
    return export_run(found, Path(folder), chosen, report=report, repository=repository)


def push_to_hub(
    run: Any,
    repository: str,
    options: ExportOptions | None = None,
    *,
    report: Any = None,
    private: bool = False,
    endpoint: str | None = None,
    reporter: Reporter = SILENT,
    **changes: Any,
) -> str:
    """Upload one checkpoint of a run, or an exported model, to the Hugging Face hub, as one commit.

    It takes the token that you logged in with, or HF_TOKEN. Others sample, score and start from the model by
    its name, `hf:user/name`.

    Args:
        run: a `Run`, or the path of a run folder or of an exported model.
        repository: `user/name` on the hub; it is made where it is missing.
        options: which checkpoint, and what the card says. Of an exported model that is settled, and only
            `overwrite` is left.
        report: scores of the run for the card, as of `export`.
        private: whether only you may see the model.
        endpoint: the address of the hub; None for that of HF_ENDPOINT, or huggingface.co.
        reporter: hears of the upload, and of a download.
        changes: fields of `ExportOptions`, which take precedence over `options`.

    Returns:
        The address of the commit.

    Raises:
        UserError: there is no such run or checkpoint, a file is damaged, nobody is logged in, or the hub
            refuses.

    Example:
        >>> push_to_hub("runs/poems", "ann/poems", license="mit")  # doctest: +SKIP
        'https://huggingface.co/ann/poems/commit/…'
    """
    chosen = _chosen(options, changes)
    refuse_repository(repository)
    found = opened(run, reporter)
    push = partial(
        upload,
        repository=repository,
        private=private,
        overwrite=chosen.overwrite,
        endpoint=endpoint,
        reporter=reporter,
    )
    if isinstance(found, ExportedRun):
        if report is not None or chosen != ExportOptions(overwrite=chosen.overwrite):
            raise UserError(f"{found.folder} is exported already, with its card: it is pushed as it is")
        return push(found.folder)
    with TemporaryDirectory(prefix="bgan-text-export-") as temporary:
        place = Path(temporary) / "model"
        return push(export_run(found, place, chosen, report=report, repository=repository))


def _chosen(options: ExportOptions | None, changes: Mapping[str, Any]) -> ExportOptions:
    for name in changes:
        choose("option", name, ExportOptions.__dataclass_fields__)
    return replace(options or ExportOptions(), **changes)
