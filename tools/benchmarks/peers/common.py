"""What the measurements of all groups share: clocks, files, the large array, and the peers that are installed."""

import importlib
import os
import time

import numpy as np


def installed(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


joblib = installed("joblib")
diskcache = installed("diskcache")
VERSIONS = {name: getattr(installed(name), "__version__", None) for name in ("numpy", "joblib", "diskcache")}
LIBRARIES = {"loky": "joblib", "multiprocessing": "joblib"}  # of peers that are not named like them


class Peers:
    """The measurements of one group, by name: ROW/PEER."""

    def __init__(self, group, large_bytes, places):
        self.group = group
        self.large_bytes = large_bytes
        self.places = places
        self.large_array = None
        self.files = []
        self.measurements = {}
        self.endings = []

    def add(self, name, measurement):
        """`measurement` is a function that returns seconds, or bytes. Without the peer there is nothing to measure."""
        peer = name.rpartition("/")[2]
        if VERSIONS.get(LIBRARIES.get(peer, peer), "comes with Python"):
            self.measurements[name] = measurement

    def at_end(self, body):
        self.endings.append(body)

    def large(self):
        if self.large_array is None:
            self.large_array = np.arange(self.large_bytes // 8, dtype=np.float64) * 1.0001
        return self.large_array

    def file(self, place, name):
        """A path that is removed at the end."""
        self.files.append(os.path.join(self.places[place], f"larder_bench-peer-{name}"))
        return self.files[-1]

    def saved(self, place, name, array):
        """Paths of a file by numpy.save and one by joblib.dump, which are written when they are first asked for."""
        paths = {"numpy": self.file(place, f"{name}.npy"), "joblib": self.file(place, f"{name}.joblib")}

        def path(peer):
            if not os.path.exists(paths[peer]):
                np.save(paths[peer], array()) if peer == "numpy" else joblib.dump(array(), paths[peer])
            return paths[peer]
        return path

    def close(self):
        for ending in self.endings:
            ending()
        for path in self.files:
            remove(path)


def remove(path):
    if os.path.exists(path):
        os.unlink(path)


def once(body):
    start = time.perf_counter()
    body()
    return time.perf_counter() - start


def per_call(body, enough=0.02):
    start = time.perf_counter()
    calls = elapsed = 0
    while elapsed < enough:
        body()
        calls += 1
        elapsed = time.perf_counter() - start
    return elapsed / calls
