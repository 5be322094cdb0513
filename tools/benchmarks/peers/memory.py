import os

import numpy as np

from common import joblib, remove
from process_memory import peak_resident_bytes, reset_peaks, resident_bytes


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


def growth(body):
    """How far above what is resident now the peak is after `body`."""
    self = [os.getpid()]
    reset_peaks(self)
    before = resident_bytes(self)
    body()
    return max(0, peak_resident_bytes(self) - before)
