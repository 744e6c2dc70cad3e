"""The entry point: score anything that makes samples beside real ones.

What takes long to import is imported by the call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from bgan_text.errors import UserError, choose, needs_extra
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.out_of_memory import out_of_memory
from bgan_text.reporter import SILENT, Reporter

if TYPE_CHECKING:
    from os import PathLike

    from bgan_text.corpora.dataset_directory import DatasetDirectory
    from bgan_text.evaluation.custom import CustomScore, CustomScores, Function
    from bgan_text.evaluation.judges import Judges
    from bgan_text.evaluation.report import Report


def evaluate(
    models: Any,
    *,
    data: "DatasetDirectory | str | PathLike[str] | None" = None,
    reference: "str | PathLike[str] | Sequence[str] | None" = None,
    train: "str | PathLike[str] | Sequence[str] | None" = None,
    options: EvaluationOptions | None = None,
    scores: "Mapping[str, Function | CustomScore] | None" = None,
    judges: "Judges | None" = None,
    reporter: Reporter = SILENT,
    **changes: Any,
) -> "Report":
    """Score models beside real samples: similarity, variety, copies, lengths or classes.

    Args:
        models: one model, a sequence of models, or a dictionary that names them. A model is a run (a `Run`, a
            `RunFolder` or the path of a run folder), the path of a text file with a sample a line or of a
            folder, archive or .npz of images, a list of str, or an array or tensor of images, (S, height,
            width) or (S, height, width, channels) of uint8. A list of texts is one model of several, so by
            itself it is given as `[texts]` or `{"name": texts}`. Without a dictionary, runs and files are
            called by their paths, and others "samples", "samples-2", ...
        data: a dataset directory, whose test split is the reference and whose train split is the training
            set. By default the one that the runs were trained on.
        reference: real text in place of the test split, a path or a list of str.
        train: training text in place of the train split, likewise.
        options: how to score.
        scores: score functions of your own by name, see `CustomScore`. A plain function counts as better the
            closer it is to the value of real samples.
        judges: the networks that some scores train.
        reporter: hears warnings and progress.
        **changes: fields of `EvaluationOptions`, which take precedence over `options`.

    Returns:
        A report with a column for each model and a last one, "real": an anchor of real samples that are
        scored like those of a model.

    Raises:
        UserError: something that cannot be scored, or nothing to compare with.

    Example:
        >>> texts = ["the cat sat on the mat", "a dog ran"]
        >>> report = evaluate({"mine": texts}, reference="real.txt", tokenize="char", resamples=0)
        >>> words = {"words": lambda texts: [len(text.split()) for text in texts]}
        >>> models = ["runs/poems", "samples.txt", texts]
        >>> report = evaluate(models, data="data/poems", scores=words, count=20, resamples=20)
        >>> report.columns[2].cells["words"].value
        4.5
    """
    from bgan_text.evaluation.images import score_images
    from bgan_text.evaluation.inputs import Inputs
    from bgan_text.evaluation.judges import Judges
    from bgan_text.evaluation.text import score_texts

    chosen = resolved(options, changes)
    refuse_missing_extras(chosen)
    custom = own_scores(scores, chosen)
    inputs = Inputs.of(models, data, reference, train)
    score = score_images if inputs.images() else score_texts
    with out_of_memory("while samples are scored", "lower `count`, or leave out scores that train networks"):
        return score(inputs, chosen, _judges(judges or Judges(), chosen), custom, reporter)


def _judges(judges: "Judges", options: EvaluationOptions) -> "Judges":
    """The networks that scores train, as many critics as the options ask for."""
    return judges if options.critics is None else replace(judges, critics=options.critics)


def refuse_missing_extras(options: EvaluationOptions) -> None:
    """Refuse scores whose libraries are not installed, before samples are drawn.

    Raises:
        UserError: a library is missing; the message names the extra.
    """
    asked = {
        "molecules": (options.molecules, "scores of molecules need", ("rdkit", "fcd_torch")),
        "embed": (options.embed, "sentence embeddings need", ("sentence_transformers",)),
        "mauve": (options.mauve or options.mauve_features, "MAUVE needs", ("mauve", "faiss")),
        "perplexity": (
            options.perplexity or options.mauve_features,
            "causal language models need",
            ("transformers",),
        ),
        "fid": (options.fid, "FID and KID need", ("torch_fidelity",)),
    }
    for extra, (wanted, needs, modules) in asked.items():
        if wanted and not all(map(_installed, modules)):
            raise UserError(needs_extra(needs, extra))


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ValueError:  # it is marked as absent
        return False


def own_scores(
    scores: "Mapping[str, Function | CustomScore] | None", options: EvaluationOptions
) -> "CustomScores":
    """The score functions of the user's own, and the programs that rate texts."""
    from bgan_text.evaluation.command_judge import judge_scores
    from bgan_text.evaluation.custom import CustomScores

    judged = judge_scores(options.judge, options.judge_timeout)
    for name in scores or {}:
        if name in judged:
            raise UserError(f"`scores` {name!r}: a `judge` has this name, choose another one")
    return CustomScores({**judged, **(scores or {})})


def resolved(options: EvaluationOptions | None, changes: Mapping[str, Any]) -> EvaluationOptions:
    """The options with changes; a `UserError` for one that there is not."""
    for name in changes:
        choose("option", name, EvaluationOptions.__dataclass_fields__)
    return replace(options or EvaluationOptions(), **changes)
