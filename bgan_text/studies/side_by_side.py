"""Several runs of a study at a time, each in a process of its own.

Two nets that are trained with one thread each make more steps together than one after the other with two
threads: few operations of a small net are shared well.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Queue
from threading import Thread
from typing import Any

import torch

from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.errors import UserError
from bgan_text.launch import LAUNCHED
from bgan_text.reporter import Reporter
from bgan_text.space import image_kind
from bgan_text.studies.job import ERROR, MESSAGE, SHARE, WARNING
from bgan_text.studies.planned_run import PlannedRun


def threads_of(jobs: int) -> int:
    """The threads of each of so many trainings at a time."""
    return max(1, torch.get_num_threads() // jobs)


class SideBySide:
    """Trains runs, several at a time.

    Args:
        jobs: how many at a time.
        dataset: the data of all runs.
        device: auto, cpu, cuda or cuda:N. With auto or cuda the jobs take turns at the GPUs.
        reporter: hears what the trainings say, and how far they are.
    """

    def __init__(self, jobs: int, dataset: DatasetDirectory, device: str, reporter: Reporter) -> None:
        self.jobs, self.dataset, self.device, self.reporter = jobs, dataset, device, reporter
        self._told: Queue[tuple[PlannedRun, dict[str, Any] | None]] = Queue()
        self._processes: dict[PlannedRun, subprocess.Popen[bytes]] = {}
        self._started = 0

    def train(
        self,
        runs: Sequence[PlannedRun],
        announce: Callable[[PlannedRun], None],
        after: Callable[[PlannedRun], None],
    ) -> None:
        """Train runs that are not over.

        Args:
            runs: which, in the order in which they are started.
            announce: called with each run before it starts.
            after: called with each run that is over, in this thread, while others are trained.

        Raises:
            UserError: a run cannot be trained. The others are stopped and saved, as on `KeyboardInterrupt`.
        """
        waiting, shares = list(runs), dict.fromkeys(runs, 0.0)
        title = f"Training {len(runs)} runs, {min(self.jobs, len(runs))} at a time"
        try:
            with self.reporter.task(title, "% done") as progress:
                while waiting or self._processes:
                    while waiting and len(self._processes) < self.jobs:
                        announce(waiting[0])
                        self._start(waiting.pop(0))
                    run, told = self._told.get()
                    if told is not None:
                        shares[run] = self._heard(told, shares[run])
                    else:
                        self._ended(run)
                        shares[run] = 1.0
                        if waiting:  # no job waits for `after`
                            announce(waiting[0])
                            self._start(waiting.pop(0))
                        after(run)
                    progress(int(100 * sum(shares.values()) / len(shares)), 100)
        finally:
            self._stop()

    def _start(self, run: PlannedRun) -> None:
        what = {
            "name": run.name,
            "options": run.options,
            "folder": os.fspath(run.folder),
            "images": image_kind(self.dataset.space),
            "data": os.fspath(self.dataset.folder),
            "device": self._device(),
        }
        variables = {LAUNCHED: "1", "OMP_NUM_THREADS": str(threads_of(self.jobs))}
        process = subprocess.Popen(
            [sys.executable, "-m", "bgan_text.studies.job"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(os.environ) | variables,
            start_new_session=True,  # Ctrl-C reaches this process alone, which passes it on
        )
        self._processes[run] = process
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended already
            process.stdin.write(json.dumps(what).encode() + b"\n")
            process.stdin.flush()
        Thread(target=self._listen, args=(run, process), daemon=True).start()

    def _device(self) -> str:
        self._started += 1
        if self.device not in ("auto", "cuda") or torch.cuda.device_count() < 2:
            return self.device
        return f"cuda:{self._started % torch.cuda.device_count()}"

    def _listen(self, run: PlannedRun, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._told.put((run, json.loads(line)))
        self._told.put((run, None))

    def _heard(self, told: dict[str, Any], share: float) -> float:
        """Pass on what a training tells; the share of it that is done."""
        if MESSAGE in told:
            self.reporter.message(told[MESSAGE])
        if WARNING in told:
            self.reporter.warning(told[WARNING])
        if ERROR in told:
            raise UserError(told[ERROR])
        return min(1.0, float(told.get(SHARE, share)))

    def _ended(self, run: PlannedRun) -> None:
        code = self._processes.pop(run).wait()
        if code or not run.over():
            how = f"was ended by signal {-code}" if code < 0 else "has ended"
            raise UserError(f"{run.name}: its process {how}; the same call goes on from its last checkpoint")

    def _stop(self) -> None:
        """End what is still trained, in order."""
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)  # SIGINT may be ignored, as in a shell's background
        try:
            for process in self._processes.values():
                process.wait()
        finally:  # a second Ctrl-C
            for process in self._processes.values():
                process.kill()
                process.wait()
