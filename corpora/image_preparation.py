"""Make a dataset directory of images: read them, choose the colours, write rows of tokens in three splits."""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np

from bgan_text import __version__
from bgan_text.corpora.arrow_files import arrow_writer
from bgan_text.corpora.corpus import ImageCorpus, Request
from bgan_text.corpora.dataset_directory import DatasetDirectory, write_card
from bgan_text.corpora.dataset_records import FORMAT
from bgan_text.corpora.images import Corrupt, Pixels, Shape, read
from bgan_text.corpora.palette import Palette, exact_colors, fitted_colors, grey_levels
from bgan_text.corpora.preparation_options import QUANTIZERS, ImagePreparation, image_corpus
from bgan_text.corpora.splitting import Seen, Splits, split_rows, without_bars
from bgan_text.corpora.staging import staged
from bgan_text.corpora.tokenizer import signature
from bgan_text.errors import UserError
from bgan_text.reporter import SILENT, Reporter
from bgan_text.space import PixelSpace, TokenSpace, space_to_json

PALETTE_PIXELS = 200_000
"""Pixels that a palette is chosen by, of images that the corpus does not hold out."""
PALETTE_IMAGES = 2000
BLOCK = 1000
BLOCK_BYTES = 1 << 25
"""Images that are in memory at a time take so many bytes, and are at most `BLOCK`."""


def prepare_images(
    recipe: ImagePreparation,
    out: Path,
    *,
    corpus: ImageCorpus | None = None,
    reporter: Reporter = SILENT,
    overwrite: bool = False,
) -> DatasetDirectory:
    """Read a corpus of images, choose their colours and write a dataset directory.

    Args:
        recipe: how to make rows of the images.
        out: the folder to write.
        corpus: the corpus; None for the built-in one that the recipe names.
        reporter: receives the progress, and a message for each image that cannot be read.
        overwrite: replace a dataset directory that is already at `out`.

    Raises:
        UserError: the input is damaged, empty or too small; `out` then stays as it was.

    Example:
        >>> recipe = ImagePreparation.given("images", paths=("photographs.npz",), size=32)
        >>> prepare_images(recipe, Path("data/photographs")).space.vocabulary
        16
    """
    source = image_corpus(recipe.corpus) if corpus is None else corpus
    with without_bars(), staged(out, overwrite=overwrite) as stage:
        _write(recipe, source, stage, reporter)
    return DatasetDirectory(out)


def _write(recipe: ImagePreparation, corpus: ImageCorpus, stage: Path, reporter: Reporter) -> None:
    corrupt = Corrupt(recipe.corrupt, reporter.message)
    pixels, shape, animated = _spool(recipe, corpus, stage / "pixels.arrow", corrupt, reporter)
    palette = _palette(recipe, pixels, shape)
    if palette.colors is not None:
        recipe = replace(recipe, colors=len(palette.colors))
    rows, seen = _encode(recipe, pixels, palette, stage / "rows.arrow", reporter)
    length = palette.height * palette.width
    splits = split_rows(rows, seen, stage, keep_duplicates=recipe.keep_duplicates, length=length)
    labels = hashlib.sha256(repr(pixels["label"][:]).encode()).hexdigest()
    counts = {
        "read": len(pixels) + corrupt.count,
        "corrupt": corrupt.count,
        "other_files": corrupt.others.count,
        "animated": animated,
    }
    card = _card(recipe, palette, counts, splits, labels)
    del pixels, rows
    (stage / "pixels.arrow").unlink()
    (stage / "rows.arrow").unlink()
    (stage / palette.file).write_bytes(palette.content())
    write_card(stage, card)


def _spool(
    recipe: ImagePreparation, corpus: ImageCorpus, path: Path, corrupt: Corrupt, reporter: Reporter
) -> tuple[datasets.Dataset, tuple[int, int, int], int]:
    """Write pixels to disk: a sample of them decides on the colours before they become tokens."""
    features = datasets.Features(
        pixels=datasets.Value("binary"),
        label=datasets.Value("int32"),
        held_out=datasets.Value("bool"),
    )
    grey = True if recipe.grey is None and recipe.colors == 2 else recipe.grey
    shape = Shape(recipe.size, grey, recipe.background, recipe.max_image_pixels)
    images = corpus.read(Request(recipe.paths, limit=recipe.limit, seed=recipe.seed))
    with (
        reporter.task("reading", "images") as progress,
        arrow_writer(path, features) as writer,
    ):
        for count, (raw, pixels) in enumerate(read(images, shape, corrupt), 1):
            row = {"pixels": pixels.tobytes(), "label": raw.label, "held_out": raw.held_out}
            writer.write(row, writer_batch_size=_rows_of(pixels.nbytes))
            if count % BLOCK == 0:
                progress(count, None)
        if shape.found is None:
            unread = f", {corrupt.count} cannot be read" if corrupt.count else ""
            raise UserError(f"the corpus {recipe.corpus} is empty: no image was read{unread}")
        writer.finalize()
    return datasets.Dataset.from_file(str(path)), shape.found, shape.animated.count


def _palette(recipe: ImagePreparation, pixels: datasets.Dataset, shape: tuple[int, int, int]) -> Palette:
    height, width, channels = shape
    if recipe.colors is None:
        return Palette(height, width, channels, None)
    if channels == 1 and recipe.quantizer is not None:
        raise UserError(
            f"`quantizer` {recipe.quantizer}: grey levels are evenly spaced, so there is nothing to choose"
        )
    if recipe.colors == 2 and channels == 1:
        return Palette(height, width, channels, grey_levels(2))
    sample = _sample(pixels, channels, recipe.seed)
    if recipe.fewer_colors and len(colors := exact_colors(sample)) < recipe.colors:
        return Palette(height, width, channels, colors)
    if channels == 3:
        quantizer = recipe.quantizer or QUANTIZERS[0]
        return Palette(height, width, channels, fitted_colors(sample, recipe.colors, quantizer))
    if (distinct := len(np.unique(sample))) < recipe.colors:
        raise UserError(
            f"`colors` {recipe.colors}: the images have only {distinct} different grey levels; no more "
            "than that, or none, was expected"
        )
    return Palette(height, width, channels, grey_levels(recipe.colors))


def _sample(pixels: datasets.Dataset, channels: int, seed: int) -> Pixels:
    """Pixels of images that are not held out, drawn without replacement: (n, channels)."""
    held_out = np.asarray(pixels["held_out"])
    free = np.flatnonzero(~held_out) if not held_out.all() else np.arange(len(pixels))
    rng = np.random.default_rng(seed)
    chosen = pixels.select(np.sort(rng.permutation(free)[:PALETTE_IMAGES]))
    of_one = len(chosen[0]["pixels"]) // channels  # pixels of an image
    count = len(chosen) * of_one
    places = np.arange(count) if count <= PALETTE_PIXELS else rng.choice(count, PALETTE_PIXELS, replace=False)
    sample = np.empty((len(places), channels), dtype=np.uint8)
    order = np.argsort(places)
    bounds = np.searchsorted(places[order], of_one * np.arange(len(chosen) + 1))
    for index, row in enumerate(_pixel_rows(chosen)):
        mine = order[bounds[index] : bounds[index + 1]]
        sample[mine] = row.reshape(-1, channels)[places[mine] - index * of_one]
    return sample


def _pixel_rows(pixels: datasets.Dataset) -> Iterator[Pixels]:
    rows = _rows_of(len(pixels[0]["pixels"])) if len(pixels) else BLOCK
    for start in range(0, len(pixels), rows):
        for content in pixels[start : start + rows]["pixels"]:
            yield np.frombuffer(content, np.uint8)


def _rows_of(size: int) -> int:
    """How many images of so many bytes are in memory at a time."""
    return max(1, min(BLOCK, BLOCK_BYTES // size))


def _encode(
    recipe: ImagePreparation, pixels: datasets.Dataset, palette: Palette, path: Path, reporter: Reporter
) -> tuple[datasets.Dataset, Seen]:
    """Encode every image. Where bits are drawn anew for each batch, the rows stay grey levels."""
    shape = palette.height, palette.width, palette.channels
    anew, rng = recipe.binarize == "stochastic", np.random.default_rng(recipe.seed)
    length = int(np.prod(shape)) if palette.colors is None else palette.height * palette.width
    features = datasets.Features(
        tokens=datasets.Sequence(datasets.Value("uint8"), length=length), label=datasets.Value("int32")
    )
    seen = Seen()
    labels, held_out = pixels["label"][:], pixels["held_out"][:]
    with (
        reporter.task("encoding", "images") as progress,
        arrow_writer(path, features) as writer,
    ):
        for index, flat in enumerate(_pixel_rows(pixels)):
            if recipe.binarize == "static":
                row = (rng.random(flat.shape) * 255 < flat).astype(np.uint8)
            else:
                row = flat if anew else palette.encode(flat.reshape(shape))
            # Equal images may draw different bits: it is the images that tell whether a row is a duplicate.
            seen.add(flat if recipe.binarize == "static" else row, held_out[index])
            writer.write({"tokens": row, "label": labels[index]}, writer_batch_size=_rows_of(row.nbytes))
            if index % BLOCK == 0:
                progress(index, len(pixels))
        writer.finalize()
    return datasets.Dataset.from_file(str(path)), seen


def _card(
    recipe: ImagePreparation, palette: Palette, counts: dict[str, int], splits: Splits, labels: str
) -> dict[str, Any]:
    """The content of card.json; `labels` is a digest of them."""
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
        "settings": {name: value for name, value in asdict(recipe).items() if name != "fewer_colors"},
        "space": space_to_json(space),
        "tokenizer": signature(palette),
        "counts": {**counts, "duplicates": splits.duplicates, **splits.sizes},
        "signature": hashlib.sha256(named.encode()).hexdigest()[:16],
    }
