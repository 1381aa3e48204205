"""The curve of memory: what a process with so many idle sessions takes."""

import random
import resource
import statistics
import subprocess
import sys
import threading
from pathlib import Path

from contestants import Server
from measure import Failed

HERE = Path(__file__).resolve().parent

COUNTS = (1, 10, 100, 1000, 10_000)
# Descriptors of a process besides those of its sessions.
OTHERS = 50
# Seconds for all logins of a process.
LONGEST = 150


class Holder:
    """A program that logs in so many times, prints `ready`, and keeps the sessions until its input ends."""

    def __init__(self, name, kind, tls, command):
        self.name = name
        self.kind = kind
        self.tls = tls
        # For a number of sessions.
        self.command = command

    def memory(self, count):
        """Its resident bytes with so many sessions."""
        child = subprocess.Popen(self.command(count), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        late = threading.Timer(LONGEST, child.kill)
        late.start()
        try:
            if child.stdout.readline() != 'ready\n':
                message = ' '.join(child.communicate()[1].split())[-300:]
                raise Failed(f'{self.name}, {count:,} sessions: it has not logged in: {message}')
            status = Path(f'/proc/{child.pid}/status').read_text()
            return next(int(line.split()[1]) for line in status.splitlines() if line.startswith('VmRSS')) * 1024
        finally:
            late.cancel()
            child.communicate()


class Memory:
    def __init__(self, asked, servers):
        self.program = str(asked.program)
        # The program of tests/scale: our sessions, and a server for as many of them.
        self.scale = str(asked.program.with_name('scale'))
        self.rounds = asked.rounds
        self.quick = asked.quick
        self.authority = servers.place / 'scale.pem'

    def _holders(self, port):
        """`port`: that of a server for the programs that bring none."""
        holders = []
        for tls in (False, True):
            server = Server('scale', 'localhost', port, str(self.authority) if tls else None)
            protection = 'tls' if tls else 'plain'

            def ours(task, protection=protection):
                return lambda count: [self.scale, task, protection, str(count)]

            def peer(*command, at=server.at()):
                return lambda count: [*command, *at, 'idle', str(count)]

            holders += [
                Holder('ftp-mio', 'ours', tls, ours('hold')),
                Holder('ftp-tokio', 'ours', tls, ours('tasks-hold')),
                Holder('suppaftp', 'peer', tls, peer(self.program, 'suppaftp')),
                Holder('ftplib', 'peer', tls, peer(sys.executable, str(HERE / 'ftplib_peer.py'))),
            ]
        return holders

    def _points(self, holders, count):
        """What each took, in each of the rounds."""
        taken = {holder: [] for holder in holders}
        for turn in range(self.rounds):
            for holder in random.Random(turn).sample(holders, len(holders)):
                taken[holder].append(holder.memory(count))
        return taken

    def memory(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        # Children inherit it.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        counts = [count for count in (COUNTS[:2] if self.quick else COUNTS)
                  if hard == resource.RLIM_INFINITY or count + OTHERS <= hard]
        if not self.quick and len(counts) < len(COUNTS):
            print(f'memory: at most {counts[-1]:,} sessions: the limit of descriptors is {hard:,}', file=sys.stderr)
        server = subprocess.Popen([self.scale, 'serve'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            port, certificate = int(server.stdout.readline()), server.stdout.readline()
            self.authority.write_text(certificate.replace('|', '\n'))
            holders = self._holders(port)
            points = {holder: [] for holder in holders}
            for count in counts:
                print(f'  {count:,}', file=sys.stderr, flush=True)
                for holder, taken in self._points(holders, count).items():
                    points[holder].append([count, statistics.median(taken), min(taken), max(taken)])
        finally:
            # It ends when its input does.
            server.communicate()
        return {
            'title': 'Memory of a process with idle sessions',
            'x': {'label': 'sessions', 'unit': 'number'},
            'y': {'label': 'resident memory', 'unit': 'bytes'},
            'amount': 'All sessions logged in, TLS 1.3 where there is TLS',
            'series': [{'name': holder.name + (', TLS' if holder.tls else ''), 'program': holder.name,
                        'kind': holder.kind, 'dashed': holder.tls, 'points': its}
                       for holder, its in points.items()],
        }
