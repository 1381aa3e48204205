"""pyftpdlib on 127.0.0.1 and ::1: port, user, password and home are the arguments."""

import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

port, user, password, home = sys.argv[1:]
authorizer = DummyAuthorizer()
authorizer.add_user(user, password, home, perm="elradfmwMT")
FTPHandler.authorizer = authorizer
loop = IOLoop.instance()
for address in ("127.0.0.1", "::1"):
    server = FTPServer((address, int(port)), FTPHandler, ioloop=loop)
    server.max_cons = 500
loop.loop()
