"""How the time of a run is shared out among its groups, and the line that says how much of it is left."""

import sys
import time


def minutes(seconds):
    return f"{seconds // 60:.0f}:{seconds % 60:02.0f}"


class Progress:
    """Tells people how far a run is, and each group until when it may go on.

    seconds: of a round, by group. budget: of the run, in seconds; a group that needs less than its share leaves the rest
    to those after it.
    """

    def __init__(self, seconds, rounds, budget, out=sys.stderr, clock=time.monotonic):
        self.rounds, self.out, self.clock = rounds, out, clock
        self.seconds = seconds
        self.start = clock()
        self.end = self.start + budget
        share = min(1 + rounds, budget / sum(seconds.values()))  # rounds of each, with the one that warms up
        self.expected = {name: share * each for name, each in seconds.items()}
        self.names = list(seconds)
        self.group = None
        self.in_place = out.isatty()
        self.shown = False

    def begin(self, group):
        """Returns when the group's share of the time is used up."""
        self.group = group
        waiting = self.names[self.names.index(group):]
        now = self.clock()
        left = max(0.0, self.end - now)
        if not self.in_place:
            self.say(f"{self.prefix()}{self.time_left(0)}")
        return now + left * self.seconds[group] / sum(self.seconds[name] for name in waiting)

    def round(self, number, quiet):
        """A round begins: `number` are over, of which `quiet` count; the first one is the warm-up."""
        if self.in_place:
            stage = f"round {number}, {quiet} of {self.rounds} quiet" if number else "warm-up"
            part = min(1.0, max(quiet, number / 2) / (1 + self.rounds))
            self.out.write(f"\r\033[K{self.prefix()}{stage}, {self.time_left(part)}")
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

    def time_left(self, part):
        """part: how much of the current group is over. What was slower than expected so far will be so further on."""
        before = self.names.index(self.group)
        over = sum(self.expected[name] for name in self.names[:before]) + part * self.expected[self.group]
        left = sum(self.expected.values()) - over
        pace = (self.clock() - self.start) / over if over else 1.0
        return f"{minutes(min(left * pace, max(0.0, self.end - self.clock())))} left"
