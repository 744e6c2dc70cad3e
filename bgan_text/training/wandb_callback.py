"""The curves of a run in Weights & Biases."""

import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bgan_text.errors import UserError
from bgan_text.files import read_json, write_json
from bgan_text.records import Count, Record, Text
from bgan_text.training.tracking import SAMPLES, Tracker, own_folder, refuse_without, settings_of

if TYPE_CHECKING:
    from bgan_text.training.loop import Training

FOLDER, STATE_FILE = "wandb", "bgan-text.json"
PROJECT = "bgan-text"
HOST = "api.wandb.ai"
LOCAL_MODES = ("offline", "dryrun", "disabled")
"""Values of WANDB_MODE without a server."""


class Passed(Record):
    """What was passed on of a run: the id of it, and the last step."""

    id: Text
    step: Count


class Wandb(Tracker):
    """Passes a run on to Weights & Biases: numbers, samples of text, grids of images, and the settings.

    wandb reads WANDB_MODE, WANDB_API_KEY and its other variables. With WANDB_MODE=offline nothing leaves the
    machine, and `wandb sync` uploads it later. What wandb writes is in `wandb` in the run folder. A run that
    is resumed goes on under the same id; wandb takes back nothing, so steps that were passed on and are made
    again, as after a kill, are left out.

    Args:
        project: its name in Weights & Biases.

    Raises:
        UserError: wandb is not installed, or nobody is logged in and WANDB_MODE is not offline.

    Example:
        >>> import os
        >>> os.environ["WANDB_MODE"] = "offline"
        >>> run = train("data/poems", steps=3, out="runs/tracked", callbacks=[Wandb(project="poems")])
        >>> [path.suffix for path in Path("runs/tracked/wandb").glob("offline-*/*.wandb")]
        ['.wandb']
    """

    title = "Weights & Biases"

    def __init__(self, project: str = PROJECT) -> None:
        super().__init__()
        refuse_without("wandb", self.title, "wandb")
        if not _logged_in():
            raise UserError(
                f"{self.title}: nobody is logged in: use wandb login, or set WANDB_API_KEY or "
                "WANDB_MODE=offline"
            )
        self.project = project
        self._run: Any = None
        self._last = self._newest = -1

    def open(self, training: "Training") -> bool:
        import wandb

        _refuse_planted(own_folder(training, FOLDER))
        self._state = training.run.folder / FOLDER / STATE_FILE
        try:
            passed = read_json(self._state, Passed)
        except FileNotFoundError:
            passed = None
        self._id = secrets.token_hex(4) if passed is None else passed.id
        self._last, self._newest = (-1 if passed is None else passed.step), -1
        self._run = wandb.init(
            project=self.project,
            id=self._id,
            resume="allow",
            name=training.run.folder.name,
            dir=str(training.run.folder),
            config=settings_of(training),
            settings=wandb.Settings(console="off", silent=True, disable_git=True, save_code=False),
        )
        where = self._run.settings.sync_dir if self._run.offline else self._run.url
        training.reporter.message(f"{self.title}: {where}")
        return passed is None

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        self._log(step, values)

    def texts(self, step: int, samples: Iterable[str]) -> None:
        import wandb

        self._log(step, {SAMPLES: wandb.Table(columns=["sample"], data=[[sample] for sample in samples])})

    def image(self, step: int, path: Path) -> None:
        import wandb

        self._log(step, {SAMPLES: wandb.Image(str(path))})

    def close(self, training: "Training") -> None:
        if self._run is not None:
            self._keep()
            self._run.finish(exit_code=int(training.result is None))

    def _log(self, step: int, values: Mapping[str, Any]) -> None:
        if step <= self._last and step != self._newest:
            return
        if step != self._newest:
            self._newest = step
            self._keep()
        self._run.log(dict(values), step=step)

    def _keep(self) -> None:
        write_json(self._state, {"id": self._id, "step": max(self._newest, self._last, 0)})


def _refuse_planted(folder: Path) -> None:
    """Refuse files in a run folder that wandb may read as its settings, such as the address of its server.

    Raises:
        UserError: there is one. A stranger could have your key sent to another server.
    """
    for path in (folder / "settings", folder.with_name(f".{FOLDER}")):
        if os.path.lexists(path):
            raise UserError(f"{path} may hold settings of wandb, such as its server: remove it to go on")


def _logged_in() -> bool:
    """Whether wandb would ask nothing: a prompt has no place in a training."""
    if os.environ.get("WANDB_MODE", "online") in LOCAL_MODES:
        return True
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    host = os.environ.get("WANDB_BASE_URL", HOST).partition("://")[2].partition("/")[0] or HOST
    names = [os.environ.get("NETRC"), "~/.netrc", "~/_netrc"]
    for path in (Path(name).expanduser() for name in names if name):
        if path.is_file() and host in path.read_text(errors="replace"):
            return True
    return False
