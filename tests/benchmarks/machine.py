"""What the machine costs by itself, from a program of its own and from the committed instruction counts."""

import statistics
import subprocess
from pathlib import Path

from measure import Failed, middle_half

INSTRUCTIONS = Path(__file__).resolve().parent.parent / 'instructions' / 'counts.tsv'

# The maximum and minimum results.
MOST = {'allocations for a NOOP': 0, 'allocations for a SIZE': 0, 'allocations for a RETR': 0,
        'heap of an idle session': 8192,
        # A unit is five calls, 50 each.
        'instructions, idle polls': 250}
LEAST = {'TYPE A down, nothing to convert': 2000, 'TYPE A up, nothing to convert': 2000}
LISTINGS = 10


def rows(program, rounds, scale):
    done = subprocess.run([program, str(max(rounds, 1)), str(scale)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    if done.returncode:
        raise Failed(' '.join(done.stderr.split())[-300:])
    figures = {}
    for line in done.stdout.splitlines():
        workload, unit, contestant, *its = line.split('\t')
        figures.setdefault((workload, unit), {})[contestant] = [float(one) for one in its]
    for line in INSTRUCTIONS.read_text().splitlines():
        case, count = line.split('\t')
        name = 'instructions, ' + case.replace('-', ' ')
        figures[name, 'instructions'] = {'ours': [float(count)]}
    for (workload, unit), contestants in figures.items():
        ours = contestants.pop('ours')
        row = {'workload': workload, 'unit': unit, 'ours': statistics.median(ours), 'peer': None,
               'theirs': None, 'ratio': None, 'spread': list(middle_half(ours)), 'goal': None,
               'rounds': len(ours)}
        if workload in MOST:
            row['most'] = MOST[workload]
        if workload in LEAST:
            row['least'] = LEAST[workload]
        if not contestants:
            yield row
        for peer, its in contestants.items():
            ratios = [mine / one for mine, one in zip(ours, its)]
            yield {**row, 'peer': peer, 'theirs': statistics.median(its),
                   'ratio': statistics.median(ratios), 'spread': list(middle_half(ratios)),
                   'goal': LISTINGS}
