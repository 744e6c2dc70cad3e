"""The options of a reproduction. Importing them imports no torch."""

from dataclasses import dataclass

from bgan_text.setting import DEVICES, JOBS, check_all, setting

SCALES = ("smoke", "small", "paper")


@dataclass(frozen=True, kw_only=True)
class ReproductionOptions:
    """How an experiment is reproduced. Each field is an option of `bgan-text reproduce`.

    Raises:
        UserError: there is no such scale.

    Example:
        >>> ReproductionOptions(scale="smoke").device
        'auto'
    """

    scale: str = setting(
        "small",
        "smoke: seconds, to see that everything runs; small: within an hour on 2 cores; paper: near the "
        "setting of the paper, for a GPU",
        choices=("smoke", "small", "paper"),
    )
    paths: tuple[str, ...] = setting(
        (), "data on this machine, as for prepare; may be given again (default: from the hub)", flag="--path"
    )
    device: str = setting("auto", f"where to train and score: {DEVICES}")
    jobs: int = setting(1, JOBS, minimum=1, maximum=1024)

    def __post_init__(self) -> None:
        check_all(self)
