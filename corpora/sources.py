"""The built-in corpora of text. All are read as streams: no corpus is held in memory."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bgan_text.corpora.archives import member_name, tar_files
from bgan_text.corpora.byte_streams import STANDARD_INPUT, opened
from bgan_text.corpora.corpus import Request, Sentence, TextCorpus, TokenCorpus
from bgan_text.corpora.decoding import UTF8, decoded_lines, text_lines, utf8_lines
from bgan_text.corpora.grammar import sentences
from bgan_text.corpora.hub import streamed
from bgan_text.corpora.paths import text_files
from bgan_text.corpora.tables import refuse_without_column, table_column, table_kind
from bgan_text.corpora.units import LINE, in_units, one_line, values_in_units
from bgan_text.errors import UserError, reason_of
from bgan_text.reporter import SILENT, Reporter

GRAMMAR_SENTENCES = 50_000
BLOCK = 1000
"""Rows of the hub that are in memory at a time."""
LM1B_REPOSITORY = "billion-word-benchmark/lm1b"
LM1B_REVISION = "refs/convert/parquet"
"""The hub's own Parquet conversion of lm1b: the main branch holds only a loading script, which
`datasets` no longer runs (huggingface/datasets issue 7303)."""


def read_grammar(request: Request) -> Iterator[Sentence]:
    """Sentences of the built-in grammar, as many as `limit`."""
    if request.paths:
        raise UserError(f"corpus grammar is built in: `path` {request.paths[0]} has no meaning for it")
    _refuse_reading(request, "grammar")
    count = GRAMMAR_SENTENCES if request.limit is None else request.limit
    return map(Sentence, sentences(request.seed, count))


def _refuse_reading(request: Request, corpus: str) -> None:
    """Refuse options of files of one's own."""
    own = {"column": request.column, "encoding": request.encoding, "unit": request.unit}
    for name, value in own.items():
        if value not in (None, UTF8, LINE):
            raise UserError(
                f"`{name}` {value} has no meaning for the corpus {corpus}: it is for files of yours"
            )


def read_lines(request: Request) -> Iterator[Sentence]:
    """Samples of text files ('-' is standard input) or of a column of tables; also in folders."""
    if not request.paths:
        raise UserError("corpus lines needs `path`: a file, a folder of texts, or - for standard input")
    return map(Sentence, islice(_samples(request), request.limit))


def files_of_lines(request: Request) -> list[str] | None:
    """The files that `read_lines` reads; None for standard input."""
    files = list(text_files(request.paths, request.column))
    return None if STANDARD_INPUT in files else files


def _samples(request: Request) -> Iterator[str]:
    for path in text_files(request.paths, request.column, request.reporter):
        request.notes.files += 1
        yield from file_samples(path, request.column, request.encoding, request.unit, request.reporter)


def file_samples(
    path: str,
    column: str | None = None,
    encoding: str = UTF8,
    unit: str = LINE,
    reporter: Reporter = SILENT,
    *,
    or_text: bool = False,
) -> Iterator[str]:
    """The samples of a text file, of a column of a table or, for '-', of standard input.

    With a column the file has to be a table, unless it may be text, too (`or_text`).

    Raises:
        UserError: there is no such file, it is damaged, no text of that encoding, or a table and no column is
            named.
    """
    with opened(path) as stream:
        kind = table_kind(stream)
        if column is not None and not (or_text and kind is None):
            yield from values_in_units(table_column(stream, column, encoding, reporter), unit)
            return
        if kind is not None:
            refuse_without_column(stream, kind, encoding)
        yield from in_units(text_lines(stream, encoding, reporter), unit, stream.name)


def read_lm1b(request: Request) -> Iterator[Sentence]:
    """The One Billion Word benchmark: the official archive, its unpacked folder, or the hub.

    Its held-out shards come first, so that a sentence in both parts stays held out.
    """
    _refuse_reading(request, "lm1b")
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


def files_of_lm1b(request: Request) -> list[str]:
    """The files that `read_lm1b` reads; none where it is the hub, whose revision is always the same."""
    files: list[Path] = []
    for path in map(Path, request.paths):
        files += [*_shards(path, True), *_shards(path, False)] if path.is_dir() else [path]
    return list(map(str, files))


def _is_shard(name: str, held_out: bool) -> bool:
    """Whether a file of the official archive belongs to the part wanted."""
    folder, _, file = name.rpartition("/")
    wanted = "heldout-monolingual" if held_out else "training-monolingual"
    return file.startswith("news.en") and f"/{folder}".rpartition("/")[2].startswith(wanted)


def _folder_part(path: Path, held_out: bool) -> Iterator[str]:
    for shard in _shards(path, held_out):
        with opened(str(shard)) as stream:
            yield from map(one_line, decoded_lines(stream))


def _shards(path: Path, held_out: bool) -> list[Path]:
    shards = sorted(file for file in path.rglob("news.en*") if _is_shard(file.as_posix(), held_out))
    if not shards:
        raise UserError(_no_shards(path, held_out))
    return shards


def _archive_part(path: Path, held_out: bool) -> Iterator[str]:
    found = False
    for name, file in tar_files(path):
        if file is not None and _is_shard(name, held_out):
            found = True
            yield from map(one_line, utf8_lines(file, member_name(path, name)))
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
    options = {} if revision is None else {"revision": revision}
    try:
        rows = streamed(repository, split, f"plain_text/*{split}/*.parquet", **options)
        for block in rows.iter(batch_size=BLOCK):  # one row at a time takes 40 times as long
            yield from map(one_line, block["text"])
    except Exception as error:  # the readers raise errors of pyarrow, datasets and the network
        raise UserError(
            f"{repository} in the hub cannot be read: {reason_of(error)}; `path` reads files of yours"
        ) from error


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
        TextCorpus(
            "lm1b",
            read_lm1b,
            "the One Billion Word benchmark, from the hub or from files",
            files=files_of_lm1b,
        ),
        TextCorpus(
            "lines", read_lines, "any text, one sample a line, or a column of a table", files=files_of_lines
        ),
    )
}

ORACLE = TokenCorpus(
    "oracle",
    "rows of tokens from a randomly initialised LSTM whose likelihoods are known, as in SeqGAN",
    vocabulary=5_000,
    length=20,
    limit=10_000,
)
TOKEN_CORPORA: dict[str, TokenCorpus] = {ORACLE.name: ORACLE}
