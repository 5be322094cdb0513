"""The computation of the program convolve once more, from its formula and with NumPy."""

import numpy as np


def reference(samples, resolution, points=None):
    """The convolution of (n, 2) samples at a resolving power, at all points or at those with the given indices."""
    wavelengths, flux = np.ascontiguousarray(samples.T)
    points = np.arange(len(wavelengths)) if points is None else points
    result = np.empty(len(points))
    # A generous window around each point, so that the formula need not look at all samples for each.
    begins = np.searchsorted(wavelengths, wavelengths[points] * (1 - 6 / resolution))
    ends = np.searchsorted(wavelengths, wavelengths[points] * (1 + 6 / resolution))
    for position, (point, begin, end) in enumerate(zip(points, begins, ends)):
        w = wavelengths[point]
        fwhm = w / resolution
        sigma = fwhm / (2 * np.sqrt(2 * np.log(2)))
        distance = wavelengths[begin:end] - w
        near = np.abs(distance) < 5 * fwhm
        g = np.exp(-distance[near] ** 2 / (2 * sigma**2))
        result[position] = np.sum(g * flux[begin:end][near]) / np.sum(g)
    return result


def agree(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)
