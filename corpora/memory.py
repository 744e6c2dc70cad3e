"""Texts that are in memory, or come from an iterator: strings, data sets and data frames."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import datasets
import pandas as pd

from bgan_text.corpora.corpus import Request, TextCorpus
from bgan_text.corpora.units import LINE, values_in_units
from bgan_text.errors import UserError

ACCEPTED = (
    "the name of a corpus, a path or a list of paths, strings, a datasets.Dataset, a pandas DataFrame or "
    "Series, (n, L) token rows, (n, height, width[, channels]) uint8 images, or a corpus object"
)


def texts_in_memory(source: Any, given: dict[str, Any]) -> TextCorpus:
    """The corpus of an iterable of strings, a `datasets.Dataset`, or a pandas DataFrame or Series.

    A missing value is a blank sample.

    Args:
        source: the texts; an iterator is read once.
        given: the options; `column` is taken out of them for what has columns.

    Raises:
        UserError: something else, no such column of text, or an option that is for files.
    """
    if given.get("encoding") is not None:
        raise UserError(f"`encoding` {given['encoding']} does not apply to texts in memory")
    if isinstance(source, datasets.DatasetDict | datasets.IterableDatasetDict):
        raise UserError(f"a dataset with splits {', '.join(source)}: pass one of its splits")
    if isinstance(source, datasets.Dataset | datasets.IterableDataset):
        column = _column_of_dataset(source, given.pop("column", None))
        return _corpus("dataset", map(_filled, (row[column] for row in source)))
    if isinstance(source, pd.DataFrame):
        return _corpus("frame", map(_filled, _series_of(source, given.pop("column", None))))
    if given.get("column") is not None:
        raise UserError(f"`column` {given['column']} does not apply to texts in memory")
    if isinstance(source, pd.Series):
        return _corpus("series", map(_filled, source))
    if isinstance(source, Mapping | bytes) or not isinstance(source, Iterable):
        raise UserError(f"a source of type {type(source).__name__}: {ACCEPTED} was expected")
    return _corpus("texts", source)


def _corpus(name: str, texts: Iterable[Any]) -> TextCorpus:
    def read(request: Request) -> Iterator[str]:
        samples = texts if request.unit == LINE else values_in_units(_strings(name, texts), request.unit)
        return islice(iter(samples), request.limit)

    return TextCorpus(name, read)


def _strings(name: str, values: Iterable[Any]) -> Iterator[str]:
    for index, value in enumerate(values):
        if not isinstance(value, str):
            kind = type(value).__name__
            raise UserError(f"sample {index} of the corpus {name} is of type {kind}: a string was expected")
        yield value


def _filled(value: Any) -> Any:
    """A value of a column; a missing one (None, NaN, NA, NaT) is blank."""
    is_missing = value is None or value is pd.NA or value is pd.NaT
    return "" if is_missing or (isinstance(value, float) and value != value) else value


def _column_of_dataset(data: datasets.Dataset | datasets.IterableDataset, column: str | None) -> str:
    kinds: dict[str, str] = {name: getattr(kind, "dtype", "") for name, kind in (data.features or {}).items()}
    return _chosen_column(kinds, column)


def _series_of(frame: pd.DataFrame, column: Any) -> "pd.Series[Any]":
    """The column of text of a frame; a name that is no string is meant by what `str` makes of it."""
    names = [str(name) for name in frame.columns]
    kinds = {name: _kind_of(frame.iloc[:, place]) for place, name in enumerate(names)}
    chosen = _chosen_column(kinds, None if column is None else str(column))
    if names.count(chosen) > 1:
        raise UserError(f"the data frame has {names.count(chosen)} columns {chosen!r}: rename one of them")
    return frame.iloc[:, names.index(chosen)]


def _kind_of(values: "pd.Series[Any]") -> str:
    return "string" if pd.api.types.is_string_dtype(values.dropna()) else str(values.dtype)


def _chosen_column(kinds: Mapping[str, str], column: str | None) -> str:
    """The column that was named, else the only one of text. `kinds`: the type of each column's values."""
    if column is not None:
        if kinds and column not in kinds:
            raise UserError(f"the dataset has no `column` {column!r}: it has {', '.join(kinds)}")
        return column
    found = [name for name, kind in kinds.items() if kind in ("string", "large_string")]
    if len(found) != 1:
        raise UserError(
            f"the dataset has {len(found)} columns of text among {', '.join(kinds) or 'unknown ones'}: name "
            "one with `column`"
        )
    return found[0]
