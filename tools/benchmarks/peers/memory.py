import numpy as np

from common import joblib, remove


def add(p):
    path = p.file("disk", "memory.npy")

    def extra(save):
        array = np.full(int(p.large_bytes * 1.34217728) // 8, 1.5)
        remove(path)
        grown = growth(lambda: save(array))
        remove(path)
        return grown

    p.add("memory-dump/numpy", lambda: extra(lambda a: np.save(path, a)))
    p.add("memory-dump/joblib", lambda: extra(lambda a: joblib.dump(a, path)))


def status(name):
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name + ":"))


def growth(body):
    """How far above what is resident now the peak is after `body`, in bytes."""
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
    before = status("VmRSS")
    body()
    return max(0, status("VmHWM") - before)
