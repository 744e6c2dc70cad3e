"""Make a dataset directory of images: read them, choose the colours, write rows of tokens in three splits."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from datasets.arrow_writer import ArrowWriter

from bgan_text import __version__
from bgan_text.corpora.dataset_directory import FORMAT, DatasetDirectory
from bgan_text.corpora.image_sources import IMAGE_SOURCES
from bgan_text.corpora.images import Corrupt, Pixels, Shape, read
from bgan_text.corpora.palette import MOST_COLORS, QUANTIZERS, Palette, fitted_colors, grey_levels
from bgan_text.corpora.splitting import Seen, Splits, split_rows, staged
from bgan_text.corpora.tokenizer import signature
from bgan_text.errors import UserError, choose
from bgan_text.files import write_json
from bgan_text.space import PixelSpace, TokenSpace, space_to_json

BINARIZATIONS = ("threshold", "static", "stochastic")
PALETTE_PIXELS = 200_000
"""How many pixels, of images that the corpus does not hold out, a palette is chosen by."""
CORRUPT = 10
SMALLEST_SIDE, LARGEST_SIDE = 4, 1024

Progress = Callable[[str, int], None]


@dataclass(frozen=True, kw_only=True)
class ImagePreparation:
    """What `prepare` was asked to do; stored in the card."""

    corpus: str
    paths: tuple[str, ...] = ()
    size: int | None
    grey: bool | None = None
    colors: int | None
    binarize: str = "threshold"
    quantizer: str | None = None
    corrupt: int = CORRUPT
    limit: int | None = None
    keep_duplicates: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        choose("corpus", self.corpus, IMAGE_SOURCES)
        choose("binarization", self.binarize, dict.fromkeys(BINARIZATIONS))
        if self.quantizer is not None:
            choose("quantizer", self.quantizer, dict.fromkeys(QUANTIZERS))
        if self.colors is not None and not 2 <= self.colors <= MOST_COLORS:
            raise UserError(f"--colors {self.colors}: 2 to {MOST_COLORS}, or none, was expected")
        if self.size is not None and not SMALLEST_SIDE <= self.size <= LARGEST_SIDE:
            raise UserError(f"--size {self.size}: {SMALLEST_SIDE} to {LARGEST_SIDE} pixels were expected")
        for name, least in (("limit", 1), ("corrupt", 0), ("seed", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UserError(f"--{name} {value}: at least {least} is needed")

    @classmethod
    def given(cls, corpus: str, *, colors: str | None = None, **values: Any) -> "ImagePreparation":
        """A recipe from the options that were given; the corpus decides the defaults of others.

        `colors` is a number, or none for pixels that are numbers and no tokens.
        """
        source = choose("corpus", corpus, IMAGE_SOURCES)
        chosen = {name: value for name, value in values.items() if value is not None}
        chosen.setdefault("size", source.size)
        chosen["colors"] = source.colors if colors is None else _number_of(colors)
        if chosen["colors"] != 2 and chosen.get("binarize") is not None:
            raise UserError(f"--binarize {chosen['binarize']} makes two colours: it goes with --colors 2")
        if chosen["colors"] is None and chosen.get("quantizer") is not None:
            raise UserError(f"--quantizer {chosen['quantizer']} chooses colours: leave out --colors none")
        if chosen["colors"] == 2 and chosen.get("grey") is False:
            raise UserError("--no-grey: two colours are made of grey levels, so leave it out")
        return cls(corpus=corpus, **chosen)


def _number_of(colors: str) -> int | None:
    if colors == "none":
        return None
    try:
        return int(colors)
    except ValueError as error:
        raise UserError(f"--colors {colors}: 2 to {MOST_COLORS}, or none, was expected") from error


def prepare_images(
    recipe: ImagePreparation,
    out: Path,
    progress: Progress,
    *,
    say: Callable[[str], None],
    overwrite: bool = False,
) -> DatasetDirectory:
    """Read images, choose their colours and write a dataset directory.

    Args:
        recipe: what to read, and how to make rows of it.
        out: the folder to write.
        progress: called with a stage's name and the number of images done in it.
        say: called with a line for each image that cannot be read.
        overwrite: replace a dataset directory that is already at `out`.

    Raises:
        UserError: something is wrong with the input; `out` is then as it was.
    """
    with staged(out, overwrite=overwrite) as stage:
        _write(recipe, stage, progress, say)
    return DatasetDirectory(out)


def _write(recipe: ImagePreparation, stage: Path, progress: Progress, say: Callable[[str], None]) -> None:
    corrupt = Corrupt(recipe.corrupt, say)
    pixels, shape = _spool(recipe, stage / "pixels.arrow", corrupt, progress)
    palette = _palette(recipe, pixels, shape)
    rows, seen = _encode(recipe, pixels, palette, stage / "rows.arrow", progress)
    length = palette.height * palette.width
    splits = split_rows(rows, seen, stage, keep_duplicates=recipe.keep_duplicates, length=length)
    labels = hashlib.sha256(repr(pixels["label"][:]).encode()).hexdigest()
    card = _card(recipe, palette, len(pixels) + corrupt.count, corrupt.count, splits, labels)
    del pixels, rows
    (stage / "pixels.arrow").unlink()
    (stage / "rows.arrow").unlink()
    (stage / palette.file).write_bytes(palette.content())
    write_json(stage / "card.json", card)


def _spool(
    recipe: ImagePreparation, path: Path, corrupt: Corrupt, progress: Progress
) -> tuple[datasets.Dataset, tuple[int, int, int]]:
    """Write pixels to disk: colours are chosen by a sample of them before they become tokens."""
    features = datasets.Features(
        pixels=datasets.Value("binary"),
        label=datasets.Value("int32"),
        held_out=datasets.Value("bool"),
    )
    shape = Shape(recipe.size, True if recipe.grey is None and recipe.colors == 2 else recipe.grey)
    source, count = IMAGE_SOURCES[recipe.corpus], 0
    with ArrowWriter(features=features, path=str(path)) as writer:
        for raw, pixels in read(source.read(recipe.paths, recipe.limit), shape, corrupt):
            writer.write({"pixels": pixels.tobytes(), "label": raw.label, "held_out": raw.held_out})
            count += 1
            if count % 1000 == 0:
                progress("reading", count)
        if shape.found is None:
            raise UserError(f"the corpus {recipe.corpus} is empty: no image was read")
        writer.finalize()
    return datasets.Dataset.from_file(str(path)), shape.found


def _palette(recipe: ImagePreparation, pixels: datasets.Dataset, shape: tuple[int, int, int]) -> Palette:
    height, width, channels = shape
    if recipe.colors is None:
        return Palette(height, width, channels, None)
    if channels == 1 and recipe.quantizer is not None:
        raise UserError(
            f"--quantizer {recipe.quantizer}: grey levels are evenly apart, with nothing to choose"
        )
    if recipe.colors == 2 and channels == 1:
        return Palette(height, width, channels, grey_levels(2))
    sample = _sample(pixels, channels, recipe.seed)
    if channels == 3:
        quantizer = recipe.quantizer or QUANTIZERS[0]
        return Palette(height, width, channels, fitted_colors(sample, recipe.colors, quantizer))
    if (distinct := len(np.unique(sample))) < recipe.colors:
        raise UserError(
            f"--colors {recipe.colors}: the images have only {distinct} different grey levels; no more "
            "than that, or none, was expected"
        )
    return Palette(height, width, channels, grey_levels(recipe.colors))


def _sample(pixels: datasets.Dataset, channels: int, seed: int) -> Pixels:
    """Pixels of images that are not held out, (n, channels), drawn without replacement."""
    held_out = np.asarray(pixels["held_out"])
    free = np.flatnonzero(~held_out) if not held_out.all() else np.arange(len(pixels))
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(free)[:2000]
    flat = np.concatenate([row.reshape(-1, channels) for row in _pixel_rows(pixels.select(np.sort(chosen)))])
    if len(flat) > PALETTE_PIXELS:
        flat = flat[rng.choice(len(flat), PALETTE_PIXELS, replace=False)]
    return flat


def _pixel_rows(pixels: datasets.Dataset) -> Iterator[Pixels]:
    for start in range(0, len(pixels), 1000):
        for content in pixels[start : start + 1000]["pixels"]:
            yield np.frombuffer(content, np.uint8)


def _encode(
    recipe: ImagePreparation, pixels: datasets.Dataset, palette: Palette, path: Path, progress: Progress
) -> tuple[datasets.Dataset, Seen]:
    """Tokens of every image. Pixels that are drawn anew for each batch stay grey levels."""
    shape = palette.height, palette.width, palette.channels
    anew, rng = recipe.binarize == "stochastic", np.random.default_rng(recipe.seed)
    length = int(np.prod(shape)) if palette.colors is None else palette.height * palette.width
    features = datasets.Features(
        tokens=datasets.Sequence(datasets.Value("uint8"), length=length), label=datasets.Value("int32")
    )
    seen = Seen()
    labels, held_out = pixels["label"][:], pixels["held_out"][:]
    with ArrowWriter(features=features, path=str(path)) as writer:
        for index, flat in enumerate(_pixel_rows(pixels)):
            if recipe.binarize == "static":
                row = (rng.random(flat.shape) * 255 < flat).astype(np.uint8)
            else:
                row = flat if anew else palette.encode(flat.reshape(shape))
            # Bits that are drawn differ where the images do not: those tell whether a row is new.
            seen.add(flat if recipe.binarize == "static" else row, held_out[index])
            writer.write({"tokens": row, "label": labels[index]})
            if index % 1000 == 0:
                progress("encoding", index)
        writer.finalize()
    return datasets.Dataset.from_file(str(path)), seen


def _card(
    recipe: ImagePreparation, palette: Palette, read: int, corrupt: int, splits: Splits, labels: str
) -> dict[str, Any]:
    """What the folder holds. `labels`: a digest of them."""
    height, width = palette.height, palette.width
    space: TokenSpace | PixelSpace
    if palette.colors is None:
        space = PixelSpace(palette.channels, height, width)
    else:
        space = TokenSpace(height * width, palette.vocabulary, shape=(height, width))
    bits = f"static {recipe.seed}" if recipe.binarize == "static" else recipe.binarize
    named = f"{height} {width} {signature(palette)} {bits} {splits.digest} {labels}"
    return {
        "format": FORMAT,
        "version": __version__,
        "settings": asdict(recipe),
        "space": space_to_json(space),
        "tokenizer": signature(palette),
        "counts": {"read": read, "corrupt": corrupt, "duplicates": splits.duplicates, **splits.sizes},
        "signature": hashlib.sha256(named.encode()).hexdigest()[:16],
    }
