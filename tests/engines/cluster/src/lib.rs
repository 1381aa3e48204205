//! The common part of the processes of a Ballista cluster that reads FTP servers
//!
//! Each process has one [`FtpRegistry`], and with it one pool of sessions for each server. Ballista creates a runtime
//! environment for each of its sessions and tasks; all of them share that registry. Passwords stay in the `.netrc` of
//! each process: plans contain the URLs of tables, with at most a user name.

use std::error::Error;
use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ballista_core::config::TaskSchedulingPolicy;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::error::Result;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::SessionContext;
use ftp_cli::netrc::Netrc;
use ftp_engines::FtpRegistry;
use ftp_object_store::ftp_tokio::{Config, Options, TlsPolicy};

pub type Failure = Box<dyn Error + Send + Sync>;

/// The role of a process, which determines how many sessions it needs
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A client or the scheduler: lists directories and reads the beginnings of files
    Planner,
    /// Reads and writes files
    Executor,
}

/// The settings of each process
#[derive(clap::Args, Clone, Debug)]
pub struct Node {
    /// This machine's address: the process listens there, and connects to FTP servers from there
    #[arg(long, default_value = "127.0.0.1")]
    pub address: IpAddr,
    /// Sessions that an FTP server accepts from the whole cluster: one client, one scheduler, and the executors
    #[arg(long, default_value_t = 8)]
    pub sessions: usize,
    /// Number of executors, which share these sessions
    #[arg(long, default_value_t = 1)]
    pub executors: usize,
    /// File in the format of `.netrc` with the passwords of FTP servers
    #[arg(long)]
    netrc: Option<PathBuf>,
    /// File (PEM) of further certificate authorities to trust for FTP servers
    #[arg(long)]
    ca: Option<PathBuf>,
}

impl Node {
    /// Returns the number of sessions that this process may have on each server: one if it only plans, so that the
    /// executors can divide the rest
    ///
    /// # Errors
    ///
    /// If there are fewer sessions than processes.
    pub fn share(&self, role: Role) -> Result<usize, Failure> {
        let Self { sessions, executors, .. } = *self;
        let each = sessions.saturating_sub(2) / executors.max(1);
        match role {
            _ if each == 0 => Err(format!(
                "{sessions} sessions are not enough for a client, a scheduler and {executors} executors"
            )
            .into()),
            Role::Planner => Ok(1),
            Role::Executor => Ok(each),
        }
    }

    /// Creates the registry of this process, and returns the function that creates Ballista's environments with it
    ///
    /// # Errors
    ///
    /// If the file of passwords can't be read, or there are too few sessions.
    pub fn environments(
        &self,
        role: Role,
    ) -> Result<impl Fn() -> Result<Arc<RuntimeEnv>> + Send + Sync + use<>, Failure> {
        let netrc = match &self.netrc {
            Some(file) => {
                let named = |error: &dyn Error| format!("{}: {error}", file.display());
                let text = std::fs::read(file).map_err(|error| named(&error))?;
                Netrc::parse(&text).map_err(|error| named(&error))?
            }
            None => Netrc::default(),
        };
        // The URL of each table determines its TLS policy.
        let options = Options::new(Config::new(TlsPolicy::Explicit)).source_address(self.address);
        let (ca, sessions) = (self.ca.clone(), self.share(role)?);
        let registry = FtpRegistry::new()
            .passwords(move |host, user| {
                let password = netrc.login(host, Some(user.as_bytes()))?.password?;
                Some(password.expose().to_vec())
            })
            .configure(move |store| {
                let store = store.connection(options.clone()).max_sessions(sessions);
                match &ca {
                    Some(file) => store.ca_file(file),
                    None => store,
                }
            });
        let registry = Arc::new(registry);
        Ok(move || {
            RuntimeEnvBuilder::new().with_object_store_registry(registry.clone()).build_arc()
        })
    }
}

/// Whether the scheduler pushes tasks to executors, or executors poll for them
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum Policy {
    Push,
    Pull,
}

impl From<Policy> for TaskSchedulingPolicy {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Push => Self::PushStaged,
            Policy::Pull => Self::PullStaged,
        }
    }
}

/// Runs statements one after the other, and returns all rows as text
///
/// # Errors
///
/// That of the first statement that fails.
pub async fn answers(context: &SessionContext, statements: &[String]) -> Result<String> {
    let mut text = String::new();
    for statement in statements {
        let rows = context.sql(statement).await?.collect().await?;
        if rows.iter().any(|batch| batch.num_rows() > 0) {
            text += &format!("{}\n", pretty_format_batches(&rows)?);
        }
    }
    Ok(text)
}

/// Runs a process, with a log on standard error
///
/// # Errors
///
/// Those of the process.
pub fn run(process: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let level = env_logger::Env::default().default_filter_or("info");
    env_logger::Builder::from_env(level).init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // The size in Ballista's own programs: plans are trees, which are walked recursively.
        .thread_stack_size(32 << 20)
        .build()?;
    runtime.block_on(process)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(sessions: usize, executors: usize) -> Node {
        Node { address: [127, 0, 0, 1].into(), sessions, executors, netrc: None, ca: None }
    }

    #[test]
    fn the_shares_never_exceed_the_limit() {
        for sessions in 0..40 {
            for executors in 1..10 {
                let node = node(sessions, executors);
                let (Ok(planner), Ok(executor)) =
                    (node.share(Role::Planner), node.share(Role::Executor))
                else {
                    assert!(sessions < executors + 2, "{node:?}");
                    continue;
                };
                assert!(2 * planner + executors * executor <= sessions, "{node:?}");
                assert!(executor >= 1);
            }
        }
        assert_eq!(node(8, 2).share(Role::Executor).unwrap(), 3);
        let error = node(3, 2).share(Role::Planner).unwrap_err().to_string();
        assert_eq!(error, "3 sessions are not enough for a client, a scheduler and 2 executors");
    }
}
