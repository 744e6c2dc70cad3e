"""Make a dataset directory of rows of tokens that exist already, such as molecules or events as integers."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from numpy.typing import NDArray

from bgan_text.corpora.arrow_files import arrow_writer
from bgan_text.corpora.dataset_directory import DatasetDirectory, write_card
from bgan_text.corpora.lengths import Lengths
from bgan_text.corpora.preparation_options import TokenPreparation
from bgan_text.corpora.preparation_summary import data_summary
from bgan_text.corpora.splitting import Seen, split_rows, without_bars
from bgan_text.corpora.staging import staged
from bgan_text.corpora.text_preparation import Counts, card, row_features
from bgan_text.corpora.tokenizer import IntegerTokenizer
from bgan_text.errors import UserError
from bgan_text.reporter import SILENT, Reporter

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
    tokenizer, counts, seen = IntegerTokenizer(recipe.vocabulary, recipe.end), Counts(read=len(rows)), Seen()
    with without_bars(), staged(out, overwrite=overwrite) as stage:
        path, length = stage / "rows.arrow", rows.shape[1]
        with (
            reporter.task("encoding", "rows") as progress,
            arrow_writer(path, row_features(length)) as writer,
        ):
            for index, row in enumerate(rows):
                seen.add(row, False)
                writer.write({"tokens": row, "text": tokenizer.decode(row.tolist())})
                if index % BLOCK == 0:
                    progress(index, len(rows))
            writer.finalize()
        data = datasets.Dataset.from_file(str(path))
        splits = split_rows(data, seen, stage, keep_duplicates=recipe.keep_duplicates, length=length)
        del data
        path.unlink()
        used = np.full(len(rows), length) if recipe.end is None else (rows != recipe.end).sum(axis=1)
        counts.tokens = int(used.sum())
        counts.add_splits(splits)
        (stage / tokenizer.file).write_bytes(tokenizer.content())
        space = {"positions": length, "vocabulary": recipe.vocabulary, "end": recipe.end}
        summary = data_summary(asdict(counts), Lengths(used.tolist()), recipe.vocabulary, [])
        write_card(stage, card(asdict(recipe), space, tokenizer, counts, splits.digest, summary))
    return DatasetDirectory(out)


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
