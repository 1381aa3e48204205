"""ftplib's interface on the program `ftplib_shim`, which calls the methods of `ftp-blocking`.

The tests of ftplib run with this module in the place of ftplib, see `run`. Each method calls what docs/ftplib.md gives
for it. Methods without an equivalent are missing: putline, putcmd, getline, getmultiline, getresp, sanitize.
"""

import atexit
import itertools
import os
import socket
import ssl
import subprocess
import sys
from socket import _GLOBAL_DEFAULT_TIMEOUT
from urllib.parse import quote_from_bytes, unquote_to_bytes

__all__ = ["FTP", "FTP_TLS", "error_reply", "error_temp", "error_perm", "error_proto", "all_errors"]

MSG_OOB = 0x1
FTP_PORT = 21
MAXLINE = 8192
CRLF = "\r\n"
B_CRLF = b"\r\n"


class Error(Exception):
    pass


class error_reply(Error):
    pass


class error_temp(Error):
    pass


class error_perm(Error):
    pass


class error_proto(Error):
    pass


all_errors = (Error, OSError, EOFError, ssl.SSLError)

_exceptions = {
    exception.__name__: exception
    for exception in (Error, error_reply, error_temp, error_perm, error_proto, EOFError, TimeoutError, ValueError)
}
_numbers = itertools.count(1)
_program = None


def _started():
    global _program
    if _program is None:
        _program = subprocess.Popen([os.environ["FTPLIB_SHIM"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        atexit.register(_stop)
    return _program


def _stop():
    _program.stdin.close()
    _program.wait()
    _program.stdout.close()


def _call(number, name, *arguments, item=None):
    """Calls the program, and `item` with what each line before the answer contains; returns the answer's values."""
    program = _started()
    words = [str(argument).encode() if not isinstance(argument, bytes) else argument for argument in arguments]
    line = " ".join([str(number), name, *map(quote_from_bytes, words)])
    program.stdin.write(line.encode() + b"\n")
    program.stdin.flush()
    failure = None
    while True:
        answer = program.stdout.readline()
        if not answer:
            raise RuntimeError("the program has ended")
        kind, *values = map(unquote_to_bytes, answer.rstrip(b"\n").split(b" "))
        if kind != b"item":
            break
        try:
            item(*values)
        except Exception as error:
            # The rest of the answer is read all the same.
            failure = failure or error
            item = lambda *values: None
    if failure:
        raise failure
    if kind == b"ok":
        return values
    name, errno, text = (value.decode("utf-8", "surrogateescape") for value in values)
    if name == "OSError":
        raise OSError(int(errno or 0), text)
    if name == "SSLError":
        raise ssl.SSLError(text)
    raise _exceptions[name](text)


def _verb_and_argument(command):
    verb, _, argument = command.partition(" ")
    return verb, argument


class _Socket:
    """A connection of the program; its class is that of the socket that ftplib would use."""

    def __init__(self, secure, context):
        self._secure = secure
        self.context = context

    @property
    def __class__(self):
        return ssl.SSLSocket if self._secure else socket.socket


class _Control(_Socket):
    def __init__(self, known, context):
        super().__init__(known["secure"], context)
        self._known = known

    def gettimeout(self):
        return self._known["timeout"]

    def getpeername(self):
        return self._known["peer"]

    def getsockname(self):
        return self._known["local"]

    def unwrap(self):
        if not self._secure:
            raise ValueError("No SSL wrapper around " + str(self))
        raise RuntimeError("only FTP_TLS.ccc returns the connection to clear text")


class _Data(_Socket):
    """A transfer; FTP.voidresp finishes it."""

    def __init__(self, number, secure, context):
        super().__init__(secure, context)
        self._number = number

    def recv(self, count):
        return _call(self._number, "read", count)[0]

    def sendall(self, data):
        _call(self._number, "write", bytes(data))

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()


class FTP:
    host = ""
    port = FTP_PORT
    maxline = MAXLINE
    welcome = None
    encoding = "utf-8"
    context = certfile = keyfile = None
    trust_server_pasv_ipv4_address = False

    def __init__(self, host="", user="", passwd="", acct="", timeout=_GLOBAL_DEFAULT_TIMEOUT, source_address=None,
                 *, encoding="utf-8"):
        self.encoding = encoding
        self.source_address = source_address
        self.timeout = timeout
        self._passive = True
        self._number = None
        if host:
            self.connect(host)
            if user:
                self.login(user, passwd, acct)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        if self.sock is not None:
            try:
                self.quit()
            except (OSError, EOFError):
                pass
            finally:
                self.close()

    # The connection

    def connect(self, host="", port=0, timeout=-999, source_address=None):
        if host != "":
            self.host = host
        if port > 0:
            self.port = port
        if timeout != -999:
            self.timeout = timeout
        if source_address is not None:
            self.source_address = source_address
        self.close()
        timeout = socket.getdefaulttimeout() if self.timeout is _GLOBAL_DEFAULT_TIMEOUT else self.timeout
        number = next(_numbers)
        self.welcome = self._text(_call(
            number, "connect", self.host, self.port, "" if timeout is None else timeout, self._source(),
            self._authorities(), self.certfile or "", self.keyfile or ""))
        self._number = number
        self._settings()
        return self.welcome

    def _source(self):
        if not self.source_address:
            return ""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        host, port = socket.getaddrinfo(*self.source_address, family, socket.SOCK_STREAM)[0][4][:2]
        return f"[{host}]:{port}" if family == socket.AF_INET6 else f"{host}:{port}"

    def _authorities(self):
        """Those that the context trusts, if it verifies certificates at all."""
        if self.context is None or self.context.verify_mode == ssl.CERT_NONE:
            return ""
        return "".join(map(ssl.DER_cert_to_PEM_cert, self.context.get_ca_certs(binary_form=True)))

    def _forward(self, name, *arguments, item=None):
        if self._number is None:
            raise Error("not connected")
        arguments = [self._bytes(argument) if isinstance(argument, str) else argument for argument in arguments]
        return _call(self._number, name, *arguments, item=item)

    def _bytes(self, text):
        return text.encode(self.encoding)

    def _text(self, values):
        return values[0].decode(self.encoding) if values else None

    def _known(self):
        values = [value.decode() for value in self._forward("state")] if self._number else []
        if not values:
            return None
        connected, secure, protected, passive, timeout, *addresses = values
        return {
            "connected": bool(connected),
            "secure": bool(secure),
            "protected": bool(protected),
            "passive": bool(passive),
            "timeout": float(timeout) if timeout else None,
            "peer": (addresses[0], int(addresses[1])),
            "local": (addresses[2], int(addresses[3])),
        }

    @property
    def sock(self):
        known = self._known()
        return _Control(known, self.context) if known and known["connected"] else None

    @property
    def af(self):
        return socket.AF_INET6 if ":" in self._known()["peer"][0] else socket.AF_INET

    @property
    def passiveserver(self):
        known = self._known()
        return known["passive"] if known else self._passive

    def set_pasv(self, val):
        self._passive = val
        if self._number:
            self._settings()

    def _settings(self):
        trusting = self.trust_server_pasv_ipv4_address
        self._forward("settings", int(bool(self._passive)), int(trusting), self.maxline)

    def getwelcome(self):
        return self.welcome

    def quit(self):
        try:
            return self._text(self._forward("quit"))
        finally:
            self.close()

    def close(self):
        if self._number:
            _call(self._number, "close")
            self._number = None

    # Commands

    def sendcmd(self, cmd):
        return self._text(self._forward("command", *_verb_and_argument(cmd)))

    def voidcmd(self, cmd):
        resp = self.sendcmd(cmd)
        if resp[:1] != "2":
            raise error_reply(resp)
        return resp

    def login(self, user="", passwd="", acct=""):
        return self._text(self._forward("login", user, passwd, acct))

    def acct(self, password):
        return self._text(self._forward("account", password))

    def abort(self):
        return self._text(self._forward("abort"))

    def rename(self, fromname, toname):
        return self._text(self._forward("rename", fromname, toname))

    def delete(self, filename):
        return self._text(self._forward("delete", filename))

    def cwd(self, dirname):
        if dirname == "..":
            return self._text(self._forward("cdup"))
        return self._text(self._forward("cwd", dirname or "."))

    def size(self, filename):
        values = self._forward("size", filename)
        return int(values[0]) if values else None

    def mkd(self, dirname):
        return self._text(self._forward("mkdir", dirname)) or ""

    def rmd(self, dirname):
        return self._text(self._forward("rmdir", dirname))

    def pwd(self):
        return self._text(self._forward("pwd"))

    # Data connections

    def sendport(self, host, port):
        return self.voidcmd("PORT " + ",".join([*host.split("."), str(port // 256), str(port % 256)]))

    def sendeprt(self, host, port):
        return self.voidcmd(f"EPRT |{2 if self.af == socket.AF_INET6 else 1}|{host}|{port}|")

    def makeport(self):
        listener = socket.create_server(("", 0), family=self.af, backlog=1)
        host, port = self.sock.getsockname()[0], listener.getsockname()[1]
        if self.af == socket.AF_INET:
            self.sendport(host, port)
        else:
            self.sendeprt(host, port)
        return listener

    def makepasv(self):
        peer = self.sock.getpeername()
        if self.af == socket.AF_INET6:
            return parse229(self.sendcmd("EPSV"), peer)
        host, port = parse227(self.sendcmd("PASV"))
        return (host if self.trust_server_pasv_ipv4_address else peer[0]), port

    def ntransfercmd(self, cmd, rest=None):
        verb, argument = _verb_and_argument(cmd)
        if verb.upper() in ("STOR", "APPE", "STOU"):
            return self._put(cmd, "I", rest), None
        size = self._begin("get", verb, argument, int(rest or 0))
        return self._data(), int(size[0]) if size else None

    def transfercmd(self, cmd, rest=None):
        return self.ntransfercmd(cmd, rest)[0]

    def _put(self, cmd, type_, rest=None):
        self._begin("put", *_verb_and_argument(cmd), type_, int(rest or 0))
        return self._data()

    def _begin(self, *call, item=None):
        self._settings()
        return self._forward(*call, item=item)

    def _data(self):
        return _Data(self._number, self._known()["protected"], self.context)

    def voidresp(self):
        """Finishes the transfer that transfercmd has begun."""
        return self._text(self._forward("finish"))

    def retrbinary(self, cmd, callback, blocksize=8192, rest=None):
        with self.transfercmd(cmd, rest) as conn:
            while data := conn.recv(blocksize):
                callback(data)
        return self.voidresp()

    def storbinary(self, cmd, fp, blocksize=8192, callback=None, rest=None):
        with self._put(cmd, "I", rest) as conn:
            while buf := fp.read(blocksize):
                conn.sendall(buf)
                if callback:
                    callback(buf)
        return self.voidresp()

    def retrlines(self, cmd, callback=None):
        callback = callback or print_line
        return self._text(self._lines("lines", *_verb_and_argument(cmd), callback=callback))

    def _lines(self, *call, callback):
        return self._begin(*call, item=lambda line: callback(line.decode(self.encoding)))

    def storlines(self, cmd, fp, callback=None):
        with self._put(cmd, "A") as conn:
            # The limit is the caller's: put_lines takes lines that are in memory already.
            while buf := fp.readline(self.maxline + 1):
                if len(buf) > self.maxline:
                    self.abort()
                    raise Error(f"got more than {self.maxline} bytes")
                if not buf.endswith(B_CRLF):
                    buf = buf.rstrip(B_CRLF) + B_CRLF
                conn.sendall(buf.removesuffix(B_CRLF) + b"\n")
                if callback:
                    callback(buf)
        return self.voidresp()

    # Listings

    def nlst(self, *args):
        names = []
        self._lines("names", " ".join(args), callback=names.append)
        return names

    def dir(self, *args):
        callback = print_line
        if args and not isinstance(args[-1], str):
            *args, callback = args
        self._lines("list", " ".join(filter(None, args)), callback=callback)

    def mlsd(self, path="", facts=[]):
        if facts:
            self._forward("opts", "MLST " + ";".join(facts) + ";")
        entries = []
        self._begin("facts", path, item=lambda *values: entries.append([value.decode(self.encoding) for value in values]))
        for name, *pairs in entries:
            # The library leaves the names of facts as they are; `Facts::get` ignores their case.
            yield name, dict(zip(map(str.lower, pairs[::2]), pairs[1::2]))


class FTP_TLS(FTP):
    def __init__(self, host="", user="", passwd="", acct="", keyfile=None, certfile=None, context=None,
                 timeout=_GLOBAL_DEFAULT_TIMEOUT, source_address=None, *, encoding="utf-8"):
        if keyfile is not None or certfile is not None:
            if sys.version_info >= (3, 12):
                raise TypeError("keyfile and certfile have been removed")
            if context is not None:
                raise ValueError("context and keyfile or certfile arguments are mutually exclusive")
        self.certfile = certfile
        self.keyfile = keyfile or certfile
        self.context = context
        super().__init__(host, user, passwd, acct, timeout, source_address, encoding=encoding)

    def login(self, user="", passwd="", acct="", secure=True):
        if secure and not self._known()["secure"]:
            self.auth()
        return super().login(user, passwd, acct)

    def auth(self):
        reply = self._forward("secure_control")
        if not reply:
            raise ValueError("Already using TLS")
        return self._text(reply)

    def ccc(self):
        reply = self._forward("clear_control")
        if not reply:
            raise ValueError("not using TLS")
        return self._text(reply)

    def prot_p(self):
        return self._text(self._forward("protect", "P"))

    def prot_c(self):
        return self._text(self._forward("protect", "C"))


# Functions


def _parsed(code, resp):
    if resp[:3] != code:
        raise error_reply(resp)
    return [value.decode() for value in _call(0, "parse", code, resp[4:].encode())]


def parse150(resp):
    size = _parsed("150", resp)
    return int(size[0]) if size else None


def parse227(resp):
    address = _parsed("227", resp)
    if not address:
        raise error_proto(resp)
    return address[0], int(address[1])


def parse229(resp, peer):
    port = _parsed("229", resp)
    if not port:
        raise error_proto(resp)
    return peer[0], int(port[0])


def parse257(resp):
    path = _parsed("257", resp)
    return path[0] if path else ""


def print_line(line):
    print(line)


def ftpcp(source, sourcename, target, targetname="", type="I"):
    source._forward("copy", sourcename, target._number, targetname or sourcename, type)
