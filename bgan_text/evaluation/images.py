"""Score models that make images, and real images, in the same way."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from bgan_text.cli.console import newest_data, say
from bgan_text.cli.progress import Work
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.image_grid import grid, write_png
from bgan_text.device import choose_device
from bgan_text.errors import UserError
from bgan_text.evaluation.critics import SEEDS, Sides, critics_of
from bgan_text.evaluation.image_features import feature_scores
from bgan_text.evaluation.image_inputs import RealImages, Samples, gather_images, named_images, shown
from bgan_text.evaluation.image_settings import image_settings
from bgan_text.evaluation.inputs import REAL, Request
from bgan_text.evaluation.ngrams import Scores
from bgan_text.evaluation.report import Report, column, compared
from bgan_text.scores.critic import LEAST_ROWS
from bgan_text.scores.critic_training import CriticSettings
from bgan_text.scores.distribution import memorised, unique
from bgan_text.scores.feature_classifier_fit import ClassifierSettings
from bgan_text.scores.neighbours import nearest, neighbour_distance
from bgan_text.scores.patches import SIDES, patch_colours, patch_js
from bgan_text.scores.pixels import colour_distance, deviation_distance, mean_distance
from bgan_text.space import TokenSpace

PATCH_REFERENCES = 2000
"""Real images that patches are held against, at most: each has as many patches as pixels."""
NEIGHBOURS_AMONG = 20_000
"""Training images that the nearest is searched among, at most; chosen at random."""
SHOWN_SAMPLES, SHOWN_NEIGHBOURS = 8, 5
TEXT_ALONE = (
    "reference",
    "train",
    "tokenize",
    "lowercase",
    "window",
    "grammar",
    "likelihood",
    "embed",
    "mauve",
)
"""Options of `score` that mean nothing to images."""


@dataclass(frozen=True, kw_only=True)
class Judges:
    """The nets that judge images: a classifier of real ones, and `critics` critics for each distance."""

    classifier: ClassifierSettings = field(default_factory=ClassifierSettings)
    critic: CriticSettings = field(default_factory=lambda: CriticSettings(width=16))
    critics: int = SEEDS

    @classmethod
    def quick(cls) -> "Judges":
        """Those that learn next to nothing, for trying out what uses them."""
        return cls(
            classifier=ClassifierSettings(width=4, steps=5),
            critic=CriticSettings(width=4, steps=5, interval=5),
            critics=1,
        )


def of_images(request: Request) -> bool:
    """Whether what is to be scored are images; a `UserError` if some are and some are not."""
    _, runs = request.named()
    made = named_images(runs)
    if request.data is None:
        if made is not None:
            return made
        return request.reference is None and DatasetDirectory(newest_data()).images
    held = DatasetDirectory(request.data).images
    if made is not None and made != held:
        kinds = ("text", "images")
        raise UserError(f"--data {request.data} holds {kinds[held]}, {next(iter(runs))} makes {kinds[made]}")
    return held


def score_images(request: Request, judges: Judges | None = None) -> Report:
    """Score every run, folder and archive that was named, and the real anchor."""
    judges = judges or Judges()
    _refuse(request)
    device = choose_device(request.device)
    groups, real = gather_images(request, *request.named())
    if len({len(group.images) for group in groups[:-1]}) > 1:
        say("Warning: the models have different numbers of samples, on which most scores depend.")
    if request.critic:
        _refuse_few(groups, real)
    with Work() as work:
        scores = list(_plain_scores(groups, real, work))
        found, learnt = feature_scores(groups, real, judges.classifier, request.seed, device, work)
        deviations: list[dict[str, float]] = [{} for _ in groups]
        if request.critic:
            seeds = range(request.seed, request.seed + judges.critics)
            sides = [Sides(group.name, group.images, real.references) for group in groups]
            means, deviations = critics_of(sides, real.space, judges.critic, seeds, device, work)
            found = [one | more for one, more in zip(found, means, strict=True)]
    columns = [
        column(
            group.name,
            plain | more,
            deviation=deviation,
            lengths={},
            seed=(request.seed, place),
            resamples=request.resamples,
        )
        for place, (group, plain, more, deviation) in enumerate(
            zip(groups, scores, found, deviations, strict=True)
        )
    ]
    if request.neighbours is not None:
        _write_neighbours(request.neighbours, groups[0], real)
    settings = image_settings(request, groups, real, device) | {
        "patch references": len(real.references[:PATCH_REFERENCES]),
        "neighbours among": len(real.training[:NEIGHBOURS_AMONG]),
        "classifier": learnt,
        "critic": {"seeds": judges.critics} | asdict(judges.critic) if request.critic else {},
    }
    return Report(columns, settings, compared(columns[:-1], request.compare))


def _refuse(request: Request) -> None:
    for name in TEXT_ALONE:
        if value := getattr(request, name):
            given = "" if value is True else f" {value}"
            raise UserError(f"--{name}{given} has no meaning for images: it belongs to scores of text")
    path = request.neighbours
    if path is not None and (path.suffix != ".png" or path.is_dir() or not path.absolute().parent.is_dir()):
        raise UserError(
            f"--neighbours {path}: the name of a file that ends in .png, in a folder that is there"
        )


def _refuse_few(groups: list[Samples], real: RealImages) -> None:
    sides = [*groups, Samples(f"{real.data.folder}/test", real.references)]
    for name, images in ((side.name, side.images) for side in sides):
        if len(images) < LEAST_ROWS:
            raise UserError(f"{name} has {len(images)} images: --critic needs at least {LEAST_ROWS}")


def _plain_scores(groups: list[Samples], real: RealImages, work: Work) -> Iterator[Scores]:
    """The scores of every group that need no net."""
    bytes_of = [_rows(shown(group.images, real.palette)) for group in groups]
    for group, rows in zip(groups, bytes_of, strict=True):
        with work.part(f"pixels, patches and neighbours of {group.name}"):
            scores = _patch_scores(group.images, real) | _pixel_scores(group.images, real)
            scores["unique"] = unique(rows)
            anchor = group.name == REAL
            if not anchor:  # training images are copied by construction
                scores["memorised"] = memorised(rows, _training(real))
            looks = (shown(images, real.palette) for images in (group.images, _pool(real, anchor=anchor)))
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


def _rows(looks: Tensor) -> list[bytes]:
    return [row.tobytes() for row in looks.numpy()]


def _training(real: RealImages) -> Iterator[bytes]:
    """What every training image looks like."""
    for block in real.data.blocks("train"):
        yield from _rows(shown(block, real.palette))


def _pool(real: RealImages, *, anchor: bool = False) -> Tensor:
    """The training images that neighbours are searched among, which the anchor's are not of its own."""
    return real.training[real.anchor if anchor else 0 :][:NEIGHBOURS_AMONG]


def _write_neighbours(path: Path, group: Samples, real: RealImages) -> None:
    """A row for each of the first samples: the sample, then the training images nearest to it."""
    samples, pool = group.images[:SHOWN_SAMPLES], _pool(real)
    count = min(SHOWN_NEIGHBOURS, len(pool))
    found = nearest(shown(samples, real.palette), shown(pool, real.palette), count)
    rows = torch.cat([samples.unsqueeze(1), pool[found.places]], dim=1)
    images = [real.palette.decode(image) for image in rows.flatten(0, 1).numpy()]
    write_png(path, grid(images, columns=1 + count))
    say(f"wrote {path}: each row a sample of {group.name}, then its {count} nearest training images")
