"""Make a dataset directory of rows that SeqGAN's oracle draws, with the oracle in it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.oracle import Oracle
from bgan_text.corpora.oracle_file import write_oracle
from bgan_text.corpora.preparation_options import OraclePreparation
from bgan_text.corpora.sources import ORACLE
from bgan_text.corpora.splitting import HELD_OUT_SHARE, split_as_told, without_bars
from bgan_text.corpora.staging import staged
from bgan_text.corpora.token_rows import write_rows
from bgan_text.reporter import SILENT, Reporter
from bgan_text.space import TokenSpace


def prepare_oracle(
    recipe: OraclePreparation, out: Path, *, reporter: Reporter = SILENT, overwrite: bool = False
) -> DatasetDirectory:
    """Draw an oracle and rows of it, and write a dataset directory.

    There are `limit` training rows, and a tenth as many for validation and for testing each. All are
    independent draws, so the splits of a small oracle share rows.

    Args:
        recipe: the sizes of oracle and rows, the seed, and how many rows.
        out: the folder to write.
        reporter: receives the progress.
        overwrite: replace a dataset directory that is already at `out`.

    Raises:
        UserError: there is something at `out` that may not be replaced.

    Example:
        >>> data = prepare_oracle(OraclePreparation(vocabulary=50, limit=80), Path("data/small-oracle"))
        >>> data.counts["train"], data.oracle().log_prob(data.rows("test")).shape
        (80, torch.Size([8]))
    """
    rng = torch.Generator().manual_seed(recipe.seed)
    oracle = Oracle.random(recipe.vocabulary, recipe.embedding_size, recipe.hidden_size, rng)
    parts = _parts(ORACLE.limit if recipe.limit is None else recipe.limit)
    space = TokenSpace(recipe.length, recipe.vocabulary)
    with without_bars(), staged(out, overwrite=overwrite) as stage:
        write_oracle(stage, oracle)
        rows = _drawn(oracle, parts, recipe.length, rng)
        write_rows(stage, rows, sum(parts), split_as_told, recipe, space, reporter)
    return DatasetDirectory(out)


def _parts(training: int) -> tuple[int, int, int]:
    """How many rows each split has."""
    held_out = max(1, training // HELD_OUT_SHARE)
    return training, held_out, held_out


def _drawn(
    oracle: Oracle, parts: tuple[int, ...], length: int, rng: torch.Generator
) -> Iterator[tuple[NDArray[np.int32], int]]:
    for part, count in enumerate(parts):
        for rows in oracle.samples(count, length, rng):
            yield from ((row, part) for row in rows.numpy().astype(np.int32))
