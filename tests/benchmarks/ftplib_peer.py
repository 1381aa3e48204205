"""Python's ftplib, used as its documentation does: the arguments are those of the other clients."""

import ftplib
import os
import ssl
import sys

address, user, password, tls, task, *arguments = sys.argv[1:]
host, port = address.rsplit(':', 1)

context = None
if tls != '-':
    version, authority = tls.split(':', 1)
    context = ssl.create_default_context(cafile=authority)
    # ftplib leaves the ciphers of TLS 1.3 to the server.
    context.minimum_version = context.maximum_version = (
        ssl.TLSVersion.TLSv1_2 if version == '1.2' else ssl.TLSVersion.TLSv1_3)
    context.set_ciphers('ECDHE+AESGCM:!AES256')


def log_in():
    ftp = ftplib.FTP_TLS(context=context) if context else ftplib.FTP()
    ftp.connect(host, int(port))
    ftp.login(user, password)
    if context:
        ftp.prot_p()
    return ftp


def nowhere(block):
    pass


if task in ('login', 'login-fresh'):
    for _ in range(int(arguments[0])):
        log_in().quit()
    sys.exit()

if task == 'idle':
    sessions = [log_in() for _ in range(int(arguments[0]))]
    print('ready', flush=True)
    sys.stdin.read()
    sys.exit()

ftp = log_in()
if task == 'down' and arguments[1] == '-':
    ftp.retrbinary('RETR ' + arguments[0], nowhere)
elif task == 'down':
    with open(arguments[1], 'wb') as file:
        ftp.retrbinary('RETR ' + arguments[0], file.write)
elif task == 'up':
    with open(arguments[0], 'rb') as file:
        ftp.storbinary('STOR ' + arguments[1], file)
elif task == 'again':
    for _ in range(int(arguments[1])):
        ftp.retrbinary('RETR ' + arguments[0], nowhere)
elif task == 'files' and arguments[3] == '1':
    folder, count, into = arguments[:3]
    for number in range(int(count)):
        name = f'f{number:05}'
        with open(os.path.join(into, name), 'wb') as file:
            ftp.retrbinary(f'RETR {folder}/{name}', file.write)
else:
    sys.exit('not with ftplib')
ftp.quit()
