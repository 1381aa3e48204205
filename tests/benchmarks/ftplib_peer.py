"""Python's ftplib, used as its documentation does: the arguments are those of the other clients."""

import ftplib
import os
import ssl
import sys

address, user, password, authority, task, *arguments = sys.argv[1:]
host, port = address.rsplit(':', 1)


def log_in():
    if authority == '-':
        ftp = ftplib.FTP()
    else:
        ftp = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=authority))
    ftp.connect(host, int(port))
    ftp.login(user, password)
    if authority != '-':
        ftp.prot_p()
    return ftp


def nowhere(block):
    pass


if task == 'login':
    for _ in range(int(arguments[0])):
        log_in().quit()
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
