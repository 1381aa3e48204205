"""The real servers once more, on an address behind a link with a delay, each with the files of its instance nearby."""

import shlex
import socket
import subprocess
import time
from pathlib import Path

import delay
from contestants import Server
from measure import Failed


class DistantServers:
    """Starts each server when it is first asked for; `state` is that of tests/servers/start."""

    def __init__(self, state, port):
        # ProFTPD takes absolute paths only.
        self.state = state.resolve()
        self.port = port
        self.fields = {}
        for line in (state / 'servers.tsv').read_text().splitlines():
            name, *fields = line.split('\t')
            self.fields[name] = fields
        self.commands = {}
        for line in (state / 'commands.tsv').read_text().splitlines():
            name, _, command = line.split('\t')
            # What follows redirects its output.
            self.commands[name] = shlex.split(command.split('>>')[0])
        self.children = []
        self.started = {}

    def versions(self):
        """By the names of the servers."""
        return {name: fields[0] for name, fields in self.fields.items()}

    def home(self, name):
        """Where its files are on this machine."""
        return Path(self.fields[name][6])

    def server(self, name, tls=False):
        """Where clients reach it, over TLS 1.3 if `tls`."""
        port = self.port + list(self.fields).index(name)
        if name not in self.started:
            self.started[name] = subprocess.Popen(
                getattr(self, f'_{name}')(port), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
            self.children.append(self.started[name])
            self._await(name, port)
        _, _, _, user, password, folder, _ = self.fields[name]
        authority = str(self.state / 'tls' / 'ca.pem') if tls else None
        # ProFTPD's working directory is the root here.
        folder = '' if name == 'proftpd' else folder.rstrip('/')
        server = Server(name, delay.PEER, port, authority, folder=folder)
        server.user, server.password = user, password
        return server

    @staticmethod
    def _await(name, port):
        for _ in range(100):
            try:
                socket.create_connection((delay.HOST, port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise Failed(f'{name} does not start behind the link')

    def _settings(self, name, changed):
        """The file of settings, without those that start like one of the changed ones, and with these."""
        starts = tuple(setting.replace('=', ' ').split()[0] for setting in changed)
        kept = []
        for line in (self.state / name).read_text().splitlines():
            if line.startswith('<VirtualHost'):
                # Only the main server is needed, which comes first.
                break
            if not line.replace('=', ' ').startswith(starts):
                kept.append(line)
        file = self.state / f'distant-{name}'
        file.write_text('\n'.join(kept + changed) + '\n')
        return str(file)

    def _vsftpd(self, port):
        settings = self._settings('vsftpd-4-NO.conf', [
            f'listen_address={delay.HOST}', f'listen_port={port}', f'pasv_address={delay.PEER}',
            # By default it is 50, fewer than some growth curves need.
            'max_per_ip=0'])
        return [*self.commands['vsftpd-4-NO'][:-1], settings]

    def _proftpd(self, port):
        own = self.state / 'distant-proftpd'
        settings = self._settings('proftpd.conf', [
            f'DefaultAddress {delay.HOST}', f'Port {port}', f'MasqueradeAddress {delay.PEER}', 'UseIPv6 off',
            # Clients that use URLs name files from there.
            'DefaultRoot ~',
            f'PidFile {own}.pid', f'ScoreboardFile {own}.scoreboard', f'SystemLog {own}.log'])
        return [*self.commands['proftpd'][:-1], settings]

    def _pureftpd(self, port):
        words = self.commands['pureftpd127.0.0.1']
        place, pid = words.index('-S') + 1, words.index('-g') + 1
        words = [*words[:place], f'{delay.HOST},{port}', *words[place + 1:]]
        words[pid] = str(self.state / 'distant-pureftpd.pid')
        return [*words, '-P', delay.PEER]

    def _pyftpdlib(self, port):
        *words, _, user, password, home, certificate = self.commands['pyftpdlib']
        return [*words, str(port), user, password, home, certificate, delay.HOST, delay.PEER]
