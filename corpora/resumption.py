"""How the preparation of a large corpus goes on after its process was ended.

What is done lies in the folder that is written aside, with a note of what it was made of: the options, the
files and their digests. Only a preparation of the same takes it over, and any other removes it.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from bgan_text import __version__
from bgan_text.corpora.corpus import Request, TextCorpus
from bgan_text.corpora.preparation_options import TextPreparation
from bgan_text.corpora.tokenizer_base import is_model
from bgan_text.errors import UserError
from bgan_text.files import parsed, read_bounded, write_json
from bgan_text.reporter import Reporter

LARGE = 1 << 26
"""Bytes of files whose preparation takes long enough to go on with it. Smaller ones are prepared anew."""
NOTE = "made-of.json"


class Resumption:
    """What a preparation is made of, to tell whether another one was the same.

    Args:
        options: all that it depends on, as JSON values, but for the files.
        files: what it reads.
        reporter: hears whether an earlier one goes on.
    """

    def __init__(self, options: Any, files: Sequence[str], reporter: Reporter) -> None:
        self._options, self._files, self._reporter = options, files, reporter

    @classmethod
    def of(cls, recipe: TextPreparation, corpus: TextCorpus, reporter: Reporter) -> "Resumption | None":
        """That of a preparation; None where it is small, or what it reads cannot be read again."""
        try:
            request = Request(recipe.paths, recipe.column, recipe.limit)
            found = None if corpus.files is None else corpus.files(request)
        except UserError:  # told when they are read
            return None
        files = list(found or ())
        if found is None or not all(Path(file).is_file() for file in files):
            return None
        if files and sum(Path(file).stat().st_size for file in files) < LARGE:
            return None
        files += [recipe.tokenizer] if is_model(recipe.tokenizer) else []
        options = asdict(recipe)
        del options["processes"]
        return cls([__version__, corpus.name, options], files, reporter)

    @cached_property
    def _identity(self) -> str:
        """A digest of the options and of all files, which are read for it."""
        signed = hashlib.sha256(json.dumps([self._options, self._files]).encode())
        with self._reporter.task("digests of the input", "files") as progress:
            for count, file in enumerate(self._files, start=1):
                with Path(file).open("rb") as content:
                    signed.update(hashlib.file_digest(content, "sha256").digest())
                progress(count, len(self._files))
        return signed.hexdigest()

    def fits(self, work: Path) -> bool:
        """Whether what lies in a folder is a part of this preparation. Says so if it is one of another."""
        try:
            content: Any = parsed(read_bounded(work / NOTE), work / NOTE)
        except (OSError, UserError):
            return False
        if isinstance(content, dict) and content.get("made-of") == self._identity:
            self._reporter.message("The same preparation was ended before: it goes on from what was done.")
            return True
        self._reporter.message("Options or files have changed since a preparation was ended: it begins anew.")
        return False

    def ended(self) -> None:
        """Say that what is done is kept."""
        self._reporter.message("What was done is kept: the same command goes on from there.")

    def begin(self, work: Path) -> None:
        """Note in a new folder what will be in it."""
        write_json(work / NOTE, {"made-of": self._identity})
