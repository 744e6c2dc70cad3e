"""Score models that make images, and real images, in the same way."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from torch import Tensor

from bgan_text.device import choose_device
from bgan_text.errors import UserError
from bgan_text.evaluation.critics import Sides, critics_of
from bgan_text.evaluation.custom import CustomScores
from bgan_text.evaluation.enough import noted
from bgan_text.evaluation.image_features import feature_scores
from bgan_text.evaluation.image_inputs import RealImages, Samples, gather_images, shown
from bgan_text.evaluation.image_settings import image_settings
from bgan_text.evaluation.inception import inception_scores, network_of
from bgan_text.evaluation.inputs import REAL, Inputs
from bgan_text.evaluation.judges import Judges
from bgan_text.evaluation.ngrams import Scores
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.evaluation.report import Report, column
from bgan_text.reporter import Reporter
from bgan_text.scores.critic import LEAST_ROWS
from bgan_text.scores.distribution import memorised, unique
from bgan_text.scores.neighbours import neighbour_distance
from bgan_text.scores.patches import SIDES, patch_colours, patch_js
from bgan_text.scores.pixels import colour_distance, deviation_distance, mean_distance
from bgan_text.space import TokenSpace

PATCH_REFERENCES = 2000
"""Real images whose patches are compared, at most: an image has as many patches as pixels."""
NEIGHBOURS_AMONG = 20_000
"""Training images that the nearest one is searched among, at most; chosen at random."""
TEXT_OPTIONS = (
    "tokenize",
    "sacrebleu_tokenize",
    "chrf",
    "lowercase",
    "window",
    "grammar",
    "likelihood",
    "embed",
    "mauve",
    "perplexity",
    "mauve_features",
    "molecules",
    "judge",
)
"""Options that have no meaning for images."""


def score_images(
    inputs: Inputs, options: EvaluationOptions, judges: Judges, custom: CustomScores, reporter: Reporter
) -> Report:
    """Score every run, folder, archive and array, and the anchor."""
    _refuse_text_options(inputs, options)
    device = choose_device(options.device)
    groups, real = gather_images(inputs, options, reporter)
    if len({len(group.images) for group in groups[:-1]}) > 1:
        reporter.warning("the models have different numbers of samples, on which most scores depend.")
    if options.critic:
        _refuse_few(groups, real)
    network = network_of(options.fid, judges.image_features, device)  # it may be absent, so before long work
    scores = list(_plain_scores(groups, real, reporter))
    found, learnt = feature_scores(groups, real, judges.classifier, options.seed, device, reporter)
    parts: list[list[Scores]] = [scores, found]
    if options.critic:
        sides = [Sides(group.name, group.images, real.references) for group in groups]
        seeds = range(options.seed, options.seed + judges.critics)
        parts.append(critics_of(sides, real.space, judges.image_critic, seeds, device, reporter))
    inception: dict[str, Any] = {}
    if network is not None:
        own = judges.image_features is not None
        distances, inception = inception_scores(groups, real, network, own, device, reporter)
        parts.append(distances)
    parts.append([custom.of(_pixels(group.images, real), group.name, reporter) for group in groups])
    columns = [
        column(
            group.name,
            noted({name: score for part in measured for name, score in part.items()}, _counts(group, real)),
            lengths={},
            seed=(options.seed, place),
            resamples=options.resamples,
        )
        for place, (group, *measured) in enumerate(zip(groups, *parts, strict=True))
    ]
    settings = image_settings(options, groups, real, device) | {
        "patch references": len(real.references[:PATCH_REFERENCES]),
        "neighbours among": len(real.training[:NEIGHBOURS_AMONG]),
        "classifier": learnt,
        "fid": inception,
        "critic": {"seeds": judges.critics} | asdict(judges.image_critic) if options.critic else {},
    }
    return Report(columns, settings, registry=custom.registry())


def _counts(group: Samples, real: RealImages) -> dict[str, int]:
    """How much there is of what scores need enough of."""
    trained = len(real.training) - real.anchor
    return {"samples": len(group.images), "references": len(real.references), "training images": trained}


def _refuse_text_options(inputs: Inputs, options: EvaluationOptions) -> None:
    given = {"reference": inputs.reference, "train": inputs.train}
    for name, value in (given | {name: getattr(options, name) for name in TEXT_OPTIONS}).items():
        if value:
            shown_value = f" {value}" if isinstance(value, str | int) and value is not True else ""
            raise UserError(f"`{name}`{shown_value} has no meaning for images: it belongs to scores of text")


def _refuse_few(groups: Sequence[Samples], real: RealImages) -> None:
    sides = [*groups, Samples(f"{real.data.folder}/test", real.references)]
    for name, images in ((side.name, side.images) for side in sides):
        if len(images) < LEAST_ROWS:
            raise UserError(f"{name} has {len(images)} images: `critic` needs at least {LEAST_ROWS}")


def _plain_scores(groups: list[Samples], real: RealImages, reporter: Reporter) -> Iterator[Scores]:
    """The scores of every group that need no network."""
    for group in groups:
        with reporter.task(f"pixels, patches and neighbours of {group.name}"):
            rows = _rows(shown(group.images, real.palette))
            scores = _patch_scores(group.images, real) | _pixel_scores(group.images, real)
            scores["unique"] = unique(rows)
            anchor = group.name == REAL
            if not anchor:  # the anchor's images are training images
                scores["memorised"] = memorised(rows, _training(real))
            looks = (shown(images, real.palette) for images in (group.images, pool(real, anchor=anchor)))
            scores["neighbour-distance"] = neighbour_distance(*looks)
        yield scores


def _patch_scores(images: Tensor, real: RealImages) -> Scores:
    sides = [side for side in SIDES if side <= min(real.palette.height, real.palette.width)]
    ours, theirs = (patch_colours(side, real.space) for side in (images, real.references[:PATCH_REFERENCES]))
    return {f"patch-js-{side}": score for side, score in patch_js(ours, theirs, sides).items()}


def _pixel_scores(images: Tensor, real: RealImages) -> Scores:
    if isinstance(real.space, TokenSpace):
        return {"pixel-distance": colour_distance(images, real.references, real.space.vocabulary)}
    return {
        "pixel-mean-distance": mean_distance(images, real.references),
        "pixel-deviation-distance": deviation_distance(images, real.references),
    }


def _pixels(images: Tensor, real: RealImages) -> Tensor:
    """(S, height, width, channels) uint8, what a score of the user's own is given."""
    palette = real.palette
    return shown(images, palette).view(len(images), palette.height, palette.width, palette.channels)


def _rows(looks: Tensor) -> list[bytes]:
    return [row.tobytes() for row in looks.numpy()]


def _training(real: RealImages) -> Iterator[bytes]:
    """The pixels of every training image."""
    for block in real.data.blocks("train"):
        yield from _rows(shown(block, real.palette))


def pool(real: RealImages, *, anchor: bool = False) -> Tensor:
    """The training images that neighbours are searched among, without those of the anchor if it is scored."""
    return real.training[real.anchor if anchor else 0 :][:NEIGHBOURS_AMONG]
