import os

import numpy as np

from common import diskcache, joblib, per_call


def add(p):
    if joblib:
        add_joblib(p)
    if diskcache:
        add_diskcache(p)


def add_joblib(p):
    def memory(place, **options):
        return joblib.Memory(os.path.join(p.places[place], "larder_bench-joblib"), verbose=0, **options)

    fresh = iter(range(1000, 10**9))
    for place in p.places:
        cached = memory(place).cache(twice)
        p.add(f"cache-hit-{place}/joblib", hit(cached, lambda: 7))
        p.add(f"cache-miss-{place}/joblib", lambda cached=cached: per_call(lambda: cached(next(fresh))))
    p.add("cache-argument-heap/joblib", hit(memory("disk").cache(first), lambda: p.large()[: p.large_bytes // 80]))
    p.add("cache-result-large/joblib",
          hit(memory("disk", mmap_mode="r").cache(large_result), lambda: p.large_bytes // 8))


def add_diskcache(p):
    fresh = iter(range(1000, 10**9))
    for place, directory in p.places.items():
        cached = disk_cache(os.path.join(directory, "larder_bench-diskcache")).memoize()(twice)
        p.add(f"cache-hit-{place}/diskcache", hit(cached, lambda: 7))
        p.add(f"cache-miss-{place}/diskcache", lambda cached=cached: per_call(lambda: cached(next(fresh))))


def disk_cache(path):
    """With room for all, and not synced, as nobody else here is."""
    return diskcache.Cache(path, size_limit=2**36, sqlite_synchronous=0)


def hit(function, argument):
    def measure():
        what = argument()
        function(what)
        return per_call(lambda: function(what))
    return measure


def twice(x):
    return 2 * x


def first(a):
    return a[0]


def large_result(n):
    return np.full(n, 1.5)
