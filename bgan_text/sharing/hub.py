"""Models of the Hugging Face hub: `hf:user/name` and `hf:user/name@revision` in place of a run folder.

The client is huggingface_hub. It keeps what it downloads in its cache, reads HF_ENDPOINT, HF_TOKEN and
HF_HUB_OFFLINE, and is imported only where a model of the hub is named.

What is on the hub comes from strangers. Only files that an exported model has are downloaded, and none before
its size is known to be the one that config.json tells and its nets can have.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bgan_text.corpora.hub import without_logs
from bgan_text.errors import UserError, reason_of, shown
from bgan_text.files import MOST_BYTES
from bgan_text.outputs import MODEL_CONFIG, is_exported
from bgan_text.reporter import SILENT, Reporter
from bgan_text.setting import is_custom
from bgan_text.sharing.hub_errors import Unreachable, hub_errors, reachable
from bgan_text.training.exported import described_by, most_bytes
from bgan_text.training.exported_record import (
    CARD_FILE,
    DISCRIMINATOR_FILE,
    FILES,
    GENERATOR_FILE,
    NEEDED,
    ModelRecord,
    read_record,
)

PREFIX = "hf:"
REPOSITORY = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)
REVISION = re.compile(r"[\w./+-]{1,200}", re.ASCII)
WEIGHTS = (GENERATOR_FILE, DISCRIMINATOR_FILE)


@dataclass(frozen=True)
class HubName:
    """The name of a model of the hub.

    Example:
        >>> str(HubName.of("hf:ann/poems@v1")), HubName.of("hf:ann/poems").revision
        ('hf:ann/poems@v1', None)
    """

    repository: str
    revision: str | None = None

    @classmethod
    def of(cls, name: str) -> "HubName":
        """Read `hf:user/name` or `hf:user/name@revision`.

        Raises:
            UserError: it is something else.
        """
        repository, at, revision = name.removeprefix(PREFIX).partition("@")
        if not REPOSITORY.fullmatch(repository) or (at and not REVISION.fullmatch(revision)):
            raise UserError(f"{shown(name)}: hf:user/name or hf:user/name@revision is expected")
        return cls(repository, revision or None)

    def __str__(self) -> str:
        return f"{PREFIX}{self.repository}" + (f"@{self.revision}" if self.revision else "")


def is_hub(run: object) -> bool:
    """Whether a run is named as a model of the hub."""
    return isinstance(run, str | os.PathLike) and os.fspath(run).startswith(PREFIX)


def is_run(name: str | os.PathLike[str]) -> bool:
    """Whether a name is that of a run folder, of an exported model or of a model of the hub."""
    return is_hub(name) or (Path(name) / "run.json").exists() or is_exported(Path(name))


def located(run: str | os.PathLike[str], *, reporter: Reporter = SILENT, endpoint: str | None = None) -> Path:
    """The folder of a run: its path, or that of the copy of a model of the hub, which is downloaded.

    Args:
        run: a path, `hf:user/name` or `hf:user/name@revision`.
        reporter: hears of the download.
        endpoint: the address of the hub; None for that of HF_ENDPOINT, or huggingface.co.

    Raises:
        UserError: there is no such model, it may not be read, it is none of bgan-text or of another size than
            it tells, or the hub cannot be reached.
    """
    if not is_hub(run):
        return Path(run)
    name = HubName.of(Path(run).as_posix())
    with without_logs(), _without_bars(), hub_errors(str(name), name.revision, endpoint):
        return _downloaded(name, endpoint, reporter)


def _downloaded(name: HubName, endpoint: str | None, reporter: Reporter) -> Path:
    from huggingface_hub import HfApi

    sizes: dict[str, int | None] | None = None
    try:
        with reachable():
            info = HfApi(endpoint=endpoint).model_info(
                name.repository, revision=name.revision, files_metadata=True
            )
        sizes = {file.rfilename: file.size for file in info.siblings or ()}
        _refuse_other_library(name, sizes)
        # By the name of the revision, so that the cache knows where that was when there is no connection.
        config = _fetched(name, MODEL_CONFIG, name.revision, endpoint)
        if config.parent.name != info.sha:
            raise UserError(f"{name} changed while it was downloaded: try again")
    except Unreachable as error:  # what is in the cache will do
        sizes, config = None, _fetched(name, MODEL_CONFIG, name.revision, endpoint, cached=error)
    record = read_record(config)
    if sizes is not None:
        _refuse_sizes(name, record, config, sizes)
    files = [file for file in NEEDED if file in record.files]
    total, done = sum(record.files[file].bytes for file in files), 0
    with reporter.task(f"reading {name}", "bytes") as progress:
        for file in files:
            unreachable = None if sizes is not None else Unreachable("only a part of it was downloaded")
            _fetched(name, file, config.parent.name, endpoint, cached=unreachable)
            done += record.files[file].bytes
            progress(done, total)
    return config.parent


def _fetched(
    name: HubName, file: str, revision: str | None, endpoint: str | None, cached: Exception | None = None
) -> Path:
    """The path of a file in the cache. `cached`: why nothing is downloaded."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        with reachable():
            path = hf_hub_download(
                name.repository,
                file,
                revision=revision,
                endpoint=endpoint,
                local_files_only=cached is not None,
            )
        return Path(path)
    except LocalEntryNotFoundError as error:
        if isinstance(error.__cause__, HfHubHTTPError):  # the hub was reached, and refuses
            raise error.__cause__ from error
        raise cached or Unreachable(reason_of(error)) from error


def _refuse_other_library(name: HubName, sizes: Mapping[str, int | None]) -> None:
    if missing := [file for file in (MODEL_CONFIG, GENERATOR_FILE) if file not in sizes]:
        raise UserError(f"{name} is no model of bgan-text: it has no {missing[0]}")
    size = sizes[MODEL_CONFIG]
    if size is None or size > MOST_BYTES:
        raise UserError(f"{name}: its {MODEL_CONFIG} has {size} bytes, at most {MOST_BYTES:,} are read")


def _refuse_sizes(name: HubName, record: ModelRecord, config: Path, sizes: Mapping[str, int | None]) -> None:
    """Refuse, before it is downloaded, what has another size than config.json tells, or than it can have."""
    settings, space = described_by(record, config)
    own = is_custom(settings.generator) or is_custom(settings.discriminator or "")
    for file in NEEDED:
        if file not in record.files:
            continue
        told, found = record.files[file].bytes, sizes.get(file)
        if found != told:
            size = "is missing" if found is None else f"has {found:,} bytes"
            raise UserError(f"{name} is damaged: {file} {size}, {MODEL_CONFIG} tells of {told:,}")
        most = most_bytes(settings, space, file) if file in WEIGHTS and not own else None
        most = MOST_BYTES if file not in WEIGHTS else most
        if most is not None and told > most:
            raise UserError(
                f"{name} is damaged: {file} has {told:,} bytes, a net of its settings at most {most:,}"
            )


def upload(
    folder: Path,
    repository: str,
    *,
    private: bool = False,
    overwrite: bool = False,
    endpoint: str | None = None,
    reporter: Reporter = SILENT,
) -> str:
    """Upload an exported model to the hub, as one commit.

    Args:
        folder: the exported model.
        repository: user/name; it is made where it is missing.
        private: whether only you may see it. A repository that is public already is refused.
        overwrite: whether a repository may be replaced that holds something else.
        endpoint: the address of the hub; None for that of HF_ENDPOINT, or huggingface.co.
        reporter: hears of the upload.

    Returns:
        The address of the commit.

    Raises:
        UserError: nobody is logged in, the hub refuses, or it cannot be reached.
    """
    refuse_repository(repository)
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    names = [name for name in FILES if (folder / name).is_file()]
    name = HubName(repository)
    with without_logs(), _without_bars(), hub_errors(str(name), None, endpoint, writing=True):
        api = HfApi(endpoint=endpoint)
        with reachable():
            api.create_repo(repository, private=private or None, exist_ok=True)
            info = api.model_info(repository)
            there = {file.rfilename for file in info.siblings or ()}
            if private and not info.private:
                raise UserError(
                    f"`private`: {name} is public already: change that in its settings on the hub, or name "
                    "another model"
                )
            if not overwrite:
                _refuse_foreign(name, there, info.library_name)
            size = sum((folder / file).stat().st_size for file in names)
            reporter.message(f"Uploading {size / 1e6:,.1f} MB to {name}")
            changes: list[Any] = [CommitOperationAdd(file, str(folder / file)) for file in names]
            changes += [CommitOperationDelete(file) for file in sorted(there & set(FILES) - set(names))]
            made = api.create_commit(
                repository, changes, commit_message="Upload a model of bgan-text", num_threads=1
            )
    return str(made.commit_url)


def check_name(repository: str) -> None:
    """Refuse what is no name of a repository.

    Raises:
        UserError: it is none.
    """
    if not REPOSITORY.fullmatch(repository):
        raise UserError(f"{shown(repository)} is no name of a model of the hub: user/name is expected")


def refuse_repository(repository: str) -> None:
    """Refuse what is no name of a repository, and an upload without a token, before any work is done.

    Raises:
        UserError: it is none, or nobody is logged in.
    """
    check_name(repository)
    from huggingface_hub import get_token

    if get_token() is None:
        raise UserError(
            f"{repository}: there is no token of the hub: log in with hf auth login, or set HF_TOKEN"
        )


def _refuse_foreign(name: HubName, there: set[str], library: str | None) -> None:
    others = sorted(there - {".gitattributes", CARD_FILE})
    if others and library != "bgan-text":
        raise UserError(
            f"{name} exists and is no model of bgan-text: it holds {others[0]}; `overwrite` writes to it, or "
            "name another model"
        )


@contextmanager
def _without_bars() -> Iterator[None]:
    """The bars of huggingface_hub are off in the block."""
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()
