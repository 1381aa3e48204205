//! Shared by the commands: options, sessions, and one exit code for several URLs

use std::collections::{BTreeMap, btree_map};
use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use crate::args::{Common, Parallel};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::location::{Origin, Remote, join};
use crate::login::Logins;
use crate::pool::{Lease, Pool};
use crate::site::Site;

/// Identifies a server and the user to log in as
pub(super) type Key = (Origin, Vec<u8>);

/// The environment of a command
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) common: Common,
    pub(crate) interrupt: Interrupt,
    /// The server that relative paths refer to, in the shell
    pub(super) connection: Option<Connection>,
}

/// The server of the shell, with its sessions
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) remote: Remote,
    pub(super) pool: Arc<Pool>,
    /// The directory to which paths are relative
    pub(super) here: Vec<u8>,
}

impl Context {
    /// Parses an argument: a URL or, in the shell, a path
    pub(super) fn remote(&self, text: &OsStr) -> Result<Remote, Failure> {
        let Some(Connection { remote, here, .. }) = &self.connection else {
            return Remote::of_argument(text);
        };
        match crate::show::os_bytes(text) {
            path if path.starts_with(b"/") => Ok(remote.at(path.to_vec())),
            // The working directory, marked as a directory by a slash.
            b"" if here.is_empty() || here.ends_with(b"/") => Ok(remote.at(here.clone())),
            b"" => Ok(remote.at([here, &b"/"[..]].concat())),
            path => Ok(remote.at(join(here, path))),
        }
    }

    pub(super) fn remotes(&self, texts: &[OsString]) -> Result<Vec<Remote>, Failure> {
        texts.iter().map(|text| self.remote(text)).collect()
    }

    /// Returns the pools of sessions for these places: the one of the shell, or a new one for each server and user
    pub(super) fn pools(
        &self,
        remotes: &[&Remote],
        sessions: Parallel,
    ) -> Result<BTreeMap<Key, Arc<Pool>>, Failure> {
        if let Some(Connection { remote, pool, .. }) = &self.connection {
            // The login was read when the shell began, perhaps from standard input.
            return Ok(BTreeMap::from([(key(remote), Arc::clone(pool))]));
        }
        let logins = Logins::new(&self.common, remotes)?;
        let mut pools = BTreeMap::new();
        for remote in remotes {
            if let btree_map::Entry::Vacant(vacant) = pools.entry(key(remote)) {
                let site = Site::new(remote, &logins, &self.common)?;
                vacant.insert(Arc::new(Pool::new(site, sessions, &self.interrupt)));
            }
        }
        Ok(pools)
    }

    /// Parses the arguments of a command that uses one session for each server
    pub(super) fn places(&self, texts: &[OsString]) -> Result<Places, Failure> {
        let remotes = self.remotes(texts)?;
        let pools = self.pools(&remotes.iter().collect::<Vec<_>>(), Parallel::Number(1))?;
        Ok(Places { remotes, pools })
    }
}

/// The places that a command names, with the sessions of their servers
#[derive(Debug)]
pub(crate) struct Places {
    remotes: Vec<Remote>,
    pools: BTreeMap<Key, Arc<Pool>>,
}

impl Places {
    /// Runs `work` for each place, over a session with its server; after a failure, which is reported, the others follow
    pub(crate) fn each(
        &self,
        mut work: impl FnMut(&mut Lease<'_>, &Pool, &Remote) -> Result<(), Failure>,
    ) -> Result<Exit, Failure> {
        let mut leases: BTreeMap<_, Lease<'_>> =
            self.pools.iter().map(|(key, pool)| (key.clone(), pool.lease())).collect();
        let mut exits = Vec::new();
        for remote in &self.remotes {
            let key = key(remote);
            let (Some(pool), Some(lease)) = (self.pools.get(&key), leases.get_mut(&key)) else {
                continue;
            };
            if let Err(failure) = work(lease, pool, remote) {
                let failure = failure.about(crate::show::bytes(remote.path()));
                crate::output::message(&failure);
                exits.push(failure.exit());
                if failure.exit() == Exit::Interrupted {
                    break;
                }
            }
        }
        Ok(Exit::of_all(exits))
    }
}

pub(super) fn key(remote: &Remote) -> Key {
    (remote.origin(), remote.url.user().to_vec())
}
