"""`bgan-text prepare`: a corpus becomes a dataset directory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from bgan_text.cli.options import with_options
from bgan_text.corpora.byte_streams import exists
from bgan_text.corpora.image_sources import IMAGE_CORPORA
from bgan_text.corpora.preparation_options import ImagePreparation, OraclePreparation, TextPreparation
from bgan_text.corpora.sources import TEXT_CORPORA, TOKEN_CORPORA


def _listed(corpora: Mapping[str, Any]) -> str:
    return ", ".join(f"{corpus.name} ({corpus.title})" for corpus in corpora.values())


@with_options(TextPreparation, OraclePreparation, ImagePreparation, without=("corpus",))
def prepare(
    corpus: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CORPUS|PATH",
            help=f"Text: {_listed(TEXT_CORPORA)}. Tokens: {_listed(TOKEN_CORPORA)}. Images: "
            f"{_listed(IMAGE_CORPORA)}. Or paths of texts or of images, or module:name for a corpus of your "
            "own. (default: grammar)",
        ),
    ] = None,
    path: Annotated[
        list[str] | None,
        typer.Option(
            help="What to read instead of the hub; several paths, or a pattern in quotes. Text: files, "
            "folders, '-' for standard input, for lm1b its archive or folder. Images: a folder, an archive, "
            "an .npz, the official files. Repeatable."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write. (default: data/CORPUS)")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a dataset directory that is there already.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the card as JSON.")] = False,
    *,
    given: dict[str, Any],
) -> None:
    """Turn a corpus into rows of tokens, split into train, validation and test.

    Example: bgan-text prepare poems.txt --tokenizer char --length 32 --overlong cut

    Example: bgan-text prepare images --path photographs.zip --size 32 --colors 16
    """
    from bgan_text.cli.console import print_json, say
    from bgan_text.cli.progress import RichReporter
    from bgan_text.corpora.card_lines import card_lines
    from bgan_text.corpora.prepare import corpus_of_words
    from bgan_text.corpora.prepare import prepare as prepare_corpus

    chosen, paths, name = corpus_of_words(corpus or ["grammar"], path or ())
    folder = out if out is not None else Path("data") / name
    made = prepare_corpus(
        _source(chosen), out=folder, path=paths, overwrite=overwrite, reporter=RichReporter(), **given
    )
    for line in card_lines(made.card):
        say(line)
    say(f"Prepared {folder}. Next: bgan-text train --data {folder}")
    if json:
        print_json({"data": str(folder), **made.card})


def _source(corpus: str) -> Any:
    """What to prepare. A corpus of the user's own is looked for in the working folder too."""
    if ":" in corpus and not exists(corpus):
        from bgan_text.cli.parts import imported

        return imported(corpus, "corpus")
    return corpus
