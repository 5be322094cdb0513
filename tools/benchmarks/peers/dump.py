import numpy as np

from common import joblib, once, remove


def add(p):
    for place in p.places:
        path = p.file(place, "dump.npy")

        def view():
            columns = 2048
            rows = p.large().size // columns
            return p.large()[: rows * columns].reshape(rows, columns)[:, 1:]

        def dumped(save, array, path=path):
            def measure():
                what = array()
                remove(path)
                seconds = once(lambda: save(what))
                remove(path)
                return seconds
            return measure

        for row, array in (f"dump-{place}", p.large), (f"dump-view-{place}", view):
            p.add(f"{row}/numpy", dumped(lambda a, path=path: np.save(path, a), array))
            p.add(f"{row}/joblib", dumped(lambda a, path=path: joblib.dump(a, path), array))
