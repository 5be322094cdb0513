"""Rows workload-*, as people do it with joblib and NumPy.

What is to be computed, and what it should come to, larder_bench has written to the disk before.
"""

import os
import time
from pathlib import Path

import numpy as np

from common import joblib, once, per_call

RESOLUTION = 50_000
CALLS = 1000
SCALE = 0.1  # of calls of 1 to 50 ms


def add(p):
    if joblib:
        add_convolution(p)
        add_grid(p)
        add_row_sums(p)


def written(p, name):
    return Path(p.places["disk"]) / f"larder_bench-workload-{name}"


def memory(p, name, **options):
    return joblib.Memory(written(p, f"{name}-joblib"), verbose=0, **options)


def warm_pool(**options):
    """One whose workers are there. (loky's live on between pools.)"""
    pool = joblib.Parallel(n_jobs=2, **options)
    pool(joblib.delayed(abs)(i) for i in range(2))
    return pool


def require_equal(found, expected):
    if not np.allclose(found, expected, rtol=1e-9, atol=1e-9):
        raise ValueError("a result is not what it should be")


def add_convolution(p):
    spectra = sorted(written(p, "").parent.glob(written(p, "spectrum-*.npy").name))
    expected = [np.load(path.with_name(path.name.replace("spectrum", "convolved"))) for path in spectra]
    cache = memory(p, "convolve", mmap_mode="r")
    cached = cache.cache(convolved)

    def all_spectra():
        return [cached(np.load(path, mmap_mode="r"), RESOLUTION) for path in spectra]

    def check():
        for found, wanted in zip(all_spectra(), expected):
            require_equal(found, wanted)

    def cold():
        cache.clear(warn=False)
        warm_pool()
        seconds = once(all_spectra)
        check()
        return seconds

    def hits():
        check()
        return per_call(lambda: [result[0] for result in all_spectra()])

    p.add("workload-convolve-cold/joblib", cold)
    p.add("workload-convolve-cached/joblib", hits)


def convolved(spectrum, resolution):
    pieces = np.linspace(0, len(spectrum), 65, dtype=int)
    return np.concatenate(joblib.Parallel(n_jobs=2)(
        joblib.delayed(convolved_piece)(spectrum, resolution, begin, end) for begin, end in zip(pieces, pieces[1:])))


def convolved_piece(spectrum, resolution, begin, end):
    """The points from `begin` to `end`, as examples/convolve/convolution.hpp defines them."""
    wavelengths, flux = np.ascontiguousarray(spectrum[:, 0]), np.ascontiguousarray(spectrum[:, 1])
    points = wavelengths[begin:end]
    fwhm = points / resolution
    sigma = fwhm / (2 * np.sqrt(2 * np.log(2)))
    first = np.searchsorted(wavelengths, points - 5 * fwhm, side="right")
    last = np.searchsorted(wavelengths, points + 5 * fwhm, side="left")
    result = np.empty(end - begin)
    for i, (w, s, a, b) in enumerate(zip(points, sigma, first, last)):
        x = (wavelengths[a:b] - w) / s
        g = np.exp(-0.5 * x * x)
        result[i] = g @ flux[a:b] / g.sum()
    return result


def add_grid(p):
    share = min(1, p.large_bytes / 800e6)
    seconds = [SCALE * share * (1e-3 + 49e-3 * (i // 10 * 37 % 100) / 99) for i in range(CALLS)]
    least = sum(seconds) / 2
    first_cache = memory(p, "grid-first")
    versions = [0] * CALLS
    changes = 0

    def run(cached):
        warm_pool()
        results = []
        taken = once(lambda: results.extend(joblib.Parallel(n_jobs=2)(
            joblib.delayed(cached)(i, versions[i], seconds[i]) for i in range(CALLS))))
        if results != [value(i, versions[i]) for i in range(CALLS)]:
            raise ValueError("a call of the grid returned what another one should")
        return taken

    def first():
        first_cache.clear(warn=False)
        return run(first_cache.cache(computed))

    kept = memory(p, "grid").cache(computed)

    def changed():
        nonlocal changes
        run(kept)
        changes += 1
        for i in range(changes % 10, CALLS, 10):
            versions[i] = changes
        return run(kept)

    def hits():
        run(kept)
        return run(kept) / CALLS

    p.add("workload-grid-first/joblib", first)
    p.add("workload-grid-changed/joblib", changed)
    p.add("workload-grid-overhead/joblib", lambda: (changed() - least / 10) / CALLS)
    p.add("workload-grid-hits/joblib", hits)


def value(i, version):
    return i + 1e-3 * version


def computed(i, version, seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return value(i, version)


def add_row_sums(p):
    samples = np.load(written(p, "samples.npy"))
    expected = samples.sum(axis=1)
    place = p.places.get("tmpfs", p.places["disk"])
    data = os.path.join(place, "larder_bench-peer-row-sums-data")
    output = os.path.join(place, "larder_bench-peer-row-sums-output")
    p.files += [data, output]

    def shared_samples():
        joblib.dump(samples, data)
        return joblib.load(data, mmap_mode="r")

    def summed(shared):
        sums = np.memmap(output, dtype=shared.dtype, shape=shared.shape[0], mode="w+")
        joblib.Parallel(n_jobs=2)(joblib.delayed(sum_row)(shared, sums, i) for i in range(shared.shape[0]))
        return sums

    def timed(work):
        warm_pool()
        sums = []
        seconds = once(lambda: sums.extend(work()))
        require_equal(sums, expected)
        return seconds

    def already_shared():
        shared = shared_samples()
        summed(shared)
        return timed(lambda: summed(shared))

    p.add("workload-row-sums/joblib", lambda: timed(lambda: summed(shared_samples())))
    p.add("workload-row-sums-shared/joblib", already_shared)


def sum_row(samples, sums, i):
    sums[i] = samples[i, :].sum()
