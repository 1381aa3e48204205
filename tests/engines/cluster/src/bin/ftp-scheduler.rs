//! Ballista's scheduler, which can list FTP servers: it plans the queries and distributes their tasks to executors

use std::net::SocketAddr;
use std::sync::Arc;

use ballista_core::utils::default_session_builder;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::{SchedulerConfig, TaskDistributionPolicy};
use ballista_scheduler::scheduler_process::start_server;
use clap::Parser;
use datafusion::execution::session_state::SessionStateBuilder;
use ftp_cluster::{Failure, Node, Policy, Role, run};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    node: Node,
    /// Port for clients, executors, and browsers
    #[arg(long, default_value_t = 50050)]
    port: u16,
    #[arg(long, value_enum, default_value = "push")]
    policy: Policy,
    /// Seconds without a heartbeat after which an executor is considered lost
    #[arg(long, default_value_t = 180)]
    lost: u64,
}

async fn scheduler(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { node, port, policy, lost } = arguments;
    let environment = node.environments(Role::Planner)?;
    let config = SchedulerConfig {
        bind_host: node.address.to_string(),
        external_host: node.address.to_string(),
        bind_port: port,
        scheduling_policy: policy.into(),
        // The sessions are divided evenly, so the tasks should be.
        task_distribution: TaskDistributionPolicy::RoundRobin,
        executor_timeout_seconds: lost,
        expire_dead_executor_interval_seconds: (lost / 4).max(1),
        no_executors_grace_period_seconds: lost,
        override_session_builder: Some(Arc::new(move |config| {
            let state = SessionStateBuilder::from(default_session_builder(config)?);
            Ok(state.with_runtime_env(environment()?).build())
        })),
        ..SchedulerConfig::default()
    };
    let cluster = BallistaCluster::new_from_config(&config).await?;
    start_server(cluster, SocketAddr::new(node.address, port), Arc::new(config)).await?;
    Ok(())
}

fn main() -> Result<(), Failure> {
    run(scheduler(Arguments::parse()))
}
