"""The tokenizers `sentencepiece` and `bpe`, and models of the user's own."""

from collections.abc import Iterable
from typing import ClassVar

import sentencepiece

from bgan_text.corpora.sentencepiece_training import (
    FROM_STAND_INS,
    STAND_INS,
    trained_model,
    with_stand_ins,
)
from bgan_text.corpora.tokenizer_base import FIRST, IDENTITY, UNKNOWN, Tokenizer, until_end
from bgan_text.errors import UserError


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

    @classmethod
    def train(
        cls, texts: Iterable[str], name: str, vocabulary: int | None, normalization: str = IDENTITY
    ) -> "SentencePieceTokenizer":
        """Train a model on texts, which are iterated over twice; see `trained_model`."""
        return cls(trained_model(texts, name, vocabulary, normalization))

    def encode(self, text: str) -> list[int]:
        if self._stand_ins:
            text = with_stand_ins(text)
        return [self._token.get(piece, UNKNOWN) for piece in self._processor.encode(text)]

    def join(self, tokens: Iterable[int]) -> str:
        unknown = self._processor.unk_id()
        pieces = [unknown if token == UNKNOWN else self._kept[token - FIRST] for token in until_end(tokens)]
        text = str(self._processor.decode(pieces))
        return text.translate(FROM_STAND_INS) if self._stand_ins else text

    def content(self) -> bytes:
        return self._model
