import numpy as np

from common import joblib, once


def add(p):
    for place in p.places:
        path = p.saved(place, "load", p.large)
        p.add(f"load-{place}/numpy", lambda path=path: timed(path("numpy"), np.load))
        p.add(f"load-{place}/joblib", lambda path=path: timed(path("joblib"), joblib.load))


def timed(path, load):
    return once(lambda: load(path))
