"""How the time of a run is shared out among its groups, and the line that says how much of it is left."""

import sys
import time
from dataclasses import dataclass


def minutes(seconds):
    return f"{seconds // 60:.0f}:{seconds % 60:02.0f}"


@dataclass(frozen=True)
class Cost:
    """Of a group, in seconds, roughly."""

    first: float  # the warm-up, which prepares what is measured
    later: float  # each other round


class Progress:
    """Tells people how far a run is, and each group until when it may go on.

    costs: by group. budget: of the run, in seconds. What is left of it beside the warm-ups is shared out by what rounds
    cost; a group that needs less than its share leaves the rest to those after it.
    """

    def __init__(self, costs, rounds, budget, out=sys.stderr, clock=time.monotonic):
        self.costs, self.rounds, self.out, self.clock = costs, rounds, out, clock
        self.names = list(costs)
        self.start = clock()
        self.end = self.start + budget
        possible = self.share(self.names, budget)
        self.expected = {name: cost.first + min(rounds, possible) * cost.later for name, cost in costs.items()}
        self.group = None
        self.in_place = out.isatty()
        self.shown = False

    def share(self, names, seconds):
        """How many rounds these groups can have in so much time."""
        costs = [self.costs[name] for name in names]
        return max(0.0, seconds - sum(cost.first for cost in costs)) / sum(cost.later for cost in costs)

    def begin(self, group):
        """Returns when the group's share of the time is used up."""
        self.group = group
        if not self.in_place:
            self.say(f"{self.prefix()}{self.time_left(0)}")
        now = self.clock()
        waiting = self.names[self.names.index(group):]
        return now + self.costs[group].first + self.share(waiting, self.end - now) * self.costs[group].later

    def round(self, number, quiet):
        """A round begins: `number` are over, of which `quiet` count; the first one is the warm-up."""
        if self.in_place:
            stage = f"round {number}, {quiet} of {self.rounds} quiet" if number else "warm-up"
            done = self.costs[self.group].first + (number - 1) * self.costs[self.group].later if number else 0.0
            self.out.write(f"\r\033[K{self.prefix()}{stage}, {self.time_left(done)}")
            self.out.flush()
            self.shown = True

    def say(self, text):
        """A line of its own, which stays."""
        self.finish()
        print(text, file=self.out, flush=True)

    def finish(self):
        if self.shown:
            self.out.write("\r\033[K")
            self.shown = False

    def prefix(self):
        return f"bench: {self.group} ({self.names.index(self.group) + 1} of {len(self.names)}): "

    def time_left(self, done):
        """done: the cost of what is over of this group. What was slower than expected so far will be so further on."""
        before = self.names.index(self.group)
        over = sum(self.expected[name] for name in self.names[:before]) + min(done, self.expected[self.group])
        left = sum(self.expected.values()) - over
        now = self.clock()
        pace = (now - self.start) / over if over else 1.0
        return f"{minutes(min(left * pace, max(0.0, self.end - now)))} left"
