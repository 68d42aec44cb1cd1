"""What this machine has: cores that may be used, free memory, and a description for records."""

import os
import platform
from pathlib import Path


def usable_cores() -> int:
    """The number of processor cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def compute_threads() -> int:
    """How many threads torch and BLAS compute with: as $OMP_NUM_THREADS says, else one for each usable core."""
    chosen = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return int(chosen) if chosen.isdigit() and int(chosen) > 0 else usable_cores()


def available_memory() -> int | None:
    """Bytes of memory that can still be used, or None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def describe() -> dict[str, str | int]:
    """System, processor architecture, cores and Python, without anything that names a person or a host."""
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": usable_cores(),
        "threads": compute_threads(),
        "python": platform.python_version(),
    }
