"""rftp beside the programs that people use: trees, many files, one large file by several sessions."""

import os
import shutil

import delay
import programs
from compare import Run, compare

KIB = 1 << 10
MIB = 1 << 20

# The ratios to reach.
TREE = {'limit': None, 'peers': 1.5}
SEGMENTS = {'limit': None, 'peers': 1.0}

# Number of sessions at a time.
TREE_SESSIONS = 8
SEGMENT_SESSIONS = 4

# Delay of one direction, in seconds.
TREE_DELAY = 0.025
SEGMENT_DELAY = 0.05

# Programs that take longer are left out, such as wget with the distant tree: in seconds.
LONGEST = 150


class CommandLines:
    def __init__(self, arguments, place, servers):
        self.place = place
        self.servers = servers
        self.rounds = arguments.rounds
        self.smoke = arguments.smoke
        self.files = arguments.cli_files
        self.clients = [programs.Rftp(str(arguments.rftp))]
        if not self.smoke:
            self.clients += programs.peers()

    def _run(self, name, goal, command, unit, amount, wanted):
        """`wanted`: the files that have to come, by their names, with their sizes."""
        into = self.place / 'into'

        def before():
            shutil.rmtree(into, ignore_errors=True)
            into.mkdir()

        def check():
            found = {}
            for folder, _, files in os.walk(into):
                for file in files:
                    path = os.path.join(folder, file)
                    found[os.path.relpath(path, into)] = os.stat(path).st_size
            return found == wanted

        run = Run(name, goal, lambda who: command(who, str(into)), unit, amount, before, check, LONGEST)
        yield from compare(run, self.clients, self.rounds)
        shutil.rmtree(into, ignore_errors=True)

    def _tree(self, name, server, folders, files, size):
        wanted = {f'd{folder:03}/f{file:05}': size for folder in range(folders) for file in range(files)}
        with self.servers.laid_out('cli-tree', wanted):
            yield from self._run(
                f'{name}: {folders} × {files:,} files of {size // KIB} KiB', TREE,
                lambda who, into: who.tree(server, 'cli-tree', list(wanted), into, TREE_SESSIONS),
                'files/s', len(wanted), wanted)

    def _near(self, name):
        folders, files = (2, 20) if self.smoke else (100, self.files // 100)
        yield from self._tree(name, self.servers.vsftpd, folders, files, KIB)

    def _distant(self, seconds):
        if not os.path.exists(delay.DEVICE):
            raise delay.NoLink
        return self.servers.distant_real('vsftpd', seconds)

    def _far(self, name):
        folders, files = (2, 5) if self.smoke else (20, 50)
        yield from self._tree(name, self._distant(TREE_DELAY), folders, files, 10 * KIB)

    def _segments(self, name):
        server = self._distant(SEGMENT_DELAY)
        # Below 8 MiB one session is used.
        size = max(self.servers.size, 12 * MIB)
        with self.servers.laid_out('cli-file', {'large': size}):
            server.folder += '/cli-file'
            try:
                yield from self._run(
                    f'{name}: {size // MIB} MiB', SEGMENTS,
                    lambda who, into: who.file(server, 'large', into, SEGMENT_SESSIONS),
                    'MB/s', size / 1e6, {'large': size})
            finally:
                server.folder = server.folder.removesuffix('/cli-file')

    def by_name(self):
        """Makers of rows, in the order of the table."""
        return {
            'cli-files-8': self._near,
            'cli-tree-8-distant': self._far,
            'cli-segments-4-distant': self._segments,
        }
