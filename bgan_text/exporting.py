"""Export a run: its nets as a folder in the layout of a model of the Hugging Face hub, to pass them on.

What is in the folder is told in `bgan_text.training.exported`.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bgan_text.errors import UserError, choose
from bgan_text.export_folder import export_run
from bgan_text.export_options import ExportOptions
from bgan_text.hub import located, refuse_repository, upload
from bgan_text.reporter import SILENT, Reporter
from bgan_text.training.exported import ExportedRun, open_run
from bgan_text.training.run import RunFolder


def export(
    run: Any,
    folder: str | os.PathLike[str] | None = None,
    options: ExportOptions | None = None,
    *,
    report: Any = None,
    push: str | None = None,
    private: bool = False,
    endpoint: str | None = None,
    reporter: Reporter = SILENT,
    **changes: Any,
) -> Path | str:
    """Write one checkpoint of a run as a model of the Hugging Face hub, and upload it if asked to.

    The folder has the weights as safetensors, config.json, the tokenizer or palette, and a model card. It is
    sampled, scored and started from as a run is, also by its name on the hub, `hf:user/name`.

    Args:
        run: a `Run`, or the path of a run folder; with `push` also an exported folder.
        folder: where to write; it appears whole or not at all. Without `push` it is needed.
        options: which checkpoint, and what the card says.
        report: scores of the run for the card: a `Report`, what its `to_json` gave, or a function of the step
            that gives one of these.
        push: `user/name` on the hub, to upload to. It takes the token that you logged in with, or HF_TOKEN.
        private: whether only you may see a model that is uploaded.
        endpoint: the address of the hub; None for that of HF_ENDPOINT, or huggingface.co.
        reporter: hears of the upload, and of a download.
        changes: fields of `ExportOptions`, which take precedence over `options`.

    Returns:
        The folder, or the address of the commit on the hub.

    Raises:
        UserError: there is no such run or checkpoint, a file is damaged, the folder holds something already,
            or the hub refuses.

    Example:
        >>> folder = export("runs/poems", "exported/poems", license="mit", language=("en",))
        >>> sorted(path.name for path in folder.iterdir())[:3]
        ['README.md', 'config.json', 'discriminator.safetensors']
    """
    chosen = _chosen(options, changes)
    _refuse_early(folder, push, private=private)
    opened = _opened(run, reporter)
    with _place(opened, folder) as place:
        if not isinstance(opened, ExportedRun):
            export_run(opened, place, chosen, report=report, repository=push)
        elif report is not None or chosen != ExportOptions(overwrite=chosen.overwrite):
            raise UserError(
                f"{opened.folder} is exported already, with its card: all that is left is to `push` it"
            )
        if push is None:
            return place
        return upload(
            place, push, private=private, overwrite=chosen.overwrite, endpoint=endpoint, reporter=reporter
        )


def _chosen(options: ExportOptions | None, changes: Mapping[str, Any]) -> ExportOptions:
    for name in changes:
        choose("option", name, ExportOptions.__dataclass_fields__)
    return replace(options or ExportOptions(), **changes)


def _refuse_early(folder: object, push: str | None, *, private: bool) -> None:
    """Refuse what cannot come to anything, before any work is done."""
    if folder is None and push is None:
        raise UserError("name a folder to write to, or a model of the hub with `push`")
    if push is None and private:
        raise UserError("`private` is for `push`: a folder is as private as its place")
    if push is not None:
        refuse_repository(push)


def _opened(run: Any, reporter: Reporter) -> RunFolder:
    if isinstance(run, RunFolder):
        return run
    if hasattr(run, "folder"):
        return open_run(Path(run.folder), getattr(run, "parts", None))
    if not isinstance(run, str | os.PathLike):
        raise UserError(f"`run` is a {type(run).__name__}: a run or its folder is needed")
    return open_run(located(run, reporter=reporter))


@contextmanager
def _place(run: RunFolder, folder: str | os.PathLike[str] | None) -> Iterator[Path]:
    """The folder to write, or one that is gone after the block if none is named; an exported model itself."""
    if isinstance(run, ExportedRun):
        if folder is not None:
            raise UserError(f"{run.folder} is exported already: copy it, or leave out the folder to push it")
        yield run.folder
    elif folder is not None:
        yield Path(folder)
    else:
        with TemporaryDirectory(prefix="bgan-text-export-") as temporary:
            yield Path(temporary) / "model"
