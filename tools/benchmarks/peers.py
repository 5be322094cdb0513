"""peers.py GROUP BYTES DISK [TMPFS]: the same measurements by NumPy and joblib, for tools/bench; speaks as larder_bench does.

Before the names there is a line of JSON: the version of each peer, or null where it is not installed.
"""

import importlib
import json
import os
import pickle
import sys
import time
from multiprocessing.shared_memory import SharedMemory

import numpy as np


def version_of(module):
    try:
        return importlib.import_module(module).__version__
    except ImportError:
        return None


VERSIONS = {name: version_of(name) for name in ("numpy", "joblib")}
if VERSIONS["joblib"]:
    import joblib
    import joblib.hashing


class Peers:
    def __init__(self, group, large_bytes, places):
        self.large_bytes = large_bytes
        self.places = places
        self.large_array = None
        self.files = []
        self.pools = {}
        self.measurements = {}
        getattr(self, f"add_{group}", lambda: None)()
        if not VERSIONS["joblib"]:
            self.measurements = {name: m for name, m in self.measurements.items() if not name.endswith("/joblib")}

    def large(self):
        if self.large_array is None:
            self.large_array = np.arange(self.large_bytes // 8, dtype=np.float64) * 1.0001
        return self.large_array

    def file(self, place, name):
        self.files.append(os.path.join(self.places[place], f"larder_bench-peer-{name}"))
        return self.files[-1]

    def add_dump(self):
        for place in self.places:
            path = self.file(place, "dump.npy")

            def view():
                columns = 2048
                rows = self.large().size // columns
                return self.large()[: rows * columns].reshape(rows, columns)[:, 1:]

            def dumped(save, array):
                def measure():
                    what = array()
                    remove(path)
                    seconds = once(lambda: save(what))
                    remove(path)
                    return seconds
                return measure

            for row, array in (f"dump-{place}", self.large), (f"dump-view-{place}", view):
                self.measurements[f"{row}/numpy"] = dumped(lambda a, path=path: np.save(path, a), array)
                self.measurements[f"{row}/joblib"] = dumped(lambda a, path=path: joblib.dump(a, path), array)

    def saved(self, place, name, array):
        """Paths of a file by numpy.save and one by joblib.dump, which are written when they are first asked for."""
        paths = {"numpy": self.file(place, f"{name}.npy"), "joblib": self.file(place, f"{name}.joblib")}

        def path(peer):
            if not os.path.exists(paths[peer]):
                np.save(paths[peer], array()) if peer == "numpy" else joblib.dump(array(), paths[peer])
            return paths[peer]
        return path

    def add_load(self):
        for place in self.places:
            path = self.saved(place, "load", self.large)
            self.measurements[f"load-{place}/numpy"] = lambda path=path: of_file(path("numpy"), np.load)
            self.measurements[f"load-{place}/joblib"] = lambda path=path: of_file(path("joblib"), joblib.load)

    def add_map(self):
        for place in self.places:
            for size, array in ("small", lambda: np.zeros(1024)), ("large", self.large):
                path = self.saved(place, f"map-{size}", array)
                self.measurements[f"map-{size}-{place}/numpy"] = lambda path=path: of_file(
                    path("numpy"), lambda p: np.load(p, mmap_mode="r")[0], per_call)
                self.measurements[f"map-{size}-{place}/joblib"] = lambda path=path: of_file(
                    path("joblib"), lambda p: joblib.load(p, mmap_mode="r")[0], per_call)

    def add_hash(self):
        path = self.saved("disk", "hash", self.large)

        def mapped():
            array = joblib.load(path("joblib"), mmap_mode="r")
            return once(lambda: joblib.hash(array))

        self.measurements["hash-1t/joblib"] = lambda: (self.large(), once(lambda: joblib.hash(self.large())))[1]
        self.measurements["hash-sealed/joblib"] = mapped

    def add_cache(self):
        if not VERSIONS["joblib"]:
            return

        def memory(place, **options):
            return joblib.Memory(os.path.join(self.places[place], "larder_bench-joblib"), verbose=0, **options)

        def hit(function, argument):
            def measure():
                what = argument()
                function(what)
                return per_call(lambda: function(what))
            return measure

        fresh = iter(range(1000, 10**9))
        for place in self.places:
            cached = memory(place).cache(twice)
            self.measurements[f"cache-hit-{place}/joblib"] = hit(cached, lambda: 7)
            self.measurements[f"cache-miss-{place}/joblib"] = lambda cached=cached: per_call(lambda: cached(next(fresh)))
        self.measurements["cache-argument-heap/joblib"] = hit(
            memory("disk").cache(first), lambda: self.large()[: self.large_bytes // 80])
        self.measurements["cache-result-large/joblib"] = hit(
            memory("disk", mmap_mode="r").cache(large_result), lambda: self.large_bytes // 8)

    def add_parallel(self):
        if not VERSIONS["joblib"]:
            return

        def empty(backend, count):
            def measure():
                with joblib.Parallel(n_jobs=2, backend=backend) as parallel:
                    parallel(joblib.delayed(nothing)(i) for i in range(100))
                    return once(lambda: parallel(joblib.delayed(nothing)(i) for i in range(count))) / count
            return measure

        self.measurements["parallel-empty/joblib"] = empty("threading", 20_000)
        self.measurements["parallel-empty/loky"] = empty("loky", 20_000)

    def add_processes(self):
        if not VERSIONS["joblib"]:
            return

        def with_pool(measure):
            """For each backend: a pool that is kept, and the measurement with it."""
            def of(backend):
                def run():
                    if backend not in self.pools:
                        self.pools[backend] = joblib.Parallel(n_jobs=2, backend=backend, max_nbytes="1M").__enter__()
                        self.pools[backend](joblib.delayed(nothing)(i) for i in range(2))
                    return measure(self.pools[backend])
                return run
            return of

        def tasks(count, **options):
            def of(backend):
                def run():
                    with joblib.Parallel(n_jobs=2, backend=backend, **options) as pool:
                        pool(joblib.delayed(nothing)(i) for i in range(100))
                        return once(lambda: pool(joblib.delayed(nothing)(i) for i in range(count))) / count
                return run
            return of

        def start(backend):
            def run():
                def work():
                    with joblib.Parallel(n_jobs=2, backend=backend) as pool:
                        pool(joblib.delayed(nothing)(i) for i in range(2))
                if backend == "loky":
                    from joblib.externals.loky import get_reusable_executor
                    get_reusable_executor().shutdown(wait=True)
                return once(work)
            return run

        def call(pool):
            return per_call(lambda: pool(joblib.delayed(nothing)(i) for i in range(2)))

        def pass_array(pool, array):
            return once(lambda: pool(joblib.delayed(len)(a) for a in (array, array)))

        def heap(pool):
            return pass_array(pool, np.full(10_000_000, 1.5))

        def later(pool):
            array = np.full(10_000_000, 1.5)
            pass_array(pool, array)
            return pass_array(pool, array)

        for backend in "loky", "multiprocessing":
            self.measurements[f"processes-tasks/{backend}"] = tasks(20_000)(backend)
            self.measurements[f"processes-single/{backend}"] = tasks(500, batch_size=1)(backend)
            self.measurements[f"processes-start/{backend}"] = start(backend)
            self.measurements[f"processes-call/{backend}"] = with_pool(call)(backend)
            self.measurements[f"processes-heap/{backend}"] = with_pool(heap)(backend)
            self.measurements[f"processes-heap-later/{backend}"] = with_pool(later)(backend)
            self.measurements[f"processes-len/{backend}"] = with_pool(later)(backend)

    def add_store(self):
        place = "tmpfs" if "tmpfs" in self.places else "disk"
        path = self.file(place, "store.pickle")
        small_path = self.file(place, "store-small.pickle")
        page = np.zeros(512)
        arrays = {}

        def dictionary():
            for i in range(len(arrays), 20):
                arrays[f"array{i}"] = np.arange(self.large_bytes // 80, dtype=np.float64) + i
            return arrays

        def dump(value, to):
            with open(to, "wb") as file:
                pickle.dump(value, file, pickle.HIGHEST_PROTOCOL)

        def load(of):
            with open(of, "rb") as file:
                return pickle.load(file)

        def put_dictionary():
            value = dictionary()
            remove(path)
            return once(lambda: dump(value, path))

        def get_dictionary():
            if not os.path.exists(path):
                dump(dictionary(), path)
            return once(lambda: load(path))

        def put_new():
            remove(small_path)
            dump(page, small_path)

        self.measurements["store-put-dict/pickle"] = put_dictionary
        self.measurements["store-get-dict/pickle"] = get_dictionary
        self.measurements["store-put-small/pickle"] = lambda: per_call(lambda: dump(page, small_path))
        self.measurements["store-put-small-new/pickle"] = lambda: per_call(put_new)
        self.measurements["store-get-small/pickle"] = lambda: (put_new(), per_call(lambda: load(small_path)))[1]

        def shared_array(memory, count):
            return np.ndarray(count, dtype=np.float64, buffer=memory.buf)

        def filled(count, value):
            memory = SharedMemory(create=True, size=8 * count)
            shared_array(memory, count)[:] = value
            memory.close()
            return memory

        def create():
            made = []
            seconds = once(lambda: made.append(filled(self.large_bytes // 8, 1.5)))
            made[0].unlink()
            return seconds

        def get_shared():
            made = filled(page.size, page)

            def look():
                memory = SharedMemory(made.name)
                seen = float(shared_array(memory, page.size)[7])
                memory.close()
                return seen

            seconds = per_call(look)
            made.unlink()
            return seconds

        self.measurements["store-put-small-new/shared_memory"] = lambda: per_call(lambda: filled(page.size, page).unlink())
        self.measurements["store-get-small/shared_memory"] = get_shared
        self.measurements["store-create/shared_memory"] = create

    def add_memory(self):
        path = self.file("disk", "memory.npy")

        def extra(save):
            def measure():
                self.large_array = None
                array = np.full(int(self.large_bytes * 1.34217728) // 8, 1.5)
                remove(path)
                grown = growth(lambda: save(array))
                remove(path)
                return grown
            return measure

        self.measurements["memory-dump/numpy"] = extra(lambda a: np.save(path, a))
        self.measurements["memory-dump/joblib"] = extra(lambda a: joblib.dump(a, path))


def nothing(_):
    pass


def twice(x):
    return 2 * x


def first(a):
    return a[0]


def large_result(n):
    return np.full(n, 1.5)


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


def of_file(path, load, timed=once):
    return timed(lambda: load(path))


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


def main():
    group, large_bytes, disk, *tmpfs = sys.argv[1:]
    places = {"disk": disk} | ({"tmpfs": tmpfs[0]} if tmpfs else {})
    peers = Peers(group, int(large_bytes), places)
    print(json.dumps(VERSIONS), *peers.measurements, "", sep="\n", flush=True)
    try:
        for line in sys.stdin:
            try:
                print(f"{peers.measurements[line.strip()]():.9g}", flush=True)
            except Exception as error:  # the driver reports it
                print(f"error {type(error).__name__} {error}".replace("\n", " "), flush=True)
    finally:
        for pool in peers.pools.values():
            pool.__exit__(None, None, None)
        for path in peers.files:
            remove(path)


if __name__ == "__main__":
    main()
