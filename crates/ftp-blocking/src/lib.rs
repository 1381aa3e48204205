//! Blocking FTP and FTPS client on std sockets
