"""`bgan-text doctor`: whether the installation and the machine can do the work."""

from typing import Annotated

import typer

from bgan_text.cli.options import Device, Json


def doctor(
    seconds: Annotated[
        float, typer.Option(help="Seconds of the training that measures the speed; 0: none.")
    ] = 10.0,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Look at versions, processors, GPUs, memory, disk and encodings, and train for ten seconds in memory.

    Each problem ends in the command to try next. The exit code is 0, or 1 if something is broken. Nothing is
    written.

    Example: bgan-text doctor

    Example: bgan-text doctor --seconds 0 --json
    """
    from bgan_text.cli.console import print_json, results, shown
    from bgan_text.cli.progress import RichReporter
    from bgan_text.diagnosis.packages import package_problems

    try:
        from bgan_text.diagnosis.doctor import doctor
    except ImportError as error:  # torch, say, is missing: then that is what there is to tell
        problems = package_problems(error)
        if json:
            print_json({"sound": False, "problems": [vars(problem) for problem in problems]})
        for problem in () if json else problems:
            results().print(shown(problem.line), soft_wrap=True)
        raise typer.Exit(1) from error
    found = doctor(seconds=seconds, device=device, reporter=RichReporter())
    if json:
        print_json(found.to_json())
    for line in () if json else found.lines():
        results().print(shown(line), soft_wrap=True)
    raise typer.Exit(not found.sound)
