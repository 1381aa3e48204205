"""pyftpdlib on 127.0.0.1 and ::1: port, user, password, home and certificate are the arguments."""

import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

port, user, password, home, certificate = sys.argv[1:]
authorizer = DummyAuthorizer()
authorizer.add_user(user, password, home, perm="elradfmwMT")
# Clear text or AUTH TLS, as the client chooses.
TLS_FTPHandler.authorizer = authorizer
TLS_FTPHandler.certfile = certificate
loop = IOLoop.instance()
for address in ("127.0.0.1", "::1"):
    server = FTPServer((address, int(port)), TLS_FTPHandler, ioloop=loop)
    server.max_cons = 500
loop.loop()
