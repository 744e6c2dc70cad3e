"""The dataset directory or run that a command means if none is named."""

from pathlib import Path

from bgan_text.errors import UserError


def newest(parent: Path, marker: str, missing: str) -> Path:
    """The folder below `parent` whose `marker` file is the youngest, or a `UserError` saying `missing`."""
    found = [path for path in parent.glob(f"*/{marker}") if not path.parent.name.startswith(".")]
    if not found:
        raise UserError(missing)
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path)).parent


def newest_data() -> Path:
    """The dataset directory made last below data/."""
    return newest(
        Path("data"), "card.json", "there is no dataset directory in data/: make one with bgan-text prepare"
    )


def newest_run(marker: str = "checkpoint-*.safetensors") -> Path:
    """The run below runs/ that was saved last, or the one with the youngest file called `marker`."""
    return newest(Path("runs"), marker, "there is no run in runs/: make one with bgan-text train")


def newest_folder() -> Path:
    """The newest run, or the newest dataset directory where there is no run."""
    try:
        return newest_run()
    except UserError:
        return newest_data()
