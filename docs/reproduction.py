"""Write docs/reproduction.md from results that are kept in docs/reproduction/.

python docs/reproduction.py                write the document
python docs/reproduction.py --check        fail if the document is out of date
python docs/reproduction.py FOLDER ...     take results of `bgan-text reproduce` first
"""

import json
import shutil
import sys
from pathlib import Path

from bgan_text.studies.experiment import Experiment
from bgan_text.studies.experiment_result import RESULT, page
from bgan_text.studies.experiments import EXPERIMENTS

DOCUMENT = Path(__file__).with_suffix(".md")
KEPT = Path(__file__).with_suffix("")
HEAD = """# The experiments of the paper, reproduced

`bgan-text reproduce` runs each experiment of Hjelm, Jacob, Che, Trischler, Cho, Bengio, "Boundary-Seeking
Generative Adversarial Networks", ICLR 2018, from the data to a table or figure beside the result
of the paper:

```console
$ bgan-text reproduce --list                         # what each experiment compares, its time, its result
```

<!-- not run: needs the internet or the data, and up to an hour -->
```console
$ bgan-text reproduce NAME --scale small
$ bgan-text reproduce mnist-distances --scale small --path mnist/      # without --path from the hub
$ bgan-text reproduce stability --scale smoke                          # seconds: does it run here?
```

There are three scales: `smoke`, `small` (within an hour on 2 cores) and `paper` (near the setting of the
paper, for a GPU). The same command continues where it stopped.

The results below are those of `--scale small` on a 2.6 GHz AMD EPYC without a GPU, with one core per run.
Networks, data and training time are a fraction of those of the paper, so the order of the methods can be
compared with the paper, but the numbers cannot. Each section states what the paper claims and what was
found, including where the two differ. A comparison of two methods is inconclusive if their means over seeds
differ by less than two standard errors. `python docs/reproduction.py` writes this page from the kept results.
"""


def take(home: Path) -> None:
    """Keep a result and its figures."""
    result = json.loads((home / RESULT).read_text("utf-8"))
    if result["scale"] != "small":
        sys.exit(f"{home} was made at scale {result['scale']}: small was expected")
    KEPT.mkdir(exist_ok=True)
    (KEPT / f"{result['experiment']}.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    for file in result["figures"]:
        shutil.copy(home / file, KEPT / file)


def section(experiment: Experiment) -> str:
    """An experiment and its result, if there is one."""
    title, found = f"## {experiment.name}\n", f"Found: {experiment.found}\n"
    kept = KEPT / f"{experiment.name}.json"
    if not kept.exists():
        return f"{title}\n{experiment.compares}. The paper: {experiment.paper}.\n\n{found}"
    result = json.loads(kept.read_text("utf-8"))
    return f"{title}\n{page(experiment, result, f'{KEPT.name}/')}\n{found}"


def main() -> None:
    """Take results, then write or check the document."""
    arguments = sys.argv[1:]
    check = arguments == ["--check"]
    if not check:
        for home in arguments:
            take(Path(home))
    text = "\n".join([HEAD, *map(section, EXPERIMENTS.values())])
    if check:
        if DOCUMENT.read_text("utf-8") != text:
            sys.exit(f"{DOCUMENT.name} is out of date: run python docs/reproduction.py")
        return
    DOCUMENT.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
