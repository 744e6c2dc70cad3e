"""The card of an exported model: README.md with the metadata of the Hugging Face hub in front."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bgan_text import __version__
from bgan_text.config import Config
from bgan_text.corpora.card_lines import card_lines
from bgan_text.corpora.corpus import Corpus
from bgan_text.corpora.image_sources import IMAGE_CORPORA
from bgan_text.corpora.sources import LM1B_REPOSITORY, TEXT_CORPORA, TOKEN_CORPORA
from bgan_text.described import described, read_settings
from bgan_text.errors import one_line
from bgan_text.objective_table import OBJECTIVES
from bgan_text.outputs import LIBRARY
from bgan_text.sharing.card_scores import CardScores
from bgan_text.sharing.export_options import ExportOptions
from bgan_text.space import LabelSpace, Space, is_image
from bgan_text.training.exported_record import GRID_FILE

TEXT_TASK, IMAGE_TASK, LABEL_TASK = (
    "text-generation",
    "unconditional-image-generation",
    "image-classification",
)
"""Tasks as the hub names them."""
GENERATED = {
    "grammar": "The sentences are drawn from a probabilistic grammar that is part of bgan-text.",
    "oracle": "The rows are drawn from a randomly initialised LSTM.",
}
PAPER = """\
@inproceedings{hjelm2018boundary,
  title     = {Boundary-Seeking Generative Adversarial Networks},
  author    = {R Devon Hjelm and Athul Paul Jacob and Tong Che and Adam Trischler and Kyunghyun Cho and
               Yoshua Bengio},
  booktitle = {International Conference on Learning Representations},
  year      = {2018},
  url       = {https://arxiv.org/abs/1702.08431}
}"""
STANDARD = {
    "rnn": "The recurrent part of `model.safetensors` is the state of a `torch.nn.GRU`, its other parts are "
    "those of `torch.nn.Embedding` and `torch.nn.Linear`, so the weights load without bgan-text.",
    "transformer": "The blocks of `model.safetensors` are those of a `torch.nn.TransformerEncoder` with "
    "`norm_first` under other names, so the weights load without bgan-text.",
}


@dataclass(frozen=True)
class Facts:
    """What the card of a model tells.

    Attributes:
        options: what its author said.
        name: what it is called.
        repository: its name on the hub; None if that is not known.
        config: the settings of the run.
        space: what it generates.
        data: corpus and signatures of what it was trained on.
        card: card.json of the dataset directory; None if that is gone.
        step: of the checkpoint.
        seconds: of training, up to there.
        warm: whether it started from the nets of another run.
        validation: scores of the checkpoint against the validation split.
        scores: those of a report; None without one.
        samples: a few samples of text, not selected.
        discriminator: whether there is one.
    """

    options: ExportOptions
    name: str
    repository: str | None
    config: Config
    space: Space
    data: Mapping[str, str]
    card: Mapping[str, Any] | None
    step: int
    seconds: float
    warm: bool
    validation: Mapping[str, Any]
    scores: CardScores | None
    samples: tuple[str, ...]
    discriminator: bool

    @property
    def place(self) -> str:
        """What names the model on a command line."""
        return f"hf:{self.repository}" if self.repository else "FOLDER"

    @property
    def datasets(self) -> list[str]:
        """The data sets of the hub that the data come from."""
        return list(self.options.dataset) or _hub_names(self.data["corpus"])


def model_card(facts: Facts) -> str:
    """README.md of an exported model.

    The metadata are those of https://huggingface.co/docs/hub/model-cards.
    """
    options = facts.options
    title = one_line(options.title or facts.name.rpartition("/")[2])
    opening = [] if options.description is None else [options.description.strip(), ""]
    lines = [
        f"# {title}",
        "",
        *opening,
        _summary(facts),
        *_section("Data", _data(facts)),
        *_section("Training", _training(facts)),
        *_section("Settings", _settings(facts)),
        *_section("Scores", _scores(facts)),
        *_section("Samples", _samples(facts)),
        *_section("How to use it", _use(facts)),
        *_section("Intended use", _intended(facts)),
        *_section("Limits", _limits(facts)),
        *_section("Licence", _licence(facts)),
        *_section("Citation", ["```bibtex", PAPER, "```"]),
    ]
    return f"---\n{metadata(facts)}---\n\n" + "\n".join(lines).rstrip() + "\n"


def metadata(facts: Facts) -> str:
    """The metadata in YAML."""
    from huggingface_hub import EvalResult, ModelCardData

    corpus = one_line(facts.data["corpus"])
    results = [
        EvalResult(
            task_type=task_of(facts.space),
            dataset_type=(facts.datasets or [corpus])[0],
            dataset_name=corpus,
            dataset_split=split,
            metric_type=name,
            metric_name=name,
            metric_value=value,
        )
        for name, value, split in _measured(facts)
    ]
    options = facts.options
    data = ModelCardData(
        license=options.license,
        language=list(options.language) or None,
        library_name=LIBRARY,
        pipeline_tag=task_of(facts.space),
        tags=[LIBRARY, "gan", "boundary-seeking-gan", facts.config.objective, "arxiv:1702.08431"],
        datasets=facts.datasets or None,
        metrics=list(dict.fromkeys(result.metric_type for result in results)) or None,
        model_name=facts.name.rpartition("/")[2],
        eval_results=results or None,
    )
    return f"{data.to_yaml()}\n"


def task_of(space: Space) -> str:
    """The task of the hub that fits the samples."""
    if isinstance(space, LabelSpace):
        return LABEL_TASK
    return IMAGE_TASK if is_image(space) else TEXT_TASK


def _measured(facts: Facts) -> Iterator[tuple[str, float, str]]:
    """Scores by name, with the split that they were measured on."""
    if facts.scores is not None:
        for row in facts.scores.rows:
            if row.model.value is not None:
                yield one_line(row.name), row.model.value, "test"
        return
    for name, value in facts.validation.items():
        if value is not None:
            yield one_line(name), float(value), "validation"


def _hub_names(corpus: str) -> list[str]:
    if corpus == "lm1b":
        return [LM1B_REPOSITORY]
    hub = getattr(getattr(IMAGE_CORPORA.get(corpus), "read", None), "hub", None)
    return [] if hub is None else [hub.repository]


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", f"## {title}", "", *lines] if lines else []


def _summary(facts: Facts) -> str:
    if isinstance(facts.space, LabelSpace):
        what = "labels images"
    else:
        what = "makes images from noise" if is_image(facts.space) else "makes short texts from noise"
    return (
        f"A generator ({_code(facts.config.generator)}) that {what}: {described(facts.space)}. It was "
        f"trained with bgan-text by the objective {facts.config.title}."
    )


def _data(facts: Facts) -> list[str]:
    corpus = facts.data["corpus"]
    corpora: dict[str, Corpus] = {**TEXT_CORPORA, **IMAGE_CORPORA, **TOKEN_CORPORA}
    known = corpora.get(corpus)
    title = f"{known.title} " if known is not None and known.title else ""
    lines = [f"- Kind: {title}({_code(corpus)})."]
    lines += [f"- {GENERATED[corpus]}"] if corpus in GENERATED else []
    lines += [f"- On the hub: [{name}](https://huggingface.co/datasets/{name})." for name in facts.datasets]
    prepared = card_lines(facts.card) if facts.card is not None else []
    told = "; ".join(one_line(line).replace("<", "&lt;") for line in prepared)
    lines += [f"- Preparation: {told}."] if told else []
    lines.append(f"- Signature of the prepared data: {_code(facts.data['signature'])}.")
    lines.append(f"- Tokens: {_code(facts.data['tokenizer'])} (kind, vocabulary, digest).")
    return lines


def _training(facts: Facts) -> list[str]:
    config, start = facts.config, ", from the nets of another run" if facts.warm else ""
    weights = (
        "the moving average of the generator's weights"
        if facts.options.weights == "average"
        else "the weights of that step"
    )
    return [
        f"{facts.step:,} generator steps with a batch of {config.batch} in {config.precision}{start}, of a "
        f"run of {config.budget}; {facts.seconds / 60:,.1f} minutes of training. `model.safetensors` has "
        f"{weights}"
        + (", `discriminator.safetensors` the discriminator of that step." if facts.discriminator else "."),
    ]


def _settings(facts: Facts) -> list[str]:
    groups = read_settings(facts.config, image_nets=task_of(facts.space) != TEXT_TASK)
    rows = [f"| `{name}` | {_cell(value)} |" for named in groups.values() for name, value in named]
    return ["| setting | value |", "|---|---|", *rows]


def _cell(text: object) -> str:
    return one_line(str(text)).replace("|", r"\|").replace("<", "&lt;")


def _code(text: str) -> str:
    """A text of a run as code, which ends where the text does."""
    return f"`{one_line(text).replace('`', chr(39))}`"


def _scores(facts: Facts) -> list[str]:
    if facts.scores is not None:
        told = facts.scores.settings
        lines = ["| score | this model | real samples |", "|---|---|---|"]
        lines += [
            f"| {_cell(row.name)} {row.better} | {row.model} | {row.real} |" for row in facts.scores.rows
        ]
        names = ("tokenize", "temperature", "candidates", "correct", "seed", "resamples", "sacrebleu")
        count = facts.scores.samples
        measured = "Measured" if count is None else f"{count:,} samples, measured"
        settings = ", ".join(f"{name} {_cell(told[name])}" for name in names if told.get(name) is not None)
        return [
            *lines,
            "",
            "↑ higher is better, ↓ lower, ≈ closer to real. In brackets: 95 % bootstrap intervals over the "
            "samples. Real samples are scored like those of a model: a perfect model has their scores.",
            "",
            f"{measured} with bgan-text {_cell(told.get('version', __version__))}: {settings}.",
        ]
    rows = [f"| {_cell(name)} | {value:.4g} |" for name, value, _ in _measured(facts)]
    if not rows:
        return ["This checkpoint was not scored."]
    return [
        "| score | value |",
        "|---|--:|",
        *rows,
        "",
        "Measured during training against the validation split, which also chose the checkpoint; without "
        "intervals.",
    ]


def _samples(facts: Facts) -> list[str]:
    if task_of(facts.space) == IMAGE_TASK:
        return [f"![samples]({GRID_FILE})", "", "Not selected: the first of seed 0."]
    if not facts.samples:
        return []
    longest = max((len(run) for text in facts.samples for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return ["Not selected: the first of seed 0.", "", f"{fence}text", *facts.samples, fence]


def _use(facts: Facts) -> list[str]:
    own = [name for name in (facts.config.generator, facts.config.discriminator) if name and ":" in name]
    lines = []
    if own:
        names = " and ".join(map(_code, own))
        lines += [f"It needs classes of its author's, {names}, which are not part of it.", ""]
    if not isinstance(facts.space, LabelSpace):
        commands = [f"bgan-text sample {facts.place} --n 10"]
        if facts.discriminator and OBJECTIVES[facts.config.objective].no_ratio is None:
            commands.append(f"bgan-text sample {facts.place} --n 10 --candidates 20")
        commands.append(f"bgan-text train --from {facts.place} --data DATA --minutes 5")
        lines += ["```console", *commands, "```", ""]
    lines += [
        "```python",
        "import bgan_text as bt",
        "",
        f'run = bt.load_run("{facts.place}")',
        *([] if isinstance(facts.space, LabelSpace) else ["samples = run.sample(10, seed=1)"]),
        "```",
        "",
        "Weights are safetensors files, everything else is JSON: loading it runs no code and unpickles "
        "nothing. `bgan-text verify FOLDER` compares every file with the digests in `config.json`.",
    ]
    if (note := STANDARD.get(facts.config.generator)) is not None:
        lines += ["", note]
    return lines


def _intended(facts: Facts) -> list[str]:
    return [
        "Research on generative models of discrete data, and making data of the kind that it was trained on. "
        "It takes no instructions and answers no questions."
    ]


def _limits(facts: Facts) -> list[str]:
    lines = [
        f"- Samples have the form of the data: {described(facts.space)}. It makes no others.",
        "- Samples can repeat training data word for word, and repeat what is wrong, private or offensive in "
        "them. `bgan-text score` tells how many are copies.",
        "- Scores compare statistics of samples with those of real data. They do not tell whether what a "
        "sample says is true.",
    ]
    if facts.discriminator:
        lines.append(
            "- The discriminator learnt from the samples of this generator alone. It tells nothing of others."
        )
    return lines


def _licence(facts: Facts) -> list[str]:
    options, corpus = facts.options, facts.data["corpus"]
    model = (
        f"Model: `{options.license}`."
        if options.license is not None
        else "Model: its author stated no licence. Ask before you use it."
    )
    if options.data_license is not None:
        data = f"Data: {one_line(options.data_license)}"
    elif corpus in GENERATED:
        data = "Data: random numbers." if corpus == "oracle" else "Data: MIT, as bgan-text itself."
    else:
        data = "Data: its author did not state their licence; look at their source."
    return [f"- {model}", f"- {data}"]
