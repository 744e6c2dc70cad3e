"""`bgan-text prepare`: a corpus becomes a folder of tokens."""

from pathlib import Path
from typing import Annotated

import typer


def prepare(
    corpus: Annotated[
        str,
        typer.Argument(
            help="Text: grammar (built in), lm1b (One Billion Word), lines (your text). Images: mnist, "
            "cifar10, celeba, lsun, imagenet, images (your images)."
        ),
    ] = "grammar",
    path: Annotated[
        list[str] | None,
        typer.Option(
            help="What to read instead of the hub. Text: a file, '-' for standard input, for lm1b its "
            "archive or folder. Images: a folder, an archive, an .npz, the official files. Repeatable."
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
    size: Annotated[
        int | None,
        typer.Option(
            help="Images: cut to the central square and scale to so many pixels a side. (default: mnist: "
            "28; cifar10, celeba: 32; lsun, imagenet: 64; images: as they are)"
        ),
    ] = None,
    grey: Annotated[
        bool | None,
        typer.Option(
            "--grey/--no-grey",
            help="Images: turn all into grey levels, or all into opaque red, green and blue. "
            "(default: as they are; grey for two colours)",
        ),
    ] = None,
    colors: Annotated[
        str | None,
        typer.Option(
            help="Images: how many colours a pixel can have, 2 to 256, or none for pixels that are real "
            "numbers. (default: 16; mnist: 2)"
        ),
    ] = None,
    binarize: Annotated[
        str | None,
        typer.Option(
            help="Two colours: threshold at half, static (drawn once, as likely as bright), or stochastic "
            "(drawn anew for each batch). (default: threshold)"
        ),
    ] = None,
    quantizer: Annotated[
        str | None,
        typer.Option(help="How a palette is chosen: kmeans or median-cut. (default: kmeans)"),
    ] = None,
    corrupt: Annotated[
        int | None,
        typer.Option(help="Images: how many unreadable ones to skip before giving up. (default: 10)"),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            help="Read at most so many samples; where some are held out, as many training ones. "
            "(default: grammar: 50000)"
        ),
    ] = None,
    keep_duplicates: Annotated[
        bool, typer.Option("--keep-duplicates", help="Keep samples that occur more than once.")
    ] = False,
    seed: Annotated[
        int, typer.Option(help="Seed of the grammar's sentences; of images, of bits and palette.")
    ] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder to write. (default: data/CORPUS)")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a dataset directory that is there already.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the card as JSON.")] = False,
) -> None:
    """Turn a corpus into rows of tokens, split into train, validation and test.

    Example: bgan-text prepare lines --path poems.txt --tokenizer char --length 32 --overlong cut

    Example: bgan-text prepare images --path photographs.zip --size 32 --colors 16
    """
    from bgan_text.cli.console import print_json, say
    from bgan_text.cli.preparation import prepared, summary
    from bgan_text.cli.progress import Stages
    from bgan_text.corpora.image_sources import IMAGE_SOURCES

    given = {
        "paths": tuple(path or ()),
        "limit": limit,
        "keep_duplicates": keep_duplicates,
        "seed": seed,
    }
    of_text = {
        "column": column,
        "tokenizer": tokenizer,
        "vocabulary": vocabulary,
        "length": length,
        "overlong": overlong,
        "lowercase": lowercase or None,
    }
    of_images = {
        "size": size,
        "grey": grey,
        "colors": colors,
        "binarize": binarize,
        "quantizer": quantizer,
        "corrupt": corrupt,
    }
    folder = out if out is not None else Path("data") / corpus
    with Stages("images" if corpus in IMAGE_SOURCES else "sentences") as stages:
        made = prepared(corpus, folder, given, of_text, of_images, stages.update, overwrite=overwrite)
    for line in summary(made.card):
        say(line)
    say(f"Prepared {folder}. Next: bgan-text train --data {folder}")
    if json:
        print_json({"data": str(folder), **made.card})
