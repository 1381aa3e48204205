//! What commands with several URLs have in common: one session a server, and an exit code for all

use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::args::{Common, Parallel};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::location::{Origin, Remote, remotes};
use crate::login::Logins;
use crate::pool::{Lease, Pool};
use crate::site::Site;

/// What tells servers and logins apart
pub(super) type Key = (Origin, Vec<u8>);

/// The places of a command line, with the sessions of their servers
#[derive(Debug)]
pub(crate) struct Places {
    remotes: Vec<Remote>,
    pools: BTreeMap<Key, Pool>,
}

impl Places {
    pub(crate) fn new(
        urls: &[OsString],
        common: &Common,
        interrupt: &Interrupt,
    ) -> Result<Self, Failure> {
        let remotes = remotes(urls)?;
        let logins = Logins::new(common, &remotes.iter().collect::<Vec<_>>())?;
        let mut pools = BTreeMap::new();
        for remote in &remotes {
            if let std::collections::btree_map::Entry::Vacant(vacant) = pools.entry(key(remote)) {
                vacant.insert(Pool::new(
                    Site::new(remote, &logins, common)?,
                    Parallel::Number(1),
                    interrupt,
                ));
            }
        }
        Ok(Self { remotes, pools })
    }

    pub(crate) fn remotes(&self) -> &[Remote] {
        &self.remotes
    }

    /// Does something for each place, with a session of its server; a failure is told, and the next one has its turn
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
                eprintln!("rftp: {failure}");
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
