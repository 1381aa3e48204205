"""Tests of CPython that fail for a reason of differences.tsv, changed so that they check what this library promises."""

from test import test_ftplib
from test.test_ftplib import ftplib


class _Greeting:
    """A socket whose connections greet with a reply: CPython's server sends `1 Hola mundo`, which has no code."""

    def __init__(self, inner):
        self.inner = inner

    def accept(self):
        conn, address = self.inner.accept()
        return _Greeting(conn), address

    def sendall(self, data):
        assert data == b"1 Hola mundo\n", data
        self.inner.sendall(b"220 Hola mundo\r\n")

    def __getattr__(self, name):
        return getattr(self.inner, name)


class Timeouts(test_ftplib.TestTimeouts):
    def server(self):
        self.sock = _Greeting(self.sock)
        super().server()


class _Commands:
    """Of a 1yz and a final reply, the latter is the command's answer."""

    def test_voidcmd_and_a_preliminary_reply(self):
        self.client.voidcmd("echo 200")
        self.client.voidcmd("echo 299")
        self.assertRaises(ftplib.error_reply, self.client.voidcmd, "echo 300")
        self.server.handler_instance.next_response = "199"
        self.assertEqual(self.client.voidcmd("noop"), "200 noop ok")

    def test_delete_and_a_preliminary_reply(self):
        self.server.handler_instance.next_response = "199"
        self.assertEqual(self.client.delete("foo"), "250 dele ok")
        self.assertEqual(self.client.voidcmd("noop"), "200 noop ok")

    def test_retrlines_too_long(self):
        self.server.handler_instance.next_retr_data = "x" * self.client.maxline * 2
        self.assertRaises(ftplib.Error, self.client.retrlines, "retr", lambda line: self.fail(line))
        # The session goes on.
        self.assertEqual(self.client.voidcmd("noop"), "200 noop ok")

    def test_line_too_long(self):
        # The limit is 64 KiB.
        self.server.handler_instance.next_response = "199 " + "x" * 60_000
        self.assertEqual(self.client.voidcmd("noop"), "200 noop ok")
        self.server.handler_instance.next_response = "200 " + "x" * 70_000
        self.assertRaises(ftplib.Error, self.client.voidcmd, "noop")


def _like(case):
    """The setUp and tearDown of CPython's class, without its tests."""
    return type(case.__name__, (test_ftplib.TestCase,), {name: getattr(case, name) for name in ("setUp", "tearDown")})


class Commands(_Commands, _like(test_ftplib.TestFTPClass)):
    pass


class CommandsUnderTls(_Commands, _like(test_ftplib.TestTLS_FTPClassMixin)):
    pass
