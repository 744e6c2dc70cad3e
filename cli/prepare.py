"""`bgan-text prepare`: a corpus becomes a folder of tokens."""

from pathlib import Path
from typing import Annotated, Any

import typer


def prepare(
    corpus: Annotated[
        str, typer.Argument(help="grammar (built in), lm1b (One Billion Word), or lines (your text).")
    ] = "grammar",
    path: Annotated[
        list[str] | None,
        typer.Option(
            help="File to read; '-' for standard input; for lm1b its archive or folder. Repeatable."
        ),
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="Column of a CSV, TSV, JSON-lines or Parquet file that holds the text.")
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            help="sentencepiece (unigram), bpe, word, char, or a SentencePiece FILE.model. "
            "(default: sentencepiece; grammar: word)"
        ),
    ] = None,
    vocabulary: Annotated[
        int | None,
        typer.Option(
            help="Number of tokens. (default: sentencepiece and bpe: up to 8000; word and char: all)"
        ),
    ] = None,
    length: Annotated[
        int | None, typer.Option(help="Positions of a sample. (default: 32; grammar: 24)")
    ] = None,
    overlong: Annotated[
        str | None,
        typer.Option(help="What to do with longer sentences: drop, cut or window. (default: drop)"),
    ] = None,
    lowercase: Annotated[bool, typer.Option("--lowercase", help="Lower-case the text.")] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            help="Read at most so many sentences; of lm1b, as many training ones. (default: grammar: 50000)"
        ),
    ] = None,
    keep_duplicates: Annotated[
        bool, typer.Option("--keep-duplicates", help="Keep samples that occur more than once.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the grammar's sentences.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder to write. (default: data/CORPUS)")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a prepared folder that is there already.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the card as JSON.")] = False,
) -> None:
    """Turn a corpus into rows of tokens, split into train, validation and test.

    Example: bgan-text prepare lines --path poems.txt --tokenizer char --length 32 --overlong cut
    """
    from bgan_text.corpora.preparing import Recipe
    from bgan_text.corpora.preparing import prepare as write

    from .console import print_json, say
    from .progress import Stages

    recipe = Recipe.given(
        corpus,
        paths=tuple(path or ()),
        column=column,
        tokenizer=tokenizer,
        vocabulary=vocabulary,
        length=length,
        overlong=overlong,
        lowercase=lowercase,
        limit=limit,
        keep_duplicates=keep_duplicates,
        seed=seed,
    )
    folder = out if out is not None else Path("data") / corpus
    with Stages() as stages:
        prepared = write(recipe, folder, stages.update, overwrite=overwrite)
    for line in summary(prepared.card):
        say(line)
    say(f"Prepared {folder}. Next: bgan-text train --data {folder}")
    if json:
        print_json({"data": str(folder), **prepared.card})


def summary(card: dict[str, Any]) -> list[str]:
    """What a card says, in two lines."""
    counts, space = card["counts"], card["space"]
    unknown = counts["unknown"] / counts["tokens"] if counts["tokens"] else 0.0
    return [
        f"{counts['read']:,} sentences read: {counts['blank']:,} blank, {counts['dropped']:,} dropped as "
        f"overlong, {counts['cut']:,} cut, {counts['windowed']:,} windowed, {counts['duplicates']:,} "
        f"{'duplicates kept' if card['settings']['keep_duplicates'] else 'deduplicated'}, "
        f"{unknown:.2%} of tokens unknown",
        f"{counts['train']:,} train, {counts['validation']:,} validation, {counts['test']:,} test samples of "
        f"{space['positions']} positions; {space['vocabulary']:,} tokens ({card['tokenizer']})",
    ]
