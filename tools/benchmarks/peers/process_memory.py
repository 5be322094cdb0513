"""What this process and those that it has started have in memory together, in bytes; as process_memory.hpp has it."""

import os
from pathlib import Path


def this_and_children():
    """(Workers begin with the first call that needs them.)"""
    children = "".join(path.read_text() for path in Path("/proc/self/task").glob("*/children"))
    return [os.getpid(), *map(int, children.split())]


def proportional_bytes(pids):
    """PSS: pages that several processes have mapped count in parts, which add up to one."""
    return sum_of(pids, "smaps_rollup", "Pss:")


def resident_bytes(pids):
    """RSS: such pages count once for each process."""
    return sum_of(pids, "status", "VmRSS:")


def reset_peaks(pids):
    for pid in pids:
        try:
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        except (FileNotFoundError, ProcessLookupError):  # it has ended
            pass


def peak_resident_bytes(pids):
    """The sum of the processes' own peaks, each since it was reset."""
    return sum_of(pids, "status", "VmHWM:")


def sum_of(pids, file, name):
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):  # it has ended
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))
    return total
