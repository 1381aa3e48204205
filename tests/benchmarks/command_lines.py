"""rftp compared with the programs that people use: trees, many files, one large file by one session and by several."""

import os
import statistics
from contextlib import contextmanager

import programs
from compare import Run, compare
from into import Into
from measure import measure_together, middle_half

KIB = 1 << 10
MIB = 1 << 20

# The ratios to reach.
TREE = {'limit': None, 'peers': 1.5, 'memory': 64, 'processor': None}
# At a distance nearly all of the time is spent waiting, so processor time is only reported.
ONE = {'limit': 0.97, 'peers': 1.0, 'processor': None}
SEGMENTS = {'limit': None, 'peers': 1.0, 'processor': None}
# Of the number of sessions.
SCALE = 0.9

# Number of sessions at a time.
TREE_SESSIONS = 8
SEGMENT_SESSIONS = 4
SCALE_SESSIONS = (1, 2, 4, 8)
LINK_CONNECTIONS = (1, 4, 8, 16)

# Delay of one direction, in seconds.
TREE_DELAY = 0.025
SEGMENT_DELAY = 0.05


class CommandLines:
    def __init__(self, arguments, place, servers):
        self.place = place
        self.servers = servers
        self.rounds = arguments.rounds
        self.smoke = arguments.smoke
        self.files = arguments.cli_files
        self.longest = arguments.longest
        self.rate = arguments.rate and arguments.rate * 1e6 / 8
        self.limit = programs.Raw(str(arguments.program))
        self.clients = [programs.Rftp(str(arguments.rftp))]
        if not self.smoke:
            self.clients += programs.peers()

    def _run(self, name, goal, command, unit, amount, wanted, clients=None, warms_up=True):
        """`wanted`: the files that have to come, by their names, with their sizes."""
        into = Into(self.place / 'into')
        run = Run(name, goal, lambda who: command(who, str(into.folder)), unit, amount, into.empty,
                  lambda: into.has(wanted), self.longest, warms_up)
        yield from compare(run, clients or self.clients, self.rounds)
        into.remove()

    def _tree(self, name, server, folders, files, size, warms_up):
        wanted = {f'd{folder:03}/f{file:05}': size for folder in range(folders) for file in range(files)}
        with self.servers.laid_out('cli-tree', wanted):
            yield from self._run(
                f'{name}: {folders} × {files:,} files of {size // KIB} KiB', TREE,
                lambda who, into: who.tree(server, 'cli-tree', list(wanted), into, TREE_SESSIONS),
                'files/s', len(wanted), wanted, warms_up=warms_up)

    def _near(self, name):
        folders, files = (2, 20) if self.smoke else (100, self.files // 100)
        # It takes minutes, so that a turn to warm up would only cost as much again.
        yield from self._tree(name, self.servers.vsftpd, folders, files, KIB, warms_up=False)

    def _distant(self, seconds):
        return self.servers.distant_real('vsftpd', seconds, rate=self.rate)

    def _far(self, name):
        folders, files = (2, 5) if self.smoke else (20, 50)
        yield from self._tree(name, self._distant(TREE_DELAY), folders, files, 10 * KIB, warms_up=True)

    @contextmanager
    def _large(self):
        """A large file at a distance: the server, with the file's folder, and its size."""
        server = self._distant(SEGMENT_DELAY)
        # Below 8 MiB one session is used.
        size = max(self.servers.size, 12 * MIB)
        with self.servers.laid_out('cli-file', {'large': size}):
            server.folder += '/cli-file'
            yield server, size

    def _file(self, name, goal, sessions, clients):
        with self._large() as (server, size):
            yield from self._run(
                f'{name}: {size // MIB} MiB', goal,
                lambda who, into: who.file(server, 'large', into, sessions),
                'MB/s', size / 1e6, {'large': size}, clients, warms_up=False)

    def _one(self, name):
        yield from self._file(name, ONE, 1, [*self.clients, self.limit])

    def _segments(self, name):
        yield from self._file(name, SEGMENTS, SEGMENT_SESSIONS, self.clients)

    def _scale(self, name):
        """rftp with several segments compared with one."""
        with self._large() as (server, size):
            clients = [programs.RftpSegments(self.clients[0].program, sessions) for sessions in SCALE_SESSIONS]
            run = f'{name}: {size // MIB} MiB'
            rows = list(self._run(
                run, SEGMENTS, lambda who, into: who.file(server, 'large', into), 'MB/s', size / 1e6,
                {'large': size}, clients, warms_up=False))
        for row, sessions in zip(rows, SCALE_SESSIONS[1:]):
            # Here the peers are ours with more sessions, and the ratio is how many times as fast they are.
            ratio, (low, high) = 1 / row['ratio'], row['spread']
            yield {**row, 'workload': f'{run}, {sessions} segments', 'ours': row['theirs'],
                   'ours_cpu': row['theirs_cpu'], 'theirs': row['ours'], 'theirs_cpu': row['ours_cpu'],
                   'cpu_ratio': 1 / row['cpu_ratio'], 'peer': 'rftp, 1 segment', 'ratio': ratio,
                   'spread': [1 / high, 1 / low], 'goal': SCALE * sessions}

    def _link(self, name):
        """What the link carries: so many raw connections at a time, each with a file of its own."""
        with self._large() as (server, size):
            line = self.limit.file(server, 'large', None, 1)
            for connections in LINK_CONNECTIONS:
                rates = [connections * size / 1e6 / measure_together([line] * connections, self.longest)
                         for _ in range(max(self.rounds, 1))]
                yield {'workload': f'{name}: {connections} × {size // MIB} MiB', 'unit': 'MB/s',
                       'ours': statistics.median(rates), 'peer': None, 'theirs': None, 'ratio': None,
                       'spread': list(middle_half(rates)), 'goal': None, 'rounds': len(rates),
                       'load': os.getloadavg()[0]}

    def by_name(self):
        """Makers of rows, in the order of the table."""
        return {
            'cli-files-8': self._near,
            'cli-tree-8-distant': self._far,
            'cli-link-distant': self._link,
            'cli-file-distant': self._one,
            'cli-segments-4-distant': self._segments,
            'cli-scale-distant': self._scale,
        }
