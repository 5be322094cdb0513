"""The groups that tools/bench measures, each by programs of its own: their rows, their curves, and what they take."""

from dataclasses import dataclass, field

import curves
import rows
import workload_rows
from curves import Curve
from progress import Cost
from rows import Row

# What they take with two processors, where nothing else runs: the time of a run is shared out by it.
COSTS = {
    "dump": Cost(22, 24), "load": Cost(12, 4), "map": Cost(5, 0.4), "hash": Cost(6, 2.5), "cache": Cost(32, 1.5),
    "parallel": Cost(5, 5), "processes": Cost(12, 11), "store": Cost(18, 11), "memory": Cost(3, 3), "workloads": Cost(10, 6),
    "growth-cache": Cost(90, 12), "growth-parallel": Cost(10, 8), "growth-processes": Cost(12, 9), "growth-store": Cost(15, 2),
}
# The same of groups that have smaller arrays, or fewer points, in a quick run.
QUICK_COSTS = COSTS | {
    "dump": Cost(6, 6), "load": Cost(3, 1), "map": Cost(2, 0.3), "hash": Cost(2, 0.7), "cache": Cost(9, 1.3), "store": Cost(5, 3),
    "memory": Cost(1, 1), "workloads": Cost(3, 2), "growth-cache": Cost(12, 1.5), "growth-parallel": Cost(2.5, 2.5),
    "growth-processes": Cost(8, 6.5), "growth-store": Cost(1.5, 0.5),
}
ANY = Cost(first=10, later=5)


@dataclass
class Group:
    name: str
    rows: list[Row] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)

    def cost(self, quick):
        return (QUICK_COSTS if quick else COSTS).get(self.name, ANY)

    def measurements(self, points):
        """The names of all, each once. points: of a curve, those that are wanted."""
        of_rows = (name for row in self.rows
                   for name in (row.larder_name(), *row.floor_names(), *row.peer_names().values()))
        of_curves = (curve.measurement(point, who)
                     for curve in self.curves for point in points(curve) for who in curve.series)
        return list(dict.fromkeys([*of_rows, *of_curves]))


def all_groups(places):
    """In order, by name. places: "disk", and "tmpfs" where there is one."""
    groups = {}
    for source in rows.all_groups(places), workload_rows.GROUPS:
        for name, of_group in source.items():
            groups.setdefault(name, Group(name)).rows.extend(of_group)
    for name, of_group in curves.GROUPS.items():
        groups.setdefault(name, Group(name)).curves.extend(of_group)
    return groups
