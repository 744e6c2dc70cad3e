"""Make a dataset directory of rows of tokens that exist already, such as molecules or events as integers."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from numpy.typing import NDArray

from bgan_text.corpora.arrow_files import arrow_writer
from bgan_text.corpora.dataset_directory import DatasetDirectory, write_card
from bgan_text.corpora.lengths import Lengths
from bgan_text.corpora.preparation_options import Preparation, TokenPreparation
from bgan_text.corpora.preparation_summary import data_summary, repeats_warnings
from bgan_text.corpora.splitting import Seen, Splits, split_rows, without_bars
from bgan_text.corpora.staging import staged
from bgan_text.corpora.text_counts import Counts
from bgan_text.corpora.text_preparation import card, row_features
from bgan_text.corpora.tokenizer import IntegerTokenizer
from bgan_text.errors import UserError
from bgan_text.reporter import SILENT, Reporter
from bgan_text.space import TokenSpace

BLOCK = 1000


def prepare_token_rows(
    rows: NDArray[Any],
    recipe: TokenPreparation,
    out: Path,
    *,
    reporter: Reporter = SILENT,
    overwrite: bool = False,
) -> DatasetDirectory:
    """Write rows of tokens as a dataset directory.

    Args:
        rows: (n, L) integers in 0 .. vocabulary - 1. After the first `end` of a row, all is replaced by
            `end`.
        recipe: the vocabulary, the end token, and which rows to keep.
        out: the folder to write.
        reporter: receives the progress.
        overwrite: replace a dataset directory that is already at `out`.

    Raises:
        UserError: a token is out of range, or there are too few rows; `out` then stays as it was.
    """
    rows = _checked(rows[: recipe.limit], recipe)
    space = TokenSpace(rows.shape[1], recipe.vocabulary, recipe.end)
    with without_bars(), staged(out, overwrite=overwrite) as stage:
        split = partial(split_rows, keep_duplicates=recipe.keep_duplicates, length=space.positions)
        write_rows(stage, ((row, False) for row in rows), len(rows), split, recipe, space, reporter)
    return DatasetDirectory(out)


def write_rows(
    stage: Path,
    rows: Iterable[tuple[NDArray[np.int32], int]],
    count: int,
    split: Callable[[datasets.Dataset, Seen, Path], Splits],
    recipe: Preparation,
    space: TokenSpace,
    reporter: Reporter,
) -> None:
    """Write rows of tokens as three splits, a tokenizer and a card.

    Args:
        stage: the folder, which may hold further files of the directory.
        rows: (L,) tokens, filled up with the end token, each with what `Seen` notes of it.
        count: how many.
        split: writes the splits of all rows into a folder.
        recipe: the options, for the card.
        space: of the rows.
        reporter: receives the progress, and the warnings of `DatasetDirectory.summary`.
    """
    tokenizer, counts, seen = IntegerTokenizer(space.vocabulary, space.end), Counts(read=count), Seen()
    path, lengths = stage / "rows.arrow", Lengths()
    with (
        reporter.task("encoding", "rows") as progress,
        arrow_writer(path, row_features(space.positions)) as writer,
    ):
        for index, (row, held_out) in enumerate(rows):
            seen.add(row, held_out)
            writer.write({"tokens": row, "text": tokenizer.decode(row.tolist())})
            used = len(row) if space.end is None else int((row != space.end).sum())
            lengths.add(used)
            counts.tokens += used
            if index % BLOCK == 0:
                progress(index, count)
        writer.finalize()
    data = datasets.Dataset.from_file(str(path))
    splits = split(data, seen, stage)
    del data
    path.unlink()
    counts.add_splits(splits.duplicates, splits.sizes)
    (stage / tokenizer.file).write_bytes(tokenizer.content())
    warnings = repeats_warnings(0 if recipe.keep_duplicates else counts.duplicates, count)
    summary = data_summary(asdict(counts), lengths, space.vocabulary, warnings)
    described = {"positions": space.positions, "vocabulary": space.vocabulary, "end": space.end}
    write_card(stage, card(asdict(recipe), described, tokenizer, counts, splits.digest, summary))
    for warning in warnings:
        reporter.warning(warning)


def _checked(rows: NDArray[Any], recipe: TokenPreparation) -> NDArray[np.int32]:
    """The rows as int32, filled up with the end token."""
    if not rows.size:
        raise UserError(f"token rows of shape {rows.shape}: at least one row and one position are needed")
    if rows.min() < 0 or rows.max() >= recipe.vocabulary:
        raise UserError(
            f"token rows hold {rows.min()} to {rows.max()}: 0 to {recipe.vocabulary - 1} was expected, as "
            f"`vocabulary` is {recipe.vocabulary}"
        )
    whole = rows.astype(np.int32)
    if recipe.end is not None:
        ended = np.cumsum(whole == recipe.end, axis=1) > 0
        whole[ended] = recipe.end
    return whole
