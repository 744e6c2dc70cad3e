"""The scores that need nets, as far as they were asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bgan_text.cli.progress import Work
from bgan_text.device import choose_device
from bgan_text.evaluation.critics import critic_scores
from bgan_text.evaluation.embeddings import embedding_scores
from bgan_text.evaluation.inputs import Real, Request
from bgan_text.evaluation.likelihoods import likelihood_scores
from bgan_text.evaluation.ngrams import Group, Scores
from bgan_text.evaluation.token_rows import TokenRows
from bgan_text.scores.threads import one_thread


@dataclass
class NetScores:
    """Of one group; `deviation` over seeds, where a score is a mean over them."""

    scores: Scores = field(default_factory=dict)
    deviation: dict[str, float] = field(default_factory=dict)


def net_scores(
    request: Request, groups: Sequence[Group], real: Real, units: str
) -> tuple[list[NetScores], dict[str, Any]]:
    """What was asked for of every group, and the settings of each kind."""
    found = [NetScores() for _ in groups]
    settings: dict[str, Any] = {}
    device = choose_device(request.device)
    likelihood = request.likelihood and real.grammar is None  # which has exact values already
    rows = TokenRows(request, real, units) if likelihood or request.critic else None
    with Work() as work, one_thread():
        if request.embed is not None:
            scores, settings["embed"] = embedding_scores(
                groups, real, request.embed, mauve=request.mauve, seed=request.seed, device=device, work=work
            )
            _add(found, scores)
        if rows is not None and likelihood:
            scores, settings["likelihood"] = likelihood_scores(groups, rows, request.seed, device, work)
            _add(found, scores)
        if rows is not None and request.critic:
            scores, deviations, settings["critic"] = critic_scores(groups, rows, request.seed, device, work)
            _add(found, scores)
            for one, deviation in zip(found, deviations, strict=True):
                one.deviation |= deviation
    return found, settings


def _add(found: list[NetScores], scores: list[Scores]) -> None:
    for one, more in zip(found, scores, strict=True):
        one.scores |= more
