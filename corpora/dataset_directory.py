"""A dataset directory: tokens in Arrow files that training maps into memory, a tokenizer and a card.

    FOLDER/train, validation, test    Arrow data written with `datasets`: `tokens`, and `text` or `label`
    FOLDER/tokenizer.json | .model    the tokenizer of text
    FOLDER/palette.json               or else the palette of images
    FOLDER/oracle.safetensors         weights of the distribution of the corpus oracle
    FOLDER/card.json                  counts, settings, signature

`bgan_text.corpora.prepare` makes it.
"""

import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from msgspec import UNSET
from numpy.typing import NDArray

from bgan_text.corpora.arrow_files import load
from bgan_text.corpora.dataset_check import (
    ORACLE_FILE,
    check_blocks,
    check_table,
    checked_texts,
    data_files,
    files_of,
    row_length,
)
from bgan_text.corpora.dataset_records import read_card
from bgan_text.corpora.feeding import Parts, fed
from bgan_text.corpora.oracle import Oracle
from bgan_text.corpora.oracle_file import read_oracle
from bgan_text.corpora.palette import Palette, load_palette, numbers
from bgan_text.corpora.token_array import TokenArray
from bgan_text.corpora.tokenizer import (
    SentencePieceTokenizer,
    SymbolTokenizer,
    Tokenizer,
    load_tokenizer,
    signature,
)
from bgan_text.errors import UserError, reason_of
from bgan_text.files import refuse_changed, write_sealed
from bgan_text.out_of_memory import out_of_memory
from bgan_text.remedies import not_a_dataset
from bgan_text.space import LabelSpace, PixelSpace, TokenSpace, is_image, space_from_json

if TYPE_CHECKING:
    import datasets

SPLITS = ("train", "validation", "test")
BLOCK = 1000
ALL = slice(None)


class DatasetDirectory:
    """An existing dataset directory. Only card.json is read before something else is needed.

    Attributes:
        folder: its path.
        card: the dataset info, the content of card.json.
        space: the sample space.
        signature: changes with anything that changes the samples.
        counts: the number of samples of each split, and what became of the others.
        files: the data files by their path in the folder; None in a card of an earlier version.
        summary: of text and rows of tokens, what became of the data and the warnings, see
            `bgan_text.corpora.preparation_summary.data_summary`; empty for images and older directories.

    Raises:
        UserError: the folder holds no dataset, a damaged one, or one of a later format.

    Example:
        >>> data = DatasetDirectory("data/poems")
        >>> data.space.positions, data.rows("test").shape[1]
        (32, 32)
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = folder = Path(folder)
        if not (folder / "card.json").exists():
            raise UserError(not_a_dataset(folder))
        path = folder / "card.json"
        self.card, told = read_card(path)
        space = space_from_json(told.space, path)
        if isinstance(space, LabelSpace):
            raise UserError(f"{path} is damaged: space: labels are no data of their own")
        refuse_changed(self.card, path)
        self.space: TokenSpace | PixelSpace = space
        self.signature, self.tokenizer_signature = told.signature, told.tokenizer
        self.settings: dict[str, Any] = told.settings
        self.corpus: str = self.settings["corpus"]
        self.lowercase: bool = self.settings.get("lowercase", False)
        self.counts: dict[str, int] = self.card["counts"]
        self.summary: dict[str, Any] = self.card.get("summary", {})
        self.files = None if told.files is UNSET else told.files
        self._checked: set[str] = set()

    def __repr__(self) -> str:
        sizes = ", ".join(f"{self.counts[split]:,} {split}" for split in SPLITS)
        return f"DatasetDirectory({str(self.folder)!r}: {self.corpus}, {sizes})"

    @property
    def images(self) -> bool:
        """Whether the samples are images, not text."""
        return is_image(self.space)

    def tokenizer(self) -> Tokenizer:
        """The folder's tokenizer, checked against the card."""
        if self.images:
            raise UserError(f"{self.folder} holds images, not text")
        tokenizer = load_tokenizer(self.folder)
        self._check_signature(signature(tokenizer))
        return tokenizer

    def palette(self) -> Palette:
        """The folder's palette, checked against the card."""
        if not self.images:
            raise UserError(f"{self.folder} holds text, not images")
        palette = load_palette(self.folder)
        self._check_signature(signature(palette))
        return palette

    @property
    def codec_file(self) -> str:
        """The name of the file of the tokenizer or palette."""
        if self.images:
            return Palette.file
        model = SentencePieceTokenizer.file
        return model if (self.folder / model).exists() else SymbolTokenizer.file

    @property
    def has_oracle(self) -> bool:
        """Whether the distribution that the samples were drawn from is there."""
        return ORACLE_FILE in (self.files or {}) and isinstance(self.space, TokenSpace)

    def oracle(self) -> Oracle | None:
        """The distribution that the samples were drawn from, of the corpus `oracle`; None of all others.

        Raises:
            UserError: its file is missing or damaged, or is not what the card tells of.
        """
        if not self.has_oracle:
            return None
        assert isinstance(self.space, TokenSpace)
        assert self.files is not None
        told = self.files[ORACLE_FILE]
        return read_oracle(self.folder, told, self.space.vocabulary, self.settings)

    def codec(self) -> Tokenizer | Palette:
        """What stands between tokens and what they mean."""
        return self.palette() if self.images else self.tokenizer()

    def _check_signature(self, found: str) -> None:
        if found != self.tokenizer_signature:
            raise UserError(
                f"the tokenizer or palette in {self.folder} is {found}, its card says "
                f"{self.tokenizer_signature}: the folder was changed, prepare it again"
            )

    def split(self, name: str) -> "datasets.Dataset":
        """One of the splits, mapped into memory: columns `tokens` (length L), and `text` or `label`.

        Raises:
            UserError: it is missing or damaged, or not what the card tells of.
        """
        where = self.folder / name
        files = data_files(where)
        if name not in self._checked and self.files is not None:  # not in a card of an earlier version
            for file in files:
                told = self.files.get(file.relative_to(self.folder).as_posix())
                check_blocks(file, told, thorough=False)
        try:
            found = load(files)
        except MemoryError:
            raise
        except Exception as error:  # datasets and pyarrow raise errors of many kinds for damaged files
            raise UserError(f"{where} is missing or damaged: {reason_of(error)}") from error
        check_table(found.data.table, self.space, self.counts[name], where)
        self._checked.add(name)
        return found

    def texts(self, name: str, limit: int | None = None) -> list[str]:
        """The texts of a split, at most `limit` of them."""
        return list(islice(self.stream(name), limit))

    def stream(self, name: str) -> Iterator[str]:
        """The texts of a split, one after the other."""
        yield from checked_texts(self.split(name).data.table, BLOCK, self.folder / name)

    def tokens(self, name: str) -> TokenArray:
        """The tokens of a split as one array, which is indexed like (rows, L) integers of numpy.

        Nothing is read but what is indexed. `TokenArray.tensor` puts all of it on a device.

        Raises:
            UserError: the split is missing or damaged, or not what the card tells of.
        """
        self.split(name)  # checks it
        where = self.folder / name
        return TokenArray(data_files(where), row_length(self.space), self.most_tokens, where)

    def rows(self, name: str) -> torch.Tensor:
        """All samples of a split, for splits that are bounded in size.

        (count, L) int64 tokens, or (count, channels, height, width) float32 pixels.
        """
        data = self.tokens(name)
        with out_of_memory(f"while {len(data):,} {name} samples are read", "prepare fewer with `limit`"):
            return self._samples(data, slice(None), np.random.default_rng(0))

    def chosen(self, name: str, places: NDArray[np.int64]) -> torch.Tensor:
        """The samples of a split at these places, (count,), as `rows` gives them."""
        return self._samples(self.tokens(name), places, np.random.default_rng(0))

    def blocks(self, name: str) -> Iterator[torch.Tensor]:
        """All samples of a split of any size, a thousand at a time, as `rows` gives them."""
        data, rng = self.tokens(name), np.random.default_rng(0)
        for start in range(0, len(data), BLOCK):
            yield self._samples(data, slice(start, start + BLOCK), rng)

    def labels(self, name: str) -> torch.Tensor | None:
        """The classes of a split's images, (count,) int64; None where an image has none."""
        if not self.images:
            return None
        labels = self.split(name)["label"][:]
        return None if None in labels else torch.tensor(labels)

    def batches(
        self, batch: int, seed: int, device: torch.device, own: slice = ALL, each_step: int = 1
    ) -> Callable[[int, int], torch.Tensor]:
        """(step, index) -> a batch of N training samples, drawn with replacement; shaped as `rows`.

        A batch follows from the seed, step and index alone. A GPU holds the split itself where it fits, see
        `bgan_text.corpora.feeding`.

        Args:
            batch: N.
            seed: of the choice.
            device: where the batches are.
            own: the rows of each batch that this process holds.
            each_step: how many indices a step has.
        """
        data = self.tokens("train")

        def choose(step: int, index: int) -> tuple[NDArray[np.int64], *Parts]:
            rng = np.random.default_rng((seed, step, index))
            places = rng.integers(0, len(data), batch)
            uniform = self._uniform(batch, rng)  # of all rows, in their order
            return places[own], *(shares[own] for shares in uniform)

        return fed(data, choose, self._made, device, each_step)

    def _samples(
        self, data: TokenArray, chosen: slice | NDArray[np.int64], rng: np.random.Generator
    ) -> torch.Tensor:
        rows = torch.from_numpy(data[chosen])
        return self._made(rows, *self._uniform(len(rows), rng))

    def _uniform(self, count: int, rng: np.random.Generator) -> Parts:
        """Of grey levels a bit is drawn of each pixel, by a number 0 .. 1; of others nothing."""
        if self.settings.get("binarize") != "stochastic":
            return ()
        shape = count, row_length(self.space)
        return (torch.from_numpy(rng.random(shape, dtype=np.float32)),)

    def _made(self, rows: torch.Tensor, *uniform: torch.Tensor) -> torch.Tensor:
        """What a step reads, of rows as they are stored, on their device."""
        if isinstance(self.space, PixelSpace):
            return self.pixels(rows)
        for shares in uniform:
            rows = shares * 255 < rows
        return rows.long()

    @property
    def most_tokens(self) -> int:
        """The numbers in rows are below this one: the vocabulary, or 256 where they are levels."""
        bits_to_draw = self.settings.get("binarize") == "stochastic"
        return self.space.vocabulary if isinstance(self.space, TokenSpace) and not bits_to_draw else 256

    def pixels(self, rows: NDArray[Any] | torch.Tensor) -> torch.Tensor:
        """Rows of bytes as continuous images, -1 .. 1: (count, L) -> (count, channels, height, width)."""
        assert isinstance(self.space, PixelSpace)
        shape = len(rows), self.space.height, self.space.width, self.space.channels
        return numbers(torch.as_tensor(rows).view(shape).permute(0, 3, 1, 2))


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Write card.json beside the splits, with digests of their files and of itself."""
    card = card | {"files": files_of(folder, SPLITS)}
    write_sealed(folder / "card.json", card)
