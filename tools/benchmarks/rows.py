"""The rows that tools/bench measures.

A row compares measurements by name. `larder_bench` (C++) makes NAME/larder and NAME/floor, peers.py NAME/numpy and
NAME/joblib. To add a row, add the measurements there and a line here.
"""

from dataclasses import dataclass

PEERS = ("numpy", "joblib")

# Groups whose measurements take much new memory. Before each of them as much is taken and given back: a virtual machine
# may have returned to its host what was free for some seconds, and pays for it as it is taken again, ten times the rest.
TAKE_MEMORY = ("dump", "load")


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
        ],
    }


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
    groups["memory"] = [
        Row("memory-dump", "extra memory while an array of 1 GiB is dumped", "absolute", 16 * 2**20, "B", peers=("numpy", "joblib")),
        Row("memory-dump-view", "the same, of a view that is not contiguous", "absolute", 16 * 2**20, "B"),
    ]
    return groups
