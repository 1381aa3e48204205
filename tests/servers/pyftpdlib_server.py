"""pyftpdlib: port, user, password, home and certificate are the arguments.

It listens on 127.0.0.1 and ::1; with two more arguments on the first of them, and PASV announces the second.
"""

import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer


class ReleasedActiveDTP(TLS_FTPHandler.active_dtp):
    """Counts as closed once its connection is made (Q149).

    Otherwise the session's next PASV, EPSV, PORT or EPRT closes it a second time: it takes a descriptor out of the event
    loop which by then may be another connection's, and that connection is never read again.
    """

    def handle_connect(self):
        super().handle_connect()
        self._closed = True


class OneEvent:
    """An epoll object that returns one event at a time.

    With several, an event of a connection that an earlier one has closed reaches whatever has its descriptor by then, and
    closes a session that has just begun (Q160).
    """

    def __init__(self, poller):
        self.poller = poller

    def poll(self, timeout):
        return self.poller.poll(timeout, 1)

    def __getattr__(self, name):
        return getattr(self.poller, name)


port, user, password, home, certificate, *other = sys.argv[1:]
addresses, announced = ("127.0.0.1", "::1"), None
if other:
    addresses, announced = other[:1], other[1]
authorizer = DummyAuthorizer()
authorizer.add_user(user, password, home, perm="elradfmwMT")
# Clear text or AUTH TLS, as the client chooses.
TLS_FTPHandler.authorizer = authorizer
TLS_FTPHandler.certfile = certificate
TLS_FTPHandler.masquerade_address = announced
TLS_FTPHandler.active_dtp = ReleasedActiveDTP
# Not those from which the system takes free ones: a client that connects late to another test's port, which has been
# closed since, would otherwise take the place of the one that is expected here.
TLS_FTPHandler.passive_ports = range(29000, 30000)
loop = IOLoop.instance()
loop._poller = OneEvent(loop._poller)
for address in addresses:
    server = FTPServer((address, int(port)), TLS_FTPHandler, ioloop=loop)
    server.max_cons = 500
loop.loop()
