"""Train a run, open it again, continue it and sample it.

Example:
    >>> run = train("data/poems", {"divergence": "js"}, steps=3, out="runs/short")
    >>> texts = load_run("runs/short").resume(steps=6).sample(1000, seed=1)
"""

import html
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bgan_text.config import Config
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.device import choose_device
from bgan_text.errors import UserError
from bgan_text.models.build import Builder
from bgan_text.objectives.divergences import Divergence
from bgan_text.reporter import SILENT, Reporter
from bgan_text.sampling import sample_images, sample_tensors, sample_text
from bgan_text.sampling_options import SAMPLES, SamplingOptions
from bgan_text.sharing.exporting import export, push_to_hub
from bgan_text.sharing.hub import located
from bgan_text.space import PixelSpace, Space
from bgan_text.start import Data, Settings, custom_parts, dataset_of, new_training, resume_training
from bgan_text.training.callbacks import Callback
from bgan_text.training.candidates import Samples
from bgan_text.training.exported import open_run
from bgan_text.training.run import RunFolder
from bgan_text.training.state import CustomParts
from bgan_text.training.warm_start import origin_of


class Run:
    """A trained run: a run folder, and the device on which it is used.

    `os.fspath(run)` is its folder, so a run is accepted wherever the path of a run is.

    Attributes:
        folder: the path of the run folder.
        config: the settings of the run.
        space: the sample space.
        device: where the run is sampled and resumed.

    Example:
        >>> run = load_run("runs/poems")
        >>> run.config.objective, run.steps
        ('importance', 3)
    """

    def __init__(self, run: RunFolder, device: torch.device) -> None:
        self._run, self.device = run, device

    def __fspath__(self) -> str:
        return str(self.folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}: {self.config.generator}, {self.config.title}, step {self.steps:,})"

    def export(self, folder: str | os.PathLike[str], **options: Any) -> Path:
        """Write one checkpoint as a model of the Hugging Face hub; the options are those of `export`."""
        return export(self, folder, **options)

    def push_to_hub(self, repository: str, **options: Any) -> str:
        """Upload one checkpoint to the Hugging Face hub; the options are those of `push_to_hub`."""
        return push_to_hub(self, repository, **options)

    def _repr_html_(self) -> str:
        """A table for notebooks: settings in brief, and the most recent metrics."""
        rows = {"run": self.folder, "generator": self.config.generator, "objective": self.config.title}
        rows |= {"trained on": self._run.data["corpus"], "step": f"{self.steps:,}"}
        last = {name: value for row in self.metrics() for name, value in row.items()}
        rows |= {name: f"{value:.4g}" for name, value in last.items() if isinstance(value, float)}
        cells = (
            f"<tr><th>{html.escape(str(a))}</th><td>{html.escape(str(b))}</td></tr>" for a, b in rows.items()
        )
        return f"<table>{''.join(cells)}</table>"

    @property
    def folder(self) -> Path:
        return self._run.folder

    @property
    def config(self) -> Config:
        return self._run.config

    @property
    def space(self) -> Space:
        return self._run.space

    @property
    def parts(self) -> CustomParts:
        """Parts of the user's own that the run was opened with."""
        return self._run.parts

    @property
    def steps(self) -> int:
        """The step of the last checkpoint; 0 without one."""
        return max(self._run.checkpoints(), default=0)

    @property
    def best(self) -> int | None:
        """The step of the best checkpoint by `config.best_by`; None if no checkpoint was validated."""
        return self._run.best()

    def checkpoints(self) -> dict[int, Path]:
        """The checkpoints by step, ascending: the last `config.keep`, and the best."""
        return self._run.checkpoints()

    def metrics(self) -> list[dict[str, Any]]:
        """The rows of metrics.jsonl: one every `log_every` steps, and one for each validation."""
        return self._run.metrics()

    def dataset(self) -> DatasetDirectory:
        """The dataset directory that the run was trained on.

        Raises:
            UserError: it is not where it was, or its content has changed.
        """
        return dataset_of(self._run, None)

    def resume(
        self,
        *,
        minutes: float | None = None,
        steps: int | None = None,
        data: Data | None = None,
        callbacks: Sequence[Callback] = (),
        reporter: Reporter = SILENT,
        **settings: Any,
    ) -> "Run":
        """Continue training from the last checkpoint.

        A resumed run ends equal to one that was never interrupted, on the same device with the same `steps`:
        bitwise on a CPU, to rounding on a GPU.

        Args:
            minutes: training time counted from the start of the run; None keeps the run's own.
            steps: the same in generator steps.
            data: the dataset directory, if it is not where it was.
            callbacks: hooks into training.
            reporter: receives warnings.
            settings: other fields of `Config` that may change, such as `save_every`.

        Returns:
            This run.

        Raises:
            UserError: a setting may not change, or the data is not what the run was trained on.

        Example:
            >>> load_run("runs/poems").resume(steps=6).steps
            6
        """
        given = {"minutes": minutes, "steps": steps, **settings}
        training = resume_training(
            self.folder,
            given,
            data=data,
            device=str(self.device),
            callbacks=callbacks,
            reporter=reporter,
            parts=self._run.parts,
        )
        training.go()
        self._run = training.run
        return self

    def sample(
        self,
        count: int,
        *,
        seed: int = 0,
        temperature: float = 1.0,
        candidates: int = 1,
        correct: str = SAMPLES,
        average: bool = True,
        step: int | str | None = None,
    ) -> list[str] | Tensor | NDArray[np.uint8]:
        """Draw samples. Sample i depends only on the seed and on i.

        Args:
            count: the number of samples.
            seed: seed of noise and draws.
            temperature: divides the logits; below 1 samples are more probable, above 1 more diverse.
            candidates: K, drawn for each sample; the discriminator's weights keep one of them, see
                `bgan_text.training.candidates`.
            correct: "samples", or "prefixes" for candidates that grow together, see
                `bgan_text.training.particles`.
            average: sample from the weight average rather than from the weights of the last step.
            step: the step of a checkpoint, or "best"; None for the last one.

        Returns:
            Text: `count` strings. Token rows: (count, L) int64. Images: (count, height, width, channels)
            uint8.

        Raises:
            UserError: a value is out of range, there is no such checkpoint, or the run is a classifier.

        Example:
            >>> texts = load_run("runs/poems").sample(2, temperature=0.8)
            >>> len(texts)
            2
        """
        options = SamplingOptions(
            count=count,
            seed=seed,
            temperature=temperature,
            candidates=candidates,
            correct=correct,
            weights="average" if average else "last",
            step=step,
        )
        if self._run.images:
            return np.stack([pixels for pixels, _ in sample_images(self._run, options, self.device)])
        if self._run.data["tokenizer"].startswith("tokens:"):
            return torch.cat(list(sample_tensors(self._run, options, self.device)))
        return [text for text, _ in sample_text(self._run, options, self.device)]

    def sample_tokens(self, count: int, *, average: bool = True, **options: Any) -> Tensor:
        """The samples that `sample` draws with the same options, as tokens: (count, L) int64.

        Raises:
            UserError: as `sample`, or the pixels of the images are no tokens.
        """
        if isinstance(self.space, PixelSpace):
            raise UserError(f"{self.folder} makes continuous images, not tokens")
        weights = "average" if average else "last"
        chosen = SamplingOptions(count=count, weights=weights, **options)
        return torch.cat(list(sample_tensors(self._run, chosen, self.device)))

    def stream(self, options: SamplingOptions) -> Samples[tuple[Any, list[int]]]:
        """Samples one after the other, without holding them in memory.

        Args:
            options: which samples.

        Returns:
            An iterator over samples with their tokens: a string, or (height, width, channels) uint8 pixels.
            Its `effective` says how many of the candidates carry the weight.
        """
        if self._run.images:
            return sample_images(self._run, options, self.device)
        return sample_text(self._run, options, self.device)


def _folder_of(run: Run | str | os.PathLike[str], parts: CustomParts, reporter: Reporter) -> RunFolder:
    """The folder of a run, opened if it is given by its path."""
    if isinstance(run, Run):
        return origin_of(run.folder, parts, run.parts)
    if not isinstance(run, str | os.PathLike):
        raise UserError(f"`start_from` is a {type(run).__name__}: a run or its folder is needed")
    return origin_of(located(run, reporter=reporter), parts)


def load_run(
    folder: str | os.PathLike[str],
    *,
    device: str = "auto",
    divergence: Divergence | None = None,
    generator: Builder | None = None,
    discriminator: Builder | None = None,
    reporter: Reporter = SILENT,
) -> Run:
    """Open a run folder, or an exported model.

    A run that was made with parts of your own needs them again: a run folder alone never imports code.

    Args:
        folder: its path, or `hf:user/name` or `hf:user/name@revision` of the Hugging Face hub.
        device: where it is sampled and resumed: auto, cpu, cuda or cuda:N.
        divergence: the divergence of your own that the run was made with. Only `resume` needs it.
        generator: the generator class of your own, likewise.
        discriminator: the discriminator class of your own. `resume` and sampling with it need it.
        reporter: hears of a download.

    Raises:
        UserError: the folder holds no run or a damaged one, or there is no such device or model of the hub.

    Example:
        >>> load_run("runs/poems").steps
        6
    """
    parts = CustomParts(divergence=divergence, generator=generator, discriminator=discriminator)
    return Run(open_run(located(folder, reporter=reporter), parts), choose_device(device))


def train(
    data: Data,
    config: Settings | None = None,
    *,
    out: str | os.PathLike[str],
    device: str = "auto",
    callbacks: Sequence[Callback] = (),
    reporter: Reporter = SILENT,
    start_from: Run | str | os.PathLike[str] | None = None,
    **settings: Any,
) -> Run:
    """Train a new run on a dataset directory.

    Nothing is printed; a callback receives what happens. A `KeyboardInterrupt` leaves the last checkpoint,
    from which `load_run(out).resume()` continues.

    Args:
        data: a dataset directory that `prepare` made, or its path.
        config: a full `Config`, or some of its fields by name; the others take the defaults that suit the
            data.
        out: the run folder to make.
        device: auto, cpu, cuda or cuda:N.
        callbacks: hooks into training.
        reporter: receives warnings.
        start_from: a run, its folder or its name on the hub: the new run starts from its generator, and from
            its discriminator if that fits. Settings of the nets that are not given are those of that run.
        settings: fields of `Config` as keywords. `divergence` may be a `Divergence` of your own, `generator`
            and `discriminator` classes of your own that are called with (space, config).

    Returns:
        The trained run.

    Raises:
        UserError: a setting is not accepted or does not fit the data, or `out` holds something already.
        NonFiniteLossError: a loss was not finite; checkpoints saved before remain.

    Example:
        >>> run = train("data/poems", divergence="js", steps=3, out="runs/mine")
        >>> len(run.sample(10))
        10
    """
    if isinstance(config, Mapping):
        settings, config = {**config, **settings}, None
    parts, named = custom_parts(settings)
    training = new_training(
        data,
        config,
        out=out,
        device=device,
        callbacks=callbacks,
        reporter=reporter,
        parts=parts,
        start_from=None if start_from is None else _folder_of(start_from, parts, reporter),
        **named,
    )
    training.go()
    return Run(training.run, training.device)
