"""Texts -> sentence embeddings, by a pretrained model of the sentence-transformers library.

The library is an extra and takes seconds to import, so it is imported where a model is loaded.
"""

import hashlib
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from bgan_text.errors import UserError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"

HUB_SECONDS = 5.0
"""How long the hub may take to answer at all before only models that are on this machine are looked for."""


class Encoder:
    """A loaded sentence embedding model; see `load`."""

    def __init__(self, name: str, model: "SentenceTransformer", batch: int) -> None:
        self.name = name
        self.batch = batch
        self._model = model
        self.width: int = self._embed([""]).shape[1]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed each text; equal texts are embedded once, so that their embeddings are equal too.

        What exceeds the model's longest input is cut off, as the model's authors do.

        Returns:
            (S, D) float32, not normalised beyond what the model does itself; (0, D) for no texts.
        """
        index: dict[str, int] = {}
        rows = [index.setdefault(text, len(index)) for text in texts]
        if not rows:
            return np.empty((0, self.width), dtype=np.float32)
        return self._embed(list(index))[rows]

    def fingerprint(self) -> str:
        """What tells this model from another: name, width and the first digits of its weights' SHA-256.

        The name of a folder goes without the folders above it, which say nothing to another machine.
        """
        digest = hashlib.sha256()
        for parameter in self._model.parameters():
            digest.update(parameter.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
        return f"{self.name}, {self.width} wide, weights {digest.hexdigest()[:12]}"

    def _embed(self, texts: list[str]) -> NDArray[np.float32]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            embedded = self._model.encode(texts, batch_size=self.batch, show_progress_bar=False)
        return np.asarray(embedded, dtype=np.float32)


def encode(
    texts: Sequence[str], model: str = DEFAULT_MODEL, device: torch.device | str = "cpu", batch: int = 64
) -> NDArray[np.float32]:
    """(S, D) embeddings of the texts by a model that is loaded for them: `load`, then `Encoder.encode`."""
    return load(model, device, batch).encode(texts)


def load(model: str = DEFAULT_MODEL, device: torch.device | str = "cpu", batch: int = 64) -> Encoder:
    """Load a sentence embedding model, silently.

    A model that declares no pooling has the embeddings of its tokens averaged (Reimers and Gurevych 2019,
    section 3), as the library does.

    Args:
        model: a folder that holds the model, or its name in the Hugging Face hub. A hub that cannot be
            reached leaves the models that were downloaded before.
        device: where the model computes.
        batch: texts embedded at a time.

    Raises:
        UserError: if the library is not installed, or there is no such model.
    """
    try:
        import sentence_transformers
    except ModuleNotFoundError as error:
        message = "sentence embeddings need an extra: pip install 'bgan-text[embed]'"
        raise UserError(message) from error
    _quieten()
    name = Path(model).resolve().name if Path(model).is_dir() else model
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = sentence_transformers.SentenceTransformer(
                model, device=str(device), local_files_only=not _reachable(model)
            )
        return Encoder(name, loaded, batch)
    except Exception as error:  # what is raised depends on which of a model's files is absent or broken
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise UserError(
            f"cannot load the sentence embedding model {model!r} ({reason}): "
            "a sentence-transformers folder or a name in the Hugging Face hub was expected"
        ) from error


def _reachable(model: str) -> bool:
    """Whether the hub answers; asked first, for loading would try for over a minute if it does not."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    if Path(model).is_dir():
        return False
    try:
        HfApi().model_info(model, timeout=HUB_SECONDS)
    except HfHubHTTPError:  # it answers that it has no such model, or none under this very name
        return True
    except Exception:  # no network, offline mode, not a name: these share no other base
        return False
    return True


def _quieten() -> None:
    """Keep the libraries' bars and remarks off both output streams."""
    import transformers.utils.logging

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()  # the hub's too
    for library in ("huggingface_hub", "sentence_transformers"):
        logging.getLogger(library).setLevel(logging.ERROR)
