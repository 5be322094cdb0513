import numpy as np

from common import joblib, per_call


def add(p):
    for place in p.places:
        for size, array in ("small", lambda: np.zeros(1024)), ("large", p.large):
            path = p.saved(place, f"map-{size}", array)
            p.add(f"map-{size}-{place}/numpy", lambda path=path: timed(path("numpy"), np.load))
            p.add(f"map-{size}-{place}/joblib", lambda path=path: timed(path("joblib"), joblib.load))


def timed(path, load):
    return per_call(lambda: load(path, mmap_mode="r")[0])
