"""The columns of tables: which place one has, and how they are named in messages."""

from collections.abc import Iterable, Sequence

from bgan_text.errors import UserError, shortened

MOST_NAMED = 20
"""Columns that a message names."""


def place_of(column: str, names: Sequence[str], table: str) -> int:
    """The place of a column among the names of a table.

    Raises:
        UserError: there is no such column, or there are two.

    Example:
        >>> place_of("text", ["id", "text"], "poems.csv")
        1
    """
    if column not in names:
        raise no_column(table, column, names)
    if names.count(column) > 1:
        raise UserError(f"{table} has {names.count(column)} columns {column!r}: rename one of them")
    return names.index(column)


def no_column(table: str, column: str, names: Iterable[str]) -> UserError:
    """The error of a column that is not there."""
    return UserError(f"{table} has no column {column!r}: it has {listed(list(names))}")


def listed(names: Sequence[str]) -> str:
    """Names of columns in quotes; of many the first ones.

    Example:
        >>> listed(["id", "text"])
        "'id', 'text'"
    """
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return ", ".join(repr(shortened(name)) for name in names[:MOST_NAMED]) + more
