import os

import numpy as np

from common import joblib, per_call


def add(p):
    if not joblib:
        return

    def memory(place, **options):
        return joblib.Memory(os.path.join(p.places[place], "larder_bench-joblib"), verbose=0, **options)

    def hit(function, argument):
        def measure():
            what = argument()
            function(what)
            return per_call(lambda: function(what))
        return measure

    fresh = iter(range(1000, 10**9))
    for place in p.places:
        cached = memory(place).cache(twice)
        p.add(f"cache-hit-{place}/joblib", hit(cached, lambda: 7))
        p.add(f"cache-miss-{place}/joblib", lambda cached=cached: per_call(lambda: cached(next(fresh))))
    p.add("cache-argument-heap/joblib", hit(memory("disk").cache(first), lambda: p.large()[: p.large_bytes // 80]))
    p.add("cache-result-large/joblib",
          hit(memory("disk", mmap_mode="r").cache(large_result), lambda: p.large_bytes // 8))


def twice(x):
    return 2 * x


def first(a):
    return a[0]


def large_result(n):
    return np.full(n, 1.5)
