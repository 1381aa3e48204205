//! A scheduler and two executors, each a process

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ftp_tests::servers::Server;
use tempfile::TempDir;

use crate::observe::page;

pub const EXECUTORS: [&str; 2] = ["127.0.0.2", "127.0.0.3"];

/// The memory of each executor in MiB
pub const MEMORY: u64 = 512;

/// A process that is killed when it is dropped
#[derive(Debug)]
pub struct Process(pub Child);

impl Process {
    /// kill -9
    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[derive(Debug)]
pub struct Cluster {
    _scheduler: Process,
    pub executors: Vec<Process>,
    pub address: String,
    common: Vec<String>,
    /// The logs of the processes, and the intermediate results of the executors
    pub work: TempDir,
}

fn free_port(ip: &str) -> u16 {
    TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap().port()
}

fn start(program: &str, arguments: &[String], log: &Path) -> Process {
    let log = File::create(log).unwrap();
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    Process(child)
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

impl Cluster {
    pub fn start(server: &Server, policy: &str) -> Self {
        let work = tempfile::tempdir().unwrap();
        let netrc = work.path().join("netrc");
        let Server { user, password, ca_file, .. } = server;
        fs::write(&netrc, format!("machine 127.0.0.1 login {user} password \"{password}\"\n"))
            .unwrap();
        let mut common = words("--sessions 8 --executors 2 --netrc");
        common.extend([netrc.display().to_string(), "--ca".to_owned()]);
        common.push(ca_file.display().to_string());

        let address = format!("127.0.0.1:{}", free_port("127.0.0.1"));
        let port = address.rsplit_once(':').unwrap().1;
        let mut arguments = words(&format!("--port {port} --policy {policy} --lost 8"));
        arguments.extend(common.clone());
        let log = work.path().join("scheduler.log");
        let scheduler = start(env!("CARGO_BIN_EXE_ftp-scheduler"), &arguments, &log);
        let executor = |ip: &&str| {
            let folder = work.path().join(ip);
            fs::create_dir(&folder).unwrap();
            let mut arguments = words(&format!(
                "--address {ip} --port {} --scheduler {address} --policy {policy} --tasks 2 \
                 --heartbeat 2 --memory {MEMORY} --work",
                free_port(ip)
            ));
            arguments.push(folder.display().to_string());
            arguments.extend(common.clone());
            let log = work.path().join(format!("executor-{ip}.log"));
            start(env!("CARGO_BIN_EXE_ftp-executor"), &arguments, &log)
        };
        let executors = EXECUTORS.iter().map(executor).collect();
        let cluster = Self { _scheduler: scheduler, executors, address, common, work };
        cluster.await_executors();
        cluster
    }

    fn await_executors(&self) {
        let begun = Instant::now();
        loop {
            let page = page(&self.address, "/api/executors").unwrap_or_default();
            if EXECUTORS.iter().all(|ip| page.contains(ip)) {
                return;
            }
            let logs = || self.logs().into_iter().map(|log| fs::read_to_string(log).unwrap());
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "{page}\n{}",
                logs().collect::<String>()
            );
            thread::sleep(Duration::from_millis(100));
        }
    }

    pub fn logs(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.work.path()).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|ending| ending == "log")).collect()
    }

    /// Starts a client that runs statements
    pub fn client(&self, statements: &[String]) -> Child {
        let log = self.work.path().join("client.log");
        let log = File::options().create(true).append(true).open(log).unwrap();
        Command::new(env!("CARGO_BIN_EXE_ftp-client"))
            .args(["--scheduler", &self.address])
            .args(&self.common)
            .args(statements)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// Waits for a client, and returns the rows that it has printed
    pub fn rows(&self, client: Child) -> String {
        let Output { status, stdout, .. } = client.wait_with_output().unwrap();
        let rows = String::from_utf8(stdout).unwrap();
        let log = || fs::read_to_string(self.work.path().join("client.log")).unwrap();
        assert!(status.success(), "{rows}{}", log());
        rows
    }
}
