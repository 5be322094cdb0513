"""The points of tools/benchmarks/curves.py by the Python peers: CURVE@POINT/PEER.

Slow ones have fewer points, so that no measurement takes longer than one or two seconds.
"""

import os
import time
import warnings
from contextlib import ExitStack
from multiprocessing import Pool
from multiprocessing.shared_memory import SharedMemory

import numpy as np

from cache import disk_cache, first, large_result, twice
from common import joblib, once, per_call
from process_memory import (peak_resident_bytes, proportional_bytes, reset_peaks, resident_bytes,
                            this_and_children)

PAGE = np.zeros(512)
WHOLE = 800_000_000  # the bytes of large arrays for which points are what they are called


def add(p):
    {"growth-cache": add_cache, "growth-parallel": add_parallel, "growth-processes": add_processes,
     "growth-store": add_store}[p.group](p)


def powers_of_ten(first, last):
    return [10**exponent for exponent in range(first, last + 1)]


def scaled(p, n):
    """As bench::scaled."""
    return max(n // max(WHOLE // p.large_bytes, 1), min(n, 100))


def quick_place(p):
    """As bench::quick_place."""
    return "tmpfs" if "tmpfs" in p.places else "disk"


class Late:
    """What a measurement needs and takes time to make: it is made at its first use, which is the warm-up."""

    def __init__(self, make):
        self.make = make
        self.made = None

    def __call__(self):
        if self.made is None:
            self.made = self.make()
        return self.made


def shuffled(n):
    """The numbers below n, in an order without a pattern, over and over; as the class of that name."""
    state = 1
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield (state >> 33) % n


# Cached calls

# What joblib says of arguments of 1 GB.
warnings.filterwarnings("ignore", "Persisting input arguments", UserWarning)


def memory(path, **options):
    return joblib.Memory(path, verbose=0, **options)


def filled_memory(path, entries):
    cached = memory(path).cache(twice)
    for i in range(entries):
        cached(i)
    return cached


def filled_disk_cache(path, entries):
    cache = disk_cache(path)
    cached = cache.memoize()(twice)
    with cache.transact():
        for i in range(entries):
            cached(i)
    return cached


def add_cache(p):
    def path(name, place="disk"):
        return os.path.join(p.places[place], f"larder_bench-peer-{name}")

    def entries(who, last, filled):
        for point in powers_of_ten(2, last):
            count = scaled(p, point)
            cached = Late(lambda count=count, point=point: filled(path(f"{who}-{point}", quick_place(p)), count))
            order = shuffled(count)
            p.add(f"grow-hit-entries@{point}/{who}",
                  lambda cached=cached, order=order: random_hits(cached(), order))

    entries("joblib", 4, filled_memory)
    entries("diskcache", 5, filled_disk_cache)

    numbers = Late(lambda: np.arange(scaled(p, 10**9) // 8, dtype=np.float64) * 1.0001)
    joblib_first = Late(lambda: memory(path("joblib-arguments")).cache(first))
    joblib_filled = Late(lambda: memory(path("joblib-results"), mmap_mode="r").cache(large_result))
    # memoize makes the whole argument part of the key, and returns results as copies.
    diskcache_first = Late(lambda: disk_cache(path("diskcache-arguments")).memoize()(first))
    diskcache_filled = Late(lambda: disk_cache(path("diskcache-results")).memoize()(large_result))
    for point in powers_of_ten(3, 9):
        count = scaled(p, point) // 8
        argument = lambda count=count: numbers()[:count]
        sealed = p.saved("disk", f"grow-argument-{point}", argument)
        mapped = lambda sealed=sealed: joblib.load(sealed("joblib"), mmap_mode="r")
        size = lambda count=count: count
        p.add(f"grow-hit-heap@{point}/joblib", hits(joblib_first, argument))
        p.add(f"grow-hit-sealed@{point}/joblib", hits(joblib_first, mapped))
        p.add(f"grow-hit-result@{point}/joblib", hits(joblib_filled, size))
        if point <= 10**7:
            p.add(f"grow-hit-heap@{point}/diskcache", hits(diskcache_first, argument))
        if point <= 10**8:
            p.add(f"grow-hit-result@{point}/diskcache", hits(diskcache_filled, size))


def random_hits(cached, order):
    return per_call(lambda: cached(next(order)))


def hits(late_cached, argument):
    """Of a result that the first of these measurements, which is the warm-up, computes."""
    def measure():
        cached, what = late_cached(), argument()
        return per_call(lambda: cached(what))
    return measure


# Parallel calls

class JoblibPool:
    """Of joblib. It passes large arrays to processes as files in /dev/shm, which count as far as they are mapped."""

    def __init__(self, backend):
        self.parallel = joblib.Parallel(n_jobs=2, backend=backend)

    def __enter__(self):
        self.parallel.__enter__()
        return self

    def __exit__(self, *reason):
        self.parallel.__exit__(*reason)

    def map(self, function, arguments):
        return self.parallel(joblib.delayed(function)(each) for each in arguments)


POOLS = {
    "joblib": lambda: JoblibPool("threading"),
    "loky": lambda: JoblibPool("loky"),
    "multiprocessing": lambda: JoblibPool("multiprocessing"),
    "mp-pool": lambda: Pool(2),  # of Python itself
}


def add_tasks(p, curve, length_curve, peer, last):
    """Empty tasks, 10^last at most, and tasks of a length."""
    for count in powers_of_ten(2, last):
        p.add(f"{curve}@{count}/{peer}", lambda count=count: per_task(peer, nothing, [0] * count))
    for length in powers_of_ten(2, 7):
        # 20 ms of work, as others have, but not so many tasks that they take longer than that by far.
        count = min(max(20_000_000 // length, 10), 2000)
        p.add(f"{length_curve}@{length}/{peer}",
              lambda length=length, count=count: per_task(peer, busy_for, [length] * count))


def per_task(peer, task, arguments):
    with POOLS[peer]() as pool:
        pool.map(nothing, range(100))
        return once(lambda: pool.map(task, arguments)) / len(arguments)


def add_parallel(p):
    add_tasks(p, "grow-tasks", "grow-task-length", "joblib", 4)


def add_processes(p):
    # Python's own pool sends the array to each task anew, which takes seconds for 1 GB.
    for peer, last, last_memory in ("loky", 5, 9), ("multiprocessing", 5, 9), ("mp-pool", 6, 8):
        add_tasks(p, "grow-process-tasks", "grow-process-length", peer, last)
        for point in powers_of_ten(6, last_memory):
            size = scaled(p, point)
            p.add(f"grow-memory@{point}/{peer}", lambda peer=peer, size=size: memory_of(peer, size))
            p.add(f"grow-memory-peak@{point}/{peer}", lambda peer=peer, size=size: peak_of(peer, size))


def look_while_adding_up(pool, size, pids):
    """The most memory of all processes that one of the tasks sees, each of which adds up all of the array."""
    array = np.full(size // 8, 1.5)
    return max(pool.map(add_up, [(array, pids)] * 4))


def warmed(pool):
    """All processes, once the workers have done with a small array what they will do with a large one."""
    pool.map(nothing, range(2))
    pids = this_and_children()
    look_while_adding_up(pool, 100_000, pids)
    return pids


def memory_of(peer, size):
    with POOLS[peer]() as pool:
        pids = warmed(pool)
        before = proportional_bytes(pids)
        return look_while_adding_up(pool, size, pids) - before


def peak_of(peer, size):
    with POOLS[peer]() as pool:
        pids = warmed(pool)
        reset_peaks(pids)
        before = resident_bytes(pids)
        look_while_adding_up(pool, size, pids)
        return peak_resident_bytes(pids) - before


# Objects

class DiskCacheObjects:
    def __init__(self, path, count):
        self.cache = disk_cache(path)
        with self.cache.transact():
            for i in range(count):
                self.put(i)

    def put(self, i):
        self.cache[i] = PAGE

    def get(self, i):
        return self.cache[i][7]

    def close(self):
        self.cache.close()


class SharedMemoryObjects:
    """A segment cannot be replaced: it is unlinked, and made anew."""

    def __init__(self, prefix, count):
        self.prefix = prefix
        self.count = count
        for i in range(count):
            self.make(i)

    def name(self, i):
        return f"{self.prefix}-{i}"

    def array(self, segment):
        return np.ndarray(PAGE.size, dtype=PAGE.dtype, buffer=segment.buf)

    def make(self, i):
        segment = SharedMemory(self.name(i), create=True, size=PAGE.nbytes)
        self.array(segment)[:] = PAGE
        segment.close()

    def forget(self, i):
        segment = SharedMemory(self.name(i))
        segment.close()
        segment.unlink()

    def put(self, i):
        self.forget(i)
        self.make(i)

    def get(self, i):
        segment = SharedMemory(self.name(i))
        seen = float(self.array(segment)[7])
        segment.close()
        return seen

    def close(self):
        for i in range(self.count):
            self.forget(i)


def add_store(p):
    kinds = {"shared_memory": (SharedMemoryObjects, f"larder_bench-{os.getpid()}"),
             "diskcache": (DiskCacheObjects, os.path.join(p.places[quick_place(p)], "larder_bench-peer-objects"))}
    endings = ExitStack()
    p.at_end(endings.close)

    def made(kind, path, count):
        objects = kind(path, count)
        endings.callback(objects.close)
        return objects

    for who, (kind, path) in kinds.items():
        for point in powers_of_ten(1, 5):
            count = scaled(p, point)
            objects = Late(lambda kind=kind, path=f"{path}-{point}", count=count: made(kind, path, count))
            order = shuffled(count)
            p.add(f"grow-put@{point}/{who}",
                  lambda objects=objects, order=order: calls_of(objects().put, order))
            p.add(f"grow-get@{point}/{who}",
                  lambda objects=objects, order=order: calls_of(objects().get, order))


def calls_of(function, order):
    return per_call(lambda: function(next(order)))


# What is sent to workers: functions of this module, which have a name there.

def nothing(_):
    pass


def busy_for(nanoseconds):
    end = time.perf_counter_ns() + nanoseconds
    while time.perf_counter_ns() < end:
        pass


def add_up(array_and_pids):
    array, pids = array_and_pids
    array.sum()
    return proportional_bytes(pids)
