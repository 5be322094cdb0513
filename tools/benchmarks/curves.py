"""What tools/bench measures against a size: the curves of each group.

A point of a curve is one measurement by each of its series, named CURVE@POINT/WHO: larder and floor, and what larder_bench has
of peers in C++, or peers/growth.py in Python. Who takes too long for a point, or cannot do it, does not name it.
With small arrays (--smoke) the sizes themselves are smaller in proportion; the names stay.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Curve:
    name: str
    what: str  # one line for people
    x: str  # axis label
    x_unit: str  # "", "B" or "s"
    points: tuple[int, ...]  # ascending; those of seconds are in nanoseconds
    quick: tuple[int, ...]  # those of --quick and --smoke
    series: tuple[str, ...]  # who
    unit: str = "s"  # of y: "s" or "B"
    y: str = "time of a hit"

    def measurement(self, point, who):
        return f"{self.name}@{point}/{who}"

    def x_value(self, point):
        """In x_unit."""
        return point / 1e9 if self.x_unit == "s" else point


def powers(first, last):
    return tuple(10**exponent for exponent in range(first, last + 1))


LOOPS = ("larder", "floor", "tbb", "openmp", "openmp-static", "std-par", "std-async", "joblib")
POOLS = ("larder", "floor", "loky", "multiprocessing", "mp-pool")  # the last one is of Python itself, without joblib
STORES = ("larder", "floor", "lmdb", "sqlite", "diskcache", "shared_memory")

GROUPS = {
    "growth-cache": [
        Curve("grow-hit-entries", "a hit, int to int, of random keys, against the number of entries",
              "entries in the cache", "", powers(2, 6), (100, 10_000),
              ("larder", "floor", "joblib", "diskcache", "lmdb", "sqlite")),
        Curve("grow-hit-heap", "a hit with an array in memory as its argument, against the array's size",
              "size of the argument", "B", powers(3, 9), (1_000, 1_000_000, 100_000_000),
              ("larder", "floor", "joblib", "diskcache")),
        Curve("grow-hit-sealed", "a hit with an array that is mapped from a sealed file, against its size",
              "size of the argument", "B", powers(3, 9), (1_000, 1_000_000, 100_000_000), ("larder", "floor", "joblib")),
        Curve("grow-hit-result", "a hit, and a look at its result, against the size of that",
              "size of the result", "B", powers(3, 9), (1_000, 1_000_000, 100_000_000),
              ("larder", "floor", "joblib", "diskcache", "lmdb", "sqlite")),
    ],
    "growth-parallel": [
        Curve("grow-tasks", "a call of empty tasks on 2 threads, per task, against their number",
              "tasks of a call", "", powers(2, 6), (100, 10_000, 1_000_000), LOOPS, y="time per task"),
        Curve("grow-task-length", "tasks on 2 threads, per task, against their length; the floor is half of one thread's time",
              "length of a task", "s", powers(2, 7), (100, 10_000, 1_000_000), LOOPS, y="time per task"),
    ],
    "growth-processes": [
        Curve("grow-process-tasks", "a call of empty tasks in 2 worker processes, per task, against their number",
              "tasks of a call", "", powers(2, 6), (100, 10_000), POOLS, y="time per task"),
        Curve("grow-process-length", "tasks in 2 worker processes, per task, against their length; the floor is half of one's time",
              "length of a task", "s", powers(2, 7), (1_000, 100_000, 10_000_000), POOLS, y="time per task"),
        Curve("grow-memory", "memory (PSS) of all processes, at most, while each of 2 workers adds up an array, against its size",
              "size of the array", "B", powers(6, 9), (1_000_000, 100_000_000), POOLS, unit="B",
              y="memory of all processes"),
        Curve("grow-memory-peak", "peak RSS of all processes meanwhile, added up: shared pages count once for each of them",
              "size of the array", "B", powers(6, 9), (1_000_000, 100_000_000), POOLS, unit="B",
              y="peak RSS of all processes"),
    ],
    "growth-store": [
        Curve("grow-put", "put of 4 KiB in place of one of the objects, against their number",
              "objects in the store", "", powers(1, 5), (10, 1_000), STORES, y="time of a put"),
        Curve("grow-get", "get of one of the objects, 4 KiB, and a look at it, against their number",
              "objects in the store", "", powers(1, 5), (10, 1_000), STORES, y="time of a get"),
    ],
}
