"""System calls for each further small file, counted by strace: without waits, whose number depends on the load.

A poll is a wait, and so is a read that finds nothing.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import Failed

# Files in the shorter and in the longer session: their difference does not contain the login.
FEW, MORE = 100, 300
# Seconds
LONGEST = 120
POLLS = {'poll', 'ppoll', 'epoll_wait', 'epoll_pwait'}
# With debug assertions, std looks at a descriptor before it closes it.
CHECKS = {'fcntl'}
READS = {'read', 'recvfrom'}


def can_count():
    """Some containers forbid to trace processes."""
    if not shutil.which('strace'):
        return False
    return subprocess.run(['strace', '-o', '/dev/null', 'true'], capture_output=True, check=False).returncode == 0


def rows(workload, contestants, server, place, most):
    """`most`: system calls that ours may make for a file."""
    if not can_count():
        print(f'!!! LEFT OUT: {workload}: strace is missing, or may not trace', file=sys.stderr)
        return
    counted = {}
    for contestant in contestants:
        calls = [_calls(workload, contestant, server, place, count) for count in (FEW, MORE)]
        if None not in calls:
            counted[contestant.name] = (calls[1] - calls[0]) / (MORE - FEW)
    ours = contestants[0].name
    if ours not in counted:
        raise Failed('ours does not work')
    row = {'workload': f'{workload}, further file', 'unit': 'system calls', 'ours': counted[ours], 'peer': None,
           'theirs': None, 'spread': (0, 0), 'goal': None, 'most': most, 'rounds': 1}
    if len(counted) == 1:
        yield row
    for name, its in counted.items():
        if name != ours:
            ratio = its / counted[ours]
            yield {**row, 'peer': name, 'theirs': its, 'ratio': ratio, 'spread': (ratio, ratio)}


def _calls(workload, contestant, server, place, count):
    """The system calls of a session that are no waits; None where the contestant can't do it."""
    into = place / 'traced'
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir()
    line = contestant.files(server, f'tree{count}', count, str(into), 1)
    if line is None:
        return None
    with tempfile.NamedTemporaryFile('r', dir=place) as summary:
        # A strace that is killed lets its program go on, so timeout(1) ends both.
        run = subprocess.run(['timeout', '--signal=KILL', str(LONGEST), 'strace', '-f', '-c', '-o', summary.name, *line],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if run.returncode:
            why = run.stderr.strip()[-200:] or f'exit status {run.returncode}'
            print(f'{workload}: {contestant.name} is left out: {why}', file=sys.stderr)
            return None
        lines = [line.split() for line in Path(summary.name).read_text().splitlines()]
    shutil.rmtree(into)
    # Per cent, seconds, microseconds a call, calls, errors, name; errors are left out if there were none.
    calls = 0
    for _, _, _, number, *errors, name in (fields for fields in lines if len(fields) >= 5 and fields[3].isdigit()):
        if name not in POLLS | CHECKS | {'total'}:
            calls += int(number) - (int(errors[0]) if errors and name in READS else 0)
    return calls
