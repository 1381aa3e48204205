//! Ballista's executor, which can read and write files on FTP servers

use std::sync::Arc;

use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use clap::Parser;
use ftp_cluster::{Failure, Node, Policy, Role, run};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    node: Node,
    /// Port for data; that for tasks is the next one
    #[arg(long, default_value_t = 50051)]
    port: u16,
    /// Host and port of the scheduler
    #[arg(long, default_value = "127.0.0.1:50050")]
    scheduler: String,
    #[arg(long, value_enum, default_value = "push")]
    policy: Policy,
    /// Number of tasks at a time
    #[arg(long, default_value_t = 2)]
    tasks: usize,
    /// Memory of all tasks together, MiB; what does not fit is written to the work directory
    #[arg(long, default_value_t = 512)]
    memory: u64,
    /// Directory for intermediate results
    #[arg(long)]
    work: String,
    /// Seconds between heartbeats
    #[arg(long, default_value_t = 60)]
    heartbeat: u64,
}

async fn executor(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { node, port, scheduler, policy, tasks, memory, work, heartbeat } = arguments;
    let environment = node.environments(Role::Executor)?;
    let (host, scheduler_port) =
        scheduler.rsplit_once(':').ok_or("--scheduler: a host and a port, as in host:50050")?;
    let config = ExecutorProcessConfig {
        bind_host: node.address.to_string(),
        external_host: Some(node.address.to_string()),
        port,
        grpc_port: port.checked_add(1).ok_or("--port: the next port is needed, too")?,
        scheduler_host: host.to_owned(),
        scheduler_port: scheduler_port.parse()?,
        scheduler_connect_timeout_seconds: 30,
        task_scheduling_policy: policy.into(),
        vcores: tasks,
        memory_pool_size: Some(memory << 20),
        work_dir: Some(work),
        executor_heartbeat_interval_seconds: heartbeat,
        override_runtime_producer: Some(Arc::new(move |_| environment())),
        ..ExecutorProcessConfig::default()
    };
    start_executor_process(Arc::new(config)).await?;
    Ok(())
}

fn main() -> Result<(), Failure> {
    run(executor(Arguments::parse()))
}
