"""Perplexity and features under a causal language model of the transformers library, such as GPT-2.

The library is an optional dependency that takes seconds to import, so it is imported when a model is loaded.
"""

import hashlib
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bgan_text.errors import UserError, needs_extra
from bgan_text.scores.encoder import not_loaded, quiet, reachable
from bgan_text.scores.score import Floats, Score
from bgan_text.scores.uncertainty import ratio

LONGEST = 1024
"""Tokens of a text that count, at most; fewer if the model has fewer positions."""
LOGITS = 1 << 26
"""Number of logits that are computed at a time: 256 MiB in float32."""
FEATURE_TOKENS = 1 << 14
"""Number of tokens whose features are computed at a time."""


class CausalLanguageModel:
    """A loaded causal language model and its tokenizer. Create it with `load_causal`.

    Attributes:
        name: of the model, without parent folders.
        start: the token before the first one of a text: that of the beginning, else that of the end; None if
            there is neither. Then the first token of a text has no probability.
        longest: tokens of a text that count.
    """

    def __init__(self, name: str, model: Any, tokenizer: Any) -> None:
        self.name, self._model, self._tokenizer = name, model.eval(), tokenizer
        starts = (tokenizer.bos_token_id, tokenizer.eos_token_id)
        self.start: int | None = next((one for one in starts if one is not None), None)
        positions = getattr(model.config, "max_position_embeddings", None) or LONGEST
        self.longest = min(LONGEST, positions - (self.start is not None))

    @torch.no_grad()
    def log_likelihoods(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        """Log-probability of each text and number of its tokens.

        Every text stands alone: the model sees the start token and the text, of which every token has a
        probability. The end of a text has none. What is longer than `longest` tokens is cut.

        Args:
            texts: S texts.

        Returns:
            (S,) nats, and (S,) tokens that have a probability.
        """
        start = [] if self.start is None else [self.start]
        ids = [start + one for one in self._tokens(texts)]
        nats = np.zeros(len(ids))
        for places, rows, mask in self._batches(ids, LOGITS // self._model.config.vocab_size, least=2):
            logits = self._model(input_ids=rows, attention_mask=mask).logits[:, :-1].float()
            following = rows[:, 1:]
            each = logits.log_softmax(dim=-1).gather(-1, following.unsqueeze(-1)).squeeze(-1)
            nats[places] = (each.double() * mask[:, 1:]).sum(dim=1).cpu().numpy()
        return nats, np.array([max(0, len(one) - 1) for one in ids], dtype=np.float64)

    @torch.no_grad()
    def features(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(S, D) last hidden state of the last token of each text, without a start token, as MAUVE uses it.

        A text without tokens is the start token alone.

        Raises:
            UserError: A text has no tokens, and the model no start token.
        """
        empty = [] if self.start is None else [self.start]
        ids = [one or empty for one in self._tokens(texts)]
        if not all(ids):
            raise UserError(f"{self.name} has no start token, which a text without tokens needs")
        found = np.empty((len(ids), self._model.config.hidden_size), dtype=np.float32)
        for places, rows, mask in self._batches(ids, FEATURE_TOKENS, least=1):
            hidden = self._model.base_model(input_ids=rows, attention_mask=mask).last_hidden_state
            last = hidden[torch.arange(len(rows), device=rows.device), mask.sum(dim=1) - 1]
            found[places] = last.float().cpu().numpy()
        return found

    def cut(self, texts: Sequence[str]) -> int:
        """How many texts are longer than `longest` tokens."""
        return sum(len(one) > self.longest for one in self._encoded(texts))

    def settings(self) -> dict[str, Any]:
        """What identifies the model, and how texts are given to it."""
        digest = hashlib.sha256()
        for parameter in self._model.parameters():
            digest.update(parameter.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
        start = None if self.start is None else self._tokenizer.convert_ids_to_tokens(self.start)
        return {
            "model": f"{self.name}, weights {digest.hexdigest()[:12]}",
            "start": start,
            "longest": self.longest,
            "transformers": version("transformers"),
        }

    def _encoded(self, texts: Sequence[str]) -> list[list[int]]:
        with quiet():  # of texts that are longer than the model's
            return [self._tokenizer.encode(text, add_special_tokens=False) for text in texts]

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return [one[: self.longest] for one in self._encoded(texts)]

    def _batches(
        self, ids: list[list[int]], tokens: int, *, least: int
    ) -> Iterator[tuple[NDArray[np.int64], Tensor, Tensor]]:
        """Texts of at least `least` tokens by length: their places, padded tokens, and where text is."""
        lengths = np.array([len(one) for one in ids], dtype=np.int64)
        order = [place for place in np.argsort(lengths, kind="stable")[::-1] if lengths[place] >= least]
        device = self._model.device
        while order:
            longest = int(lengths[order[0]])
            some, order = order[: max(1, tokens // longest)], order[max(1, tokens // longest) :]
            rows = torch.zeros(len(some), longest, dtype=torch.int64)
            for row, place in zip(rows, some, strict=True):
                row[: lengths[place]] = torch.tensor(ids[place])
            mask = torch.arange(longest) < torch.from_numpy(lengths[some]).unsqueeze(1)
            yield np.array(some), rows.to(device), mask.long().to(device)


def load_causal(model: str, device: torch.device | str = "cpu") -> CausalLanguageModel:
    """Load a causal language model without printing anything.

    Args:
        model: Folder of the model, or its name on the Hugging Face hub, such as gpt2. If the hub cannot be
            reached, only models in the local cache are available. Code that comes with a model is not run.
        device: Device of the model.

    Raises:
        UserError: The library is not installed or the model cannot be loaded.
    """
    try:
        with redirect_stdout(sys.stderr):  # transformers prints where wandb is offline
            from transformers import AutoModelForCausalLM, AutoTokenizer
    except ModuleNotFoundError as error:
        raise UserError(needs_extra("causal language models need", "perplexity")) from error
    local = Path(model).is_dir()
    try:
        with quiet():
            how = {"local_files_only": not reachable(model), "trust_remote_code": False}
            tokenizer = AutoTokenizer.from_pretrained(model, **how)
            made: Any = AutoModelForCausalLM.from_pretrained(model, output_loading_info=True, **how)
            loaded, found = made
        _refuse_other(loaded.eval(), tokenizer, sorted(found["missing_keys"]))
        return CausalLanguageModel(
            Path(model).resolve().name if local else model, loaded.to(device), tokenizer
        )
    except Exception as error:  # the type depends on which of the files is missing or damaged
        raise not_loaded("causal language", model, error, "a folder") from error


@torch.no_grad()
def _refuse_other(model: Any, tokenizer: Any, missing: list[str]) -> None:
    """Raise `ValueError` for what the library loads without being a trained causal language model."""
    if missing:
        raise ValueError(f"its weights have no {missing[0]}")
    size = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > size:
        raise ValueError(f"its tokenizer has {len(tokenizer):,} tokens, the model {size:,}")
    one, other = (model(input_ids=torch.tensor([[0, token]])).logits[0, 0] for token in (0, size - 1))
    if not torch.allclose(one, other, rtol=1e-3, atol=1e-3):
        raise ValueError("it looks at the tokens that follow, so it is no causal language model")


def perplexity(texts: Sequence[str], model: CausalLanguageModel) -> Score:
    """Perplexity of texts: the exponential of the mean negative log-probability of all their tokens.

    Args:
        texts: S texts, see `CausalLanguageModel.log_likelihoods`.
        model: judges them.

    Returns:
        A score of at least 1, with the linearised contribution (S,) of every text. Text that repeats itself
        has a low one, so the value of real text is the best. NaN without tokens.
    """
    nats, tokens = model.log_likelihoods(texts)
    surprise = ratio(-nats, tokens)
    value = math.exp(min(surprise.value, 700.0)) if not math.isnan(surprise.value) else math.nan
    return Score(value, value * surprise.each)
