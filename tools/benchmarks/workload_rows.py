"""The rows of whole workloads, and of the memory that arrays between processes take."""

from rows import Row

POOLS = ("loky", "multiprocessing")


def against(name, what):
    """Against what has to be done at least, and against joblib."""
    return [
        Row(name, what, peers=("joblib",)),
        Row(f"{name}-joblib", f"{what}, against joblib", target=1.0, larder=f"{name}/larder", floor=(f"{name}/joblib",)),
    ]


WORKLOADS = [
    *against("workload-convolve-cold", "the convolution of examples/convolve, spectra 200 times as long, nothing cached"),
    *against("workload-convolve-cached", "the same, all of it cached"),
    *against("workload-grid-first", "1,000 cached calls of 0.1 to 5 ms (a tenth of 1 to 50) on 2 workers, nothing cached"),
    *against("workload-grid-changed", "the same once more, with a tenth of the parameters changed"),
    Row("workload-grid-overhead", "what that takes beyond the time of computing, per call", "absolute", peers=("joblib",)),
    Row("workload-grid-hits", "the same with nothing changed, per call", "absolute", peers=("joblib",)),
    Row("workload-row-sums", "10 rows of 10^6 normals in memory, summed by 2 processes into a shared array, against joblib",
        target=1.0, floor=("workload-row-sums/joblib",)),
    *against("workload-row-sums-shared", "the same with the rows in shared memory before"),
]


def memory_rows():
    passed = {
        "heap": "80 MB in memory, read by 2 workers",
        "shared": "80 MB of array::shared (joblib: a memmap on tmpfs), read by 2 workers",
        "file": "80 MB of a mapped file, read by 2 workers",
        "result": "a result of 80 MB made with array::shared, read by the caller",
        "len": "80 MB in memory as elements, read by 2 workers, second call",
    }
    rows = []
    for row, what in passed.items():
        rows += [
            Row(f"processes-{row}-memory", f"{what}: PSS of all processes, against that of the array", target=1.02,
                unit="B", floor=("processes-array/floor",), peers=POOLS),
            Row(f"processes-{row}-peak", f"{what}: peaks of RSS of all processes, added", "absolute", unit="B", peers=POOLS),
        ]
    return rows


GROUPS = {"workloads": WORKLOADS, "processes": memory_rows()}
