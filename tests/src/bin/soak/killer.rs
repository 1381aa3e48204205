//! Kills servers and restarts them

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use ftp_tests::servers::Server;
use rustix::process::{Pid, Signal, kill_process};

use crate::content::Random;

pub(crate) struct Killer {
    random: Random,
    next: Instant,
    /// Servers that are down, with the time at which they are restarted
    down: Vec<(Process, Instant)>,
    processes: Vec<Process>,
    pub(crate) kills: u64,
}

/// A server, or one of several processes of a server
struct Process {
    name: String,
    pid: i32,
    /// The command that restarts it
    command: String,
    child: Option<Child>,
}

impl Killer {
    pub(crate) fn new(random: Random) -> Self {
        let text = std::fs::read_to_string(state().join("commands.tsv")).unwrap();
        let processes = text.lines().map(|line| {
            let fields: Vec<&str> = line.splitn(3, '\t').collect();
            let pid = fields[1].parse().unwrap();
            let (name, command) = (fields[0].to_owned(), fields[2].to_owned());
            Process { name, pid, command, child: None }
        });
        let processes = processes.collect();
        Self { random, next: Instant::now(), down: Vec::new(), processes, kills: 0 }
    }

    /// Kills a server now and then, and restarts those that have been down for long enough
    pub(crate) fn perhaps(&mut self, servers: &[Server]) {
        let now = Instant::now();
        let (back, down): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.down).into_iter().partition(|(_, at)| *at <= now);
        self.down = down;
        for (process, _) in back {
            self.start(process);
        }
        if now < self.next {
            return;
        }
        self.next = now + Duration::from_millis(3_000 + self.random.below(9_000) as u64);
        let victim = &servers[self.random.below(servers.len())].name;
        let pause = Duration::from_millis(self.random.below(3_000) as u64);
        while let Some(index) =
            self.processes.iter().position(|process| process.name.starts_with(victim))
        {
            let mut process = self.processes.swap_remove(index);
            process.kill();
            self.down.push((process, now + pause));
        }
        self.kills += 1;
    }

    /// Restarts every server that is down
    pub(crate) fn revive(&mut self) {
        for (process, _) in std::mem::take(&mut self.down) {
            self.start(process);
        }
    }

    fn start(&mut self, mut process: Process) {
        // It runs in a session of its own, so that signals to this process do not reach it.
        let command = format!("exec {}", process.command);
        let child = Command::new("setsid").args(["bash", "-c", &command]).spawn().unwrap();
        process.pid = child.id().try_into().unwrap();
        process.child = Some(child);
        // `tests/servers/stop` ends it.
        let pids = state().join("pids");
        let mut list = std::fs::read_to_string(&pids).unwrap_or_default();
        list.push_str(&format!("{}\n", process.pid));
        std::fs::write(pids, list).unwrap();
        self.processes.push(process);
    }
}

impl Process {
    /// Kills it and the processes of its sessions
    fn kill(&mut self) {
        let children = children();
        let mut family = vec![self.pid];
        let mut index = 0;
        while let Some(pid) = family.get(index) {
            family.extend(children.get(pid).into_iter().flatten());
            index += 1;
        }
        for pid in family {
            if let Some(pid) = Pid::from_raw(pid) {
                // It may have ended already.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Returns the children of every process
fn children() -> HashMap<i32, Vec<i32>> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        // The parent is the second field after the name, which is in parentheses.
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(pid);
        }
    }
    children
}

fn state() -> PathBuf {
    PathBuf::from(std::env::var_os("FTP_SERVERS").unwrap()).parent().unwrap().to_owned()
}
