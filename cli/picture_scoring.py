"""Score models that make pictures, and real pictures, in the same way."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from bgan_text.corpora.picture_grid import grid, write_png
from bgan_text.corpora.prepared import Prepared
from bgan_text.errors import UserError
from bgan_text.scores.classifier_fit import ClassifierSettings
from bgan_text.scores.critic import LEAST_ROWS
from bgan_text.scores.critic_training import CriticSettings
from bgan_text.scores.distribution import copied, distinct_samples
from bgan_text.scores.neighbours import nearest, neighbour_distance
from bgan_text.scores.patches import SIDES, patch_colours, patch_js
from bgan_text.scores.pixels import colour_distance, deviation_distance, mean_distance
from bgan_text.space import Space

from .console import newest_data, say
from .critics import SEEDS, Sides, critics_of
from .device import choose_device
from .ngram_scores import Scores
from .picture_features import feature_scores
from .picture_samples import RealPictures, Samples, gather_pictures, named_pictures, shown
from .picture_settings import picture_settings
from .progress import Work
from .report import Report, column, compared
from .texts import REAL, Request

PATCH_REFERENCES = 2000
"""Real pictures that patches are held against, at most: each has as many patches as pixels."""
NEIGHBOURS_AMONG = 20_000
"""Training pictures that the nearest is searched among, at most; chosen at random."""
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
"""Options of `score` that mean nothing to pictures."""


@dataclass(frozen=True, kw_only=True)
class Judges:
    """The nets that judge pictures: a classifier of real ones, and `critics` critics for each distance."""

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


def of_pictures(request: Request) -> bool:
    """Whether what is to be scored are pictures; a `UserError` if some are and some are not."""
    _, runs = request.named()
    made = named_pictures(runs)
    if request.data is None:
        if made is not None:
            return made
        return request.reference is None and Prepared(newest_data()).pictures
    held = Prepared(request.data).pictures
    if made is not None and made != held:
        kinds = ("text", "pictures")
        raise UserError(f"--data {request.data} holds {kinds[held]}, {next(iter(runs))} makes {kinds[made]}")
    return held


def score_pictures(request: Request, judges: Judges | None = None) -> Report:
    """Score every run, folder and archive that was named, and the real anchor."""
    judges = judges or Judges()
    _refuse(request)
    device = choose_device(request.device)
    groups, real = gather_pictures(request, *request.named())
    if len({len(group.pictures) for group in groups[:-1]}) > 1:
        say("Warning: the models have different numbers of samples, on which most scores depend.")
    if request.critic:
        _refuse_few(groups, real)
    with Work() as work:
        scores = list(_plain_scores(groups, real, work))
        found, learnt = feature_scores(groups, real, judges.classifier, request.seed, device, work)
        deviations: list[dict[str, float]] = [{} for _ in groups]
        if request.critic:
            seeds = range(request.seed, request.seed + judges.critics)
            sides = [Sides(group.name, group.pictures, real.references) for group in groups]
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
    settings = picture_settings(request, groups, real, device) | {
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
            raise UserError(f"--{name}{given} has no meaning for pictures: it belongs to scores of text")
    path = request.neighbours
    if path is not None and (path.suffix != ".png" or path.is_dir() or not path.absolute().parent.is_dir()):
        raise UserError(
            f"--neighbours {path}: the name of a file that ends in .png, in a folder that is there"
        )


def _refuse_few(groups: list[Samples], real: RealPictures) -> None:
    sides = [*groups, Samples(f"{real.data.folder}/test", real.references)]
    for name, pictures in ((side.name, side.pictures) for side in sides):
        if len(pictures) < LEAST_ROWS:
            raise UserError(f"{name} has {len(pictures)} pictures: --critic needs at least {LEAST_ROWS}")


def _plain_scores(groups: list[Samples], real: RealPictures, work: Work) -> Iterator[Scores]:
    """The scores of every group that need no net."""
    bytes_of = [_rows(shown(group.pictures, real.palette)) for group in groups]
    for group, rows in zip(groups, bytes_of, strict=True):
        with work.part(f"pixels, patches and neighbours of {group.name}"):
            scores = _patch_scores(group.pictures, real) | _pixel_scores(group.pictures, real)
            scores["distinct"] = distinct_samples(rows)
            anchor = group.name == REAL
            if not anchor:  # training pictures are copied by construction
                scores["copied"] = copied(rows, _training(real))
            looks = (
                shown(pictures, real.palette) for pictures in (group.pictures, _pool(real, anchor=anchor))
            )
            scores["neighbour-distance"] = neighbour_distance(*looks)
        yield scores


def _patch_scores(pictures: Tensor, real: RealPictures) -> Scores:
    sides = [side for side in SIDES if side <= min(real.palette.height, real.palette.width)]
    ours, theirs = (
        patch_colours(side, real.space) for side in (pictures, real.references[:PATCH_REFERENCES])
    )
    return {f"patch-js-{side}": score for side, score in patch_js(ours, theirs, sides).items()}


def _pixel_scores(pictures: Tensor, real: RealPictures) -> Scores:
    if isinstance(real.space, Space):
        return {"pixel-distance": colour_distance(pictures, real.references, real.space.vocabulary)}
    return {
        "pixel-mean-distance": mean_distance(pictures, real.references),
        "pixel-deviation-distance": deviation_distance(pictures, real.references),
    }


def _rows(looks: Tensor) -> list[bytes]:
    return [row.tobytes() for row in looks.numpy()]


def _training(real: RealPictures) -> Iterator[bytes]:
    """What every training picture looks like."""
    for block in real.data.blocks("train"):
        yield from _rows(shown(block, real.palette))


def _pool(real: RealPictures, *, anchor: bool = False) -> Tensor:
    """The training pictures that neighbours are searched among, which the anchor's are not of its own."""
    return real.training[real.anchor if anchor else 0 :][:NEIGHBOURS_AMONG]


def _write_neighbours(path: Path, group: Samples, real: RealPictures) -> None:
    """A row for each of the first samples: the sample, then the training pictures nearest to it."""
    samples, pool = group.pictures[:SHOWN_SAMPLES], _pool(real)
    count = min(SHOWN_NEIGHBOURS, len(pool))
    found = nearest(shown(samples, real.palette), shown(pool, real.palette), count)
    rows = torch.cat([samples.unsqueeze(1), pool[found.places]], dim=1)
    pictures = [real.palette.decode(picture) for picture in rows.flatten(0, 1).numpy()]
    write_png(path, grid(pictures, columns=1 + count))
    say(f"wrote {path}: each row a sample of {group.name}, then its {count} nearest training pictures")
