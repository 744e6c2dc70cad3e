"""`prepare`: anything that holds text, images or rows of tokens becomes a dataset directory."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from bgan_text.corpora.byte_streams import STANDARD_INPUT, exists
from bgan_text.corpora.corpus import Corpus, ImageCorpus, Request, TextCorpus, TokenCorpus
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.image_arrays import Held, image_rows
from bgan_text.corpora.image_files import is_collection
from bgan_text.corpora.image_labels import label_array
from bgan_text.corpora.image_preparation import prepare_images
from bgan_text.corpora.image_sources import IMAGE_CORPORA
from bgan_text.corpora.images import Raw
from bgan_text.corpora.memory import texts_in_memory
from bgan_text.corpora.oracle_preparation import prepare_oracle
from bgan_text.corpora.paths import holds_texts, is_pattern, named
from bgan_text.corpora.preparation_options import (
    ImagePreparation,
    OraclePreparation,
    Preparation,
    TextPreparation,
    TokenPreparation,
    text_corpus,
)
from bgan_text.corpora.sources import TEXT_CORPORA, TOKEN_CORPORA
from bgan_text.corpora.text_preparation import prepare_text
from bgan_text.corpora.token_rows import prepare_token_rows
from bgan_text.errors import UserError, unknown
from bgan_text.out_of_memory import out_of_memory
from bgan_text.reporter import SILENT, Reporter

BUILT_IN: Mapping[str, Corpus] = {**TEXT_CORPORA, **TOKEN_CORPORA, **IMAGE_CORPORA}
KINDS = (TextPreparation, OraclePreparation, ImagePreparation, TokenPreparation)
Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def prepare(
    source: Any = "grammar",
    *,
    out: str | os.PathLike[str],
    path: Paths | None = None,
    overwrite: bool = False,
    reporter: Reporter = SILENT,
    **options: Any,
) -> DatasetDirectory:
    """Turn a corpus into rows of tokens or pixels, split into train, validation and test.

    Args:
        source: what to read:

            - the name of a built-in corpus: grammar, lm1b, lines, oracle, mnist, cifar10, celeba, lsun,
              imagenet, images;
            - the path of a text file with one sample a line, of a folder of texts, of a table (with
              `column`), or of images: a folder, an archive, an .npz or an image. A path that exists is meant
              as it is written; one that does not, and has a *, ? or [ in it, is a pattern;
            - a list of paths, or any other iterable of strings, which is read once;
            - a `datasets.Dataset` or a pandas DataFrame; `column` names its text, unless it has only one
              column of strings; or a pandas Series;
            - rows of tokens, (n, L) integers as an array or tensor, with `vocabulary` and, if rows are
              shorter than L, the token `end`;
            - uint8 images, (n, height, width) or (n, height, width, channels), with `labels` if they have
              any: n integers;
            - a `TextCorpus` or an `ImageCorpus`.
        out: the folder to write.
        path: files, folders or patterns that a built-in corpus reads instead of the hub, in this order.
        overwrite: replace a dataset directory that is already at `out`.
        reporter: receives progress, and a message for each image that is skipped.
        options: fields of `TextPreparation`, `ImagePreparation`, `TokenPreparation` or `OraclePreparation`,
            whichever suits the source.

    Returns:
        The dataset directory.

    Raises:
        UserError: the source is missing, damaged or too small, or an option does not suit it; `out` then
            stays as it was.

    Example:
        >>> data = prepare("poems.txt", tokenizer="char", length=32, overlong="cut", out="data/poems")
        >>> data = prepare(["ab", "ba", "aa", "bb"], tokenizer="char", length=2, out="data/ab")
        >>> data = prepare(torch.randint(5, (100, 8)), vocabulary=5, out="data/rows")
        >>> data.counts["train"]
        80
    """
    given = {name: value for name, value in options.items() if value is not None}
    return _prepared(source, Path(out), path, given, overwrite=overwrite, reporter=reporter)


def _prepared(
    source: Any,
    folder: Path,
    path: Paths | None,
    given: dict[str, Any],
    *,
    overwrite: bool,
    reporter: Reporter,
) -> DatasetDirectory:
    if (array := _array(source)) is not None and array.ndim == 2:
        _refuse_paths(path, "rows of tokens")
        _refuse_unknown(given, TokenPreparation, "rows of tokens")
        if "vocabulary" not in given:
            raise UserError("rows of tokens need `vocabulary`: the number of different tokens")
        rows = TokenPreparation(**given)
        return prepare_token_rows(array, rows, folder, reporter=reporter, overwrite=overwrite)
    corpus, paths = _corpus(source, path, array, given)
    if isinstance(corpus, TokenCorpus):
        _refuse_paths(paths, f"the corpus {corpus.name}, which is built in")
        _refuse_unknown(given, OraclePreparation, f"the rows of {corpus.name} are drawn from an LSTM")
        recipe = OraclePreparation(**given)
        return prepare_oracle(recipe, folder, reporter=reporter, overwrite=overwrite)
    if isinstance(corpus, ImageCorpus):
        _refuse_unknown(given, ImagePreparation, f"{corpus.name} is a corpus of images")
        images = ImagePreparation.given(corpus, paths=paths, **given)
        with out_of_memory("while images are read", "lower `max_image_pixels`, `size` or `limit`"):
            return prepare_images(images, folder, corpus=corpus, reporter=reporter, overwrite=overwrite)
    _refuse_unknown(given, TextPreparation, f"{corpus.name} is a corpus of text")
    text = TextPreparation.given(corpus, paths=paths, **given)
    with out_of_memory("while text is read", "lower `limit` or `vocabulary`"):
        return prepare_text(text, folder, corpus=corpus, reporter=reporter, overwrite=overwrite)


def _array(source: Any) -> NDArray[Any] | None:
    """An array or tensor of token rows or images; None where the source is something else."""
    if isinstance(source, torch.Tensor):
        source = source.detach().cpu().numpy()
    if not isinstance(source, np.ndarray):
        return None
    if source.ndim not in (2, 3, 4) or (source.ndim == 2 and source.dtype.kind not in "iu"):
        raise UserError(
            f"an array of shape {source.shape} and type {source.dtype}: (n, L) integers or (n, height, width"
            "[, channels]) uint8 was expected"
        )
    return source


def _corpus(
    source: Any, path: Paths | None, array: NDArray[Any] | None, given: dict[str, Any]
) -> tuple[Corpus, tuple[str, ...]]:
    """The corpus of a source, and the paths that it reads. Options used up here are removed from `given`."""
    paths = _paths(path)
    if isinstance(source, TextCorpus | ImageCorpus):
        return source, paths
    if isinstance(source, str) and source in BUILT_IN:
        return BUILT_IN[source], paths
    if isinstance(source, str | os.PathLike) and is_path(source):
        _refuse_paths(path, os.fspath(source))
        return _kind_of(os.fspath(source)), (os.fspath(source),)
    if isinstance(source, str) and (os.sep in source or Path(source).suffix):
        raise UserError(f"there is no file or folder {source}")
    if isinstance(source, str):
        return text_corpus(source), paths  # refuses the name, and says which there are
    if isinstance(source, os.PathLike):
        raise UserError(f"there is no file or folder {os.fspath(source)}")
    _refuse_paths(path, type(source).__name__)
    if isinstance(source, list | tuple) and (files := _listed_files(source)):
        return _kind_of(files[0]), files
    if array is not None:
        return _image_array(array, given.pop("labels", None)), ()
    return texts_in_memory(source, given), ()


def _listed_files(source: Sequence[Any]) -> tuple[str, ...]:
    """The paths of a list of paths; none of a list of texts, which are not names of files."""
    are_paths = [isinstance(one, os.PathLike) for one in source]
    if not all(isinstance(one, str | os.PathLike) for one in source):
        return ()
    names = [os.fspath(one) for one in source]
    absent = [name for name in names if not name.strip() or not exists(name)]
    if absent and (any(are_paths) or (len(absent) < len(names) and all(map(_looks_like_path, absent)))):
        raise UserError(f"there is no file or folder {absent[0]}")
    return () if absent else tuple(names)


def _looks_like_path(text: str) -> bool:
    return len(text.split()) == 1 and (os.sep in text or Path(text).suffix != "")


def is_path(source: str | os.PathLike[str]) -> bool:
    """Whether something to prepare is a file or folder, or a pattern that some fit."""
    path = os.fspath(source)
    return exists(path) or (is_pattern(path) and any(named([path])))


def _kind_of(path: str) -> Corpus:
    """The corpus that reads a path: of images, or of text."""
    first = Path(next(named([path])))
    images = is_collection(first) and not (first.is_dir() and holds_texts(first))
    return IMAGE_CORPORA["images"] if images else TEXT_CORPORA["lines"]


def corpus_of_words(words: Sequence[str], path: Sequence[str]) -> tuple[str, tuple[str, ...], str]:
    """What the words of a command line mean, of which a shell makes several out of `*.txt`.

    Args:
        words: a corpus, then paths; or paths alone.
        path: paths that were given as such.

    Returns:
        The corpus, by its name or as it was given; its paths, sorted if some are among the words; and a name
        for its dataset directory.

    Example:
        >>> corpus_of_words(["lines", "c.txt", "b.txt"], ["a.txt"])
        ('lines', ('a.txt', 'b.txt', 'c.txt'), 'lines')
    """
    first, *more = words
    if first == STANDARD_INPUT and not more and not path:
        return "lines", (first,), "lines"
    corpus = first in BUILT_IN or not is_path(first)
    if corpus:
        return first, tuple(sorted([*path, *more]) if more else path), first.rpartition(":")[2]
    if not more and not path and exists(first):
        name = Path(first).resolve().name.lstrip(".").split(".")[0]
        return first, (), name.encode(errors="ignore").decode() or _kind_of(first).name
    kind = _kind_of(first).name
    return kind, tuple(sorted([*path, *words])), kind


def _image_array(images: NDArray[Any], labels: ArrayLike | None) -> ImageCorpus:
    known = None if labels is None else Held(label_array("the array of images", labels, len(images)))

    def read(request: Request) -> Iterator[Raw]:
        return islice(image_rows("images", Held(images), known, held_out=False), request.limit)

    return ImageCorpus("images", read)


def _paths(path: Paths | None) -> tuple[str, ...]:
    if path is None:
        return ()
    if isinstance(path, str | os.PathLike):
        return (os.fspath(path),)
    return tuple(os.fspath(one) for one in path)


def _refuse_paths(path: Paths | None, what: str) -> None:
    if _paths(path):
        raise UserError(f"`path` {', '.join(_paths(path))} does not apply to {what}")


def _refuse_unknown(given: Mapping[str, Any], own: type[Preparation], reason: str) -> None:
    """Refuse options that do not belong to a kind of source."""
    mine = _options(own)
    every = set().union(*map(_options, KINDS))
    for name, value in given.items():
        if name not in every | {"labels"}:
            raise UserError(unknown("option", name, sorted(mine)))
        if name not in mine:
            raise UserError(f"`{name}`{_short(value)} does not apply here: {reason}")


def _short(value: Any) -> str:
    """A value for a message; a collection is not shown."""
    return f" {value}" if isinstance(value, str | int | float) else ""


def _options(declared: type[Preparation]) -> set[str]:
    return {option.name for option in fields(declared) if option.metadata}
