"""What a worker process does: it reads tasks from its standard input and writes their results.

It ends when its input does, so no worker outlives the process that it works for, however that one ends.
"""

import os
import pickle
import sys
from typing import BinaryIO

START = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from bgan_text.corpora.worker_process import serve; serve()"
)
"""What the interpreter of a worker runs. It gets the places of modules first, for a package that is not
installed."""


def serve() -> None:
    """Do the tasks that come, (function, arguments), until there are no more."""
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints is taken for a result
    work(sys.stdin.buffer, results)


def work(tasks: BinaryIO, results: BinaryIO) -> None:
    """Read tasks, and write (whether it failed, result or error) for each."""
    while True:
        try:
            function, arguments = pickle.load(tasks)
        except EOFError:
            return
        try:
            answer = (False, function(*arguments))
        except Exception as error:
            answer = (True, error)
        results.write(pickle.dumps(answer))
        results.flush()
