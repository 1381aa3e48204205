"""The servers: the bare one, nearby and behind a delay, and vsftpd as tests/servers/start leaves it."""

import argparse
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import delay
from contestants import SMALL, Server
from distant import DistantServers
from measure import Failed

# The name of uploaded files.
UPLOAD = 'upload'

MIB = 1 << 20


def add_arguments(parser):
    """What tests/bench passes itself: the programs, what tests/servers/start has left, and the first port."""
    parser.add_argument('--program', type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument('--rftp', type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument('--state', type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument('--port', type=int, required=True, help=argparse.SUPPRESS)


def _source(place, size):
    """A large file that nothing compresses."""
    block = os.urandom(MIB)
    with open(place / 'source', 'wb') as file:
        for _ in range(size):
            file.write(block)


@contextmanager
def started(asked, size):
    """The servers, with a large file of so many MiB, and a folder in memory; both for a while."""
    memory = '/dev/shm' if os.path.isdir('/dev/shm') else None
    with tempfile.TemporaryDirectory(prefix='ftp-bench-', dir=memory) as place:
        place = Path(place)
        _source(place, size)
        servers = Servers(asked.program, asked.state, asked.port, place, size * MIB)
        try:
            yield servers
        finally:
            servers.stop()


class Servers:
    def __init__(self, program, state, port, place, size):
        self.program = program
        self.state = state
        self.port = port
        self.place = place
        # The content of large files and of uploads.
        self.source = place / 'source'
        self.size = size
        self.children = []
        self.link = None
        authority = self._start('127.0.0.1', '127.0.0.1', port)
        self.plain = Server('bare', '127.0.0.1', port)
        self.tls13 = Server('bare', '127.0.0.1', port, authority)
        self.tls12 = Server('bare', '127.0.0.1', port + 1, authority, '1.2')
        lines = (state / 'servers.tsv').read_text().splitlines()
        fields = next(line.split('\t') for line in lines if line.startswith('vsftpd\t'))
        port, folder = int(fields[2]), fields[6]
        authority = str(state / 'tls' / 'ca.pem')
        self.vsftpd = Server('vsftpd', '127.0.0.1', port, folder=folder)
        self.vsftpd_tls13 = Server('vsftpd', '127.0.0.1', port, authority, '1.3', folder)
        self.vsftpd_tls12 = Server('vsftpd', '127.0.0.1', port, authority, '1.2', folder)
        self.vsftpd_home = Path(fields[7])
        self.real_distant = DistantServers(state, self.port + 6)

    def _start(self, host, public, port):
        """The bare server: on its port TLS is 1.3, on the next one 1.2. Returns its authority."""
        authority = self.place / f'authority-{port}.pem'
        child = subprocess.Popen(
            [self.program, 'server', host, public, str(port), self.source, authority],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.children.append(child)
        if child.stdout.readline() != b'ready\n':
            raise Failed('the bare server does not start')
        return str(authority)

    def processes(self):
        """Those of the servers nearby, without their sessions."""
        started = (self.state / 'pids').read_text().split()
        return [int(process) for process in started] + [child.pid for child in self.children]

    def stop(self):
        children = self.children + self.real_distant.children
        for child in children:
            child.terminate()
        for child in children:
            child.wait()

    def distant(self, seconds, tls=False, rate=None):
        """The bare server behind a link that takes so long in each direction; counts from here.

        `rate`: that of the link, in bytes per second.
        """
        if not os.path.exists(delay.DEVICE):
            raise delay.NoLink(f'LEFT OUT: no {delay.DEVICE} for a link with a delay')
        port = self.port + 4
        if self.link is None:
            self.link = delay.Link({port, port + 1})
            self.distant_authority = self._start(delay.HOST, delay.PEER, port)
        self.link.reset(seconds, rate)
        return Server('bare', delay.PEER, port, self.distant_authority if tls else None)

    def distant_real(self, name, seconds, tls=False, rate=None):
        """Another instance of a real server behind that link."""
        self.distant(seconds, rate=rate)
        return self.real_distant.server(name, tls)

    @contextmanager
    def laid_out(self, folder, files, on='vsftpd'):
        """Has these files, by their names and sizes, in a folder of a real server's for a while."""
        root = self.real_distant.home(on) / folder
        try:
            with open(self.source, 'rb') as source:
                for name, size in files.items():
                    path = root / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    source.seek(0)
                    bytes_of_source = source.read(min(size, self.size))
                    with open(path, 'wb') as file:
                        while file.tell() < size:
                            file.write(bytes_of_source[:size - file.tell()])
            for path in [root, *root.rglob('*')]:
                path.chmod(0o755 if path.is_dir() else 0o644)
            yield
        finally:
            shutil.rmtree(root, ignore_errors=True)

    @contextmanager
    def on_vsftpd(self, files):
        """Lays out there, for a while, what the bare server makes up; gives the place of uploads."""
        bulk = self.vsftpd_home / f's{self.size}'
        tree = self.vsftpd_home / f'tree{files}'
        try:
            shutil.copy(self.source, bulk)
            bulk.chmod(0o644)
            tree.mkdir()
            tree.chmod(0o755)
            for number in range(files):
                (tree / f'f{number:05}').write_bytes(b'x' * SMALL)
            yield self.vsftpd_home / UPLOAD
        finally:
            bulk.unlink(missing_ok=True)
            (self.vsftpd_home / UPLOAD).unlink(missing_ok=True)
            shutil.rmtree(tree, ignore_errors=True)
