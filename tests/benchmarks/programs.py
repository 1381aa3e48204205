"""The command lines that people use, for whole trees and for one large file by several sessions.

Each has, or has not (None):

    tree SERVER FOLDER NAMES INTO SESSIONS    a folder with all that is in it; NAMES for those who take a list
    find SERVER FOLDER                        the names of all that is below a folder, over one session
    file SERVER NAME INTO SESSIONS            one file, into a folder
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import contestants


class Rftp:
    name = 'rftp'

    def __init__(self, program):
        self.program = program

    def tree(self, server, folder, _, into, sessions):
        return [self.program, 'mirror', '--no-netrc', '-j', str(sessions), server.url(folder), into]

    def find(self, server, folder):
        login = f'{quote(server.user, safe="")}:{quote(server.password, safe="")}@'
        return [self.program, 'find', '--no-netrc', server.url(folder).replace('//', f'//{login}', 1)]

    def file(self, server, name, into, sessions):
        return [self.program, 'get', '--no-netrc', '--segments', str(sessions), '-O', into, server.url(name)]


class RftpSegments(Rftp):
    """With a number of segments of its own."""

    def __init__(self, program, segments):
        super().__init__(program)
        self.name = f'rftp, {segments} segments'
        self.segments = segments

    def file(self, server, name, into):
        return super().file(server, name, into, self.segments)


class Raw:
    """The limit: reads the data connection into a file, or with INTO None to nowhere."""

    name = 'limit'

    def __init__(self, program):
        self.program = program

    def tree(self, *_):
        return None

    def file(self, server, name, into, sessions):
        if sessions > 1:
            return None
        return [self.program, 'raw', *server.at(), 'down', server.path(name), f'{into}/{name}' if into else '-']


class Lftp(contestants.Lftp):
    def tree(self, server, folder, _, into, sessions):
        return self.files(server, folder, None, into, sessions)

    def find(self, server, folder):
        return self.command(server, f'find {server.path(folder)}')

    def file(self, server, name, into, sessions):
        verb = f'pget -n {sessions}' if sessions > 1 else 'get'
        return self.command(server, f'{verb} {server.path(name)} -o {into}/{name}')


class LftpUnsynchronised(Lftp):
    """Several commands at a time, which lftp does not dare by default."""

    name = 'lftp, sync-mode off'

    def command(self, server, work):
        return super().command(server, f'set ftp:sync-mode off; {work}')

    def file(self, *_):
        return None


class Rclone:
    name = 'rclone'

    def remote(self, server, path):
        # The form in which rclone needs the password; it is not secret.
        hidden = subprocess.run(['rclone', 'obscure', server.password], check=True, capture_output=True,
                                text=True).stdout.strip()
        return f':ftp,host={server.host},port={server.port},user={server.user},pass={hidden}:{path}'

    def command(self, *arguments):
        return ['rclone', '--config', os.devnull, '--retries', '1', *arguments]

    def tree(self, server, folder, _, into, sessions):
        return self.command('copy', self.remote(server, server.path(folder)), into,
                            '--transfers', str(sessions), '--checkers', str(sessions))

    def find(self, server, folder):
        return self.command('lsf', '-R', '--checkers', '1', self.remote(server, server.path(folder)))

    def file(self, server, name, into, sessions):
        return self.command('copy', self.remote(server, server.path(name)), into,
                            '--multi-thread-streams', str(sessions), '--multi-thread-cutoff', '8M')


class Wget(contestants.Wget):
    """One session; there is no other way."""

    def tree(self, server, folder, _, into, __):
        return self.files(server, folder, None, into, 1)

    def file(self, server, name, into, sessions):
        return None if sessions > 1 else self.down(server, name, f'{into}/{name}')


class Aria2:
    name = 'aria2'

    def command(self, server, into, *arguments):
        return ['aria2c', '--no-conf', '--quiet', '--file-allocation=none', f'--ftp-user={server.user}',
                f'--ftp-passwd={server.password}', '-d', into, *arguments]

    def tree(self, server, folder, names, into, sessions):
        """A list of URLs: it has no recursion."""
        lines = [f'{server.url(folder + "/" + name)}\n  out={name}\n' for name in names]
        listing = Path(into).with_suffix('.aria2')
        listing.write_text(''.join(lines))
        return self.command(server, into, '-i', str(listing), '-j', str(sessions))

    def file(self, server, name, into, sessions):
        return self.command(server, into, '-x', str(sessions), '-s', str(sessions), '-k', '1M', server.url(name))


class Curl(contestants.Curl):
    def tree(self, server, folder, names, into, sessions):
        """A list of URLs: it has no recursion."""
        lines = [f'url = "{server.url(folder + "/" + name)}"\noutput = "{into}/{name}"\n' for name in names]
        listing = Path(into).with_suffix('.curl')
        listing.write_text(''.join(lines))
        parallel = ['--parallel', '--parallel-max', str(sessions)]
        return [*self.command(server), '--create-dirs', *parallel, '-K', str(listing)]

    def file(self, server, name, into, sessions):
        return None if sessions > 1 else self.down(server, name, f'{into}/{name}')


def peers():
    """Those that are installed."""
    programs = {'lftp': [Lftp(), LftpUnsynchronised()], 'rclone': [Rclone()], 'wget': [Wget()],
                'aria2c': [Aria2()], 'curl': [Curl()]}
    for program, its in programs.items():
        if shutil.which(program):
            yield from its
        else:
            print(f'{program} is not installed, and left out', file=sys.stderr)
