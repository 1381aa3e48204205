"""Round trips, counted by the link with the delay."""

import sys

from contestants import SMALL
from measure import Failed, measure

# Number of files after the first, in the session that measures the cost of a further one.
MORE = 4


def count(workload, contestant, server, link, seconds):
    """From the control connection's handshake to the first file, and what each further one adds.

    Each a pair: all of them, and without the handshakes of data connections, which no client saves
    in passive mode. None where the contestant can't do it.
    """
    trips = []
    for files in (1, 1 + MORE):
        line = contestant.again(server, f's{SMALL}', files)
        if line is None:
            return None
        link.reset(seconds)
        try:
            measure(line)
        except Failed as failed:
            print(f'{workload}: {contestant.name} is left out: {failed}', file=sys.stderr)
            return None
        # Without that handshake.
        trips.append([clock - 1 for clock in link.last_data])
    first, last = trips
    return first, [(b - a) / MORE for a, b in zip(first, last)]


def rows(workload, contestants, server, link, seconds, goals):
    """`goals`: the most that ours may take to the first file, and to a further one."""
    counted = {}
    for contestant in contestants:
        trips = count(workload, contestant, server, link, seconds)
        if trips:
            counted[contestant.name] = trips
    ours = contestants[0].name
    if ours not in counted:
        raise Failed('ours does not work')
    for place, what in enumerate(('first file', 'further file')):
        mine = counted[ours][place]
        row = {
            'workload': f'{workload}, {what}',
            'unit': 'round trips',
            'ours': mine[1],
            'ours_with_tcp': mine[0],
            'peer': None,
            'theirs': None,
            'goal': None,
            'most': goals[place],
            'rounds': 1,
        }
        if len(counted) == 1:
            yield row
        for name, its in counted.items():
            if name == ours:
                continue
            theirs = its[place]
            ratio = theirs[1] / mine[1]
            yield {
                **row,
                'peer': name,
                'theirs': theirs[1],
                'theirs_with_tcp': theirs[0],
                'ratio': ratio,
                'spread': [ratio, ratio],
            }
