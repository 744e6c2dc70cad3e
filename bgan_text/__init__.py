"""Train GANs on discrete data, text first, and score what they generate.

The names below are the public API. They are imported when they are first used (PEP 562), so that
`import bgan_text` is quick and `bgan-text --help` never loads torch.

Shape letters in docstrings: N noise vectors, M draws per noise vector, L positions, V vocabulary, Z noise
size, R real rows, S samples, K any number of rows. Scores of a discriminator estimate log p/q. Losses, bounds
and log-probabilities are in nats.

Example:
    >>> import bgan_text as bt
    >>> bt.Config.given({"divergence": "js", "minutes": 5}).title
    'importance (js, token)'
"""

import importlib

TYPE_CHECKING = False  # as type checkers know it; `typing` itself takes a while
if TYPE_CHECKING:
    from typing import Any

    from bgan_text import scores
    from bgan_text.allocator import keep_freed_memory
    from bgan_text.config import Config
    from bgan_text.corpora.corpus import ImageCorpus, TextCorpus
    from bgan_text.corpora.dataset_directory import DatasetDirectory
    from bgan_text.corpora.prepare import prepare
    from bgan_text.curves import plot
    from bgan_text.diagnosis.doctor import Diagnosis, doctor
    from bgan_text.errors import UserError
    from bgan_text.evaluation.command_judge import CommandJudge
    from bgan_text.evaluation.custom import CustomScore
    from bgan_text.evaluation.evaluate import evaluate
    from bgan_text.evaluation.judges import Judges
    from bgan_text.evaluation.options import EvaluationOptions
    from bgan_text.evaluation.report import Report
    from bgan_text.evaluation.sweep import sweep
    from bgan_text.exploration.explore import Exploration, explore
    from bgan_text.exploration.explorer import Explorer
    from bgan_text.html_report.report import report
    from bgan_text.models.distributions import ConditionalDistribution
    from bgan_text.objectives.divergences import DIVERGENCES, Divergence
    from bgan_text.reporter import Reporter
    from bgan_text.runs import Run, load_run, train
    from bgan_text.scores.score import Score
    from bgan_text.sharing.export_options import ExportOptions
    from bgan_text.sharing.exporting import export, push_to_hub
    from bgan_text.space import LabelSpace, PixelSpace, TokenSpace
    from bgan_text.studies.comparison import compare
    from bgan_text.studies.reproduction import reproduce
    from bgan_text.training.callbacks import Callback
    from bgan_text.training.tensorboard_callback import TensorBoard
    from bgan_text.training.wandb_callback import Wandb
    from bgan_text.verification import Verification, verify
    from bgan_text.watching import Snapshot, watch

__version__ = "0.5.0"

_MODULES = {
    "Callback": "bgan_text.training.callbacks",
    "CommandJudge": "bgan_text.evaluation.command_judge",
    "ConditionalDistribution": "bgan_text.models.distributions",
    "Config": "bgan_text.config",
    "CustomScore": "bgan_text.evaluation.custom",
    "DIVERGENCES": "bgan_text.objectives.divergences",
    "DatasetDirectory": "bgan_text.corpora.dataset_directory",
    "Diagnosis": "bgan_text.diagnosis.doctor",
    "Divergence": "bgan_text.objectives.divergences",
    "EvaluationOptions": "bgan_text.evaluation.options",
    "Exploration": "bgan_text.exploration.explore",
    "Explorer": "bgan_text.exploration.explorer",
    "ExportOptions": "bgan_text.sharing.export_options",
    "ImageCorpus": "bgan_text.corpora.corpus",
    "Judges": "bgan_text.evaluation.judges",
    "LabelSpace": "bgan_text.space",
    "PixelSpace": "bgan_text.space",
    "Report": "bgan_text.evaluation.report",
    "Reporter": "bgan_text.reporter",
    "Run": "bgan_text.runs",
    "Score": "bgan_text.scores.score",
    "Snapshot": "bgan_text.watching",
    "TensorBoard": "bgan_text.training.tensorboard_callback",
    "TextCorpus": "bgan_text.corpora.corpus",
    "TokenSpace": "bgan_text.space",
    "UserError": "bgan_text.errors",
    "Verification": "bgan_text.verification",
    "Wandb": "bgan_text.training.wandb_callback",
    "compare": "bgan_text.studies.comparison",
    "doctor": "bgan_text.diagnosis.doctor",
    "evaluate": "bgan_text.evaluation.evaluate",
    "explore": "bgan_text.exploration.explore",
    "export": "bgan_text.sharing.exporting",
    "keep_freed_memory": "bgan_text.allocator",
    "load_run": "bgan_text.runs",
    "plot": "bgan_text.curves",
    "prepare": "bgan_text.corpora.prepare",
    "push_to_hub": "bgan_text.sharing.exporting",
    "report": "bgan_text.html_report.report",
    "reproduce": "bgan_text.studies.reproduction",
    "sweep": "bgan_text.evaluation.sweep",
    "train": "bgan_text.runs",
    "verify": "bgan_text.verification",
    "watch": "bgan_text.watching",
}

__all__ = [
    "DIVERGENCES",
    "Callback",
    "CommandJudge",
    "ConditionalDistribution",
    "Config",
    "CustomScore",
    "DatasetDirectory",
    "Diagnosis",
    "Divergence",
    "EvaluationOptions",
    "Exploration",
    "Explorer",
    "ExportOptions",
    "ImageCorpus",
    "Judges",
    "LabelSpace",
    "PixelSpace",
    "Report",
    "Reporter",
    "Run",
    "Score",
    "Snapshot",
    "TensorBoard",
    "TextCorpus",
    "TokenSpace",
    "UserError",
    "Verification",
    "Wandb",
    "__version__",
    "compare",
    "doctor",
    "evaluate",
    "explore",
    "export",
    "keep_freed_memory",
    "load_run",
    "plot",
    "prepare",
    "push_to_hub",
    "report",
    "reproduce",
    "scores",
    "sweep",
    "train",
    "verify",
    "watch",
]


def __getattr__(name: str) -> "Any":
    if name == "scores":
        return importlib.import_module("bgan_text.scores")
    if name in _MODULES:
        value = getattr(importlib.import_module(_MODULES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
