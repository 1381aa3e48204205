"""Round trips, counted by the link with the delay."""

import shutil
import sys

import programs
from contestants import SMALL
from measure import Failed, measure

# Number of files after the first, in the session that measures the cost of a further one.
MORE = 4
# Number of directories after the first, and the files in each.
DIRECTORIES = 199
FILES = 3
# In seconds; a directory may take six round trips.
LONGEST = 60
# A client or server that is not scheduled for longer than the link's delay seems to wait for a packet that arrived
# meanwhile: a busy machine raises a count, and never lowers it. So what exceeds its goal is counted again, with a
# delay that many times as long.
AGAIN = (4, 16)


def count(workload, contestant, command, more, link, seconds, longest):
    """From the control connection's handshake to the first of something, and what each further one adds.

    Each a pair: all of them, and without the handshakes of data connections, which no client saves
    in passive mode. `command`: the command line for so many; `longest`: the seconds that it may take.
    None where the contestant can't do it.
    """
    trips = []
    for number in (1, 1 + more):
        line = command(contestant, number)
        if line is None:
            return None
        link.reset(seconds)
        try:
            measure(line, longest)
        except Failed as failed:
            print(f'{workload}: {contestant.name} is left out: {failed}', file=sys.stderr)
            return None
        # Without that handshake.
        trips.append([clock - 1 for clock in link.last_data])
    first, last = trips
    return first, [(b - a) / more for a, b in zip(first, last)]


def of_files(workload, contestants, server, link, seconds, goals):
    """`goals`: the most that ours may take to the first file, and to a further one."""
    yield from _rows(workload, contestants, lambda who, number: who.again(server, f's{SMALL}', number), MORE,
                     link, seconds, {'first file': goals[0], 'further file': goals[1]})


def of_directories(workload, rftp, servers, name, seconds, goal, smoke):
    """Trees of directories that are listed over one session, on a real server; `goal`: the most for a further one."""
    more = MORE if smoke else DIRECTORIES
    contestants = [programs.Rftp(rftp)]
    if not smoke:
        contestants += [programs.Lftp(), *([programs.Rclone()] if shutil.which('rclone') else [])]
    server = servers.distant_real(name, seconds)
    trees = {f'tree{number}': number for number in (1, 1 + more)}
    files = {f'{tree}/d{folder:03}/f{file}': 1 for tree, number in trees.items()
             for folder in range(number) for file in range(FILES)}
    with servers.laid_out('directories', files, name):
        yield from _rows(workload, contestants, lambda who, number: who.find(server, f'directories/tree{number}'),
                         more, servers.link, seconds, {'further directory': goal})


def _rows(workload, contestants, command, more, link, seconds, goals):
    """`goals`: the most that ours may take, of what is reported; the first of two is that of the first unit."""
    places = {what: 0 if what.startswith('first') else 1 for what in goals}
    counted = {}
    for contestant in contestants:
        trips = count(workload, contestant, command, more, link, seconds, LONGEST)
        if trips:
            counted[contestant.name] = trips
    ours = contestants[0].name
    if ours not in counted:
        raise Failed('ours does not work')
    for times in AGAIN:
        if all(counted[ours][places[what]][1] <= goal for what, goal in goals.items()):
            break
        trips = count(workload, contestants[0], command, more, link, times * seconds, times * LONGEST)
        if trips is None:
            raise Failed('ours does not work with a longer delay')
        counted[ours] = trips
    for what, goal in goals.items():
        place = places[what]
        mine = counted[ours][place]
        row = {
            'workload': f'{workload}, {what}',
            'unit': 'round trips',
            'ours': mine[1],
            'ours_with_tcp': mine[0],
            'peer': None,
            'theirs': None,
            'goal': None,
            'most': goal,
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
