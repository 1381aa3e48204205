"""The curves of transfers: files per second by sessions and by round trip, and bytes per second by size.

Each maker returns an object for plot_svg, without the conditions; docs/plots.md explains what is measured.
"""

import statistics
import sys
from contextlib import contextmanager
from pathlib import Path

import programs
from compare import Run, first_turn, turns
from contestants import SMALL, Curl, Program
from into import Into
from measure import Failed

HERE = Path(__file__).resolve().parent
GIB = 1 << 30

SESSIONS = (1, 2, 4, 8, 16, 32, 64)
FILES_A_SESSION = 48
# The round trip of that curve, in milliseconds.
NEAR = 20

ROUND_TRIPS = (0, 5, 10, 20, 50, 100, 200)
# Files without a delay; with one, those that take a perfect client so many seconds, but not fewer than the third.
FILES_AT_ZERO, SECONDS, FEWEST = 2000, 3, 24

# From vsftpd, a further file takes the data connection's handshake, RETR with the bytes, and the end with the 226.
TRIPS_A_FILE = 3

SIZES = tuple(1024 * 4 ** power for power in range(11))
# Of one size: as many as add up to a GiB, but not more than the second.
MOST_BYTES, MOST_FILES = GIB, 2000

# Seconds after which a program is left out.
LONGEST, LONGEST_NEARBY = 150, 30


class Point(Run):
    """A run at one point of a curve. A program that fails there has no point, but its curve goes on."""

    def __init__(self, name, command, unit, amount, before=None, check=None, longest=LONGEST):
        super().__init__(name, {}, command, unit, amount, before, check, longest, warms_up=False)

    def once(self, contestant):
        try:
            return super().once(contestant)
        except Failed as failed:
            print(f'{self.workload}: {contestant.name} has no point: {failed}', file=sys.stderr)
            return None


class Member:
    """A contestant, and what its curve is called."""

    def __init__(self, program, kind, contestant, name=None):
        self.program = program
        self.kind = kind
        self.contestant = contestant
        self.name = name or program

    def series(self, points):
        return {'name': self.name, 'program': self.program, 'kind': self.kind, 'points': points}


def _limit(points):
    return Member('limit', 'limit', None, f'limit: {TRIPS_A_FILE} round trips a file').series(points)


class Transfers:
    def __init__(self, asked, servers):
        self.servers = servers
        self.rounds = asked.rounds
        self.quick = asked.quick
        self.into = Into(servers.place / 'into')
        program = str(asked.program)

        def own(task):
            return Program(task, [program, task])

        self.small_files = [Member('rftp', 'ours', programs.Rftp(str(asked.rftp)))]
        self.many_files = [
            *self.small_files,
            Member('ftp-mio', 'ours', own('ours')),
            Member('ftp-tokio', 'ours', own('ours-async')),
        ]
        trees = [Member('lftp', 'peer', programs.Lftp()), Member('rclone', 'peer', programs.Rclone())]
        self.many_files += trees
        self.small_files += [*trees, Member('curl', 'peer', Curl()), Member('suppaftp', 'peer', own('suppaftp'))]
        self.one_file = [
            Member('ftp-blocking', 'ours', own('ours')),
            Member('suppaftp', 'peer', own('suppaftp')),
            Member('lftp', 'peer', programs.Lftp()),
            Member('ftplib', 'peer', Program('ftplib', [sys.executable, str(HERE / 'ftplib_peer.py')])),
            Member('limit', 'limit', Program('limit', [program, 'raw']), 'limit: a bare socket'),
        ]

    def _measured(self, members, xs, run_at):
        """The series of all members; `run_at(x)` is a context with the run that gives their points there.

        A point is x, the median, the least and the most of the rounds.
        """
        points = {member.name: [] for member in members}
        for x in xs:
            print(f'  {x:,}', file=sys.stderr, flush=True)
            with run_at(x) as run:
                runs = turns(run, first_turn(run, [member.contestant for member in members]), self.rounds)
            for member in members:
                its = runs.get(member.contestant.name)
                if its and all(its):
                    rates = [run.amount / one.seconds for one in its]
                    points[member.name].append([x, statistics.median(rates), min(rates), max(rates)])
        if any(member.kind == 'ours' and len(points[member.name]) < len(xs) for member in members):
            raise Failed('ours does not work')
        return [member.series(points[member.name]) for member in members if points[member.name]]

    @contextmanager
    def _small(self, server, count, sessions, nearby=False):
        """A run that fetches so many small files over so many sessions."""
        wanted = {f'f{number:05}': SMALL for number in range(count)}

        def command(who):
            # curl 7.88 waits for a second wherever the reply to EPSV is there before it looks, by chance.
            if nearby and isinstance(who, Curl):
                return None
            if hasattr(who, 'tree'):
                return who.tree(server, folder, list(wanted), str(self.into.folder), sessions)
            return who.files(server, folder, count, str(self.into.folder), sessions)

        folder = f'tree{count}'
        with self.servers.laid_out(folder, wanted):
            yield Point(f'{count:,} files, {sessions} sessions', command, 'files/s', count, self.into.empty,
                        lambda: self.into.has(wanted), LONGEST_NEARBY if nearby else LONGEST)
        self.into.remove()

    def _delayed(self, milliseconds):
        return self.servers.distant_real('vsftpd', milliseconds / 2e3)

    def sessions(self):
        xs, files = (SESSIONS[:2], 5) if self.quick else (SESSIONS, FILES_A_SESSION)
        server = self._delayed(NEAR)
        series = self._measured(self.many_files, xs, lambda x: self._small(server, x * files, x))
        rate = 1e3 / (TRIPS_A_FILE * NEAR)
        series.append(_limit([[x, x * rate] for x in xs]))
        return {
            'title': f'Files of 1 KiB from vsftpd, round trip {NEAR} ms',
            'x': {'label': 'parallel sessions', 'unit': 'number'},
            'y': {'label': 'files per second', 'unit': 'number'},
            'amount': f'On average {files} files a session',
            'series': series,
        }

    def _small_at(self, milliseconds):
        if not milliseconds:
            return self._small(self.servers.vsftpd, 20 if self.quick else FILES_AT_ZERO, 1,
                               nearby=True)
        count = max(FEWEST, round(SECONDS * 1e3 / (TRIPS_A_FILE * milliseconds)))
        return self._small(self._delayed(milliseconds), 5 if self.quick else count, 1)

    def round_trip(self):
        xs = ROUND_TRIPS[:3] if self.quick else ROUND_TRIPS
        series = self._measured(self.small_files, xs, self._small_at)
        series.append(_limit([[x, 1e3 / (TRIPS_A_FILE * x)] for x in xs if x]))
        return {
            'title': 'Files of 1 KiB from vsftpd, one session',
            'x': {'label': 'round trip', 'unit': 'ms'},
            'y': {'label': 'files per second', 'unit': 'number'},
            'amount': f'{FILES_AT_ZERO:,} files without a delay; with one, {SECONDS} s of them at the limit, '
                      f'at least {FEWEST}',
            'series': series,
        }

    @contextmanager
    def _again(self, size):
        """A run that fetches a file of this size to nowhere, again and again in one session."""
        count = max(1, min(5 if self.quick else MOST_FILES, MOST_BYTES // size))
        yield Point(f'{count:,} × {size:,} bytes', lambda who: who.again(self.servers.plain, f's{size}', count),
                    'bytes/s', count * size, longest=LONGEST_NEARBY)

    def size(self):
        xs = SIZES[:3] if self.quick else SIZES
        return {
            'title': 'Downloads nearby, one session',
            'x': {'label': 'size of a file', 'unit': 'binary bytes'},
            'y': {'label': 'bytes per second', 'unit': 'bytes/s'},
            'amount': f'In each session as many files as add up to 1 GiB, at most {MOST_FILES:,}',
            'series': self._measured(self.one_file, xs, self._again),
        }
