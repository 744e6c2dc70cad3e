"""The tokenizers `sentencepiece` and `bpe`, and models of the user's own."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, ClassVar

import sentencepiece

from bgan_text.corpora.sentencepiece_training import (
    FROM_STAND_INS,
    STAND_INS,
    with_stand_ins,
)
from bgan_text.corpora.tokenizer_base import FIRST, UNKNOWN, Tokenizer, until_end
from bgan_text.corpora.units import one_line
from bgan_text.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SentencePieceTokenizer(Tokenizer):
    """Subword pieces by the SentencePiece library.

    Args:
        model: the bytes of a model file.

    Raises:
        UserError: they are no model.
    """

    kind: ClassVar[str] = "sentencepiece"
    file: ClassVar[str] = "tokenizer.model"

    def __init__(self, model: bytes) -> None:
        self._model = model
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
            self._pieces = int(self._processor.get_piece_size())
        except RuntimeError as error:
            raise UserError(f"not a SentencePiece model: {error}") from error
        # The ids of the model are shifted so that 0 and 1 are the end and the unknown whatever the
        # model's own special pieces are.
        special = [
            piece
            for piece in range(self._pieces)
            if self._processor.is_control(piece) or self._processor.is_unknown(piece)
        ]
        self._kept = [piece for piece in range(self._pieces) if piece not in set(special)]
        self._token = {piece: FIRST + index for index, piece in enumerate(self._kept)}
        self.vocabulary = FIRST + len(self._kept)
        unknown = self._processor.unk_id()
        self._stand_ins = any(self._processor.piece_to_id(one) != unknown for one in STAND_INS.values())

    def encode(self, text: str) -> list[int]:
        if self._stand_ins:
            text = with_stand_ins(text)
        return [self._token.get(piece, UNKNOWN) for piece in self._processor.encode(text)]

    @cached_property
    def _token_of(self) -> "NDArray[np.int32]":
        """The token of each piece."""
        import numpy as np

        tokens = np.full(self._pieces, UNKNOWN, dtype=np.int32)
        tokens[self._kept] = np.arange(FIRST, self.vocabulary)
        return tokens

    def encode_many(self, texts: Sequence[str]) -> "tuple[NDArray[np.int32], NDArray[np.int64]]":
        import numpy as np

        if not texts:
            return super().encode_many(texts)
        safe = list(map(with_stand_ins, texts)) if self._stand_ins else list(texts)
        pieces = self._processor.encode(safe, num_threads=1)
        sizes = np.fromiter(map(len, pieces), np.int64, len(pieces))
        return self._token_of[np.fromiter(chain.from_iterable(pieces), np.int64, int(sizes.sum()))], sizes

    @cached_property
    def _piece_of(self) -> "NDArray[np.int64]":
        """The piece of each token; that of the end is never asked for."""
        import numpy as np

        return np.array([-1, self._processor.unk_id(), *self._kept])

    def decode_many(self, rows: "NDArray[np.integer]", sizes: "NDArray[np.integer]") -> list[str]:
        if not len(rows):
            return []
        pairs = zip(self._piece_of[rows].tolist(), sizes.tolist(), strict=True)
        texts = self._processor.decode([row[:size] for row, size in pairs], num_threads=1)
        if self._stand_ins:
            texts = [text.translate(FROM_STAND_INS) for text in texts]
        return list(map(one_line, texts))

    def join(self, tokens: Iterable[int]) -> str:
        unknown = self._processor.unk_id()
        pieces = [unknown if token == UNKNOWN else self._kept[token - FIRST] for token in until_end(tokens)]
        text = str(self._processor.decode(pieces))
        return text.translate(FROM_STAND_INS) if self._stand_ins else text

    def content(self) -> bytes:
        return self._model
