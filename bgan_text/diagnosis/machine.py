"""The machine: processors, GPUs, memory, disk and encodings."""

import locale
import os
import platform
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from bgan_text.diagnosis.problem import Problem
from bgan_text.encoding import holds_all
from bgan_text.processors import available_processors
from bgan_text.training.update import resolve_precision

GIB = 2**30
LEAST_MEMORY, LEAST_DISK, LITTLE_DISK = 1 * GIB, GIB // 10, 2 * GIB
"""Free bytes below which training may fail; the demo's run folder and dataset directory take 40 MB."""
PRODUCT, PRODUCTS = 384, 10
"""The size of the square matrices of the speed test, and how often they are multiplied."""
BUSY = 1.5
"""Programs for each processor above which the threads of a training, which wait for each other, starve."""
THREAD_LIMITS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
CONTROL_GROUP = Path("/sys/fs/cgroup")
"""What Linux tells of the limits of a container."""


@dataclass(frozen=True)
class Gpu:
    """A GPU that torch can use. `memory` is in bytes; `bfloat16`: whether it multiplies it natively."""

    name: str
    memory: int
    bfloat16: bool


@dataclass(frozen=True)
class Machine:
    """What there is to compute with.

    Attributes:
        system: the operating system and the kind of processor.
        processor: the name of the processor.
        cores: processors that this process may use.
        all_cores: processors of the machine.
        quota: how many processors' time a container may use; None without such a limit.
        load: how many processes wanted a processor in the last minute, a mean; None where the system does not
            tell.
        threads: threads that torch uses.
        instructions: the widest vector instructions that torch uses, such as "AVX2" or "AVX512".
        bfloat16: whether `precision` auto takes bfloat16 on the processor.
        bfloat16_speed: how many times faster products of matrices are in bfloat16 than in float32.
        amx: whether the processor has tiles for products of matrices (AMX).
        gpus: that torch can use.
        memory: bytes of memory that this process may use, and `free_memory` those not in use; None where the
            system does not tell.
        disk: free bytes on the disk of the folder.
        folder: which one.
        encoding: of standard output.
        locale: the encoding of the locale.
    """

    system: str
    processor: str
    cores: int
    all_cores: int
    quota: float | None
    load: float | None
    threads: int
    instructions: str
    bfloat16: bool
    bfloat16_speed: float
    amx: bool
    gpus: list[Gpu]
    memory: int | None
    free_memory: int | None
    disk: int
    folder: str
    encoding: str
    locale: str

    @property
    def busy(self) -> bool:
        """Whether other programs leave too little of the processors."""
        return self.load is not None and self.load > BUSY * self.all_cores


def machine(folder: Path) -> Machine:
    """Look at the machine. The speed of bfloat16 takes a fraction of a second.

    Args:
        folder: where data and runs would be written.

    Example:
        >>> found = machine(Path("."))
        >>> 1 <= found.cores <= found.all_cores
        True
    """
    memory, free = memory_of()
    return Machine(
        system=f"{platform.system()} {platform.release()}, {platform.machine()}",
        processor=_processor(),
        cores=available_processors(),
        all_cores=os.cpu_count() or available_processors(),
        quota=quota_of(),
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        threads=torch.get_num_threads(),
        instructions=torch.backends.cpu.get_cpu_capability(),
        bfloat16=resolve_precision("auto", torch.device("cpu")) is torch.bfloat16,
        bfloat16_speed=_bfloat16_speed(),
        amx=bool(getattr(torch.cpu, "_is_amx_tile_supported", bool)()),
        gpus=_gpus(),
        memory=memory,
        free_memory=free,
        disk=shutil.disk_usage(folder).free,
        folder=str(folder.resolve()),
        encoding=getattr(sys.stdout, "encoding", None) or "none",
        locale=locale.getencoding(),
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text("utf-8", errors="replace").splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "unknown"


def _bfloat16_speed() -> float:
    """The speed of products of matrices in bfloat16 beside float32, on the processor."""
    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        matrix = torch.ones(PRODUCT, PRODUCT, dtype=dtype)
        matrix @ matrix  # which loads the kernels
        times = []
        for _ in range(PRODUCTS):
            begin = time.perf_counter()
            matrix @ matrix
            times.append(time.perf_counter() - begin)
        seconds[dtype] = min(times)  # the one that nothing has interrupted
    return seconds[torch.float32] / seconds[torch.bfloat16]


def _gpus() -> list[Gpu]:
    if not torch.cuda.is_available():
        return []
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    found = (torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count()))
    return [Gpu(one.name, one.total_memory, native) for one in found]


def memory_of(
    proc: Path = Path("/proc/meminfo"), group: Path = CONTROL_GROUP
) -> tuple[int | None, int | None]:
    """Bytes of memory that this process may use, and those that are free; None where nothing tells.

    A container may have less than the machine: its control group says so.

    Args:
        proc: what Linux tells of the machine.
        group: what it tells of the control group.
    """
    if not proc.exists():
        total = _system_memory()
        return total, None
    told = dict(line.split(":", 1) for line in proc.read_text("ascii").splitlines() if ":" in line)
    total = int(told["MemTotal"].split()[0]) * 1024
    free = int(told.get("MemAvailable", told["MemFree"]).split()[0]) * 1024
    limit, used = _number(group / "memory.max"), _number(group / "memory.current")
    if limit is None or limit >= total:
        return total, free
    return limit, min(free, max(0, limit - (used or 0)))


def quota_of(group: Path = CONTROL_GROUP) -> float | None:
    """How many processors' time a container may use; None without such a limit."""
    try:
        quota, period = (group / "cpu.max").read_text("ascii").split()
        return int(quota) / int(period)
    except (OSError, ValueError):  # "max" stands for no limit
        return None


def _system_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no such call
        return None


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text("ascii"))
    except (OSError, ValueError):  # "max" stands for no limit
        return None


def machine_problems(found: Machine) -> list[Problem]:
    """What makes work on a machine fail, or slower or poorer than it could be."""
    return [*_processor_problems(found), *_room_problems(found), *_encoding_problems(found)]


def _processor_problems(found: Machine) -> list[Problem]:
    problems = []
    usable = found.cores if found.quota is None else max(1, min(found.cores, round(found.quota)))
    limits = [name for name in THREAD_LIMITS if os.environ.get(name)]
    if found.busy:
        what = f"other programs are busy: {found.load:.1f} of them want one of {found.all_cores} processors"
        problems.append(Problem(what, "OMP_NUM_THREADS=1 bgan-text train" if found.threads > 1 else "top"))
    elif found.threads > usable:
        what = f"torch uses {found.threads} threads, and {usable} of the processors may be used"
        problems.append(Problem(what, f"export OMP_NUM_THREADS={usable}"))
    elif found.threads < usable and limits:
        what = f"{usable} processors may be used, and {limits[0]} is {os.environ[limits[0]]}"
        problems.append(Problem(what, f"unset {limits[0]}"))
    if not found.gpus and (NVIDIA_DRIVER.exists() or shutil.which("nvidia-smi")):
        what = f"there is an NVIDIA driver, and torch {torch.__version__} finds no GPU"
        remedy = "nvidia-smi" if torch.version.cuda else "pip install --force-reinstall torch"
        problems.append(Problem(what, remedy))
    if found.bfloat16 and found.bfloat16_speed < 1.0 and not found.gpus and not found.busy:
        what = f"bfloat16 is {1 / found.bfloat16_speed:.1f} times slower than float32 here"
        problems.append(Problem(what, "bgan-text train --precision float32"))
    return problems


def _room_problems(found: Machine) -> list[Problem]:
    problems = []
    if not os.access(found.folder, os.W_OK):
        what = f"nothing can be written to {found.folder}"
        problems.append(Problem(what, "cd ~ && bgan-text doctor", broken=True))
    if found.disk < LITTLE_DISK:
        what = f"the disk of {found.folder} has {size(found.disk)} free"
        problems.append(Problem(what, f"df -h {found.folder}", broken=found.disk < LEAST_DISK))
    if found.free_memory is not None and found.free_memory < LEAST_MEMORY:
        what = f"{size(found.free_memory)} of memory is free"
        problems.append(Problem(what, "bgan-text train --batch 16"))
    return problems


def _encoding_problems(found: Machine) -> list[Problem]:
    if not holds_all(sys.stdout) or "utf" not in found.locale.lower():
        what = (
            f"standard output is in {found.encoding} and the locale in {found.locale}, which lack characters"
        )
        return [Problem(what, "PYTHONUTF8=1 bgan-text sample")]
    return []


def size(number: int | None) -> str:
    """Bytes as a person reads them.

    Example:
        >>> size(3 * 2**30), size(5 * 2**20), size(None)
        ('3.0 GiB', '5 MiB', 'unknown')
    """
    if number is None:
        return "unknown"
    return f"{number / GIB:.1f} GiB" if number >= GIB else f"{number / 2**20:.0f} MiB"
