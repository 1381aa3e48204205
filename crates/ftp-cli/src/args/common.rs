//! Options that hold for every command: login, connection, output

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::values::seconds;
use crate::proxy::ProxyUrl;

/// Options that hold for every command
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connection and output")]
pub(crate) struct Common {
    /// User to log in as
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) user: Option<OsString>,
    /// File whose first line is the password; - is standard input
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Read logins from this file instead of $NETRC or ~/.netrc
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "no_netrc")]
    pub(crate) netrc_file: Option<PathBuf>,
    /// Do not read logins from a netrc file
    #[arg(long, global = true)]
    pub(crate) no_netrc: bool,
    /// Trust the certificate authorities in this PEM file, and no others
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Accept any certificate: then anyone on the network path can read and change everything, including the password
    #[arg(long, global = true, conflicts_with = "ca")]
    pub(crate) insecure: bool,
    /// Client certificate (PEM), with --key
    #[arg(long, global = true, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// Key of the client certificate (PEM)
    #[arg(long, global = true, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Let the server open the data connections (active mode: PORT, EPRT)
    #[arg(long, global = true)]
    pub(crate) active: bool,
    /// Ask for the next file's port while a file is transferred: saves a round trip for each file where one transfer directly
    /// follows another (get, fetch, cat, mirror to here), and holds one of the server's passive ports as long as the session is open
    #[arg(long, global = true, value_name = "WHEN", default_value = "known")]
    pub(crate) prefetch: Prefetch,
    /// Connect from this address of this machine
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(crate) bind: Option<IpAddr>,
    /// Connect through a proxy: socks5://[USER@]HOST[:1080], http://[USER@]HOST[:3128] (CONNECT), or ftp://[USER@]HOST[:21]
    /// (login as USER@HOST); its password comes from netrc
    #[arg(long, global = true, value_name = "URL", value_parser = crate::proxy::parse)]
    pub(crate) proxy: Option<ProxyUrl>,
    /// Open at most N sessions with one server, whatever --parallel and --segments ask for
    #[arg(long, global = true, value_name = "N", default_value_t = 256, hide_default_value = true, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) max_sessions: u16,
    /// How long to wait for the server
    #[arg(long, global = true, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// How often to retry after failures that may be temporary; with eight, rftp survives three minutes offline
    #[arg(long, global = true, value_name = "N", default_value_t = 8)]
    pub(crate) retries: u32,
    /// How long to wait before the first retry; each further one waits twice as long, up to a minute
    #[arg(long, global = true, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub(crate) retry_delay: Duration,
    /// Write nothing but errors
    #[arg(short = 'q', long, global = true, conflicts_with_all = ["json", "progress"])]
    pub(crate) quiet: bool,
    /// Show commands and replies on standard error, with passwords masked
    #[arg(long, global = true)]
    pub(crate) trace: bool,
    /// Report as JSON, one object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How to report progress; by default bars on a terminal, otherwise lines
    #[arg(long, global = true, value_name = "HOW", conflicts_with = "json")]
    pub(crate) progress: Option<Progress>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Prefetch {
    /// Never
    Off,
    /// From servers that are known to support it: vsftpd, and ProFTPD without TLS
    Known,
    /// From every server, until the first sign of trouble; some then break off the transfer, which is retried
    Always,
}

impl From<Prefetch> for ftp_proto::Prefetch {
    fn from(prefetch: Prefetch) -> Self {
        match prefetch {
            Prefetch::Off => Self::Off,
            Prefetch::Known => Self::Known,
            Prefetch::Always => Self::Always,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Progress {
    /// Bars on standard error
    Bar,
    /// One line per file
    Plain,
    /// Only the summary and errors
    None,
}
