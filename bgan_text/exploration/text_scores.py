"""What a discriminator says of a text, and of each of its tokens if it is a net of tokens or prefixes.

A score estimates the log-ratio log p(x) / q(x) of data and samples, in nats. Of a text it is the sum of the
scores of its tokens, the end among them: log p(x_t | x_<t) / q(x_t | x_<t).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from string import ascii_uppercase
from typing import Any

import torch
from torch import Tensor

from bgan_text.config import Config
from bgan_text.corpora.symbol_tokenizer import SymbolTokenizer
from bgan_text.corpora.tokenizer import UNKNOWN, IntegerTokenizer, Tokenizer
from bgan_text.errors import UserError, shown
from bgan_text.models.sampling import counted
from bgan_text.objective_table import IMPLICIT, LIKELIHOOD, OBJECTIVES, TOKEN_CREDIT
from bgan_text.space import TokenSpace
from bgan_text.training.candidates import scorer
from bgan_text.training.particles import PREFIX_CREDIT


@dataclass(frozen=True)
class TokenScore:
    """A token of a text and its score.

    Attributes:
        text: the part of the text that it stands for; empty for the end.
        score: of the token after those before it, in nats; None if the discriminator scores whole samples.
        prefix: the score of the text up to this token; None likewise.
        unknown: whether the vocabulary lacks it.
        end: whether it is the end of the text.
    """

    text: str
    score: float | None
    prefix: float | None
    unknown: bool = False
    end: bool = False


@dataclass(frozen=True)
class TextScore:
    """A text and its score.

    Attributes:
        text: as it was given.
        score: of all of it: an estimate of log p/q in nats, or what a critic says.
        tokens: one for each token.
        above: the share of the run's own samples whose score is higher; None if they were not scored.
    """

    text: str
    score: float
    tokens: list[TokenScore]
    above: float | None = None


def without_scores(config: Config) -> str | None:
    """Why the discriminator of a run scores no text; None if it does.

    Example:
        >>> without_scores(Config.given({"objective": "mle"}))
        'it has no discriminator'
    """
    objective = OBJECTIVES[config.objective]
    return objective.no_ratio if objective.family in (LIKELIHOOD, IMPLICIT) else None


def has_capitals(tokenizer: Tokenizer) -> bool:
    """Whether the vocabulary has a capital letter; rows of numbers, which have no letters, count as such.

    Example:
        >>> from bgan_text.corpora.tokenizer import WordTokenizer
        >>> has_capitals(WordTokenizer([" a", " Rose"])), has_capitals(WordTokenizer([" a", " rose"]))
        (True, False)
    """
    if isinstance(tokenizer, SymbolTokenizer):
        return any(symbol != symbol.lower() for symbol in tokenizer.symbols)
    if isinstance(tokenizer, IntegerTokenizer):
        return True
    return any(UNKNOWN not in tokenizer.encode(letter) for letter in ascii_uppercase)


def row_of(text: str, tokenizer: Tokenizer, space: TokenSpace) -> list[int]:
    """The tokens of a text as a sample of the run: L tokens, the end in the place of those it lacks.

    Raises:
        UserError: the text has too many tokens, or too few where samples have no end.
    """
    tokens, name = tokenizer.encode(text), shown(text)
    outside = [token for token in tokens if not 0 <= token < space.vocabulary]
    if outside:
        raise UserError(f"token {shown(outside[0])}: a number of 0 to {space.vocabulary - 1:,} is needed")
    if len(tokens) > space.positions:
        raise UserError(
            f"{name} has {len(tokens):,} tokens: samples of this run have at most {space.positions:,}"
        )
    if space.end is None and len(tokens) < space.positions:
        raise UserError(f"{name} has {len(tokens):,} tokens: samples of this run have {space.positions:,}")
    return tokens if space.end is None else tokens + [space.end] * (space.positions - len(tokens))


@torch.no_grad()
def scores_of(
    texts: Sequence[str],
    discriminator: Any,
    config: Config,
    tokenizer: Tokenizer,
    space: TokenSpace,
    device: torch.device,
) -> list[TextScore]:
    """The scores of texts by a discriminator in evaluation mode.

    Args:
        texts: each a sample.
        discriminator: of the run.
        config: of the run.
        tokenizer: of the run.
        space: of its samples.
        device: where the discriminator is.

    Raises:
        UserError: a text has too many tokens, or too few where samples have no end.
    """
    rows = torch.tensor([row_of(text, tokenizer, space) for text in texts], device=device)
    totals = scorer(discriminator, config.credit, space)(rows)
    if not totals.isfinite().all():
        raise UserError("the discriminator's scores are not finite: train it with a lower `discriminator_lr`")
    found = []
    for text, row, total in zip(texts, rows.split(1), totals.tolist(), strict=True):
        length = int(counted(row, space.end).sum())
        scores = _token_scores(discriminator, row, length, config)
        found.append(
            TextScore(text, total, _tokens(text, row[0, :length].tolist(), scores, tokenizer, space))
        )
    return found


def _token_scores(discriminator: Any, row: Tensor, length: int, config: Config) -> list[float] | None:
    """The scores of the first tokens of a row (1, L), `length` numbers; None if whole samples are scored."""
    if config.credit == TOKEN_CREDIT:
        where = torch.arange(row.shape[1], device=row.device).unsqueeze(0) < length
        chosen = discriminator(row, where).gather(1, row[:, :length].T).squeeze(1)
    elif config.credit == PREFIX_CREDIT:
        prefixes = discriminator(row)[0, :length].double()
        chosen = prefixes.diff(prepend=prefixes.new_zeros(1))
    else:
        return None
    scores: list[float] = chosen.double().tolist()
    return scores


def _tokens(
    text: str, row: list[int], scores: list[float] | None, tokenizer: Tokenizer, space: TokenSpace
) -> list[TokenScore]:
    ended = row[-1] == space.end
    pieces = [*pieces_of(text, row[:-1], tokenizer), ""] if ended else pieces_of(text, row, tokenizer)
    numbers = isinstance(tokenizer, IntegerTokenizer)  # whose token 1 is as good as any
    sums = None if scores is None else list(accumulate(scores))
    return [
        TokenScore(
            piece,
            None if scores is None else scores[place],
            None if sums is None else sums[place],
            unknown=row[place] == UNKNOWN and not numbers,
            end=ended and place == len(row) - 1,
        )
        for place, piece in enumerate(pieces)
    ]


def pieces_of(text: str, tokens: list[int], tokenizer: Tokenizer) -> list[str]:
    """The part of a text that each of its tokens stands for.

    Example:
        >>> from bgan_text.corpora.tokenizer import WordTokenizer
        >>> tokenizer = WordTokenizer([" a", " rose"])
        >>> pieces_of("a red rose", tokenizer.encode("a red rose"), tokenizer)
        [' a', ' red', ' rose']
    """
    if isinstance(tokenizer, SymbolTokenizer):
        return tokenizer.split(text)[: len(tokens)]
    if isinstance(tokenizer, IntegerTokenizer):
        return list(map(str, tokens))
    # A piece is what the text gains by its token: alone it may lose the space in front of it.
    texts = [tokenizer.join(tokens[:length]) for length in range(len(tokens) + 1)]
    return [
        now[len(before) :] if now.startswith(before) else tokenizer.join(tokens[place : place + 1])
        for place, (before, now) in enumerate(pairwise(texts))
    ]
