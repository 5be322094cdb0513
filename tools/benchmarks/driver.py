"""Asks programs for measurements, round by round, and tells quiet rounds from disturbed ones."""

import json
import os
import random
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

DISTURBED = 0.1  # of a processor, used by other programs: from there a round says little
ENOUGH = 3  # quiet rounds that are worth more than all; and no group has fewer that count


class Program:
    """One that measures what it is asked for."""

    def __init__(self, command, lines_before=0):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.before = [self.line() for _ in range(lines_before)]
        self.names = list(iter(self.line, ""))

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"bench: {self.process.args[0]} ended unexpectedly, status {self.process.wait()}")
        return line.rstrip("\n")

    def measure(self, name):
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        answer = self.line()
        if answer.startswith("error "):
            raise RuntimeError(f"{name}: {answer[6:]}")
        return float(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def peers_of(program):
    """The versions of the peers that larder_bench was built with, None for those that were missing then."""
    asked = subprocess.run([program, "--peers"], capture_output=True, text=True)
    return json.loads(asked.stdout) if asked.returncode == 0 else {}


def busy_seconds():
    """Of all processors together, whoever uses them."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own_seconds(pids):
    """Processor time of these processes and of all that they have started."""
    ticks, children = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it has ended
            continue
        pid = int(stat.parent.name)
        children.setdefault(int(fields[1]), []).append(pid)
        ticks[pid] = sum(map(int, fields[11:15]))  # its own, and of children that have ended
    found, todo = set(), list(pids)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo += children.get(pid, [])
    return sum(ticks.get(pid, 0) for pid in found) / os.sysconf("SC_CLK_TCK")


@dataclass
class Rounds:
    """What was measured, round by round. The first one is the warm-up."""

    wanted: int  # quiet ones
    samples: dict = field(default_factory=dict)  # of each measurement a value for each round, None where it failed
    others: list = field(default_factory=list)  # what other programs used of a processor
    took: list = field(default_factory=list)  # seconds
    errors: list = field(default_factory=list)

    def quiet(self):
        """The numbers of those that were; the warm-up is none of them."""
        return [number for number in range(1, len(self.others)) if self.others[number] < DISTURBED]

    def counted(self):
        """Disturbed rounds do not count if enough others are left."""
        quiet = self.quiet()
        return quiet if len(quiet) >= min(self.wanted, ENOUGH) else list(range(1, len(self.others)))

    def kept(self):
        """The samples of the rounds that count."""
        numbers = self.counted()
        return {name: [values[number] for number in numbers] for name, values in self.samples.items()}

    def go_on(self, until, now):
        """Whether there is to be another one, and time for it."""
        over = len(self.others) - 1
        if over < min(self.wanted, ENOUGH):
            return True
        return len(self.quiet()) < self.wanted and over < 2 * self.wanted and now + self.took[-1] <= until


def measure(names, programs, wanted, until, progress, prepare):
    """Rounds of all measurements, until `wanted` were quiet or the time is up. prepare(name): runs before each."""
    who = {name: program for program in programs for name in program.names}
    pids = [os.getpid()] + [program.process.pid for program in programs]
    order = random.Random(0)
    rounds = Rounds(wanted)
    while rounds.go_on(until, time.monotonic()):
        progress.round(len(rounds.others), len(rounds.quiet()))
        start, busy, own = time.monotonic(), busy_seconds(), own_seconds(pids)
        for name in order.sample(names, len(names)):  # so that none always comes after the same other one
            prepare(name)
            try:
                value = who[name].measure(name)
            except RuntimeError as error:
                value = None
                if str(error) not in rounds.errors:
                    rounds.errors.append(str(error))
                    progress.say(f"bench: {error}")
            rounds.samples.setdefault(name, []).append(value)
        rounds.took.append(time.monotonic() - start)
        rounds.others.append(max(0.0, busy_seconds() - busy - (own_seconds(pids) - own)) / rounds.took[-1])
    return rounds
