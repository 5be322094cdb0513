"""What a run was measured on, and with."""

import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

CHANGING = ("date", "larder", "peers")  # what may differ between parts of one page


def python_with(module):
    """A Python that has it: Debian's, where packages put it, or this one."""
    for python in "/usr/bin/python3", sys.executable:
        if os.path.exists(python) and subprocess.run([python, "-c", f"import {module}"],
                                                     capture_output=True).returncode == 0:
            return python
    return None


def first_line(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.partition("\n")[0].strip()
    except OSError:
        return ""


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def system():
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return f"{release}, Linux {platform.release()}, {' '.join(platform.libc_ver())}"


def build(program):
    """How the program was built, from the CMake cache above it."""
    for folder in Path(program).resolve().parents:
        cache = folder / "CMakeCache.txt"
        if cache.exists():
            values = dict(re.findall(r"^(\w+):\w+=(.*)$", cache.read_text(encoding="utf-8"), re.MULTILINE))
            kind = values.get("CMAKE_BUILD_TYPE", "")
            flags = f"{values.get('CMAKE_CXX_FLAGS', '')} {values.get(f'CMAKE_CXX_FLAGS_{kind.upper()}', '')}".strip()
            cmake = ".".join(values.get(f"CMAKE_CACHE_{part}_VERSION", "?") for part in ("MAJOR", "MINOR", "PATCH"))
            compiler = first_line(values.get("CMAKE_CXX_COMPILER", "c++"), "--version") or "an unknown compiler"
            return f"{compiler}, {kind} ({flags}), CMake {cmake}"
    return "unknown"


def conditions(root, program, python, large_bytes, places):
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    huge = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "larder": first_line("git", "-C", str(root), "describe", "--always", "--dirty") or "unknown",
        "processor": f"{processor()}, {len(os.sched_getaffinity(0))} usable",
        "memory": f"{memory / 1e9:.0f} GB; huge pages: {huge.read_text().strip() if huge.exists() else 'none'}",
        "system": system(),
        "build": build(program),
        "python": first_line(python, "--version") if python else "none with NumPy",
        "large arrays": f"{large_bytes / 1e6:g} MB of float64",
        **{place: first_line("stat", "--file-system", "--format=%T", str(directory))
           for place, directory in places.items()},
    }


def is_same(these, those):
    """Whether what was measured under these conditions may stand beside what was under those."""
    return all(these.get(name) == those.get(name) for name in {*these, *those} - {*CHANGING})
