//! SQL on a Ballista cluster: `ftp-client --scheduler HOST:PORT "CREATE EXTERNAL TABLE …" "SELECT …"`
//!
//! ```text
//! ftp-client --scheduler 192.0.2.1:50050 --netrc ~/.netrc \
//!     "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION 'ftpes://user@ftp.example.org/pub/2026/'" \
//!     "SELECT count(*) FROM t"
//! ```

use ballista::prelude::{SessionConfigExt, SessionContextExt};
use clap::Parser;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use ftp_cluster::{Failure, Node, Role, answers, run};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    node: Node,
    /// Host and port of the scheduler
    #[arg(long, default_value = "127.0.0.1:50050")]
    scheduler: String,
    /// Statements, run one after the other; the rows of each are printed
    #[arg(required = true)]
    statements: Vec<String>,
}

async fn client(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { node, scheduler, statements } = arguments;
    let environment = node.environments(Role::Planner)?;
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(SessionConfig::new_with_ballista())
        .with_runtime_env(environment()?)
        .build();
    let context = SessionContext::remote_with_state(&format!("df://{scheduler}"), state).await?;
    print!("{}", answers(&context, &statements).await?);
    Ok(())
}

fn main() -> Result<(), Failure> {
    run(client(Arguments::parse()))
}
