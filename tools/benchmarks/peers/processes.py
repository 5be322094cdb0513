import gc
import os
import time

import numpy as np

from common import joblib, once, per_call
from process_memory import (peak_resident_bytes, proportional_bytes, reset_peaks, resident_bytes,
                            this_and_children)

COUNT = 10_000_000  # doubles: 80 MB
BACKENDS = ("loky", "multiprocessing")


def add(p):
    for backend in BACKENDS:
        p.add(f"processes-tasks/{backend}", lambda backend=backend: tasks(20_000, backend=backend))
        p.add(f"processes-single/{backend}", lambda backend=backend: tasks(500, backend=backend, batch_size=1))
        p.add(f"processes-start/{backend}", lambda backend=backend: start(backend))
        p.add(f"processes-call/{backend}", with_pool(call, backend))
        p.add(f"processes-heap/{backend}", with_pool(heap, backend))
        p.add(f"processes-heap-later/{backend}", with_pool(later, backend))
        p.add(f"processes-len/{backend}", with_pool(later, backend))
    add_memory(p)


def add_memory(p):
    """What all processes have in memory while two tasks have an array, and their peaks."""
    flags = os.path.join(p.places.get("tmpfs", p.places["disk"]), "larder_bench-peer-met")
    p.files.append(flags)

    def look(pool, array, pids):
        """At the memory of all, by one of two tasks that have looked at all of the array and still have it."""
        met = np.memmap(flags, dtype=np.int64, shape=3, mode="w+")
        return max(pool(joblib.delayed(sum_and_look)(i, array, pids, met) for i in range(2)))

    def mapped(place):
        path = p.saved(place, f"processes-{place}", heap_array)
        return lambda: joblib.load(path("joblib"), mmap_mode="r")

    def passed(make):
        return lambda pool, pids: look(pool, make(), pids)

    def passed_twice(pool, pids):
        array = heap_array()
        look(pool, array, pids)
        return look(pool, array, pids)

    def returned(pool, pids):
        results = pool(joblib.delayed(heap_array)() for _ in range(1))
        results[0].sum()
        return look(pool, np.zeros(1), pids)

    def measured(work, backend):
        """(PSS, peak RSS) beyond what there was before."""
        with joblib.Parallel(n_jobs=2, backend=backend, batch_size=1) as pool:
            pool(joblib.delayed(nothing)(i) for i in range(2))
            pids = this_and_children()
            look(pool, np.full(200_000, 1.5), pids)  # what is loaded for that is loaded
            gc.collect()  # what other measurements have left
            reset_peaks(pids)
            proportional, resident = proportional_bytes(pids), resident_bytes(pids)
            return work(pool, pids) - proportional, peak_resident_bytes(pids) - resident

    works = {"heap": passed(heap_array), "len": passed_twice, "result": returned, "file": passed(mapped("disk"))}
    if "tmpfs" in p.places:
        works["shared"] = passed(mapped("tmpfs"))
    for row, work in works.items():
        for backend in BACKENDS:
            for which, name in enumerate(("memory", "peak")):
                p.add(f"processes-{row}-{name}/{backend}",
                      lambda work=work, backend=backend, which=which: measured(work, backend)[which])


def sum_and_look(i, array, pids, met):
    array.sum()
    met[i] = 1
    wait_for(lambda: met[0] and met[1])
    seen = 0
    if i == 0:
        seen = proportional_bytes(pids)
        met[2] = 1
    wait_for(lambda: met[2])
    return seen


def wait_for(condition, at_most=30):
    """Busily, so that the processes that wait have done nothing else when it holds."""
    end = time.monotonic() + at_most
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the other task did not run at the same time")
        os.sched_yield()


def with_pool(measure, backend):
    """The measurement with a pool whose workers are there.

    It is not kept: loky has one set of workers for all pools, which another measurement may have ended.
    """
    def run():
        with joblib.Parallel(n_jobs=2, backend=backend) as pool:
            pool(joblib.delayed(nothing)(i) for i in range(2))
            return measure(pool)
    return run


def tasks(count, **options):
    with joblib.Parallel(n_jobs=2, **options) as pool:
        pool(joblib.delayed(nothing)(i) for i in range(100))
        return once(lambda: pool(joblib.delayed(nothing)(i) for i in range(count))) / count


def start(backend):
    def work():
        with joblib.Parallel(n_jobs=2, backend=backend) as pool:
            pool(joblib.delayed(nothing)(i) for i in range(2))
    if backend == "loky":
        from joblib.externals.loky import get_reusable_executor
        get_reusable_executor().shutdown(wait=True)
    return once(work)


def call(pool):
    return per_call(lambda: pool(joblib.delayed(nothing)(i) for i in range(2)))


def heap_array():
    return np.full(COUNT, 1.5)


def pass_array(pool, array):
    return once(lambda: pool(joblib.delayed(len)(a) for a in (array, array)))


def heap(pool):
    return pass_array(pool, heap_array())


def later(pool):
    array = heap_array()
    pass_array(pool, array)
    return pass_array(pool, array)


def nothing(_):
    pass
