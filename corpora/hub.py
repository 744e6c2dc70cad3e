"""Data sets of the Hugging Face hub, streamed."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LOGGERS = ("datasets", "huggingface_hub")


def streamed(repository: str, split: str, files: str, **options: Any) -> Any:
    """The rows of a split of a data set in the hub, or of a local folder of that layout.

    Errors are those of pyarrow, `datasets` and the network, and nothing else is said.
    """
    import datasets

    with without_logs():
        return datasets.load_dataset(
            repository, data_files={split: files}, split=split, streaming=True, **options
        )


@contextmanager
def without_logs() -> Iterator[None]:
    """The log of each try to reach the hub is off in the block: what fails in the end is an error."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
