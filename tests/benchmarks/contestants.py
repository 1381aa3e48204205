"""Servers, and the clients that are compared: who does which task with which command line."""

from pathlib import Path

# Size of a small file in bytes.
SMALL = 1024


class Server:
    """Where clients connect to."""

    def __init__(self, name, host, port, authority=None, version='1.3', folder=''):
        self.name = name
        self.host = host
        self.port = port
        # Path of a PEM file; None for clear text. All ciphers are AES-128-GCM.
        self.authority = authority
        self.version = version
        self.folder = folder
        self.user = 'anonymous'
        self.password = 'guest@'

    def path(self, name):
        return f'{self.folder}/{name}'

    def at(self):
        tls = f'{self.version}:{self.authority}' if self.authority else '-'
        return [f'{self.host}:{self.port}', self.user, self.password, tls]

    def gnutls(self):
        """For clients that are built on GnuTLS."""
        return f'NORMAL:-VERS-ALL:+VERS-TLS{self.version}:-CIPHER-ALL:+AES-128-GCM'

    def url(self, name, scheme='ftp'):
        return f'{scheme}://{self.host}:{self.port}/{self.path(name).lstrip("/")}'


# The command line of a contestant for a task: None where it can't do it.
#
#   down SERVER NAME FILE     FILE None: to nowhere
#   up SERVER FILE NAME
#   login SERVER COUNT FRESH  FRESH: no TLS session of an earlier connection is resumed
#   again SERVER NAME COUNT
#   files SERVER FOLDER COUNT INTO SESSIONS

class Program:
    """One of ours, or one that takes the same arguments."""

    def __init__(self, name, command):
        self.name = name
        self.command = command

    def down(self, server, name, file):
        return [*self.command, *server.at(), 'down', server.path(name), file or '-']

    def up(self, server, file, name):
        return [*self.command, *server.at(), 'up', file, server.path(name)]

    def login(self, server, count, fresh):
        if self.name == 'ftplib' and server.authority and not fresh:
            return None
        return [*self.command, *server.at(), 'login-fresh' if fresh else 'login', str(count)]

    def again(self, server, name, count):
        return [*self.command, *server.at(), 'again', server.path(name), str(count)]

    def files(self, server, folder, count, into, sessions):
        if sessions > 1 and 'async' not in self.name and self.name != 'ours':
            return None
        return [*self.command, *server.at(), 'files', server.path(folder), str(count), into,
                str(sessions)]


class Here(Program):
    """ftp-tokio with local files that it writes on the runtime's thread, as the program for ftp-mio does it."""

    def down(self, *_):
        return None

    up = login = again = down

    def files(self, server, folder, count, into, sessions):
        return super().files(server, folder, count, into, sessions) if sessions > 1 else None


class Sendfile(Program):
    """For what the system can send without a copy into the program."""

    def down(self, *_):
        return None

    again = login = files = down

    def up(self, server, file, name):
        return None if server.authority else super().up(server, file, name)


class Curl:
    name = 'curl'

    def command(self, server):
        return ['curl', '--silent', '--show-error', '--fail', '--user',
                f'{server.user}:{server.password}', *self.secure(server)]

    def secure(self, server):
        if not server.authority:
            return []
        ciphers = (['--tls13-ciphers', 'TLS_AES_128_GCM_SHA256'] if server.version == '1.3' else
                   ['--ciphers', 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256'])
        return ['--ssl-reqd', '--cacert', server.authority, '--tlsv' + server.version,
                '--tls-max', server.version, *ciphers]

    def down(self, server, name, file):
        return [*self.command(server), '-o', file or '/dev/null', server.url(name)]

    def up(self, server, file, name):
        return [*self.command(server), '-T', file, server.url(name)]

    def login(self, server, count, fresh):
        """Another user each time: else it would use the connection again."""
        secure = self.secure(server) + (['--no-sessionid'] if fresh else [])
        urls = [f'ftp://u{number}:x@{server.host}:{server.port}/' for number in range(count)]
        return ['curl', '--silent', '--show-error', '--head', '-o', '/dev/null', *secure, *urls]

    def again(self, server, name, count):
        outputs = ['-o', '/dev/null'] * count
        return [*self.command(server), *outputs, *[server.url(name)] * count]

    def files(self, server, folder, count, into, sessions):
        lines = []
        for number in range(count):
            name = f'f{number:05}'
            lines.append(f'url = "{server.url(folder + "/" + name)}"\noutput = "{into}/{name}"\n')
        listing = Path(into).with_suffix('.curl')
        listing.write_text(''.join(lines))
        parallel = ['--parallel', '--parallel-max', str(sessions)] if sessions > 1 else []
        return [*self.command(server), *parallel, '-K', str(listing)]


class Lftp:
    name = 'lftp'

    def command(self, server, work):
        secure = (f'set ftp:ssl-force true; set ftp:ssl-protect-data true; '
                  f'set ssl:ca-file {server.authority}; set ssl:priority {server.gnutls()}'
                  if server.authority
                  else 'set ftp:ssl-allow no')
        login = f'open -u "{server.user},{server.password}" -p {server.port} {server.host}'
        return ['lftp', '-c', f'set net:max-retries 1; set net:timeout 20; set xfer:clobber true; set cmd:fail-exit true; '
                f'{secure}; {login}; {work}']

    def down(self, server, name, file):
        if file:
            return self.command(server, f'get {server.path(name)} -o {file}')
        return self.command(server, f'cat {server.path(name)} > /dev/null')

    def up(self, server, file, name):
        return self.command(server, f'put {file} -o {server.path(name)}')

    def login(self, *_):
        return None

    def again(self, server, name, count):
        work = f'cat {server.path(name)} > /dev/null; ' * count
        return self.command(server, work)

    def files(self, server, folder, count, into, sessions):
        return self.command(server, f'mirror --parallel={sessions} {server.path(folder)} {into}')


class Wget:
    name = 'wget'

    def command(self, server):
        secure = ([f'--ca-certificate={server.authority}', f'--ciphers={server.gnutls()}']
                  if server.authority else [])
        return ['wget', '--quiet', '--no-verbose', '--tries=1', f'--user={server.user}',
                f'--password={server.password}', *secure]

    def url(self, server, name):
        return server.url(name, 'ftps' if server.authority else 'ftp')

    def down(self, server, name, file):
        return [*self.command(server), '-O', file or '/dev/null', self.url(server, name)]

    def up(self, *_):
        return None

    login = up

    def again(self, server, name, count):
        urls = [self.url(server, name)] * count
        return [*self.command(server), '-O', '/dev/null', *urls]

    def files(self, server, folder, count, into, sessions):
        if sessions > 1:
            return None
        cut = server.path(folder).strip('/').count('/') + 1
        return [*self.command(server), '-r', '-nH', f'--cut-dirs={cut}', '-P', into,
                self.url(server, folder) + '/']
