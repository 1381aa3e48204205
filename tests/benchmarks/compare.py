"""Fair turns: all contestants of a workload run one after the other, round by round."""

import os
import random
import statistics
import sys

from measure import LONGEST, Failed, measure, middle_half


class Run:
    """A workload, and what has to be so around each run."""

    def __init__(self, workload, goal, command, unit, amount, before=None, check=None, longest=LONGEST,
                 warms_up=True):
        self.workload = workload
        # The ratios to reach: compared with the limit, and with the other clients.
        self.goal = goal
        # The command line for a contestant; None if it has none.
        self.command = command
        self.unit = unit
        # The amount of work of a run, in that unit.
        self.amount = amount
        self.before = before
        self.check = check
        # Contestants that take longer are left out: in seconds.
        self.longest = longest
        # Whether the first turn only warms up; otherwise it is the first round.
        self.warms_up = warms_up

    def once(self, contestant):
        line = self.command(contestant)
        if self.before:
            self.before()
        measured = measure(line, self.longest)
        if self.check and not self.check():
            raise Failed('it has not done all of it')
        return measured

    def first(self, contestant):
        """The first run; None if the contestant can't do it."""
        try:
            return self.once(contestant)
        except Failed as failed:
            print(f'{self.workload}: {contestant.name} is left out: {failed}', file=sys.stderr)
            return None


def first_turn(run, contestants):
    """The first runs, by the contestants that have a command line; None for one that can't do it."""
    asked = [contestant for contestant in contestants if run.command(contestant) is not None]
    return {contestant: run.first(contestant) for contestant in asked}


def turns(run, first, rounds):
    """The runs that count, by the names of the contestants; `first` is their first turn."""
    able = [contestant for contestant, its in first.items() if its]
    runs = {contestant.name: [] if run.warms_up else [first[contestant]] for contestant in able}
    for turn in range(rounds if run.warms_up else rounds - 1):
        # In a different order each time, but the same in each run of the whole.
        for contestant in random.Random(turn).sample(able, len(able)):
            runs[contestant.name].append(run.once(contestant))
    return runs


def counted(ours, theirs):
    """Ratios of what the processor has counted, ours to theirs, by the names of its counters."""
    return {f'{name}_ratio': statistics.median(
                mine.counted[name] / max(one.counted[name], 1) for mine, one in zip(ours, theirs))
            for name in ours[0].counted}


def compare(run, contestants, rounds):
    """The rows: ours, which comes first, against each of the others. The first turn warms up.

    With no rounds it is all: everybody has to work.
    """
    ours = contestants[0].name
    first = first_turn(run, contestants)
    if not first.get(contestants[0]):
        raise Failed('ours does not work')
    if not rounds:
        if not all(first.values()):
            raise Failed('not everybody works')
        return
    runs = turns(run, first, rounds)
    seconds = {name: statistics.median(one.seconds for one in its) for name, its in runs.items()}
    processor = {name: statistics.median(one.processor for one in its)
                 for name, its in runs.items()}
    memory = {name: max(one.memory for one in its) for name, its in runs.items()}
    for name, its in runs.items():
        if name == ours:
            continue
        ratios = [one.seconds / mine.seconds for mine, one in zip(runs[ours], its)]
        shares = [mine.processor / max(one.processor, 1e-3) for mine, one in zip(runs[ours], its)]
        yield {
            'workload': run.workload,
            'unit': run.unit,
            'ours': run.amount / seconds[ours],
            'peer': name,
            'theirs': run.amount / seconds[name],
            'ratio': statistics.median(ratios),
            'spread': list(middle_half(ratios)),
            'ours_cpu': processor[ours],
            'theirs_cpu': processor[name],
            'cpu_ratio': statistics.median(shares),
            **counted(runs[ours], its),
            'ours_memory': memory[ours],
            'theirs_memory': memory[name],
            'memory_most': run.goal.get('memory'),
            'load': os.getloadavg()[0],
            'limit': run.amount / seconds['limit'] if 'limit' in seconds else None,
            'goal': run.goal['limit'] if name in ('limit', 'sendfile') else run.goal['peers'],
            'cpu_goal': run.goal.get('processor', {'limit': 1.05, 'sendfile': 1.05}.get(name, 1.0)
                                     if run.unit == 'MB/s' else None),
            'rounds': rounds,
        }
