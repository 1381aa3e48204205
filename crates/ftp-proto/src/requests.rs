//! The requests whose result is a value, defined once: the methods of the core and of each driver come from this list
//!
//! `ftp_proto::requests!(methods)` passes the list to `methods!`, a macro of the caller that writes the methods of its
//! type. The list consists of groups, each an `impl` block without the type. An entry has
//!
//! - documentation and attributes, for all crates. Links begin with `Self::` or `ftp_proto::`, which resolve in each of
//!   them; rustdoc rejects an alias that equals the method's own name;
//! - a signature without `self`, whose paths begin with `$crate`, and whose return type is the result's;
//! - a block that creates the operation, as `Work` (plan.rs), in the scope of `client/requests.rs`; only the core uses
//!   it.
//!
//! Drivers need no change for a new entry, whether their methods wait, return an [`Op`](crate::Op), or are `async`.
//! Requests that transfer a file or listing, start TLS or end the session are not in this list: their
//! methods differ between drivers, and are written by hand.

#[doc(hidden)]
#[macro_export]
macro_rules! requests {
    ($methods:ident) => {
        $methods! {
            /// Logging in, and TLS
            impl {
                /// Logs in: USER, and PASS if the server asks for it
                ///
                /// An empty `user` is `anonymous`, whose password is by default `anonymous@`.
                ///
                /// Errors besides a refusal are [`TlsRequired`](ftp_proto::Error::TlsRequired) and
                /// [`AccountRequired`](ftp_proto::Error::AccountRequired). If the login fails, the requests that wait for it
                /// are not sent and fail with [`LoginFailed`](ftp_proto::Error::LoginFailed), except those that need no
                /// login, such as FEAT, SYST, NOOP, QUIT and what belongs to TLS, and except those after the next login.
                fn login(user: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> $crate::Reply {
                    login(user.as_ref(), password.as_ref(), None)
                }

                /// Logs in to a server that asks for an account: USER, PASS and ACCT in the order that it wants
                ///
                /// Errors are those of [`Self::login`].
                fn login_with_account(
                    user: impl AsRef<[u8]>,
                    password: impl AsRef<[u8]>,
                    account: impl AsRef<[u8]>
                ) -> $crate::Reply {
                    login(user.as_ref(), password.as_ref(), Some(account.as_ref()))
                }

                /// Gives an account (ACCT), for servers that ask for one after the login (332, 532)
                #[doc(alias = "acct")]
                fn account(account: impl AsRef<[u8]>) -> $crate::Reply {
                    secret(Verb::ACCT, account)
                }

                /// Sets the protection of data connections: PBSZ 0 and PROT P, or PROT C
                ///
                /// Returns the reply to PROT.
                #[doc(alias = "prot_p")]
                #[doc(alias = "prot_c")]
                fn protect(level: $crate::Protection) -> $crate::Reply {
                    Ok(Running::Protect(Protect::new(level)))
                }

                /// Returns the control connection to clear text (CCC), for firewalls that inspect commands
                ///
                /// Returns the reply to CCC; `None` if the connection was in clear text already, so nothing was sent.
                #[doc(alias = "ccc")]
                fn clear_control() -> Option<$crate::Reply> {
                    Ok(Running::ClearControl(ClearControl::new()))
                }
            }

            /// Directories and files
            impl {
                /// Changes the working directory (CWD)
                ///
                /// Here and in the other requests with a path, a `~` at its beginning is part of a name, and is sent after
                /// `./`. `command("CWD", "~")` changes to the home directory, on servers that know it so.
                fn cwd(path: impl AsRef<[u8]>) -> $crate::Reply {
                    at(Verb::CWD, path, Want::Completion)
                }

                /// Changes to the parent directory: CDUP, or `CWD ..` if the server does not know CDUP
                fn cdup() -> $crate::Reply {
                    Ok(Running::Simple(Simple::parent()))
                }

                /// Returns the working directory (PWD), as the server writes it
                fn pwd() -> Vec<u8> {
                    bare(Verb::PWD, Want::Path)
                }

                /// Returns the path of a directory as the server reports it inside (CWD, PWD); most servers resolve links
                ///
                /// The working directory stays the same: the client returns to it before the next request that depends on
                /// it. Where the server does not let it return, such requests fail with
                /// [`WorkingDirectoryLost`](ftp_proto::Error::WorkingDirectoryLost). An empty path is the working
                /// directory. A missing directory is [`NoDirectory`](ftp_proto::Error::NoDirectory).
                #[doc(alias = "realpath")]
                fn canonicalize(path: impl AsRef<[u8]>) -> Vec<u8> {
                    ReadDirOp::path_of(path)
                }

                /// Makes a directory (MKD); returns its path as the server writes it, `None` if the reply has none
                #[doc(alias = "mkd")]
                fn mkdir(path: impl AsRef<[u8]>) -> Option<Vec<u8>> {
                    at(Verb::MKD, path, Want::MadePath)
                }

                /// Removes an empty directory (RMD)
                #[doc(alias = "rmd")]
                fn rmdir(path: impl AsRef<[u8]>) -> $crate::Reply {
                    at(Verb::RMD, path, Want::Completion)
                }

                /// Deletes a file (DELE)
                fn delete(path: impl AsRef<[u8]>) -> $crate::Reply {
                    at(Verb::DELE, path, Want::Completion)
                }

                /// Renames or moves a file or directory (RNFR, RNTO)
                fn rename(from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> $crate::Reply {
                    rename(from, to)
                }

                /// Returns the size of a file in bytes (SIZE, RFC 3659 section 4), asked for in TYPE I
                fn size(path: impl AsRef<[u8]>) -> u64 {
                    at(Verb::SIZE, path, Want::Size)
                }

                /// Returns the hash of a file's bytes as the server computes it; `None` if it offers none
                ///
                /// Of the algorithms that the server lists in FEAT, the strongest is used, with XSHA256 and similar
                /// commands or HASH. This takes as long as the server needs to read the file, at most
                /// [`Config::hash_timeout`](ftp_proto::Config::hash_timeout).
                fn hash(path: impl AsRef<[u8]>) -> Option<$crate::fields::FileHash> {
                    hash(path)
                }

                /// Returns the time of a file's last modification (MDTM, RFC 3659 section 3), in UTC if the server
                /// follows the RFC
                fn mdtm(path: impl AsRef<[u8]>) -> $crate::Timestamp {
                    at(Verb::MDTM, path, Want::Time)
                }

                /// Returns size and time of a file (SIZE, MDTM), as [`Self::size`] and [`Self::mdtm`] do, but in one round
                /// trip with [`Config::pipeline`](ftp_proto::Config::pipeline)
                ///
                /// A refusal is no error: that value is `None`, and for a missing file both are. Where the server has MLST,
                /// that takes one round trip as well, and returns more facts.
                fn size_and_mdtm(path: impl AsRef<[u8]>) -> $crate::SizeAndTime {
                    size_and_mdtm(path)
                }

                /// Sets the time of a file's last modification (MFMT, draft-somers-ftp-mfxx), in UTC
                fn set_mdtm(path: impl AsRef<[u8]>, time: $crate::Timestamp) -> $crate::Reply {
                    with(Verb::MFMT, words(&[fields::format_time(time).as_bytes(), &literal(path.as_ref())]), Want::Completion)
                }

                /// Sets the times of a file by SITE UTIME, which is in no RFC, in UTC: for servers without
                /// [MFMT](Self::set_mdtm)
                ///
                /// Sends `SITE UTIME path time time time UTC`, for access, modification and change. Pure-FTPd and
                /// ProFTPD's `mod_site_misc` take this form, with spaces in the path, and whole seconds only.
                fn site_utime(path: impl AsRef<[u8]>, time: $crate::Timestamp) -> $crate::Reply {
                    let time = fields::format_time(time.with_nanosecond(0).unwrap_or(time));
                    let time = time.as_bytes();
                    with(Verb::SITE, words(&[b"UTIME", &literal(path.as_ref()), time, time, time, b"UTC"]), Want::Completion)
                }

                /// Returns facts about one file or directory (MLST, RFC 3659 section 7) as the reply's text; an empty
                /// path is the working directory
                ///
                /// [`parse_mlst`](ftp_proto::listing::parse_mlst) parses them.
                fn mlst(path: impl AsRef<[u8]>) -> $crate::Reply {
                    optional(Verb::MLST, literal(path.as_ref()))
                }
            }

            /// The server and its own commands
            impl {
                /// Returns the server's features (FEAT, RFC 2389); an empty set if the server does not know FEAT
                #[doc(alias = "feat")]
                fn query_features() -> $crate::Features {
                    Ok(Running::Features(FeaturesOp))
                }

                /// Asks for names in UTF-8: `OPTS UTF8 ON`, which is in no RFC but known to many servers
                ///
                /// Send it after the login. A server that refuses it may still use UTF-8.
                fn utf8() -> $crate::Reply {
                    with(Verb::OPTS, "UTF8 ON", Want::Completion)
                }

                /// Sets options of a command (OPTS, RFC 2389 section 4), such as `MLST type;size;`
                fn opts(options: impl AsRef<[u8]>) -> $crate::Reply {
                    with(Verb::OPTS, options, Want::Completion)
                }

                /// Does nothing (NOOP): shows that the session is alive, and keeps it alive
                fn noop() -> $crate::Reply {
                    bare(Verb::NOOP, Want::Completion)
                }

                /// Returns the kind of the server's system (SYST)
                #[doc(alias = "syst")]
                fn system() -> $crate::Reply {
                    bare(Verb::SYST, Want::Completion)
                }

                /// Returns help (HELP) about a command or, if `topic` is empty, in general
                fn help(topic: impl AsRef<[u8]>) -> $crate::Reply {
                    optional(Verb::HELP, topic)
                }

                /// Returns the status (STAT) of the session if `path` is empty, else a listing, as the reply's text
                fn stat(path: impl AsRef<[u8]>) -> $crate::Reply {
                    optional(Verb::STAT, literal(path.as_ref()))
                }

                /// Sends a server-specific command (SITE)
                fn site(command: impl AsRef<[u8]>) -> $crate::Reply {
                    with(Verb::SITE, command, Want::Completion)
                }

                /// Sends any command that has one final reply of 2yz or 3yz; an empty argument sends the verb alone
                ///
                /// A preliminary reply (1yz) announces the final one and is not returned. If none follows, the session ends
                /// with [`TimedOut`](ftp_proto::ConnectionError::TimedOut) after
                /// [`Config::reply_timeout`](ftp_proto::Config::reply_timeout), because the next reply could be taken for the
                /// answer to another command.
                ///
                /// Commands that transfer data, end the session or change its protection are refused with
                /// [`InvalidArgument`](ftp_proto::Error::InvalidArgument), because the client could not keep track of
                /// them. They have methods of their own.
                #[doc(alias = "sendcmd")]
                #[doc(alias = "voidcmd")]
                #[doc(alias = "quote")]
                fn command(verb: &str, argument: impl AsRef<[u8]>) -> $crate::Reply {
                    raw(verb, argument.as_ref())
                }
            }
        }
    };
}
