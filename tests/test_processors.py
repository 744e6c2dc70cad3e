"""Threads of the command line wait briefly, unless the user has set how they wait."""

import os
import subprocess
import sys

import pytest

from bgan_text.processors import SPINS, wait_briefly

BEGUN = """
import os, sys
import bgan_text.cli.main

def run():
    print(os.environ.get("GOMP_SPINCOUNT"), "torch" in sys.modules)

bgan_text.cli.main.main = run
from bgan_text.cli.entry import main
main()
"""


@pytest.mark.parametrize("given", [{"GOMP_SPINCOUNT": "7"}, {"OMP_WAIT_POLICY": "ACTIVE"}])
def test_settings_of_the_user_stay(given: dict[str, str]) -> None:
    variables = dict(given)
    wait_briefly(variables)
    assert variables == given


def test_it_is_set_before_torch_is_imported() -> None:
    variables = {name: value for name, value in os.environ.items() if "OMP_" not in name}
    made = subprocess.run(
        [sys.executable, "-c", BEGUN], env=variables, capture_output=True, text=True, check=True
    )
    assert made.stdout.split() == [SPINS, "False"]
