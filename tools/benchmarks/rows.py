"""The rows that tools/bench measures.

A row compares measurements by name. `larder_bench` (C++) makes NAME/larder, NAME/floor and those of C++ peers, the program in
peers/ those of Python peers, as NAME/joblib. To add a row, add the measurements there and a line here; a peer that has not
been there before is named in known_peers.py.
"""

from dataclasses import dataclass

# How the names of measurements begin that take much new memory. Before each of them as much is taken and given back: a virtual machine
# may have returned to its host what was free for some seconds, and pays for it as it is taken again, ten times the rest.
TAKE_MEMORY = ("dump-", "load-", "store-put-dict", "store-get-dict", "store-create")


@dataclass(frozen=True)
class Row:
    name: str
    what: str
    # speed: how many times the floor's speed larder has, more is better; time: how many times the floor's time it
    # takes, less is better; absolute: larder's own number, less is better.
    ratio: str = "time"
    target: float | None = None  # None: for information
    unit: str = "s"  # or "B"
    larder: str = ""
    floor: tuple[str, ...] = ()  # where there are several ways, the fastest counts
    peers: tuple[str, ...] = ()

    def larder_name(self):
        return self.larder or f"{self.name}/larder"

    def floor_names(self):
        if self.ratio == "absolute":
            return ()
        return self.floor or (f"{self.name}/floor",)

    def peer_names(self):
        return {peer: f"{self.name}/{peer}" for peer in self.peers}


def rows_of(place):
    """The rows that exist once for the disk and once for tmpfs, by group."""
    both = ("numpy", "joblib")
    return {
        "dump": [
            Row(f"dump-{place}", f"dump a large array to {place}, digest included, against bare write()", "speed", 0.9,
                floor=(f"dump-{place}/floor-plain", f"dump-{place}/floor-reserved"), peers=both),
            Row(f"dump-view-{place}", f"dump a view that is not contiguous to {place}, against write() of a copy that is",
                "speed", peers=both),
        ],
        "load": [
            Row(f"load-{place}", f"load it from {place}, in memory, every byte checked, against two threads that read",
                target=1.2, peers=both),
        ],
        "map": [
            Row(f"map-small-{place}", f"load 8 KB from {place}, mapped, and touch it, against the bare calls",
                target=2.0, peers=both),
            Row(f"map-large-{place}", f"load the large array from {place}, mapped, and touch it, against the bare calls",
                target=2.0, peers=both),
            Row(f"map-sizes-{place}", f"map the large array from {place}, against mapping 8 KB", target=1.0,
                larder=f"map-large-{place}/larder", floor=(f"map-small-{place}/larder",)),
            Row(f"map-sizes-bare-{place}", f"the same for the bare calls, in {place}",
                larder=f"map-large-{place}/floor", floor=(f"map-small-{place}/floor",)),
        ],
    }


# Where else results are kept.
RESULT_STORES = ("joblib", "diskcache", "lmdb", "sqlite", "cereal", "boost-serialization")


def cache_rows_of(place):
    return [
        Row(f"cache-hit-{place}", f"a hit on {place}, int to int, against hash, open, read, close by hand", target=1.5,
            peers=RESULT_STORES),
        Row(f"cache-hit-joblib-{place}", "the same against joblib", target=0.1, larder=f"cache-hit-{place}/larder",
            floor=(f"cache-hit-{place}/joblib",)),
        Row(f"cache-miss-{place}", f"a miss and its store on {place}, int to int, against create, write, rename by hand",
            target=1.5, peers=RESULT_STORES),
    ]


def all_groups(places):
    """The rows of each group, in order."""
    groups = {}
    for place in places:
        for group, rows in rows_of(place).items():
            groups.setdefault(group, []).extend(rows)
    groups["hash"] = [
        Row("hash-1t", "hash a large array on one thread, against memcpy", "speed", 0.95, peers=("joblib",)),
        Row("hash-2t", "hash it on two threads, against two that sum it", "speed", 0.9),
        Row("hash-sealed", "hash the large array mapped from a sealed file", "absolute", 1e-6, peers=("joblib",)),
    ]
    groups["cache"] = [row for place in places for row in cache_rows_of(place)] + [
        Row("cache-argument-heap", "a hit with an argument of 80 MB in memory, against hashing that", target=1.15,
            peers=("joblib",)),
        Row("cache-argument-sealed", "a hit with an argument of 80 MB mapped from a sealed file, against that of an int",
            target=2.0, floor=("cache-hit-disk/larder",)),
        Row("cache-result-large", "a hit with a result of 800 MB, mapped, and a look at it, against the bare calls",
            target=2.0, peers=("joblib",)),
        Row("cache-many-same", "a hit among a million entries, the same key over and over, against one among a thousand",
            target=1.2),
        Row("cache-many-random", "random keys of a million entries, against open, read, close of such files",
            target=1.3),
        Row("cache-many-first", "the same of entries that nobody has used before, which is noted",
            floor=("cache-many-random/floor",)),
        Row("cache-first-hit", "how much longer a process takes that has one hit than one that does nothing", "absolute", 3e-4),
    ]
    loops = ("tbb", "openmp", "openmp-static", "std-par", "std-async")
    groups["parallel"] = [
        Row("parallel-empty", "a million empty tasks on 2 threads, per task, against oneTBB", target=1.5,
            floor=("parallel-empty/tbb",), peers=(*loops[1:], "joblib", "loky")),
        *(Row(f"parallel-{time}us", f"tasks of {time} us on 2 threads, against oneTBB", target=1.05,
              floor=(f"parallel-{time}us/tbb",), peers=loops[1:]) for time in (1, 10, 100)),
        *(Row(f"parallel-{time}us-half", "the same, against half of the time that one thread takes",
              larder=f"parallel-{time}us/larder", floor=(f"parallel-{time}us/floor",)) for time in (1, 10, 100)),
        Row("parallel-call", "a call with two empty tasks on 2 threads, right after another", "absolute", 2e-6, peers=loops),
        Row("parallel-call-idle", "the same after 1 ms in which nothing happens, against waking a thread by hand", target=1.5,
            peers=loops),
        *(Row(f"parallel-varied-{order}", f"400 tasks of 1 us to 1 ms on 2 threads, {text}, against the best schedule",
              target=1.05, peers=loops)
          for order, text in (("shuffled", "shuffled"), ("ascending", "the cheap ones first"),
                              ("cluster", "the expensive ones in the middle"))),
        Row("parallel-fork", "a call with two empty tasks in 2 children, against forking two and waiting for them", target=2.0),
    ]
    pools = ("loky", "multiprocessing")
    groups["processes"] = [
        Row("processes-tasks", "a million empty tasks on 2 processes, per task", "absolute", 1e-7, peers=pools),
        Row("processes-single", "empty tasks one by one (batch_size 1), per task", "absolute", 1e-5, peers=pools),
        Row("processes-start", "two workers from nothing, and a call of two tasks", "absolute", 1e-2, peers=pools),
        Row("processes-call", "a call of two empty tasks, right after another", "absolute", 3e-5, peers=pools),
        Row("processes-call-idle", "the same after 1 ms in which nothing happens, against waking two processes and being woken by them",
            target=1.5),
        Row("processes-heap", "80 MB in memory to 2 workers, the first call, against write() of them to a memfd", target=1.15,
            peers=pools),
        Row("processes-heap-later", "the same array in later calls", "absolute", 5e-5, peers=pools),
        Row("processes-shared", "80 MB of array::shared to 2 workers, the first call with them, after others", "absolute", 5e-5),
        Row("processes-shared-bare", "the same, against descriptors and mappings by hand", larder="processes-shared/larder",
            floor=("processes-shared/floor",)),
        Row("processes-shared-cold", "the same right after 80 MB were filled, by hand too"),
        Row("processes-file", "80 MB of a mapped file to 2 workers, the first call with them, after others", "absolute", 5e-5),
        Row("processes-file-cold", "the same right after 80 MB were filled, against memory by hand", floor=("processes-shared-cold/floor",)),
        Row("processes-result", "a result of 80 MB made with array::shared, beyond making it", "absolute", 5e-5),
        Row("processes-result-bare", "the same, against a child that does it by hand", larder="processes-result/larder",
            floor=("processes-result/floor",)),
        Row("processes-len", "an array of 80 MB as an element, of which the task returns the length, second call", "absolute", 1e-4,
            peers=pools),
        Row("processes-memory", "1,000 tasks on a shared array of 1 GB: memory of all processes, against that of the array", target=1.02,
            unit="B"),
    ]
    # What Ray has published: put of such a dictionary 2.4 s, get 730 us. It is not measured here.
    groups["store"] = [
        Row("store-put-dict", "put of a dictionary of 20 arrays of 80 MB, against write() of them (Ray, as published: 2.4 s)",
            target=1.15, peers=("pickle",)),
        Row("store-get-dict", "get of it, all 20 arrays mapped (Ray, as published: 730 us)", "absolute", 2e-5, peers=("pickle",)),
        Row("store-put-small", "put of 4 KiB under a name that has an object", "absolute", 1.5e-5, peers=("pickle",)),
        Row("store-put-small-bare", "the same, against a file that is written and renamed by hand", larder="store-put-small/larder",
            floor=("store-put-small/floor",)),
        Row("store-put-small-new", "put of 4 KiB under a new name", "absolute", 1.5e-5, peers=("pickle", "shared_memory")),
        Row("store-put-small-new-bare", "the same, against a file that is written and linked by hand", larder="store-put-small-new/larder",
            floor=("store-put-small-new/floor",)),
        Row("store-put-small-limited", "put of 4 KiB under a name that has an object, in a store with a capacity", "absolute",
            1.5e-5),
        Row("store-get-small", "get of 4 KiB, and a look at it", "absolute", 8e-6, peers=("pickle", "shared_memory")),
        Row("store-create", "create, fill and seal 800 MB, digest included, against a new file of tmpfs that is mapped and filled",
            target=1.25, peers=("shared_memory",)),
    ]
    groups["memory"] = [
        Row("memory-dump", "extra memory while an array of 1 GiB is dumped", "absolute", 16 * 2**20, "B", peers=("numpy", "joblib")),
        Row("memory-dump-view", "the same, of a view that is not contiguous", "absolute", 16 * 2**20, "B"),
    ]
    return groups
