"""How a SentencePiece model is trained: so that every text of the corpus decodes to itself."""

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator

import sentencepiece

from bgan_text.corpora.tokenizer_base import FIRST, IDENTITY
from bgan_text.errors import UserError

SENTENCEPIECE_MODELS = {"sentencepiece": "unigram", "bpe": "bpe"}
SENTENCEPIECE_VOCABULARY = 8000
"""The most pieces of a model whose vocabulary is not given, unless its characters need more."""

# SentencePiece writes a space as U+2581, so a text with that character would come back with a space. Its
# trainer leaves out lines with U+2585, and has other uses for two control characters. Unicode keeps
# noncharacters for such inner uses: they stand in for these.
STAND_INS = {"\u2581": "\ufdd0", "\u2585": "\ufdd1", "\0": "\ufdd2", "\x1f": "\ufdd3"}
UNKNOWN_PIECE = "\ufdd4"
"""Wherever a text has the name of the unknown piece, usually <unk>, SentencePiece takes it for that piece."""
RESERVED = re.compile(f"[{''.join(STAND_INS)}]")
TO_STAND_INS = str.maketrans(STAND_INS)
FROM_STAND_INS = str.maketrans({stand_in: character for character, stand_in in STAND_INS.items()})

PART = 1000
"""Characters of a line that the trainer sees at a time: it leaves out lines of more than 4,192 bytes."""
MOST_LINES = 1_000_000
"""Lines that the trainer chooses of a larger corpus."""
RARE = 0.0001
"""The share of characters, the rarest ones, that are unknown where all would fill the vocabulary."""
ROOM = 0.9
"""The largest part of a vocabulary that single characters may fill before the rare ones are left out."""


def trained_model(
    texts: Iterable[str],
    characters: Counter[str],
    lines: int,
    name: str,
    vocabulary: int | None,
    normalization: str = IDENTITY,
) -> bytes:
    """Train a model and give the bytes of its file.

    Spaces are kept as they are, in any number and at both ends. All characters of the corpus are pieces, so
    that none is unknown, unless they would fill the vocabulary. Long lines are trained on in parts.

    Args:
        texts: the corpus.
        characters: how often each occurs in it.
        lines: how many texts there are.
        name: one of `SENTENCEPIECE_MODELS`.
        vocabulary: the number of tokens, the end and the unknown included; None for up to 8,000, as many as
            the text gives.
        normalization: one of `NORMALIZATIONS`.

    Raises:
        UserError: the text does not give so many tokens, or has too many characters for so few.
    """
    characters = characters.copy()
    characters[" "] += lines  # SentencePiece reads a line as if a space stood in front of it
    coverage, kept = _coverage(characters, vocabulary or SENTENCEPIECE_VOCABULARY)
    size = vocabulary or max(SENTENCEPIECE_VOCABULARY, round(kept / ROOM))
    chosen = lines > MOST_LINES and coverage == 1.0  # the lines left out may have characters of their own
    required = _required(characters, normalization) if chosen else ""
    written = io.BytesIO()
    sentencepiece.set_random_generator_seed(0)  # which million lines of a large corpus it reads
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_parts(texts),
            model_writer=written,
            vocab_size=size - 1,  # an unknown piece of its own, no end piece: ours is added
            model_type=SENTENCEPIECE_MODELS[name],
            hard_vocab_limit=vocabulary is not None,
            normalization_rule_name=normalization,
            remove_extra_whitespaces=False,
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            unk_id=0,
            unk_piece=UNKNOWN_PIECE,
            character_coverage=coverage,
            input_sentence_size=MOST_LINES,
            shuffle_input_sentence=True,
            num_threads=1,
            minloglevel=2,
            required_chars=required,
        )
    except (RuntimeError, ValueError, OverflowError) as error:
        raise UserError(_refusal(vocabulary, str(error), kept)) from error
    return written.getvalue()


def with_stand_ins(text: str) -> str:
    """The text with stand-ins for the characters that SentencePiece reserves."""
    return text.translate(TO_STAND_INS) if RESERVED.search(text) else text


def _coverage(characters: "Counter[str]", vocabulary: int) -> tuple[float, int]:
    """The share of the text whose characters are pieces, and how many characters these are."""
    room = ROOM * vocabulary
    if len(characters) <= room:
        return 1.0, len(characters)
    wanted, covered = (1.0 - RARE) * characters.total(), 0
    for kept, (_, times) in enumerate(characters.most_common(), start=1):
        covered += times
        if covered >= wanted:
            return 1.0 - RARE, kept
    return 1.0, len(characters)


def _required(characters: Iterable[str], normalization: str) -> str:
    """The characters that the trainer must keep even if its choice of lines does not have them."""
    every = with_stand_ins("".join(sorted(characters))).replace(" ", "")
    if normalization == IDENTITY:
        return every
    normalizer = sentencepiece.SentencePieceNormalizer(rule_name=normalization, escape_whitespaces=False)
    return "".join(sorted(set(str(normalizer.normalize(every))) - {" "}))


def _parts(texts: Iterable[str]) -> Iterator[str]:
    """The lines that the trainer sees: long ones fall into parts, at a space if they have any."""
    for text in texts:
        rest = with_stand_ins(text)
        while len(rest) > PART:
            space = rest.rfind(" ", 1, PART)
            end = space if space > 0 else PART
            yield rest[:end]
            rest = rest[end + (space > 0) :]  # the trainer puts a space before each part itself
        yield rest


def _refusal(vocabulary: int | None, message: str, characters: int) -> str:
    """SentencePiece's refusal of a text, with the vocabulary size that it would accept if that was given."""
    reason = " ".join(message.split())
    if vocabulary is None:
        return f"SentencePiece cannot train on this text ({reason}): choose another `tokenizer`"
    if found := re.search(r"value <= (\d+)", message):
        return f"`vocabulary` {vocabulary}: the text gives at most {int(found.group(1)) + 1} pieces"
    if re.search(r"required_chars|smaller than", message):
        return (
            f"`vocabulary` {vocabulary}: too small for the characters of the text, {characters} different "
            f"ones: at least {characters + FIRST} tokens are needed"
        )
    return f"`vocabulary` {vocabulary}: SentencePiece cannot train on this text ({reason})"
