"""The built-in corpora of text. All are read as streams: no corpus is held in memory."""

import gzip
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from bgan_text.corpora.corpus import Request, Sentence, TextCorpus
from bgan_text.corpora.grammar import sentences
from bgan_text.errors import UserError, choose

GRAMMAR_SENTENCES = 50_000
LM1B_REPOSITORY = "billion-word-benchmark/lm1b"
LM1B_REVISION = "refs/convert/parquet"
"""The hub's own Parquet conversion of lm1b: the main branch holds only a loading script, which
`datasets` no longer runs (huggingface/datasets issue 7303)."""
TABLES = {".csv": "csv", ".tsv": "csv", ".json": "json", ".jsonl": "json", ".parquet": "parquet"}


def read_grammar(request: Request) -> Iterator[Sentence]:
    """Sentences of the built-in grammar, as many as `limit`."""
    if request.paths:
        raise UserError(f"corpus grammar is built in: `path` {request.paths[0]} has no meaning for it")
    count = GRAMMAR_SENTENCES if request.limit is None else request.limit
    return map(Sentence, sentences(request.seed, count))


def read_lines(request: Request) -> Iterator[Sentence]:
    """Lines of UTF-8 text files ('-' is standard input), or a column of tables."""
    if not request.paths:
        raise UserError("corpus lines needs `path`: a file, or - for standard input")
    texts: Iterator[str] = (text for path in request.paths for text in _texts(path, request.column))
    return map(Sentence, islice(texts, request.limit))


def _texts(path: str, column: str | None) -> Iterator[str]:
    if column is not None:
        return table_column(path, column)
    return plain_lines(path, "name the `column` that holds the text")


def plain_lines(path: str, instead: str) -> Iterator[str]:
    """The lines of a text file or, for '-', of standard input; a table is refused with what to do instead."""
    if path == "-":
        return decoded_lines(sys.stdin.buffer, "standard input")
    file = existing(path)
    if table_suffix(file) in TABLES:
        raise UserError(f"{path} is a table: {instead}")
    return text_lines(file)


def table_suffix(file: Path) -> str:
    """The ending that says what kind of table a file is, .gz left out."""
    suffixes = [suffix for suffix in file.suffixes if suffix != ".gz"]
    return suffixes[-1] if suffixes else ""


def existing(path: str) -> Path:
    """The path, or a `UserError` if there is no such file or it is a folder."""
    file = Path(path)
    if file.is_dir():
        raise UserError(f"{path} is a folder: a file was expected")
    if not file.exists():
        raise UserError(f"there is no file {path}")
    return file


def text_lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file, gzipped if its name ends in .gz, without their line ends."""
    opener: Callable[[Path], IO[bytes]] = gzip.open if path.suffix == ".gz" else Path.open  # type: ignore[assignment]
    mode = {"mode": "rb"}
    try:
        with opener(path, **mode) as file:
            yield from decoded_lines(file, str(path))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path} is not a whole gzip file: {error}") from error


def decoded_lines(file: Iterable[bytes], name: str) -> Iterator[str]:
    """Decode lines of bytes; a `UserError` says which line is not UTF-8."""
    for number, line in enumerate(file, start=1):
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(
                f"{name} is not UTF-8: line {number}, byte {error.start + 1} is {line[error.start]:#04x}"
            ) from error
        yield text.rstrip("\r\n").removeprefix("\ufeff" if number == 1 else "")


def table_column(path: str, column: str) -> Iterator[str]:
    """One column of a CSV, TSV, JSON-lines or Parquet file (.gz allowed), read through `datasets`.

    Values are read as they are written: 007 keeps its zeros, and NA is a word. The lines of a value are
    joined.
    """
    file = existing(path)
    builder = choose("kind of table", table_suffix(file), TABLES)
    options: dict[str, Any] = {}
    if builder == "csv":
        options |= {"converters": {column: str}, "keep_default_na": False}
    if table_suffix(file) == ".tsv":
        options["sep"] = "\t"
    yield from _streamed_column(builder, {"train": str(file)}, "train", column, str(file), **options)


def _streamed_column(
    repository: str,
    data_files: dict[str, str],
    split: str,
    column: str,
    name: str,
    **options: Any,
) -> Iterator[str]:
    import datasets

    try:
        stream = datasets.load_dataset(
            repository, data_files=data_files, split=split, streaming=True, **options
        )
        for row in stream:
            if column not in row:
                raise UserError(f"{name} has no column {column!r}: it has {', '.join(row)}")
            value = row[column]
            if value is not None:
                yield " ".join(str(value).splitlines())
    except UserError:
        raise
    except Exception as error:  # the readers raise errors of pandas, pyarrow, datasets and the network
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{name} cannot be read: {reason}") from error


def read_lm1b(request: Request) -> Iterator[Sentence]:
    """The One Billion Word benchmark: the official archive, its unpacked folder, or the hub.

    Its held-out shards come first, so that a sentence in both parts stays held out.
    """
    if len(request.paths) > 1:
        raise UserError("corpus lm1b takes one `path`: the archive, or the folder it unpacks to")
    path = Path(request.paths[0]) if request.paths else None
    if path is not None and not path.exists():
        raise UserError(f"there is no file or folder {path}")
    for held_out in (True, False):
        texts = _lm1b_part(path, held_out)
        limit = request.limit
        if limit is not None and held_out:
            limit = -(-limit // 10)
        for text in islice(texts, limit):
            yield Sentence(text, held_out)


def _lm1b_part(path: Path | None, held_out: bool) -> Iterator[str]:
    if path is None:
        return hub_lines(LM1B_REPOSITORY, LM1B_REVISION, "test" if held_out else "train")
    if path.is_dir():
        return _folder_part(path, held_out)
    return _archive_part(path, held_out)


def _is_shard(name: str, held_out: bool) -> bool:
    """Whether a file of the official archive belongs to the part wanted."""
    folder, _, file = name.rpartition("/")
    wanted = "heldout-monolingual" if held_out else "training-monolingual"
    return file.startswith("news.en") and f"/{folder}".rpartition("/")[2].startswith(wanted)


def _folder_part(path: Path, held_out: bool) -> Iterator[str]:
    shards = sorted(file for file in path.rglob("news.en*") if _is_shard(file.as_posix(), held_out))
    if not shards:
        raise UserError(_no_shards(path, held_out))
    for shard in shards:
        yield from text_lines(shard)


def _archive_part(path: Path, held_out: bool) -> Iterator[str]:
    found = False
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                if member.isfile() and _is_shard(member.name, held_out):
                    file = archive.extractfile(member)
                    if file is not None:
                        found = True
                        yield from decoded_lines(file, f"{path}:{member.name}")
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path} is not a whole tar archive: {error}") from error
    if not found:
        raise UserError(_no_shards(path, held_out))


def _no_shards(path: Path, held_out: bool) -> str:
    part = "heldout" if held_out else "training"
    return (
        f"{path} holds no files {part}-monolingual*/news.en*: the archive "
        "1-billion-word-language-modeling-benchmark-r13output.tar.gz or its unpacked folder was expected"
    )


def hub_lines(repository: str, revision: str | None, split: str) -> Iterator[str]:
    """The text column of a split of a Parquet data set in the hub, or of a local folder, streamed."""
    data_files = {split: f"plain_text/*{split}/*.parquet"}
    options = {} if revision is None else {"revision": revision}
    return _streamed_column(repository, data_files, split, "text", f"{repository} in the hub", **options)


TEXT_CORPORA: dict[str, TextCorpus] = {
    corpus.name: corpus
    for corpus in (
        TextCorpus(
            "grammar",
            read_grammar,
            "newswire-like sentences from a built-in probabilistic grammar",
            tokenizer="word",
            length=24,
        ),
        TextCorpus("lm1b", read_lm1b, "the One Billion Word benchmark, from the hub or from files"),
        TextCorpus("lines", read_lines, "any text, one sample a line, or a column of a table"),
    )
}
