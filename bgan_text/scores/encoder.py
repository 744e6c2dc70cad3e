"""Sentence embeddings from a pretrained model of the sentence-transformers library.

The library is an optional dependency that takes seconds to import, so it is imported when a model is loaded.
"""

import hashlib
import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from bgan_text.errors import UserError, needs_extra, reason_of

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"

HUB_SECONDS = 5.0
"""Timeout of the request to the hub, after which only local models are considered."""


class Encoder:
    """A loaded sentence embedding model. Create it with `load`."""

    def __init__(self, name: str, model: "SentenceTransformer", batch: int) -> None:
        self.name = name
        self.batch = batch
        self._model = model
        self.width: int = self._embed([""]).shape[1]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts.

        Equal texts are embedded once, so their embeddings are equal. Texts longer than the model's maximum
        input are truncated, as the model's authors do.

        Args:
            texts: S texts.

        Returns:
            (S, D) float32 embeddings, normalised only if the model does so itself. (0, D) without texts.
        """
        index: dict[str, int] = {}
        rows = [index.setdefault(text, len(index)) for text in texts]
        if not rows:
            return np.empty((0, self.width), dtype=np.float32)
        return self._embed(list(index))[rows]

    def fingerprint(self) -> str:
        """Identify the model by its name, its width and the first digits of the SHA-256 of its weights.

        A local model is named by its folder without the parent folders, which differ between machines.
        """
        digest = hashlib.sha256()
        for parameter in self._model.parameters():
            digest.update(parameter.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
        return f"{self.name}, {self.width} wide, weights {digest.hexdigest()[:12]}"

    def _embed(self, texts: list[str]) -> NDArray[np.float32]:
        with quiet():
            embedded = self._model.encode(texts, batch_size=self.batch, show_progress_bar=False)
        return np.asarray(embedded, dtype=np.float32)


def encode(
    texts: Sequence[str], model: str = DEFAULT_MODEL, device: torch.device | str = "cpu", batch: int = 64
) -> NDArray[np.float32]:
    """Load a model and embed texts with it: `load` followed by `Encoder.encode`. Returns (S, D) float32."""
    return load(model, device, batch).encode(texts)


def load(model: str = DEFAULT_MODEL, device: torch.device | str = "cpu", batch: int = 64) -> Encoder:
    """Load a sentence embedding model without printing anything.

    A model without a pooling layer uses mean pooling over its tokens (Reimers and Gurevych 2019, section 3),
    the library's default.

    Args:
        model: Folder of the model, or its name on the Hugging Face hub. If the hub cannot be reached, only
            models in the local cache are available.
        device: Device of the model.
        batch: Batch size.

    Raises:
        UserError: If the library is not installed or the model cannot be loaded.
    """
    try:
        with redirect_stdout(sys.stderr):  # transformers prints where wandb is offline
            import sentence_transformers
    except ModuleNotFoundError as error:
        message = needs_extra("sentence embeddings need", "embed")
        raise UserError(message) from error
    name = Path(model).resolve().name if Path(model).is_dir() else model
    try:
        with quiet():
            loaded = sentence_transformers.SentenceTransformer(
                model, device=str(device), local_files_only=not reachable(model)
            )
        return Encoder(name, loaded, batch)
    except Exception as error:  # the type depends on which of the files is missing or damaged
        raise not_loaded("sentence embedding", model, error, "a sentence-transformers folder") from error


def not_loaded(kind: str, model: str, error: Exception, expected: str) -> UserError:
    """The error of a model that a library cannot load, whatever the reason."""
    reason = reason_of(error).rstrip(".")
    return UserError(
        f"cannot load the {kind} model {model!r} ({reason}): {expected} or a name on the Hugging Face hub "
        "was expected"
    )


def reachable(model: str) -> bool:
    """Return whether the hub responds. Without this check, loading offline would retry for over a minute."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    if Path(model).is_dir():
        return False
    try:
        HfApi().model_info(model, timeout=HUB_SECONDS)
    except HfHubHTTPError:  # the hub responds, but has no model of exactly this name
        return True
    except Exception:  # no network, offline mode or an invalid name: no common base class
        return False
    return True


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the bars, messages and warnings of the libraries off stdout and stderr within the context."""
    from transformers.utils import logging as messages

    loggers = [logging.getLogger(library) for library in ("huggingface_hub", "sentence_transformers")]
    levels, verbosity = [logger.level for logger in loggers], messages.get_verbosity()
    bars = messages.is_progress_bar_enabled()
    messages.set_verbosity_error()
    messages.disable_progress_bar()  # also disables the bars of the hub
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        messages.set_verbosity(verbosity)
        if bars:
            messages.enable_progress_bar()
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
