"""What is measured, by name."""

import os
import shutil
import sys
from pathlib import Path

import cores
import machine
import round_trips
import system_calls
from command_lines import CommandLines
from compare import Run, compare
from contestants import SMALL, Curl, Here, Lftp, Program, Sendfile, Wget
from servers import UPLOAD

HERE = Path(__file__).resolve().parent

# The ratios to reach.
BULK = {'limit': 0.97, 'peers': 1.0}
BULK_TLS = {'limit': 0.95, 'peers': 1.0}
FILES = {'limit': None, 'peers': 1.5}
# A round trip of three is saved where the next file's port is requested in advance.
PREFETCHED = {'limit': None, 'peers': 1.45}
# Round trips to list a further directory, without the handshake of the data connection.
DIRECTORIES = {'vsftpd': 3, 'proftpd': 3, 'pureftpd': 2, 'pyftpdlib': 2}
# For a small file, without waits: 12 if its 150 and its 226 arrive together, 13 if they don't.
SYSTEM_CALLS = 13.5
NO_WORSE = {'limit': None, 'peers': 1.0}
LOGIN = {'limit': None, 'peers': 1.0}


class Workloads:
    def __init__(self, arguments, place, servers):
        self.arguments = arguments
        self.place = place
        self.servers = servers
        self.size = servers.size
        self.delay = arguments.delay / 1e3
        program = str(arguments.program)
        self.machine = str(arguments.program.with_name('machine'))
        self.limits = [Program('limit', [program, 'raw']), Sendfile('sendfile', [program, 'sendfile'])]
        self.clients = [Program('ours', [program, 'ours']), Program('ours-async', [program, 'ours-async']),
                        Here('ours-async-here', [program, 'ours-async-here'])]
        if not arguments.smoke:
            self.clients += [
                Curl(),
                Lftp(),
                Wget(),
                Program('ftplib', [sys.executable, str(HERE / 'ftplib_peer.py')]),
                Program('suppaftp', [program, 'suppaftp']),
                Program('suppaftp-async', [program, 'suppaftp-async']),
            ]

    def _compare(self, run):
        yield from compare(run, [*self.clients, *self.limits], self.arguments.rounds)

    # Large files

    def _down(self, name, server, goal, file=None):
        def before():
            Path(file).unlink(missing_ok=True)

        def check():
            return os.stat(file).st_size == self.size

        yield from self._compare(
            Run(name, goal, lambda who: who.down(server, f's{self.size}', file), 'MB/s',
                self.size / 1e6, file and before, file and check))
        if file:
            before()

    def _up(self, name, server, goal, arrived=None):
        """`arrived`: where the file turns up on this machine."""
        source = str(self.servers.source)

        def before():
            arrived.unlink(missing_ok=True)

        def check():
            return arrived.stat().st_size == self.size

        yield from self._compare(
            Run(name, goal, lambda who: who.up(server, source, UPLOAD), 'MB/s',
                self.size / 1e6, arrived and before, arrived and check))

    # Small files

    def _files(self, name, server, count, sessions, goal=FILES):
        into = self.place / 'into'

        def before():
            shutil.rmtree(into, ignore_errors=True)
            into.mkdir()

        def check():
            entries = [entry for entry in os.scandir(into) if entry.name.startswith('f')]
            return len(entries) == count and all(entry.stat().st_size == SMALL for entry in entries)

        yield from self._compare(
            Run(f'{name}: {count:,} files', goal,
                lambda who: who.files(server, f'tree{count}', count, str(into), sessions),
                'files/s', count, before, check))
        shutil.rmtree(into)

    def _login(self, name, server, fresh=False):
        count = self.arguments.logins
        yield from self._compare(
            Run(name, LOGIN, lambda who: who.login(server, count, fresh), 'logins/s', count))

    # Others

    def _apart(self, rows):
        """The same, with the client and the servers on cores of their own."""
        def apart(name):
            with cores.apart(self.servers.processes()):
                yield from rows(name)
        return apart

    def _on_vsftpd(self, work):
        with self.servers.on_vsftpd(self.arguments.files) as arrived:
            yield from work(arrived)

    def _distant(self, tls=False):
        return self.servers.distant(self.delay, tls)

    def _round_trips(self, name, tls, goals):
        server = self._distant(tls)
        yield from round_trips.of_files(name, self.clients, server, self.servers.link, self.delay, goals)

    def _directories(self, name, real, goal):
        yield from round_trips.of_directories(
            name, str(self.arguments.rftp), self.servers, real, self.delay, goal, self.arguments.smoke)

    def _distant_files(self, name, real, goal, sessions=1, tls=False):
        count = self.arguments.distant_files * sessions
        self._distant()
        server = self.servers.distant_real(real, self.delay, tls)
        files = {f'f{number:05}': SMALL for number in range(count)}
        with self.servers.laid_out(f'tree{count}', files, real):
            yield from self._files(name, server, count, sessions, goal)

    def by_name(self):
        """Makers of rows, in the order of the table."""
        near = self.arguments.files
        here = self.servers
        received = str(self.place / 'received')
        nearby = {
            'down': lambda name: self._down(name, here.plain, BULK),
            'down-file': lambda name: self._down(name, here.plain, BULK, received),
            'up': lambda name: self._up(name, here.plain, BULK),
            'down-vsftpd': lambda name: self._on_vsftpd(
                lambda _: self._down(name, here.vsftpd, BULK)),
            'up-vsftpd': lambda name: self._on_vsftpd(
                lambda arrived: self._up(name, here.vsftpd, BULK, arrived)),
            'down-tls13': lambda name: self._down(name, here.tls13, BULK_TLS),
            'up-tls13': lambda name: self._up(name, here.tls13, BULK_TLS),
            'down-tls12': lambda name: self._down(name, here.tls12, BULK_TLS),
            'up-tls12': lambda name: self._up(name, here.tls12, BULK_TLS),
            'down-tls13-vsftpd': lambda name: self._on_vsftpd(
                lambda _: self._down(name, here.vsftpd_tls13, BULK_TLS)),
            'up-tls13-vsftpd': lambda name: self._on_vsftpd(
                lambda arrived: self._up(name, here.vsftpd_tls13, BULK_TLS, arrived)),
            'down-tls12-vsftpd': lambda name: self._on_vsftpd(
                lambda _: self._down(name, here.vsftpd_tls12, BULK_TLS)),
            'up-tls12-vsftpd': lambda name: self._on_vsftpd(
                lambda arrived: self._up(name, here.vsftpd_tls12, BULK_TLS, arrived)),
            'files-1': lambda name: self._files(name, here.plain, near, 1),
            'files-8': lambda name: self._files(name, here.plain, near, 8),
            'files-1-vsftpd': lambda name: self._on_vsftpd(
                lambda _: self._files(name, here.vsftpd, near, 1)),
            'files-8-vsftpd': lambda name: self._on_vsftpd(
                lambda _: self._files(name, here.vsftpd, near, 8)),
            'login': lambda name: self._login(name, here.plain),
            'login-tls': lambda name: self._login(name, here.tls13, fresh=True),
            'login-tls-resumed': lambda name: self._login(name, here.tls13),
            'system-calls': lambda name: system_calls.rows(
                name, [*self.clients, *self.limits], here.plain, self.place, SYSTEM_CALLS),
        }
        return {
            **{name: self._apart(rows) for name, rows in nearby.items()},
            'round-trips': lambda name: self._round_trips(name, False, (4, 2)),
            'round-trips-tls': lambda name: self._round_trips(name, True, (7, 3)),
            **{f'directories-distant-{real}': lambda name, real=real, goal=goal: self._directories(name, real, goal)
               for real, goal in DIRECTORIES.items()},
            'files-1-distant': lambda name: self._distant_files(name, 'vsftpd', PREFETCHED),
            'files-1-distant-tls': lambda name: self._distant_files(
                name, 'vsftpd', PREFETCHED, tls=True),
            'files-8-distant': lambda name: self._distant_files(
                name, 'vsftpd', PREFETCHED, sessions=8),
            'files-1-distant-proftpd': lambda name: self._distant_files(name, 'proftpd', PREFETCHED),
            'files-1-distant-pureftpd': lambda name: self._distant_files(name, 'pureftpd', NO_WORSE),
            'files-1-distant-pyftpdlib': lambda name: self._distant_files(name, 'pyftpdlib', NO_WORSE),
            **CommandLines(self.arguments, self.place, self.servers).by_name(),
            'machine': lambda _: machine.rows(
                self.machine, self.arguments.rounds, self.arguments.scale),
        }
