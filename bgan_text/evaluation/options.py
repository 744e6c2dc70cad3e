"""The options of an evaluation. Importing them imports neither torch nor numpy."""

import math
from dataclasses import dataclass
from typing import ClassVar

from bgan_text.corpora.decoding import ENCODING_HELP, UTF8, check_encoding
from bgan_text.corpora.ngram_units import UNITS
from bgan_text.corpora.sacrebleu_tokenizers import NEEDS
from bgan_text.errors import UserError
from bgan_text.sampling_options import (
    CANDIDATES,
    CANDIDATES_HELP,
    CORRECT_HELP,
    CORRECTIONS,
    MOST_CANDIDATES,
    SAMPLES,
    checked_step,
)
from bgan_text.setting import DEVICES, check_all, setting

COMPARED, TEXT, SCORES, DRAWN = "What is scored", "Text", "Scores", "Samples and intervals"
"""The groups of options in the help."""
LEAST_RESAMPLES = 20
LARGEST_SEED = 2**63 - 1
NOT_IN_A_SWEEP = ("chrf", "critic", "embed", "perplexity", "mauve_features", "fid", "molecules")
"""Scores that take long, which a sweep does not have."""


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """How models are scored. Each field is an option of `bgan-text score` and a keyword of `evaluate`.

    `likelihood`: None turns it off in `evaluate` and on in `sweep`.

    Raises:
        UserError: a value is out of range, or `mauve` is given without `embed`.

    Example:
        >>> EvaluationOptions(tokenize="char", count=1000).seed
        0
    """

    OPTION_TYPES: ClassVar[dict[str, type]] = {"step": str}

    count: int | None = setting(
        None,
        "samples drawn from each run; lines or images chosen at random from each file "
        "(default: 1000; all lines, 1000 images)",
        minimum=1,
        flag="--n",
        group=DRAWN,
    )
    tokenize: str | None = setting(
        None,
        "unit of n-grams; word is nltk's, 13a sacrebleu's (default: char or smiles if the data is, else "
        "whitespace)",
        choices=tuple(UNITS),
        group=TEXT,
    )
    sacrebleu_tokenize: str | None = setting(
        None,
        "tokenizer of corpus-bleu, of sacrebleu (default: none for whitespace; of text without spaces zh for "
        "Chinese, ja-mecab, if installed, for Japanese, else char; else 13a)",
        choices=tuple(NEEDS),
        group=TEXT,
    )
    column: str | None = setting(None, "column of the tables among the files that holds the text", group=TEXT)
    encoding: str = setting(UTF8, ENCODING_HELP, group=TEXT)
    lowercase: bool | None = setting(
        None, "convert all text to lower case first (default: as `prepare` did)", group=TEXT
    )
    chrf: bool = setting(
        False,
        "chrF of sacrebleu, of the corpus and of sentences; seconds for 1,000 samples and 10,000 references",
        group=SCORES,
    )
    window: int | None = setting(
        None,
        "length of the window in which JS divergence counts n-grams, in units, padding included "
        "(default: the length that 99 % of the references do not exceed)",
        minimum=1,
        group=TEXT,
    )
    grammar: bool = setting(
        False, "score with the built-in grammar (default: if the data comes from it)", group=SCORES
    )
    likelihood: bool | None = setting(
        None,
        "likelihood of the samples under a language model of real text, and the reverse; about a minute "
        "each; exact for the grammar (default: only in a sweep)",
        group=SCORES,
    )
    critic: bool = setting(
        False, "distances estimated by freshly trained critics, minutes per model", group=SCORES
    )
    critics: int | None = setting(
        None,
        "critics per distance, each with another seed; the table shows their mean and spread; the time grows "
        "in proportion (default: 3)",
        minimum=1,
        group=SCORES,
    )
    embed: str | None = setting(
        None,
        "scores of sentence embeddings by this sentence-transformers model, a name or a folder; needs "
        "pip install -c constraints.txt '.[embed]' in a clone",
        metavar="MODEL",
        group=SCORES,
    )
    mauve: bool = setting(
        False,
        "compute MAUVE from the embeddings as well; needs pip install -c constraints.txt '.[mauve]' in a "
        "clone",
        group=SCORES,
    )
    perplexity: str | None = setting(
        None,
        "perplexity of the samples under this causal language model of the Hugging Face hub, such as gpt2, "
        "or of a folder; needs pip install -c constraints.txt '.[perplexity]' in a clone",
        metavar="MODEL",
        group=SCORES,
    )
    mauve_features: str | None = setting(
        None,
        "MAUVE on the features of this causal language model, as its authors use gpt2-large; needs "
        "pip install -c constraints.txt '.[perplexity,mauve]' in a clone",
        metavar="MODEL",
        group=SCORES,
    )
    fid: str | None = setting(
        None,
        "Fréchet and kernel Inception distance of images; inception downloads the network's weights once, "
        "FILE holds them; needs pip install -c constraints.txt '.[fid]' in a clone",
        metavar="inception|FILE",
        group=SCORES,
    )
    molecules: bool = setting(
        False,
        "the samples are SMILES: share of valid molecules, drug-likeness QED, synthetic accessibility SA and "
        "Fréchet ChemNet distance; needs pip install -c constraints.txt '.[molecules]' in a clone",
        group=SCORES,
    )
    judge: tuple[str, ...] = setting(
        (),
        "program that rates texts, such as 'python valid.py': it reads one a line on standard input and "
        "prints a number, or nan, for each; NAME:higher=COMMAND names the score and says that higher is "
        "better; lower and real, as near real text as possible, are the others; may be repeated",
        metavar="COMMAND",
        group=SCORES,
    )
    judge_timeout: float = setting(
        600.0, "seconds that a judge may take for the samples of one model", minimum=1, group=SCORES
    )
    resamples: int = setting(
        1000, "bootstrap resamples behind the intervals; 0 omits them", minimum=0, group=DRAWN
    )
    seed: int = setting(0, "seed of samples, random choices and intervals", minimum=0, group=DRAWN)
    temperature: float = setting(1.0, "sampling temperature of runs", group=DRAWN)
    step: int | str | None = setting(
        None,
        "runs: step of the checkpoint to score, or best (default: the last)",
        metavar="STEP|best",
        group=DRAWN,
    )
    candidates: int = setting(
        CANDIDATES, f"runs: {CANDIDATES_HELP}", minimum=1, below=MOST_CANDIDATES + 1, group=DRAWN
    )
    correct: str = setting(SAMPLES, f"runs: {CORRECT_HELP}", choices=CORRECTIONS, group=DRAWN)
    device: str = setting("auto", DEVICES, group=DRAWN)

    def __post_init__(self) -> None:
        check_all(self)
        check_encoding(self.encoding)
        if not 0.0 < self.temperature < math.inf:
            raise UserError(f"`temperature` {self.temperature}: a number above 0 is needed")
        if 0 < self.resamples < LEAST_RESAMPLES:
            raise UserError(f"`resamples` {self.resamples}: 0 or at least {LEAST_RESAMPLES} are needed")
        if self.seed > LARGEST_SEED:
            raise UserError(f"`seed` {self.seed}: a number from 0 up to {LARGEST_SEED} is needed")
        if self.window is not None:
            _check_window(self.window)
        object.__setattr__(self, "step", checked_step(self.step))
        if self.critics is not None and not self.critic:
            raise UserError(f"`critics` {self.critics}: the number of critics belongs to `critic`")
        if self.mauve and self.embed is None:
            raise UserError("`mauve` compares embeddings: name a model with `embed`")


def _check_window(window: int) -> None:
    from bgan_text.scores.sequences import LONGEST_WINDOW  # imports numpy

    if window > LONGEST_WINDOW:
        raise UserError(f"`window` {window}: at most {LONGEST_WINDOW:,} is possible")
