"""The run that a user names, in any of the ways in which one may."""

import os
from pathlib import Path
from typing import Any

from bgan_text.errors import UserError
from bgan_text.reporter import SILENT, Reporter
from bgan_text.sharing.hub import located
from bgan_text.training.exported import open_run
from bgan_text.training.run import RunFolder


def opened(run: Any, reporter: Reporter = SILENT) -> RunFolder:
    """The run folder or exported model that something stands for.

    Args:
        run: a `RunFolder`, a `Run` or whatever else has a `folder`, a path, or `hf:user/name` of the hub.
        reporter: hears of a download.

    Raises:
        UserError: it is none of these, there is no such run, or it is damaged.
    """
    if isinstance(run, RunFolder):
        return run
    if hasattr(run, "folder"):
        return open_run(Path(run.folder), getattr(run, "parts", None))
    if not isinstance(run, str | os.PathLike):
        raise UserError(f"`run` is a {type(run).__name__}: a run or its folder is needed")
    return open_run(located(run, reporter=reporter))
